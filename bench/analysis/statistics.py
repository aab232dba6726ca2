"""Intervals and comparisons over repeated runs, each in the smallest form that is right.

Everything here is about variation between *runs* (seeds, blocks of the schedule). The intervals of
quality scores over test *items* come with the scores (`bench.quality`); the two are never merged.

Speed is compared by ratios within blocks, which cancels what a noisy machine does to a whole block.
Quality is compared by equivalence: "not significantly different" is no evidence of being equal.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

RESAMPLES = 2_000
LEVEL = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure from n runs. `low` and `high` are null where n is too small for an interval."""

    value: float
    low: float | None  # 95 % interval
    high: float | None
    n: int
    p: float | None = None  # of a ratio: two-sided, against 1; null without an interval


@dataclass(frozen=True)
class Equivalence:
    """Outcome of two one-sided tests at 5 %; all but `difference` null with fewer than 2 runs a side."""

    difference: float  # mean of the new runs minus mean of the reference's
    low: float | None  # 90 % interval, the one that matches two tests at 5 % each
    high: float | None
    p: float | None  # the larger of the two one-sided p-values
    equivalent: bool | None  # p < 0.05: the interval lies inside (-margin, margin)


def median_interval(values: Sequence[float], seed: int = 0) -> Estimate:
    """Median with its percentile bootstrap interval; no interval for fewer than 3 values.

    With n values no interval between them can cover the median more often than 1 - 2^(1-n), which
    is 75 % for n = 3 and 94 % for n = 5: run 6 or more.
    """
    x = _finite(values)
    if len(x) < 3:
        return Estimate(float(np.median(x)), None, None, len(x))
    drawn = np.random.default_rng(seed).integers(len(x), size=(RESAMPLES, len(x)))
    medians = np.median(x[drawn], axis=1)
    # An actual value at each end: interpolating between two would narrow a small sample's interval.
    low = np.quantile(medians, (1 - LEVEL) / 2, method="lower")
    high = np.quantile(medians, (1 + LEVEL) / 2, method="higher")
    return Estimate(float(np.median(x)), float(low), float(high), len(x))


def mean_interval(values: Sequence[float]) -> Estimate:
    """Mean with Student's t-interval; no interval for a single value."""
    x = _finite(values)
    mean = float(x.mean())
    if len(x) < 2:
        return Estimate(mean, None, None, len(x))
    half = float(stats.t.ppf((1 + LEVEL) / 2, len(x) - 1)) * _standard_error(x)
    return Estimate(mean, mean - half, mean + half, len(x))


def paired_log_ratio(new: Sequence[float], base: Sequence[float]) -> Estimate:
    """Geometric mean of new/base over blocks, with the t-interval of the log-ratios.

    `new[i]` and `base[i]` must come from the same block, and be positive. No interval for one block.
    """
    logs = mean_interval(_log_ratios(new, base).tolist())
    if logs.low is None or logs.high is None:
        return Estimate(float(np.exp(logs.value)), None, None, logs.n)
    low, high = float(np.exp(logs.low)), float(np.exp(logs.high))
    return Estimate(float(np.exp(logs.value)), low, high, logs.n, paired_p_value(new, base))


def paired_p_value(new: Sequence[float], base: Sequence[float]) -> float | None:
    """Two-sided p-value of `paired_log_ratio` against a ratio of 1, for `holm`; null for one block."""
    logs = _log_ratios(new, base)
    if len(logs) < 2:
        return None
    error = _standard_error(logs)
    if error == 0:
        return 1.0 if logs[0] == 0 else 0.0
    return float(2 * stats.t.sf(abs(logs.mean()) / error, len(logs) - 1))


def difference_of_means(new: Sequence[float], base: Sequence[float]) -> Estimate:
    """Mean of new minus mean of base, two independent samples; no interval with fewer than 2 values a side.

    `n` is the smaller sample's.
    """
    difference, n = float(_finite(new).mean() - _finite(base).mean()), min(len(new), len(base))
    low, high = welch_interval(new, base) if n > 1 else (None, None)
    return Estimate(difference, low, high, n)


def welch_interval(new: Sequence[float], base: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the difference of means (Welch 1947); a point where neither side varies at all.

    Needs 2 values or more on either side.
    """
    x, y = _finite(new), _finite(base)
    if _standard_error(x) == _standard_error(y) == 0:
        return float(x[0] - y[0]), float(x[0] - y[0])
    interval = stats.ttest_ind(x, y, equal_var=False).confidence_interval(LEVEL)
    return float(interval.low), float(interval.high)


def equivalence(new: Sequence[float], reference: Sequence[float], margin: float) -> Equivalence:
    """Test whether two means differ by less than `margin`: two one-sided Welch t-tests at 5 %.

    Schuirmann 1987 (TOST); degrees of freedom after Welch 1947.
    """
    if not margin > 0:
        raise ValueError(f"margin is {margin}; equivalence needs a positive one")
    x, y = _finite(new), _finite(reference)
    difference = float(x.mean() - y.mean())
    if min(len(x), len(y)) < 2:
        return Equivalence(difference, None, None, None, None)
    a, b = _standard_error(x) ** 2, _standard_error(y) ** 2
    if a + b == 0:  # no variation at all: the means are exact
        inside = abs(difference) < margin
        return Equivalence(difference, difference, difference, 0.0 if inside else 1.0, inside)
    error = float(np.sqrt(a + b))
    freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    half = float(stats.t.ppf(0.95, freedom)) * error
    p = float(stats.t.sf((margin - abs(difference)) / error, freedom))  # the nearer margin has the larger p
    return Equivalence(difference, difference - half, difference + half, p, p < 0.05)


def same_mean_p_value(new: Sequence[float], old: Sequence[float]) -> float | None:
    """Two-sided p-value of equal means, by Student's test; null with fewer than 3 values in all.

    For the same training done twice: both sides share one spread, so one new value is enough.
    """
    x, y = _finite(new), _finite(old)
    freedom = len(x) + len(y) - 2
    if freedom < 1:
        return None
    if (x == x[0]).all() and (y == y[0]).all():
        return 1.0 if x[0] == y[0] else 0.0
    squares = float(((x - x.mean()) ** 2).sum() + ((y - y.mean()) ** 2).sum())
    error = np.sqrt(squares / freedom * (1 / len(x) + 1 / len(y)))
    return float(2 * stats.t.sf(abs(x.mean() - y.mean()) / error, freedom))


def holm(p_values: Sequence[float]) -> list[float]:
    """P-values adjusted for their number, in the order given (Holm 1979): reject those <= 5 %."""
    p = np.asarray(p_values, float)
    order = np.argsort(p, kind="stable")
    steps = p[order] * np.arange(len(p), 0, -1)  # the smallest is multiplied by their number
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1)
    return [float(value) for value in adjusted]


def geometric_mean_ratio(ratios: Sequence[float]) -> float:
    """Geometric mean of ratios over datasets, the only mean that does not depend on the base chosen."""
    return float(np.exp(np.log(_positive(ratios)).mean()))


def may_be_one(ratio: Estimate) -> bool:
    """Whether a ratio with an interval is not shown to differ from 1.

    The p-value decides where there is one: it may account for the number of comparisons.
    """
    if ratio.low is None or ratio.high is None:
        return False
    return ratio.low <= 1 <= ratio.high if ratio.p is None else ratio.p > 1 - LEVEL


def ratio_text(ratio: Estimate) -> str:
    """`1.31× [1.27, 1.36]`, `n.s.` when it is not shown to differ from 1, `1.31×` without an interval."""
    if ratio.low is None or ratio.high is None:
        return f"{_figure(ratio.value)}×"
    if may_be_one(ratio):
        return "n.s."
    return f"{_figure(ratio.value)}× [{_figure(ratio.low)}, {_figure(ratio.high)}]"


def _figure(x: float) -> str:
    """Two decimals where they say something, else two significant digits or whole numbers."""
    return f"{x:.2g}" if x < 0.1 else f"{x:.2f}" if x < 100 else f"{x:,.0f}"


def _standard_error(x: npt.NDArray[np.float64]) -> float:
    """Standard error of the mean; exactly 0 for equal values, which rounding would make tiny."""
    return 0.0 if (x == x[0]).all() else float(x.std(ddof=1) / np.sqrt(len(x)))


def _log_ratios(new: Sequence[float], base: Sequence[float]) -> npt.NDArray[np.float64]:
    """(blocks,) log(new/base). Raises ValueError unless the two are paired and positive."""
    if len(new) != len(base):
        raise ValueError(f"{len(new)} values against {len(base)}: pairs are needed, one a block")
    return np.log(_positive(new) / _positive(base))


def _positive(values: Sequence[float]) -> npt.NDArray[np.float64]:
    x = _finite(values)
    if (x <= 0).any():
        raise ValueError("a ratio needs positive values")
    return x


def _finite(values: Sequence[float]) -> npt.NDArray[np.float64]:
    """(n,) the values as an array. Raises ValueError if there is none, or one is not a finite number."""
    x = np.asarray(values, float)
    if x.size == 0 or not np.isfinite(x).all():
        raise ValueError("statistics need at least one value, and finite ones")
    return x
