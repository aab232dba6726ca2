"""Negative sampling on the GPU under torch.compile: the step of `ns_device`, compiled, then recorded.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4. Adds to `ns_device` nothing but the compiler; what
is compiled and what the option `mode` means is said in `_resident_compiled`.

What is left of the 22 launches of a step in skip-gram is about 14: three products, two additions, seven fused
kernels (so many inductor makes of it on a CPU) and the step's share of its strip; 20 of 30 in CBOW.
"""

from bench.contract import Spec
from impls._resident_compiled import compile_change
from impls.ns_device import NegativeSamplingDevice


class NegativeSamplingDeviceCompiled(NegativeSamplingDevice):
    """Modes `default`, `max-autotune-no-cudagraphs`."""

    spec = Spec(
        name="ns_device_compiled",
        summary="negative sampling on the GPU under torch.compile, as a CUDA graph",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cuda", "triton"),
        parent="ns_device",
        options={"positions": 512, "chunk": 8, "negatives_a_chunk": 40, "cap": 0, "mode": "default"},
    )

    def compile(self) -> None:
        compile_change(self)
        super().compile()
