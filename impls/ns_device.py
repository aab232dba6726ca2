"""Negative sampling on the GPU by PyTorch's own kernels: the windowed step, resident, as one CUDA graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4; noise words shared within a chunk of
neighbouring centres as in Ji et al. 2016 (arXiv 1604.04661). Adds to `ns_windowed` that the host neither
waits nor launches: the text is drawn on the device and steps are replayed, see `_resident`.

LAUNCHES

Options as in `ns_windowed`; with `positions` up to 512 it keeps its quality. On enwiki2015-100mb its bound on
stale updates leaves 336 of them in skip-gram, all in CBOW.
"""

from bench.contract import Spec
from impls._resident import Resident
from impls.ns_windowed import NegativeSamplingWindowed


class NegativeSamplingDevice(Resident, NegativeSamplingWindowed):
    """Eager PyTorch, recorded."""

    spec = Spec(
        name="ns_device",
        summary="negative sampling on the GPU: the windowed step of PyTorch's own kernels, as a CUDA graph",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cuda"),
        parent="ns_windowed",
        options={"positions": 512, "chunk": 8, "negatives_a_chunk": 40, "cap": 0},
    )
