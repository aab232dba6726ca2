"""From which vocabulary on an approximation pays: where its cost falls below the exact softmax's.

Both costs are those of the laws in `costs`, fitted to rows with the same architecture, machine, device and
threads. Approximation pays above V*, the vocabulary from which on the exact softmax costs more. Its interval
holds the vocabularies about it at which the difference of the two laws is not shown to differ from 0, as
Fieller's (1954) does: Student's, with degrees of freedom after Welch 1947. It may have no end on one side.

What no law can spoil is said beside it: how many times as long the exact softmax took at the smallest and
at the largest vocabulary, as measured; how far to trust one such point, the scatter about the laws tells.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from bench.analysis.cells import Cell
from bench.analysis.costs import Fit, Floats, Line, Study
from bench.analysis.statistics import LEVEL, Estimate

INSIDE = "inside the measured range"
BELOW, ABOVE = "extrapolated: below what was measured", "extrapolated: above what was measured"
ALWAYS, NEVER = "none: cheaper at every vocabulary", "none: not cheaper, however large the vocabulary"

_TRIED = np.geomspace(
    2, 2e9, 9 * 2_000 + 1
)  # V, 0.12 % apart, from the least choice of words to no choice at all


@dataclass(frozen=True)
class Crossing:
    """One row of exact softmax beside one of an approximation."""

    exact: Line
    other: Line
    words: float | None  # V*; None: there is none
    low: float | None  # 95 % interval of V*; None: it has no end on this side. It may have one without a V*
    high: float | None
    measured: tuple[int, int]  # the least and the greatest V that both rows have
    ratios: tuple[Estimate, Estimate]  # there: how many times as long the exact softmax took

    @property
    def where(self) -> str:
        """INSIDE, BELOW or ABOVE; ALWAYS or NEVER where there is no V*."""
        first, last = self.measured
        if self.words is None:
            return ALWAYS if self.exact.fit.seconds(last) > self.other.fit.seconds(last) else NEVER
        return BELOW if self.words < first else ABOVE if self.words > last else INSIDE


def crossings(study: Study) -> list[Crossing]:
    """One for each pair of rows that were measured alike, in the order of the lines."""
    exact = [line for line in study.lines if line.cell.objective == "softmax"]
    others = [line for line in study.lines if line.cell.objective != "softmax"]
    return [_crossing(a, b) for a in exact for b in others if _share(a) == _share(b) and _common(a, b)]


def _share(line: Line) -> tuple[object, ...]:
    return line.cell.architecture, line.cell.section.machine, line.cell.device, line.cell.threads


def _common(a: Line, b: Line) -> list[int]:
    return sorted(a.points.keys() & b.points.keys())


def _crossing(exact: Line, other: Line) -> Crossing:
    common = _common(exact, other)
    ends = common[0], common[-1]
    ratios = _measured(exact, other, ends[0]), _measured(exact, other, ends[1])
    return Crossing(exact, other, *_crossed(exact.fit, other.fit), ends, ratios)


def _measured(exact: Line, other: Line, vocabulary: int) -> Estimate:
    """Of the medians at one V; n is the number of runs of the row that has fewer there."""
    runs = exact.points[vocabulary], other.points[vocabulary]
    value = median(runs[0]) / median(runs[1])
    a, b = (np.array([line.fit.scatter]) for line in (exact, other))  # of the logarithm, near enough
    half = float(_half_width(a, b, exact.fit, other.fit)[0])
    return Estimate(value, value * math.exp(-half), value * math.exp(half), min(map(len, runs)))


def _crossed(exact: Fit, other: Fit) -> tuple[float | None, float | None, float | None]:
    """V* and its interval, from the difference of the two laws at each V tried."""
    over = exact.seconds(_TRIED) - other.seconds(_TRIED)
    last, cheaper = len(_TRIED) - 1, np.flatnonzero(over <= 0)  # the exact softmax is
    at = int(cheaper[-1]) if len(cheaper) else -1
    shown = np.flatnonzero(np.abs(over) > _half_width(exact.error(_TRIED), other.error(_TRIED), exact, other))
    below, above = shown[shown <= at], shown[shown > at]
    low = float(_TRIED[below[-1] + 1]) if len(below) and below[-1] < last else None
    high = float(_TRIED[above[0] - 1]) if len(above) and above[0] > 0 else None
    if not 0 <= at < last:
        return None, low, high
    words = float(np.interp(0, over[at : at + 2], _TRIED[at : at + 2]))
    return words, min(words, low) if low else None, max(words, high) if high else None


def _half_width(a: Floats, b: Floats, exact: Fit, other: Fit) -> Floats:
    """Of the 95 % interval of a difference whose two sides have the standard errors `a` and `b`."""
    square = a**2 + b**2
    least = np.finfo(float).tiny  # where points have no scatter the degrees of freedom do not matter
    freedom = square**2 / np.maximum(a**4 / exact.freedom + b**4 / other.freedom, least)
    return np.asarray(stats.t.ppf((1 + LEVEL) / 2, np.maximum(freedom, 1)) * np.sqrt(square))


def frame(found: Sequence[Crossing]) -> pd.DataFrame:
    """(len(found), columns) one row a crossing, in full precision."""
    return pd.DataFrame([_flat(one) for one in found])


def _flat(one: Crossing) -> dict[str, Any]:
    cell = one.exact.cell
    return {
        "dataset": cell.section.dataset,
        **{f"machine_{k}": v for k, v in cell.section.machine},
        "device": cell.device,
        "threads": cell.threads,
        "architecture": cell.architecture,
        **_named("exact", cell),
        **_named("approximation", one.other.cell),
        "objective": one.other.cell.objective,
        "pays_above_vocabulary": one.words,
        "pays_above_low_95": one.low,
        "pays_above_high_95": one.high,
        "where": one.where,
        **_flat_ratio("least", one.measured[0], one.ratios[0]),
        **_flat_ratio("greatest", one.measured[1], one.ratios[1]),
    }


def _named(name: str, cell: Cell) -> dict[str, Any]:
    return {name: cell.implementation, f"{name}_source_sha256": cell.source_sha256}


def _flat_ratio(end: str, vocabulary: int, ratio: Estimate) -> dict[str, Any]:
    return {
        f"{end}_vocabulary": vocabulary,
        f"exact_over_approximation_at_{end}": ratio.value,
        f"exact_over_approximation_at_{end}_low_95": ratio.low,
        f"exact_over_approximation_at_{end}_high_95": ratio.high,
    }
