"""Hierarchical softmax as a banded product: the top of the tree dense, the deep rest gathered.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. Adds to `hierarchical_softmax`: gradients by
hand, and each path gathered once for all the centres of a chunk that predict its word. With m how often
a word is predicted from v, u a node on its path, s = sigma(v . u) and 1 - code the wanted side,

    dloss/d(v . u) = m (s - (1 - code))

Inner nodes are numbered by falling weight, and no node is heavier than its parent, so the first J of them
are a tree around the root. They are on most paths: all centres meet all of them in one dense product.
There, a path is one of J + 1 (the subtree that hangs below), and a row of a small table says which nodes
it has and where it turns. On enwiki2015-100mb, J = 127 leaves 5 of a code's 12 bits to be gathered.
The deep nodes of a chunk's targets are laid end to end, column by column, so that short codes cost little.

Options: `positions` centres a step and thread, `chunk` C, `top` J, and what keeps a step from overshooting:

- `cap`: a node expected on more than `cap` paths of a step has its updates scaled back to `cap` paths (0:
  never). The root is on every path, 1,536 in a step of 256 centres: without a cap even 128 overshoot.
- `repeats`: an input vector that comes more often in a step has its updates scaled back to so many (0:
  never). A text repeats its words where it has used them, and each path pulls at them from a dozen nodes:
  without it, also 64 positions diverge within the first 2 M words of enwiki2015-100mb.
"""

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from bench.vocabulary import HuffmanTree
from impls._law import Kept
from impls._windowed import Change, Windowed, gather

COLUMNS = 16  # deep columns are rounded up to this, so that few shapes occur


def top_paths(tree: HuffmanTree, J: int) -> tuple[Tensor, Tensor]:
    """The ways through the first J inner nodes.

    Returns which of the ways each word takes (V,), and for each way (ways, 2J) float32: 1 where it
    passes a node, then 1 where the wanted score there is high (code 0).
    """
    V = len(tree.lengths)
    word = torch.repeat_interleave(torch.from_numpy(tree.lengths))  # (path,) whose path a node is on
    nodes, codes = (torch.from_numpy(x.copy()).long() for x in (tree.nodes, tree.codes))
    last = torch.full((V,), -1).scatter_reduce(0, word, torch.where(nodes < J, 2 * nodes + codes, -1), "amax")
    _, way = last.unique(return_inverse=True)  # the last top node and its side tell all those before
    table = torch.zeros(int(way.max()) + 1, 2 * J)
    top = nodes < J
    table[way[word[top]], nodes[top]] = 1
    table[way[word[top]], J + nodes[top]] = 1 - codes[top].float()
    return way, table


class HierarchicalSoftmaxWindowed(Windowed):
    """Eager PyTorch; the number of deep columns follows the step."""

    spec = Spec(
        name="hs_windowed",
        summary="hierarchical softmax as banded matrix products, the top of the tree dense",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch",),
        parent="hierarchical_softmax",
        options={"positions": 256, "chunk": 16, "top": 127, "cap": 128, "repeats": 2},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        tree, inner = corpus.huffman, max(corpus.vocabulary_size - 1, 1)
        self.start(corpus, config, resources, outputs=inner)
        self.J = J = min(int(self.options["top"]), inner)
        self.way, self.table = (x.to(self.device) for x in top_paths(tree, J))  # (V,), (ways, 2J)
        self.lengths = torch.from_numpy(tree.lengths).to(self.device)  # (V,)
        nodes, codes = (torch.from_numpy(x.copy()).to(self.device) for x in (tree.nodes, tree.codes))
        deep = nodes >= J
        self.nodes, self.sides = nodes[deep].long(), 1 - codes[deep].float()  # (deep,) word after word
        word = torch.repeat_interleave(self.lengths)[deep]
        self.deep = torch.bincount(word, minlength=corpus.vocabulary_size)  # (V,) deep nodes of each word
        self.first = self.deep.cumsum(0) - self.deep  # (V,) where its deep nodes start
        self._calm = self._calming(corpus) if self.options["cap"] else None

    def _calming(self, corpus: Corpus) -> Tensor:
        """(V - 1, 1) the factor on a node's update: min(1, cap / paths through it expected in a step)."""
        tree, c = corpus.huffman, self.config
        kept = torch.from_numpy(corpus.keep_probability(c.subsample) * corpus.counts)
        predictions = self.n * self.C * (c.window + 1 if c.architecture == "skipgram" else 1)
        word = torch.repeat_interleave(torch.from_numpy(tree.lengths))
        share = torch.zeros(len(self.outputs), dtype=torch.float64)  # of all paths, through each node
        share.index_add_(0, torch.from_numpy(tree.nodes.copy()).long(), (kept / kept.sum())[word])
        factor = self.options["cap"] / (predictions * share).clamp(min=1e-9)
        return factor.clamp(max=1)[:, None].float().to(self.device)

    def calm(self, change: Change) -> None:
        if repeats := float(self.options["repeats"]):
            rows = change.input_rows.reshape(-1)
            once = torch.ones(len(rows), device=self.device)
            times = torch.zeros(len(self.inputs), device=self.device).index_add_(0, rows, once)
            factor = (repeats / times.index_select(0, rows)).clamp(max=1)
            change.inputs.view(len(rows), -1).mul_(factor[:, None])

    def scored(self, kept: Kept) -> Tensor:
        contexts = kept.left + kept.right
        predictions = contexts if self.config.architecture == "skipgram" else (contexts > 0).long()
        return (predictions * self.lengths[kept.ids]).sum()  # each pair counted at its other end

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        del noise
        dv_top, du_top = self._top(v, targets, seen)
        dv, nodes, du = self._deep(v, targets, seen)
        every = torch.arange(self.J, device=self.device)
        rows, change = torch.cat([every, nodes]), torch.cat([du_top, du])
        if self._calm is not None:
            change *= gather(self._calm, rows)
        return dv_top + dv, rows, change

    def _top(self, v: Tensor, targets: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Changes of v (n, C, D) and of the first J nodes (J, D)."""
        u, flat = self.outputs[: self.J], v.flatten(0, 1)  # (J, D), (n C, D)
        passes, high = torch.bmm(seen, gather(self.table, self.way[targets])).flatten(0, 1).tensor_split(2, 1)
        g = (flat @ u.T).sigmoid_().mul_(passes).sub_(high)  # (n C, J)
        return (g @ u).view_as(v), g.T @ flat

    def columns(self, targets: Tensor) -> int:
        """N, the deep nodes of the fullest chunk, rounded up."""
        return -(-int(self.deep[targets].sum(1).max()) // COLUMNS) * COLUMNS

    def _deep(self, v: Tensor, targets: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Changes of v (n, C, D); the deep nodes (n N,) and their changes (n N, D)."""
        n, T = targets.shape
        ends = self.deep[targets].cumsum(1)  # (n, T) where the columns of each target end
        N = self.columns(targets)
        column = torch.arange(N, device=self.device).expand(n, N)
        owner = torch.searchsorted(ends, column.contiguous(), right=True)  # (n, N) which target; T: none
        real = (owner < T).float()[:, :, None]  # (n, N, 1)
        owner = owner.clamp(max=T - 1)
        word = targets.gather(1, owner)
        at = (self.first[word] + column - ends.gather(1, owner) + self.deep[word]).clamp(
            0, len(self.nodes) - 1
        )
        nodes = self.nodes[at]  # (n, N)
        u = gather(self.outputs, nodes)  # (n, N, D)
        row = owner + T * torch.arange(n, device=self.device)[:, None]
        m = gather(seen.mT.reshape(n * T, -1), row) * real  # (n, N, C)
        g = torch.bmm(u, v.mT).sigmoid_().sub_(self.sides[at][:, :, None]).mul_(m)  # (n, N, C)
        return torch.bmm(g.mT, u), nodes.flatten(), torch.bmm(g, v).flatten(0, 1)
