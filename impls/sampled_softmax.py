"""Sampled softmax in its textbook form: a softmax over the target and K words stands in for all V.

Papers: Bengio and Senécal 2008 for the estimate; Jean et al. 2015 for the softmax over a sample, with
scores corrected by log q ("logQ"). With u the output vector of a word and q the noise distribution, the
noise words w_k ~ q stand for the words that were not drawn, each by one over how often it is expected:

    s(target) = u . v        s(w_k) = u_k . v - log(K q(w_k))
    p = exp(s(target)) / (exp(s(target)) + sum over K noise words other than the target of exp(s(w_k)))

and the loss is -log p. The target is there for certain, hence no correction; noise words that equal it are
taken out (accidental hits), so that it is not there twice. The denominator then is the full softmax's in
expectation, whatever K. The gradient, a ratio with it, is not: its bias falls as 1/K, and for a large K it
is the full softmax's.
Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.

Cost of a prediction: O(K D), whatever V.
B is small (64): the noise words that are drawn stand for all others, so that a rare one moves far when
it comes. With 256 centres from one point vectors overshoot within the first epoch.

Differs from the papers: noise words are drawn with replacement, fresh for every prediction, from
counts^0.75; subsampling keeps sqrt(t/f) + t/f; B centres are trained from the same point. CBOW's gradient
to the context words is undivided, as in word2vec.c and gensim.
Not handled: sharing noise between pairs, several threads writing at once.
"""

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, embedding

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Noise
from impls._textbook import Textbook, most_frequent


class SampledSoftmax(Textbook):
    """Eager PyTorch with autograd; K fresh noise words a prediction."""

    spec = Spec(
        name="sampled_softmax",
        summary="textbook sampled softmax with logQ correction: autograd on a cross-entropy over K + 1 words",
        objectives=("sampled",),
        architectures=("skipgram", "cbow"),
        paper="jean2015",
        needs=("torch",),
    )

    most_positions = 64  # B

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.K = config.negatives
        busiest = most_frequent(corpus, config) + self.K * float(corpus.noise_probability.max())
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.noise = Noise(corpus, config, resources.device)
        expected = self.K * torch.from_numpy(corpus.noise_probability)  # of each word among K noise words
        self.log_expected = expected.log().float().to(resources.device)  # (V,)

    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        noise = self.noise.draw(len(v), self.K)  # (P, K)
        u = embedding(target, self.outputs).requires_grad_()  # (P, D)
        u_noise = embedding(noise, self.outputs).requires_grad_()  # (P, K, D)
        hit = noise == target[:, None]  # (P, K)
        drawn = torch.einsum("pkd,pd->pk", u_noise, v) - self.log_expected[noise]  # (P, K)
        scores = torch.cat([(u * v).sum(dim=1, keepdim=True), drawn.masked_fill(hit, -torch.inf)], dim=1)
        first = torch.zeros_like(target)  # (P,) where the target stands among the K + 1 scores
        loss = cross_entropy(scores, first, reduction="sum")  # a sum over pairs, never a mean
        loss.backward()
        self.outputs.index_add_(0, target, -rate * u.grad)
        self.outputs.index_add_(0, noise.flatten(), -rate * u_noise.grad.flatten(0, 1))
        self.scored += len(v) + (~hit).sum()
