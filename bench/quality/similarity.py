"""Word similarity: Spearman's rank correlation of the cosine with people's ratings.

The interval is the percentile item bootstrap: pairs are drawn with replacement, *both* columns are
ranked anew, and the middle 95 % of the correlations is reported. It says how much the figure owes to
the choice of pairs, nothing about other training seeds.
"""

import numpy as np
import numpy.typing as npt

from bench.quality.lexicon import UNKNOWN, Lexicon, unit_rows
from bench.quality.sets import Pairs
from bench.records.schema import Score

RULE = "whole vocabulary; unknown skipped"
RESAMPLES = 1_000
SLICE = 100  # resamples held at once: 100 x 3,000 pairs x 8 bytes = 2.4 MB an array
FEWEST = 3  # items; with fewer, any figure is chance

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]


def score_pairs(name: str, pairs: Pairs, lexicon: Lexicon, rng: np.random.Generator) -> Score:
    """Score of one similarity set; value and interval are null with fewer than three known pairs."""
    rows = lexicon.rows(pairs.words).reshape(-1, 2)  # (N, 2)
    known = (rows != UNKNOWN).all(axis=1)
    used, total = int(known.sum()), len(rows)
    if used < FEWEST:
        return Score(name, "all", "spearman", None, None, None, used, total, RULE)
    ratings = pairs.ratings[known]
    cosine = pair_cosine(lexicon.vectors, rows[known])
    value = spearman(cosine, ratings, np.ones((1, used), np.int64))[0]
    low, high = bootstrap_interval(cosine, ratings, rng)
    return Score(name, "all", "spearman", float(value), low, high, used, total, RULE)


def pair_cosine(vectors: npt.NDArray[np.float32], rows: Integers) -> Floats:
    """(N,) cosine of each pair of rows (N, 2); 0 where a vector is zero."""
    first = unit_rows(vectors[rows[:, 0]]).astype(np.float64)
    second = unit_rows(vectors[rows[:, 1]]).astype(np.float64)
    return np.asarray((first * second).sum(axis=1))


def bootstrap_interval(
    x: Floats, y: Floats, rng: np.random.Generator, resamples: int = RESAMPLES
) -> tuple[float, float]:
    """95 % percentile bootstrap interval of Spearman's correlation of x and y, both (N,)."""
    n = len(x)
    chance = np.full(n, 1 / n)
    sizes = [min(SLICE, resamples - done) for done in range(0, resamples, SLICE)]
    values = np.concatenate([spearman(x, y, rng.multinomial(n, chance, size)) for size in sizes])
    low, high = np.quantile(values, (0.025, 0.975))
    return float(low), float(high)


def spearman(x: Floats, y: Floats, counts: Integers) -> Floats:
    """(B,) Spearman's correlation of B resamples in which item i occurs counts[b, i] times.

    Pearson's correlation of average ranks. 0 where one side is constant: it ranks nothing.
    """
    middle = (counts.sum(axis=1, keepdims=True) + 1) / 2  # the mean of average ranks, ties or not
    dx = average_ranks(x, counts) - middle  # (B, N)
    dy = average_ranks(y, counts) - middle
    weighted = counts * dx
    covariance = (weighted * dy).sum(axis=1)
    spread = np.sqrt((weighted * dx).sum(axis=1) * (counts * dy * dy).sum(axis=1))
    return np.asarray(np.divide(covariance, spread, out=np.zeros(len(counts)), where=spread > 0))


def average_ranks(x: Floats, counts: Integers) -> Floats:
    """(B, N) rank of each item in each resample, from 1; equal values share their average rank."""
    _, level, size = np.unique(x, return_inverse=True, return_counts=True)
    by_level = counts[:, np.argsort(level, kind="stable")]  # (B, N) equal values side by side
    starts = np.cumsum(size) - size
    at = np.add.reduceat(by_level, starts, axis=1)  # (B, levels) items at each level
    below = np.cumsum(at, axis=1) - at
    return np.asarray((below + (at + 1) / 2)[:, level])
