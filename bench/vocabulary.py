"""What follows from the word counts alone: subsampling, the noise distribution, the Huffman tree.

Facts of a corpus rather than of an algorithm, so every implementation is handed the same ones.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

NOISE_POWER = 0.75  # Mikolov et al. 2013b, section 2.2; fastText uses 0.5


def keep_probability(counts: npt.NDArray[np.int64], subsample: float) -> npt.NDArray[np.float64]:
    """(V,) chance that one occurrence of each word survives subsampling.

    sqrt(t/f) + t/f for a word of relative frequency f, as word2vec.c, gensim and fastText compute
    it; the paper (Mikolov et al. 2013b, equation 5) has sqrt(t/f) alone. t = 0 keeps everything.
    """
    if subsample == 0:
        return np.ones(len(counts))
    ratio = subsample * counts.sum() / counts  # t / f
    keep: npt.NDArray[np.float64] = np.minimum(1.0, np.sqrt(ratio) + ratio)
    return keep


def noise_probability(counts: npt.NDArray[np.int64], power: float = NOISE_POWER) -> npt.NDArray[np.float64]:
    """(V,) probability of each word as a negative: counts^power, normalised."""
    weight: npt.NDArray[np.float64] = counts.astype(np.float64) ** power
    weight /= weight.sum()
    return weight


@dataclass(frozen=True)
class HuffmanTree:
    """Paths from the root to every word, laid end to end.

    Word w passes the inner nodes `nodes[offsets[w]:offsets[w + 1]]`, root first, and turns to the
    side `codes[...]` at each. Inner nodes are numbered by falling weight, the root being 0, so the
    top of the tree is a prefix of the output matrix.
    """

    offsets: npt.NDArray[np.int64]  # (V + 1,)
    nodes: npt.NDArray[np.int32]  # (P,) inner nodes, 0..V-2
    codes: npt.NDArray[np.uint8]  # (P,) 0 or 1

    @property
    def lengths(self) -> npt.NDArray[np.int64]:
        """(V,) code length of each word, in bits."""
        return np.diff(self.offsets)


def huffman_tree(counts: npt.NDArray[np.int64]) -> HuffmanTree:
    """The Huffman tree of falling `counts` (V,), by the two-queue merge in O(V).

    Leaves are already sorted and inner nodes are born in order of weight, so the two lightest are
    always at the front of one of two queues (Mikolov et al. 2013b, section 2.1). Ties take the inner
    node first, as word2vec.c does. All ways to break ties are equally short, yet not equally good: on
    the wiki slice, taking leaves first costs .06 of WordSim-353. A heap, as in gensim, breaks them in
    a third way, so compare lengths, not codes.
    """
    V = len(counts)
    if V == 1:  # a single word is certain: nothing to decide, no inner node
        return HuffmanTree(np.zeros(2, np.int64), np.empty(0, np.int32), np.empty(0, np.uint8))
    weight = counts[::-1].tolist()  # lightest leaf first; inner nodes are appended behind
    parent = [0] * (2 * V - 1)
    side = [0] * (2 * V - 1)
    leaf, inner = 0, V
    for born in range(V, 2 * V - 1):
        total = 0
        for turn in (0, 1):
            if leaf < V and (inner >= born or weight[leaf] < weight[inner]):
                child, leaf = leaf, leaf + 1
            else:
                child, inner = inner, inner + 1
            parent[child], side[child] = born, turn
            total += weight[child]
        weight.append(total)
    return _paths(np.asarray(parent), np.asarray(side, np.uint8), V)


def _paths(parent: npt.NDArray[np.int64], side: npt.NDArray[np.uint8], V: int) -> HuffmanTree:
    """Climb from all leaves at once, one level a pass, and lay the paths down root first."""
    root = 2 * V - 2
    position = np.arange(V - 1, -1, -1)  # word w is leaf V-1-w
    levels_nodes, levels_sides = [], []
    while (position != root).any():
        up = parent[position]  # the root's parent is 0, a harmless index that is masked below
        levels_nodes.append(np.where(position != root, root - up, -1))
        levels_sides.append(side[position])
        position = np.where(position != root, up, root)
    nodes = np.stack(levels_nodes[::-1], axis=1)  # (V, longest) root side first
    sides = np.stack(levels_sides[::-1], axis=1)
    known = nodes >= 0
    offsets = np.concatenate(([0], np.cumsum(known.sum(axis=1))))
    return HuffmanTree(offsets.astype(np.int64), nodes[known].astype(np.int32), sides[known])
