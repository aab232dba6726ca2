"""Hierarchical softmax in its textbook form: a word is reached by a walk of left-or-right choices.

Paper: Morin and Bengio 2005 for the idea; Mikolov et al. 2013b (arXiv 1310.4546), equation 3, for
this form on a Huffman tree. With n(w, j) the j-th inner node on the path to w, u_n the vector of an
inner node and s = +1 or -1 the side that the path takes there,

    p(w | v) = product over the path of sigma(s_j u_n(w,j) . v)

which sums to one over the vocabulary, since the two sides of every node do.
Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.

Cost of a prediction: O(log V) on average, less for frequent words: Huffman codes are short there.
There is no noise and nothing is approximated: this is another model, trained exactly.

Differs from the paper: subsampling keeps sqrt(t/f) + t/f; B centres are trained from the same
point. B is small (25 for skip-gram) because the root is on every path: it receives one gradient a
pair, and a long step computed from one stale point overshoots. Sigmoids are exact (word2vec.c skips a node
where |u . v| >= 6). CBOW's gradient to the context words is undivided, as in word2vec.c and gensim.
Not handled: sharing the top of the tree between pairs, several threads writing at once.
"""

import torch
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid

from bench.contract import Config, Corpus, Resources, Spec
from bench.vocabulary import HuffmanTree
from impls._textbook import Textbook


def padded_paths(tree: HuffmanTree) -> tuple[Tensor, Tensor]:
    """Inner nodes (V, L) int64 and sides (V, L) float32, +1 or -1, and 0 behind the end of a path."""
    lengths = torch.from_numpy(tree.lengths)  # (V,)
    real = torch.arange(int(lengths.max())) < lengths[:, None]  # (V, L)
    nodes = torch.zeros(real.shape, dtype=torch.int64)
    sides = torch.zeros(real.shape)
    nodes[real] = torch.from_numpy(tree.nodes.copy()).long()
    sides[real] = 1 - 2 * torch.from_numpy(tree.codes.copy()).float()
    return nodes, sides


class HierarchicalSoftmax(Textbook):
    """Eager PyTorch with autograd; paths are rows of a padded table."""

    spec = Spec(
        name="hierarchical_softmax",
        summary="textbook hierarchical softmax: autograd along Huffman paths",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch",),
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        nodes_count = max(corpus.vocabulary_size - 1, 1)
        self.start(corpus, config, resources, outputs=nodes_count, busiest=1.0)  # the root, always
        nodes, sides = padded_paths(corpus.huffman)
        self.nodes, self.sides = nodes.to(resources.device), sides.to(resources.device)  # (V, L) twice

    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        nodes, sides = self.nodes[target], self.sides[target]  # (P, L)
        u = embedding(nodes, self.outputs).requires_grad_()  # (P, L, D)
        score = torch.einsum("pld,pd->pl", u, v)  # (P, L)
        on_path = sides.abs()  # (P, L) 1, or 0 in the padding
        loss = -(logsigmoid(sides * score) * on_path).sum()  # the sum over pairs of -log p
        loss.backward()
        self.outputs.index_add_(0, nodes.flatten(), -rate * u.grad.flatten(0, 1))
        self.scored += on_path.sum().long()
