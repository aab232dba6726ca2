"""The full softmax in its textbook form: what everything else here approximates or replaces.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 2; Bengio et al. 2003 before it. With v an
input vector and u_w the output vector of word w,

    p(w | v) = exp(u_w . v) / sum over all V words of exp(u_x . v)        loss: -log p

Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.

Cost of a prediction: O(V D), and every one of the V output vectors moves each time. On 10,000 words
that is a thousand times the work of negative sampling; this file exists so that you can see it.

Differs from the paper: subsampling keeps sqrt(t/f) + t/f; B centres are trained from the same
point. CBOW's gradient to the context words is undivided, as in word2vec.c and gensim.
Not handled: chunking the (P, V) scores, so memory grows with B V; sharing one softmax between the
contexts of a centre, which have the same distribution.
"""

from torch import Tensor
from torch.nn.functional import cross_entropy

from bench.contract import Config, Corpus, Resources, Spec
from impls._textbook import Textbook, most_frequent


class FullSoftmax(Textbook):
    """Eager PyTorch with autograd; one cross-entropy over the vocabulary a prediction."""

    spec = Spec(
        name="full_softmax",
        summary="textbook full softmax: autograd through a cross-entropy over all V words",
        objectives=("softmax",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch",),
    )
    # B. On 3 K words, where the frequent ones are likeliest, 64 overshoots: vectors of length 23 come and go.
    most_positions = 32  # the scores are (6 B, V): 7 MB at V = 9 K, 52 MB at V = 68 K

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        busiest = 2 * most_frequent(corpus, config)  # as the word seen, and by its probability
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)

    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        u = self.outputs.detach().requires_grad_()  # (V, D) all of them
        loss = cross_entropy(v @ u.T, target, reduction="sum")  # (P, V) scores; a sum over pairs
        loss.backward()
        self.outputs.add_(u.grad, alpha=-rate)
        self.scored += len(v) * len(u)
