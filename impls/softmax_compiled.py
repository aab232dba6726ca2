"""The full softmax under torch.compile: the windowed step, its passes over the vocabulary unrolled.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 2. Adds to `softmax_windowed` nothing but the
compiler: the exponentials are fused with what is done to them, the products stay MKL's. What is compiled
and what the option `mode` means on a CPU is said in `_compiled`.
"""

from bench.contract import Spec
from impls._compiled import compile_step
from impls.softmax_windowed import FullSoftmaxWindowed


class FullSoftmaxCompiled(FullSoftmaxWindowed):
    """Modes `default`, `reduce-overhead`, `max-autotune`."""

    spec = Spec(
        name="softmax_compiled",
        summary="windowed full softmax under torch.compile",
        objectives=("softmax",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cc"),
        parent="softmax_windowed",
        options={"positions": 32, "chunk": 16, "block": 4096, "mode": "default"},
    )

    def compile(self) -> None:
        compile_step(self)
