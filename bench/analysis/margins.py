"""How far new figures lie from base ones, and whether that is further than a margin.

A `Shift` is a difference of means with Student's t error: over pairs, or over two independent
samples after Welch 1947. It is oriented so that more is better; ratios are shifts of logarithms.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

LEVEL = 0.05  # of every one-sided test
FEWEST_RUNS = 3  # pairs, or runs a side, before anything is said: two equal figures would look certain
POWER = 0.95  # what `runs_needed` plans for


@dataclass(frozen=True)
class Shift:
    """Mean of new minus mean of base, better upwards."""

    value: float
    error: float  # standard error; 0 where nothing varies
    freedom: float  # degrees of freedom
    n: int  # pairs, or runs on the smaller side

    @property
    def interval(self) -> tuple[float, float]:
        """The 90 % interval: each of its ends is a one-sided bound at 5 %."""
        half = float(stats.t.ppf(1 - LEVEL, self.freedom)) * self.error
        return self.value - half, self.value + half

    def p_drop(self) -> float:
        """One-sided p-value of "new is no worse than base"."""
        if self.error == 0:
            return 0.0 if self.value < 0 else 1.0
        return float(stats.t.cdf(self.value / self.error, self.freedom))

    def runs_needed(self, beyond: float, power: float = POWER) -> int:
        """Runs (pairs, or runs a side) that put the interval clear of a bound `beyond` away.

        In `power` of all cases, if the noise is what it was here. Guenther 1981: the normal
        approximation plus z²/2 for one sample, z²/4 for two.
        """
        z = float(stats.norm.ppf(1 - LEVEL))
        one = self.error * math.sqrt(self.n)  # the error of a single pair, or of one run a side
        small = z**2 / 2 * (self.n - 1) / self.freedom
        wanted = ((z + float(stats.norm.ppf(power))) * one / beyond) ** 2 + small
        return max(FEWEST_RUNS, math.ceil(wanted))


def paired(new: Sequence[float], base: Sequence[float]) -> Shift:
    """The shift over pairs: `new[i]` and `base[i]` come from the same block. Needs two or more."""
    difference = np.asarray(new, float) - np.asarray(base, float)
    n = len(difference)
    return Shift(float(difference.mean()), math.sqrt(_variance_of_mean(difference)), n - 1, n)


def unpaired(new: Sequence[float], base: Sequence[float]) -> Shift:
    """The shift between two independent samples of two or more; degrees of freedom after Welch."""
    x, y = np.asarray(new, float), np.asarray(base, float)
    a, b = _variance_of_mean(x), _variance_of_mean(y)
    freedom: float = len(x) + len(y) - 2
    if a + b > 0:
        freedom = (a + b) ** 2 / (a**2 / (len(x) - 1) + b**2 / (len(y) - 1))
    return Shift(float(x.mean() - y.mean()), math.sqrt(a + b), freedom, min(len(x), len(y)))


def _variance_of_mean(x: np.ndarray) -> float:
    """Exactly 0 for equal values, which rounding would make tiny."""
    return 0.0 if (x == x[0]).all() else float(x.var(ddof=1) / len(x))
