"""Noise-contrastive estimation as a banded product: a chunk of centres meets its halo and its noise at once.

Papers: Mnih and Teh 2012; noise words shared between neighbouring predictions as in Ji et al. 2016
(arXiv 1604.04661). Adds to `nce`: gradients by hand, shared noise, no pair written down.

A chunk draws K' noise words, and each of its pairs counts each of them K / K' times, as in `ns_windowed`:
the gradient is a sum over noise words, so that sharing them leaves its expectation as it is. With v a row
of predictors, s = sigma(v . u - log K), and m how often a target is predicted from it,

    dloss/d(v . u) = m (s - 1) for a target,    K / K' (sum of m) s for noise

Noise that equals the target counts, which makes this simpler than `ns_windowed`.

Options: `positions` centres a step and thread, `chunk` C, `negatives_a_chunk` K'.
"""

from math import log

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Kept, Noise
from impls._textbook import most_frequent
from impls._windowed import Windowed, gather


class NoiseContrastiveWindowed(Windowed):
    """Eager PyTorch: about twenty operations a step of some hundred centres."""

    spec = Spec(
        name="nce_windowed",
        summary="noise-contrastive estimation as banded matrix products, noise shared by a chunk",
        objectives=("nce",),
        architectures=("skipgram", "cbow"),
        paper="mnih2012",
        needs=("torch",),
        parent="nce",
        options={"positions": 256, "chunk": 8, "negatives_a_chunk": 40},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        drawn = config.negatives * float(corpus.noise_probability.max())
        predictions = config.window + 1 if config.architecture == "skipgram" else 1
        busiest = predictions * (most_frequent(corpus, config) + drawn)
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.shared = int(self.options["negatives_a_chunk"])  # K'
        self.noise = Noise(corpus, config, self.device)

    def noise_words(self, chunks: int, generator: torch.Generator) -> Tensor:
        return self.noise.draw(chunks, self.shared, generator=generator)

    def scored(self, kept: Kept) -> Tensor:
        contexts = kept.left + kept.right
        predictions = contexts if self.config.architecture == "skipgram" else (contexts > 0).long()
        return predictions.sum() + self.shared * (contexts > 0).sum()

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        T, share = targets.shape[1], self.config.negatives / self.shared  # share: K / K'
        words = torch.cat([targets, noise], dim=1)  # (n, T + K')
        u = gather(self.outputs, words)  # (n, T + K', D)
        g = torch.bmm(v, u.mT).sub_(log(self.config.negatives)).sigmoid_()  # (n, C, T + K')
        g[:, :, :T].sub_(1).mul_(seen)
        g[:, :, T:].mul_(share * seen.sum(2, keepdim=True))
        return torch.bmm(g, u), words, torch.bmm(g.mT, v)
