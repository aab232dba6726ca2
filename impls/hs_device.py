"""Hierarchical softmax on the GPU by PyTorch's own kernels: the windowed step, resident, as one CUDA graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. Adds to `hs_windowed` that the host neither waits
nor launches (`_resident`), and what this needs: one number of deep columns. It is what a chunk of nothing but
the deepest word would need, so that no chunk has more and nothing is left out: 26 targets × 14 nodes, 368 columns,
on enwiki2015-100mb, where a chunk has 134 on average and one in 6,000 more than 256.

LAUNCHES

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
        summary="hierarchical softmax on the GPU: the windowed step of PyTorch's own kernels, as a CUDA graph",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cuda"),
        parent="hs_windowed",
        options={"positions": 256, "chunk": 16, "top": 127, "cap": 128},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        super().prepare(corpus, config, resources)
        targets = self.C + 2 * config.window if config.architecture == "skipgram" else self.C
        self.enough = COLUMNS * -(-targets * int(self.deep.max()) // COLUMNS)

    def columns(self, targets: Tensor) -> int:
        del targets
        return self.enough
