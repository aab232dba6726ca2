"""Trained states read as distributions: what an objective says of every word, in float64.

With v an input vector, u_w the output vector of word w, K noise words from the distribution q:

    full softmax      exp(u.v) / Z                        Mikolov et al. 2013b, equation 2
    sampled softmax   exp(u.v) / Z                        the same model; only its gradient is estimated
    NCE               q(w) exp(u.v), Z taken as 1         Gutmann and Hyvärinen 2012; Mnih and Teh 2012,
                                                          each word's bias log q(w), as in `nce`
    NS                K q(w) exp(u.v), Z taken as 1       Levy and Goldberg 2014, section 3.1: at the optimum
                                                          u.v = log p(w | v) - log q(w) - log K
                      exp(u.v) / Z                        as NS's scores are often used; not what it fits
    HS                product over the path of sigma(s u_n.v), which sums to 1 by itself

Any other objective answers `log_scores` of the contract itself.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

from bench.contract import Config, Corpus, Implementation
from bench.errors import UserError
from bench.vocabulary import HuffmanTree

Scores = Callable[[Tensor], Tensor]  # v (P, D) -> (P, V), both float64


@dataclass(frozen=True)
class Form:
    """One way to read a state."""

    name: str
    scores: Scores
    self_normalised: bool = False


def forms(implementation: Implementation, corpus: Corpus, config: Config) -> list[Form]:
    """All ways to read the state of `implementation`. Raises UserError where there is none."""
    if implementation.log_scores(np.empty((0, config.dim))) is not None:
        return [Form("log_scores()", _own(implementation))]
    outputs = getattr(implementation, "outputs", None)
    if not isinstance(outputs, Tensor):
        raise _unreadable(implementation, "it has neither log_scores() nor a tensor `outputs`")
    u = outputs.detach().cpu().double()
    if config.objective == "hs":
        return [Form("∏ σ(±u·v)", along_paths(u, corpus.huffman))]
    if config.objective == "ns":
        noise = config.negatives * torch.from_numpy(corpus.noise_probability)  # (V,) K q
        shifted = Form("K·q·exp(u·v)", lambda v: v @ u.T + noise.log(), self_normalised=True)
        return [shifted, Form("exp(u·v)", lambda v: v @ u.T)]
    if len(u) != corpus.vocabulary_size:
        raise _unreadable(implementation, f"{len(u)} output vectors are not one a word")
    if config.objective == "nce":
        log_q = torch.from_numpy(corpus.noise_probability).log()  # (V,) the bias of each word
        return [Form("q·exp(u·v)", lambda v: v @ u.T + log_q, self_normalised=True)]
    return [Form("exp(u·v)", lambda v: v @ u.T)]


def along_paths(u: Tensor, tree: HuffmanTree) -> Scores:
    """Scores of hierarchical softmax with the inner nodes' vectors u (V - 1, D); Z is 1 but for rounding."""
    V = len(tree.lengths)
    word = torch.repeat_interleave(torch.from_numpy(tree.lengths))  # (path,) whose path a node is on
    nodes, codes = (torch.from_numpy(x.copy()).long() for x in (tree.nodes, tree.codes))

    def scores(v: Tensor) -> Tensor:
        turn = logsigmoid(torch.stack([u @ v.T, -u @ v.T]))  # (2, V - 1, P) log p of code 0, and of code 1
        return torch.zeros(V, len(v), dtype=v.dtype).index_add_(0, word, turn[codes, nodes]).T

    return scores


def _own(implementation: Implementation) -> Scores:
    return lambda v: torch.from_numpy(np.asarray(implementation.log_scores(v.numpy()), np.float64))


def _unreadable(implementation: Implementation, why: str) -> UserError:
    return UserError(
        f"the state of {implementation.spec.name} cannot be read as a distribution",
        why=why,
        remedy="choose another with --impl, or give it `log_scores` (bench/contract.py)",
    )
