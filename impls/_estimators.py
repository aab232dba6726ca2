"""Estimators of the full softmax's gradient from K noise words, held against it at one input vector.

All gradients are with respect to the scores s_w = u_w.v of the V words: the gradient of the input vector
is their product with the output matrix U, that of the output matrix their outer product with v. For the
seen word t, noise words w_1..w_K from the distribution q, and p_w = exp(s_w) / Z:

    full softmax     p_w - [w = t]
    NS               [w = t] (sigma(s_t) - 1) + sum over k, w_k != t, of [w = w_k] sigma(s_w)
    NCE              the same with s_w - log(K q(w)) in the sigma, and noise that equals t counted
    sampled softmax  p^_w - [w = t],   p^_w = n_w exp(s_w) / Z^,   Z^ = sum of n_w exp(s_w)

with n_t = 1 and n_w = (how often w was drawn) / (K q(w)) for all others, which is the logQ correction: n_w is
1 on average and Z^ is Z (Bengio and Senecal 2008; Jean et al. 2015). NS: Mikolov et al. 2013b, equation 4;
NCE: Gutmann and Hyvärinen 2012, whose gradient tends to exp(s_w) - [w = t] as K grows, the softmax's
only where Z = 1 (Mnih and Teh 2012).

NS and NCE sum K independent terms, so that expectation and variance are sums over the vocabulary. The
ratio in the sampled softmax has no such form and is drawn. Since n_w exp(s_w) / Z has mean p_w,

    E p^ - p = E (p^ - p)(1 - Z^ / Z)

and the right side, a product of two small numbers, is what is averaged: it needs far fewer draws.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor


class Point(NamedTuple):
    """One prediction, float64."""

    s: Tensor  # (V,) scores
    target: int  # t
    u: Tensor  # (V, D) output vectors
    norms: Tensor  # (V,) |u_w|^2

    @property
    def exact(self) -> Tensor:
        """(V,) the full softmax's gradient of the scores."""
        g = self.s.softmax(0)
        g[self.target] -= 1
        return g


class Moments(NamedTuple):
    """Mean and spread of an estimator at a point."""

    error: Tensor  # (2, V) E g - g*, estimated twice from separate draws; twice the same where exact
    of_scores: float  # E |g - E g|^2
    of_inputs: float  # the same of the input vector's gradient g U


class Estimator(ABC):
    """Noise words come from q (V,)."""

    objective: str
    name: str

    def __init__(self, q: Tensor):
        self.q = q

    @abstractmethod
    def moments(self, point: Point, K: int, generator: torch.Generator) -> Moments:
        """With K noise words; `generator` for what has no closed form."""


class NegativeSampling(Estimator):
    """Noise that equals the seen word counts for nothing, as in word2vec.c."""

    objective, name = "ns", "NS"

    def says_yes(self, point: Point, K: int) -> Tensor:
        """(V,) the probability that the classifier gives each word to be seen and not noise."""
        del K
        return point.s.sigmoid()

    def counted(self, yes: Tensor, target: int) -> Tensor:
        """(V,) the gradient of a noise word's score."""
        return yes.index_fill(0, torch.tensor(target), 0.0)

    def moments(self, point: Point, K: int, generator: torch.Generator) -> Moments:
        del generator
        yes = self.says_yes(point, K)
        each = self.counted(yes, point.target)  # (V,)
        noise = K * self.q * each  # (V,) the mean of all K terms
        mean = noise.clone()
        mean[point.target] += yes[point.target] - 1
        return Moments(
            error=(mean - point.exact).expand(2, -1),
            of_scores=float(noise @ each - noise @ noise / K),
            of_inputs=float(noise @ (each * point.norms) - (noise @ point.u).square().sum() / K),
        )


class NoiseContrastive(NegativeSampling):
    """The scores as they are: right only where exp(s) sums to 1."""

    objective, name = "nce", "NCE"

    def says_yes(self, point: Point, K: int) -> Tensor:
        return (point.s - (K * self.q).log()).sigmoid()

    def counted(self, yes: Tensor, target: int) -> Tensor:
        del target
        return yes


class Normalised(NoiseContrastive):
    """What NCE does once it has learned to normalise: the scores less log Z."""

    objective, name = "nce", "NCE at Z = 1"

    def says_yes(self, point: Point, K: int) -> Tensor:
        return super().says_yes(point._replace(s=point.s.log_softmax(0)), K)


class SampledSoftmax(Estimator):
    """Importance sampling of the other words, the seen word always among them."""

    objective, name = "sampled", "sampled softmax"
    draws = 64  # M, independent gradients a point; the first half and the second give an `error` each

    def moments(self, point: Point, K: int, generator: torch.Generator) -> Moments:
        M, p = self.draws, point.s.softmax(0)  # (V,)
        noise = torch.multinomial(self.q, M * K, replacement=True, generator=generator).view(M, K)
        estimated, z = sampled_softmax(point, noise, self.q)  # p^ (M, V), Z^ / Z (M,)
        half = torch.eye(2, dtype=p.dtype).repeat_interleave(M // 2, dim=1) / (M // 2)  # (2, M) takes means
        weight = half * (1 - z)
        error = weight @ estimated - weight.sum(1, keepdim=True) * p  # (2, V)
        in_v, off_in_v = error @ point.u, estimated @ point.u - p @ point.u  # (2, D), (M, D)
        mean = half.mean(0) @ estimated  # (V,)
        off = estimated.norm() ** 2 / M - 2 * mean @ p + p @ p  # E |p^ - p|^2
        return Moments(
            error,
            of_scores=float(off - error[0] @ error[1]),
            of_inputs=float(off_in_v.square().sum() / M - in_v[0] @ in_v[1]),
        )


def sampled_softmax(point: Point, noise: Tensor, q: Tensor) -> tuple[Tensor, Tensor]:
    """p^ (M, V) and Z^ / Z (M,) of each of M draws of K noise words (M, K)."""
    p = point.s.softmax(0)
    each = p / (noise.shape[1] * q)  # (V,) what a drawn word adds to Z^ / Z
    each[point.target] = 0
    terms = p.new_zeros(len(noise), len(p)).scatter_add_(1, noise, each[noise])  # (M, V)
    terms[:, point.target] = p[point.target]
    z = terms.sum(1)
    return terms.div_(z[:, None]), z


def estimators(q: Tensor) -> list[Estimator]:
    """All of them. HS and the adaptive softmax are not here: they draw nothing.

    Their gradient is exact, for another model, at whose state a softmax gradient does not exist: there are
    no output vectors of words, so no cosine between the two either.
    """
    return [NegativeSampling(q), NoiseContrastive(q), Normalised(q), SampledSoftmax(q)]
