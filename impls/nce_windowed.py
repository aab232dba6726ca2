"""Noise-contrastive estimation as a banded product: a chunk of centres meets its halo and its noise at once.

Papers: Mnih and Teh 2012; noise words shared between neighbouring predictions as in Ji et al. 2016
(arXiv 1604.04661). Adds to `ns_windowed` the shift of each score by log K: it estimates a probability.

With v a row of predictors, s = sigma(v . u - log K), and m how often a target is predicted from it,

    dloss/d(v . u) = m (s - 1) for a target,    K / K' (sum of m) s for noise

Noise that equals the target counts, which makes this simpler than `ns_windowed`.

Options: those of `ns_windowed`.
"""

from math import log

import torch
from torch import Tensor

from bench.contract import Spec
from impls._windowed import gather
from impls.ns_windowed import NegativeSamplingWindowed


class NoiseContrastiveWindowed(NegativeSamplingWindowed):
    """Eager PyTorch: about twenty operations a step of some hundred centres."""

    spec = Spec(
        name="nce_windowed",
        summary="noise-contrastive estimation as banded matrix products, noise shared by a chunk",
        objectives=("nce",),
        architectures=("skipgram", "cbow"),
        paper="mnih2012",
        needs=("torch",),
        parent="nce",
        options={"positions": 256, "chunk": 8, "negatives_a_chunk": 40, "cap": 0},
    )

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        T, share = targets.shape[1], self.config.negatives / self.shared  # share: K / K'
        words = torch.cat([targets, noise], dim=1)  # (n, T + K')
        u = gather(self.outputs, words)  # (n, T + K', D)
        g = torch.bmm(v, u.mT).sub_(log(self.config.negatives)).sigmoid_()  # (n, C, T + K')
        g[:, :, :T].sub_(1).mul_(seen)
        g[:, :, T:].mul_(share * seen.sum(2, keepdim=True))
        return torch.bmm(g, u), words, torch.bmm(g.mT, v)
