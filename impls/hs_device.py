"""Hierarchical softmax on the GPU by PyTorch's own kernels: the windowed step, resident, as one CUDA graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. Adds to `hs_windowed` that the host neither waits
nor launches, that the chunks of a step are from places far apart (both are said in `_resident`), and what
graphs need: one number of deep columns. It is what a chunk of nothing but the deepest word would need, so
that no chunk has more and nothing is left out: in skip-gram on enwiki2015-100mb 26 targets × 14 nodes,
rounded up to 368 columns. A chunk there has 134 nodes on average, and one of 6,000 more than 256.

A step is 60 launches in skip-gram and 68 in CBOW, two microseconds each or so: 120 microseconds. Its rows,
256 of the inputs, the J at the top and 16 × 368 deep ones, are some 18 MB on their way from gathering to
adding, in the second-level cache: four microseconds of bandwidth. So launches are the limit, at about 2.1 M
kept words a second, by estimate; columns that stay empty cost next to nothing.

Options as in `hs_windowed`.
"""

from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._resident import Resident
from impls.hs_windowed import COLUMNS, HierarchicalSoftmaxWindowed


class HierarchicalSoftmaxDevice(Resident, HierarchicalSoftmaxWindowed):
    """Eager PyTorch, recorded."""

    spec = Spec(
        name="hs_device",
        summary="hierarchical softmax on the GPU: the windowed step by PyTorch's kernels, as a CUDA graph",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cuda"),
        parent="hs_windowed",
        options={"positions": 256, "chunk": 16, "top": 127, "cap": 128, "repeats": 2},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        super().prepare(corpus, config, resources)
        targets = self.C + 2 * config.window if config.architecture == "skipgram" else self.C
        self.enough = COLUMNS * -(-targets * int(self.deep.max()) // COLUMNS)

    def columns(self, targets: Tensor) -> int:
        del targets
        return self.enough
