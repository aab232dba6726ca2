"""Negative sampling under torch.compile: the windowed step, compiled in three declared modes.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4. Adds to `ns_windowed` nothing but the compiler;
what is compiled and what a mode means on a CPU is said in `_compiled`.
"""

from bench.contract import Spec
from impls._compiled import compile_step
from impls.ns_windowed import NegativeSamplingWindowed


class NegativeSamplingCompiled(NegativeSamplingWindowed):
    """Mode `default`."""

    spec = Spec(
        name="ns_compiled",
        summary="windowed negative sampling under torch.compile, mode default",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cc"),
        parent="ns_windowed",
        options={"positions": 256, "chunk": 16, "negatives_a_chunk": 80, "cap": 0},
    )
    mode = "default"

    def compile(self) -> None:
        compile_step(self, self.mode)


class NegativeSamplingReduceOverhead(NegativeSamplingCompiled):
    """Mode `reduce-overhead`."""

    spec = Spec(
        name="ns_compiled_reduce_overhead",
        summary="windowed negative sampling under torch.compile, mode reduce-overhead",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cc"),
        parent="ns_windowed",
        options={"positions": 256, "chunk": 16, "negatives_a_chunk": 80, "cap": 0},
    )
    mode = "reduce-overhead"


class NegativeSamplingMaxAutotune(NegativeSamplingCompiled):
    """Mode `max-autotune`."""

    spec = Spec(
        name="ns_compiled_max_autotune",
        summary="windowed negative sampling under torch.compile, mode max-autotune",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cc"),
        parent="ns_windowed",
        options={"positions": 256, "chunk": 16, "negatives_a_chunk": 80, "cap": 0},
    )
    mode = "max-autotune"
