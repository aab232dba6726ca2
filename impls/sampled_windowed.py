"""Sampled softmax as a banded product: all predictions of a chunk share one sample of the vocabulary.

Papers: Jean et al. 2015; noise words shared between neighbouring predictions as in Ji et al. 2016
(arXiv 1604.04661). Adds to `sampled_softmax`: gradients by hand, shared noise, no pair written down.

A chunk of C centres draws K noise words a centre, K' = K C, and pools them: each of its predictions has
all K' in its softmax, for the same number of draws. That is `sampled_softmax` with K' noise words, nearer
to the full softmax than with K. With e = exp(v . u - log(K' q)) of a noise word, w a target,
and m how often it is predicted from v,

    Z = exp(v . u_w) + sum of e over noise words other than w
    dloss/d(v . u) = m (exp(v . u_w) / Z - 1)                  for a target w
    dloss/d(v . u) = e (sum of m / Z over targets other than it)  for a noise word

Which noise word is which target is a small matrix of ones and zeros, the same for all centres of a chunk:
both sums are products with it, so that no prediction needs a list of its own.

Options: `positions` centres a step and thread, `chunk` C. A quarter of the positions of `ns_windowed`,
since a rare noise word answers for many others (see the parent): with 256, training diverged on wiki-slice.
"""

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Kept, Noise
from impls._textbook import most_frequent
from impls._windowed import Windowed, gather


class SampledSoftmaxWindowed(Windowed):
    """Eager PyTorch: about thirty operations a step of some hundred centres."""

    spec = Spec(
        name="sampled_windowed",
        summary="sampled softmax as banded matrix products, one sample shared by a chunk",
        objectives=("sampled",),
        architectures=("skipgram", "cbow"),
        paper="jean2015",
        needs=("torch",),
        parent="sampled_softmax",
        options={"positions": 64, "chunk": 8},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        drawn = config.negatives * float(corpus.noise_probability.max())
        predictions = config.window + 1 if config.architecture == "skipgram" else 1
        busiest = predictions * (most_frequent(corpus, config) + drawn)
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.shared = config.negatives * self.C  # K'
        self.noise = Noise(corpus, config, self.device)
        expected = self.shared * torch.from_numpy(corpus.noise_probability)
        self.log_expected = expected.log().float().to(self.device)  # (V,) log(K' q)

    def noise_words(self, chunks: int, generator: torch.Generator) -> Tensor:
        return self.noise.draw(chunks, self.shared, generator=generator)

    def scored(self, kept: Kept) -> Tensor:
        contexts = kept.left + kept.right
        predictions = contexts if self.config.architecture == "skipgram" else (contexts > 0).long()
        return predictions.sum() + self.shared * (contexts > 0).sum()

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        T = targets.shape[1]
        words = torch.cat([targets, noise], dim=1)  # (n, T + K')
        u = gather(self.outputs, words)  # (n, T + K', D)
        other = (targets[:, :, None] != noise[:, None, :]).float()  # (n, T, K') 0: an accidental hit
        g = torch.bmm(v, u.mT)  # (n, C, T + K')
        g[:, :, T:].sub_(self.log_expected[noise][:, None])
        g.sub_(g.amax(2, keepdim=True)).exp_()  # scores less the greatest: no overflow, the same ratios
        e, e_noise = g[:, :, :T], g[:, :, T:]  # views
        Z = torch.baddbmm(e, e_noise, other.mT).clamp_(
            min=1e-30
        )  # (n, C, T) above 0 also for who is not seen
        e_noise.mul_(torch.bmm(seen / Z, other))
        e.div_(Z).sub_(1).mul_(seen)
        return torch.bmm(g, u), words, torch.bmm(g.mT, v)
