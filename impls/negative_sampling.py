"""Negative sampling in its textbook form: a softmax over V words becomes K + 1 yes-or-no questions.

Paper: Mikolov, Sutskever, Chen, Corrado, Dean 2013, "Distributed Representations of Words and
Phrases and their Compositionality" (arXiv 1310.4546), equation 4. For an input vector v and the
output vector u of the word that was seen,

    maximise   log sigma(u . v) + sum over K noise words w_k ~ counts^0.75 of log sigma(-u_k . v)

Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.

Cost of a prediction: O(K D), whatever V. Here autograd differentiates the equation as written, and
only the rows that were touched receive gradients.

Differs from the paper: the negatives that equal the predicted word count for nothing, as in
word2vec.c; subsampling keeps sqrt(t/f) + t/f; B centres are trained from the same point, so
that their gradients add up before any of them is applied. CBOW hands every context word the
undivided gradient of the mean, as word2vec.c and gensim do.
Not handled: sharing negatives between pairs, several threads writing at once.
"""

import torch
from torch import Tensor
from torch.nn.functional import embedding, logsigmoid

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Noise
from impls._textbook import Textbook, most_frequent


class NegativeSampling(Textbook):
    """Eager PyTorch with autograd; K fresh noise words a prediction."""

    spec = Spec(
        name="negative_sampling",
        summary="textbook negative sampling: autograd on the paper's equation",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
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
        yes = logsigmoid((u * v).sum(dim=1))  # (P,)
        no = logsigmoid(-torch.einsum("pkd,pd->pk", u_noise, v))  # (P, K)
        different = noise != target[:, None]  # (P, K)
        loss = -yes.sum() - (no * different).sum()  # a sum over pairs, never a mean
        loss.backward()
        self.outputs.index_add_(0, target, -rate * u.grad)
        self.outputs.index_add_(0, noise.flatten(), -rate * u_noise.grad.flatten(0, 1))
        self.scored += len(v) + different.sum()
