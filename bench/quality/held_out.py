"""What an `Approximation` comes to: means over held-out predictions with their bootstrap intervals.

The intervals say what other predictions might have given; about other seeds they say nothing.
"""

from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.contract import Approximation, GradientError, Reading
from bench.records.approximation import Gradient, Interval, LogZ, Reread

RESAMPLES = 1_000
AT_ONCE = 1 << 20  # items drawn: n may be millions
Floats = npt.NDArray[np.float64]


def summary(measured: Approximation, vocabulary: int) -> dict[str, Any]:
    """All means, as the keys of a result; losses in nats a prediction."""
    return {
        "uniform_loss": float(np.log(vocabulary)),
        "unigram_loss": asdict(mean_loss(measured.unigram, measured.centre)),
        "points": len(measured.gradients[0].exact) if measured.gradients else 0,
        "readings": [asdict(_reading(reading, measured.centre)) for reading in measured.readings],
        "gradients": [asdict(_gradient(error)) for error in measured.gradients],
    }


def _reading(reading: Reading, centre: npt.NDArray[np.int64]) -> Reread:
    z = reading.log_z
    low, high = np.quantile(z, [0.05, 0.95])
    as_is = mean_loss(-reading.log_scores, centre) if reading.self_normalised else None
    return Reread(
        reading.name,
        mean_loss(z[centre] - reading.log_scores, centre),
        as_is,
        LogZ(float(z.mean()), float(z.std()), float(low), float(high)),
    )


def mean_loss(losses: Floats, centre: npt.NDArray[np.int64]) -> Interval:
    """The mean over predictions; those of one centre are not independent and are resampled together."""
    sums, numbers = np.bincount(centre, weights=losses), np.bincount(centre)
    return ratio(sums.astype(np.float64), numbers.astype(np.float64))


def _gradient(error: GradientError) -> Gradient:
    """Bias and variance of an estimator, relative to the gradients that it estimates."""
    bias = ratio(error.bias, error.exact)
    ends = (float(np.sqrt(max(0.0, x))) for x in (bias.value, bias.low, bias.high))
    ones = np.ones_like(error.cosine)
    return Gradient(
        error.objective,
        error.estimator,
        error.negatives,
        error.matrix,
        Interval(*ends),
        ratio(error.variance, error.exact),
        ratio(error.cosine, ones),
    )


def ratio(above: Floats, below: Floats) -> Interval:
    """sum(above) / sum(below) with its 95 % percentile interval over items, n of each."""
    random, n = np.random.default_rng(0), len(above)
    found: list[Floats] = []
    step = max(1, AT_ONCE // n)
    for first in range(0, RESAMPLES, step):
        items = random.integers(n, size=(min(step, RESAMPLES - first), n))
        found.append(above[items].sum(1) / below[items].sum(1))
    low, high = np.quantile(np.concatenate(found), [0.025, 0.975])
    return Interval(float(above.sum() / below.sum()), float(low), float(high))
