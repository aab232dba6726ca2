"""Hierarchical softmax on the GPU under torch.compile: the step of `hs_device`, compiled, then recorded.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. Adds to `hs_device` nothing but the compiler; what
is compiled and what the option `mode` means is said in `_resident_compiled`.

What is left of the 52 launches of a step in skip-gram is about 27: seven products, two additions, 14 fused
kernels (so many inductor makes of it on a CPU), the sums and the search that find the deep nodes, and the
step's share of its strip; 32 of 60 in CBOW.
"""

from bench.contract import Spec
from impls._resident_compiled import compile_change
from impls.hs_device import HierarchicalSoftmaxDevice


class HierarchicalSoftmaxDeviceCompiled(HierarchicalSoftmaxDevice):
    """Modes `default`, `max-autotune-no-cudagraphs`."""

    spec = Spec(
        name="hs_device_compiled",
        summary="hierarchical softmax on the GPU under torch.compile, as a CUDA graph",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cuda", "triton"),
        parent="hs_device",
        options={"positions": 256, "chunk": 16, "top": 127, "cap": 128, "repeats": 2, "mode": "default"},
    )

    def compile(self) -> None:
        compile_change(self)
        super().compile()
