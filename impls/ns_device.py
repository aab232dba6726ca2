"""Negative sampling on the GPU by PyTorch's own kernels: the windowed step, resident, as one CUDA graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4; noise words shared within a chunk of
neighbouring centres as in Ji et al. 2016 (arXiv 1604.04661). Adds to `ns_windowed` that the host neither
waits nor launches, and that the chunks of a step are from places far apart: both are said in `_resident`.

A step is 22 launches in skip-gram and 30 in CBOW, two microseconds each or so: 44 microseconds. Its rows,
1 of the inputs and 7.25 of the outputs a centre, are gathered, multiplied, changed and added, some 8 MB for
336 centres of D = 100, in the second-level cache: two microseconds of bandwidth. So launches are the limit,
at about 7 M kept words a second, by estimate; `ns_device_compiled` and `ns_triton` have fewer of them.

Options as in `ns_windowed`, which keeps its quality with `positions` up to 512. On enwiki2015-100mb its bound
on stale updates leaves 336 of them in skip-gram, and all in CBOW.
"""

from bench.contract import Spec
from impls._resident import Resident
from impls.ns_windowed import NegativeSamplingWindowed


class NegativeSamplingDevice(Resident, NegativeSamplingWindowed):
    """Eager PyTorch, recorded."""

    spec = Spec(
        name="ns_device",
        summary="negative sampling on the GPU: the windowed step by PyTorch's kernels, as a CUDA graph",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch", "cuda"),
        parent="ns_windowed",
        options={"positions": 512, "chunk": 8, "negatives_a_chunk": 40, "cap": 0},
    )
