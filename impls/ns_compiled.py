"""Negative sampling under torch.compile: the windowed step as one compiled graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4. Adds to `ns_windowed` nothing but the compiler;
what is compiled and what the option `mode` means on a CPU is said in `_compiled`.
"""

from bench.contract import Spec
from impls._compiled import compile_step
from impls.ns_windowed import NegativeSamplingWindowed


class NegativeSamplingCompiled(NegativeSamplingWindowed):
    """Modes `default`, `reduce-overhead`, `max-autotune`."""

    spec = Spec(
        name="ns_compiled",
        summary="windowed negative sampling under torch.compile",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cc"),
        parent="ns_windowed",
        options={"positions": 256, "chunk": 8, "negatives_a_chunk": 40, "cap": 0, "mode": "default"},
    )

    def compile(self) -> None:
        compile_step(self)
