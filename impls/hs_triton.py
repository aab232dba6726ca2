"""Hierarchical softmax as a Triton kernel: programs walk the text and down the tree.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. The kernel and what it costs: `_triton`; the
text on the device: `_device`. Adds to `hs_windowed`: one launch for a million words, context rows held
for their lifetime in the window, and few centres in flight: the root hears each of them.

A kept word costs one input row and the rows of its path, 12 or so on enwiki2015-100mb, read and added to:
13 rows of 448 bytes each way at D = 100. Every word adds to the root, so that at 70 M kept words a second
some addresses take 70 M additions a second, one behind the other.

Options: `programs` in flight, `group` G centres a step, and `cap`: a node expected on more than `cap` of the
paths that are in flight has its updates scaled back to `cap` paths (0: never), as in `hs_windowed`;
`precision` and `warps` as in `ns_triton`. A path takes as many columns of a step as the longest code, rounded
up to a power of two.
"""

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._device import KeptSection, Section
from impls._triton import Walker, power_of_two


class HierarchicalSoftmaxTriton(Walker):
    """Exact: there is no noise, only what is in flight elsewhere is not seen."""

    spec = Spec(
        name="hs_triton",
        summary="hierarchical softmax on the GPU: Triton programs that walk the text",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cuda", "triton"),
        parent="hierarchical_softmax",
        options={"programs": 128, "group": 1, "cap": 128, "precision": "tf32", "warps": 0},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        tree, inner = corpus.huffman, max(corpus.vocabulary_size - 1, 1)
        self.start(corpus, config, resources, outputs=inner)
        self.lengths = torch.from_numpy(tree.lengths).to(self.device)  # (V,)
        self._scored = self._visits = torch.zeros((), dtype=torch.int64, device=self.device)
        turns = 2 * torch.from_numpy(tree.nodes.copy()) + torch.from_numpy(tree.codes.copy())  # int32
        longest = power_of_two(int(tree.lengths.max()), least=1)
        self.columns = self.group * longest
        self.tables = {
            "path_offsets": torch.from_numpy(tree.offsets.copy()).int().to(self.device),
            "turns": (turns if len(turns) else torch.zeros(1, dtype=torch.int32)).to(self.device),
            "calm": self._calming(corpus).to(self.device),
            "share": 0.0,
            "L": longest,
            "NOISE": 0,
            "HIERARCHICAL": True,
        }

    def _calming(self, corpus: Corpus) -> Tensor:
        """(V - 1,) the factor on a node's update: min(1, cap / paths through it expected in flight)."""
        tree, c, inner = corpus.huffman, self.config, len(self.outputs)
        if not self.options["cap"]:
            return torch.ones(inner)
        kept = torch.from_numpy(corpus.keep_probability(c.subsample) * corpus.counts)
        paths = self.programs * self.group * (c.window + 1 if c.architecture == "skipgram" else 1)
        word = torch.repeat_interleave(torch.from_numpy(tree.lengths))
        share = torch.zeros(inner, dtype=torch.float64)  # of all paths, through each node
        share.index_add_(0, torch.from_numpy(tree.nodes.copy()).long(), (kept / kept.sum())[word])
        return (self.options["cap"] / (paths * share).clamp(min=1e-9)).clamp(max=1).float()

    def noise_of(self, section: Section) -> Tensor:
        del section
        return self._none

    def _count(self, kept: KeptSection) -> None:
        super()._count(kept)
        ids = kept.ids.clamp(0, len(self.lengths) - 1)  # past the text stands anything
        lengths = self.lengths.index_select(0, ids)
        contexts = kept.contexts()
        predictions = contexts if self.config.architecture == "skipgram" else (contexts > 0).int()
        self._scored = self._scored + (predictions * lengths).sum()
        self._visits = self._visits + torch.where(kept.is_text(), 1 + lengths, 0).sum()

    def work(self) -> dict[str, int]:
        return {**super().work(), "scored_outputs": int(self._scored), "row_visits": int(self._visits)}
