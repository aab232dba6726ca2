"""Noise-contrastive estimation in its textbook form: tell the text from noise, knowing the noise.

Papers: Gutmann and Hyvärinen 2010 for the principle; Mnih and Teh 2012 for words, with the logarithm of
the normaliser fixed at 0. With q the noise distribution, u the output vector of a word w and b its bias,
the model is p(w | v) = exp(u . v + b). A word comes either from the model, or is one of K from the noise:

    s(w) = log p(w | v) - log(K q(w))
    maximise   log sigma(s(target)) + sum over K noise words w_k ~ q of log sigma(-s(w_k))

Where p sums to one over the vocabulary, the expected gradient tends to the full softmax's as 1/K; elsewhere
it tends to something else, which leads there. So p can be read as a probability without being normalised.

The bias is Mnih and Teh's: how frequent a word is need not be the vectors' business. They learn it, here it
stays at log q(w), so that p(w | v) = q(w) exp(u . v). Output vectors start at zero: at first the model is the
noise distribution, which is normalised, as NCE assumes. What is left of the score is

    s(w) = u . v - log K

Negative sampling is this without log K, and so the same for K = 1, but for noise that equals the target.
Without a bias p would be 1 for each word at first, and V in sum: vectors have to learn -log V before
anything else. On wiki-slice lengths then ran to 100, and WordSim-353 was .09 after 3 epochs; with this bias
it was .27, and no better with a learned one.

Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.
Cost of a prediction: O(K D), whatever V.

A noise word that equals the target counts: it was drawn from q, and the equation asks how likely that is.
Differs from the papers: the bias; q is counts^0.75; subsampling keeps sqrt(t/f) + t/f; B centres are trained
from the same point. CBOW's gradient to the context words is undivided, as in word2vec.c and gensim.
Not handled: sharing noise between pairs, several threads writing at once.
"""

from math import log

import torch
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Noise
from impls._textbook import Textbook, most_frequent


class NoiseContrastive(Textbook):
    """Eager PyTorch with autograd; K fresh noise words a prediction."""

    spec = Spec(
        name="nce",
        summary="textbook noise-contrastive estimation: autograd on the papers' equation",
        objectives=("nce",),
        architectures=("skipgram", "cbow"),
        paper="mnih2012",
        needs=("torch",),
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.K = config.negatives
        busiest = most_frequent(corpus, config) + self.K * float(corpus.noise_probability.max())
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.noise = Noise(corpus, config, resources.device)

    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        noise = self.noise.draw(len(v), self.K)  # (P, K)
        u = embedding(target, self.outputs).requires_grad_()  # (P, D)
        u_noise = embedding(noise, self.outputs).requires_grad_()  # (P, K, D)
        s = (u * v).sum(dim=1) - log(self.K)  # (P,)
        s_noise = torch.einsum("pkd,pd->pk", u_noise, v) - log(self.K)  # (P, K)
        loss = -logsigmoid(s).sum() - logsigmoid(-s_noise).sum()  # a sum over pairs, never a mean
        loss.backward()
        self.outputs.index_add_(0, target, -rate * u.grad)
        self.outputs.index_add_(0, noise.flatten(), -rate * u_noise.grad.flatten(0, 1))
        self.scored += len(v) + noise.numel()
