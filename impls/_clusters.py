"""Which words the adaptive softmax puts together: a head of frequent words, and clusters of the rest.

Paper: Grave et al. 2017 (arXiv 1609.04309), section 4. Words are numbered by falling count, so clusters
are ranges of word numbers, and a list of cutoffs says all: the head has the words below the first, each
cluster those from its cutoff to the next.
"""

from collections.abc import Sequence
from itertools import combinations, pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.contract import Config, Corpus
from bench.errors import UserError

MOST_CLUSTERS = 4  # a fifth would save 12 % of the scores on wiki-slice, and each costs a product of its own


def cutoffs(corpus: Corpus, config: Config) -> list[int]:
    """The cutoffs among powers of two, four at most, that give the fewest scores a prediction on average.

    The paper does the same with a model of a GPU's time for the cost. Raises `UserError` for one word.
    """
    if corpus.vocabulary_size < 2:
        raise UserError(
            "the adaptive softmax has nothing to divide in a vocabulary of one word",
            remedy="use more text, or a smaller --min-count",
        )
    share = kept_share(corpus, config)
    powers = [2**n for n in range((corpus.vocabulary_size - 1).bit_length())]
    tried = [list(some) for n in range(1, MOST_CLUSTERS + 1) for some in combinations(powers, n)]
    return min(tried, key=lambda some: expected_scores(share, some))


def kept_share(corpus: Corpus, config: Config) -> npt.NDArray[np.float64]:
    """(V,) the share of the kept text that each word has."""
    kept = corpus.counts * corpus.keep_probability(config.subsample)
    share: npt.NDArray[np.float64] = kept / kept.sum()
    return share


def head_share(share: npt.NDArray[np.float64], cutoffs: list[int]) -> npt.NDArray[np.float64]:
    """(h + J,) how often the head's softmax has each of its h words and J clusters as target."""
    return np.concatenate([share[: cutoffs[0]], np.add.reduceat(share, cutoffs)])


def expected_scores(share: npt.NDArray[np.float64], cutoffs: list[int]) -> float:
    """Scores of a prediction on average: the head's always, a cluster's where the target is in it."""
    head = head_share(share, cutoffs)
    sizes = [end - start for start, end in pairwise([*cutoffs, len(share)])]
    return len(head) + float(head[cutoffs[0] :] @ sizes)


def log_probability(v: npt.NDArray[np.float64], blocks: Sequence[Tensor]) -> npt.NDArray[np.float64]:
    """(P, V) log p(word | v) for v (P, D): `blocks` are the output vectors of the head (h + J, D) and of
    each of the J clusters. A word of a cluster has the cluster's probability times its own within it.
    """
    head, *within = ((torch.from_numpy(v) @ u.detach().cpu().double().T).log_softmax(1) for u in blocks)
    h = head.shape[1] - len(within)
    return torch.cat([head[:, :h], *(head[:, h + j, None] + x for j, x in enumerate(within))], dim=1).numpy()
