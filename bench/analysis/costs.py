"""What a million words cost as the vocabulary V grows, or the noise words K, by the law of each objective.

Fitted over tables that differ in the minimum count alone, or in K alone. `bench.contract.COST` says which
law an objective should follow, and the seconds y that a million raw words take are fitted by it:

    softmax          y = a + b V
    tree             y = a + b log2 V
    noise words      y = a over vocabularies,  y = a + b K over K

Errors are in proportion to y, so every point weighs 1/y^2, with y as fitted: the quasi-likelihood of a
constant coefficient of variation (McCullagh and Nelder 1989, chapter 8). Nothing costs less than nothing: a
and b are at least 0. Each V, or K, is one point, the median of its runs: what the law misses there all of
them miss, so that three runs are not three witnesses of it. Intervals are Student's, from the scatter of the
points about the law, with as many degrees of freedom as there are points beyond the terms: those of a law
that does not hold are wide. They take the errors of different points as independent.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

from bench.analysis.cells import Cell, alike_but
from bench.analysis.comparable import MEASURED
from bench.analysis.statistics import LEVEL, Estimate
from bench.contract import COST

Axis = Literal["vocabulary", "negatives"]
Law = Literal["a", "a + b V", "a + b log2 V", "a + b K"]
Floats = npt.NDArray[np.float64]

AXES: Mapping[Axis, str] = {"vocabulary": "min_count", "negatives": "negatives"}  # the setting that differs
_FEWEST: Mapping[Axis, int] = {"vocabulary": 4, "negatives": 3}  # values, before a law is fitted
_LAWS: Mapping[tuple[Axis, str], Law] = {  # by axis and by `COST` of the objective
    ("vocabulary", "V"): "a + b V",
    ("vocabulary", "log V"): "a + b log2 V",
    ("vocabulary", "K"): "a",
    ("negatives", "K"): "a + b K",
}
_ROUNDS = 100  # of reweighting; it settles in ten


@dataclass(frozen=True)
class Fit:
    """y = a + b t(x), or y = a, with t(x) = log2 x or x; errors are standard errors."""

    law: Law
    a: float
    b: float  # 0 where the law has none
    freedom: int  # points beyond the terms
    scatter: float  # coefficient of variation of the points about the law
    worst: float  # the greatest residual, as a share of the law: 0.2 is 20 % above it, -0.2 below
    weight: float  # of all points together
    middle: float  # their weighted mean t
    spread: float  # weighted squares of t about it; infinity where the law has no b

    def seconds(self, x: npt.ArrayLike) -> Floats:
        """By the law, for a million words at `x`."""
        return self.a + self.b * _term(self.law, np.asarray(x, float))

    def error(self, x: npt.ArrayLike) -> Floats:
        """Of `seconds`. Where a or b were put at 0 it is still that of both: rather too wide."""
        return self._error(_term(self.law, np.asarray(x, float)))

    @property
    def first(self) -> Estimate:
        """The a, in seconds a million words."""
        return self._bounded(self.a, float(self._error(np.zeros(1))[0]))

    @property
    def second(self) -> Estimate | None:
        """The b, in seconds a million words and for each word of V, doubling of V or noise word."""
        return None if self.law == "a" else self._bounded(self.b, self.scatter / float(np.sqrt(self.spread)))

    def _error(self, t: Floats) -> Floats:
        variance = 1 / self.weight + (t - self.middle) ** 2 / self.spread
        return np.asarray(self.scatter * np.sqrt(variance))

    def _bounded(self, value: float, error: float) -> Estimate:
        half = float(stats.t.ppf((1 + LEVEL) / 2, self.freedom)) * error
        return Estimate(value, max(0.0, value - half), value + half, self.freedom + _terms(self.law))


@dataclass(frozen=True)
class Line:
    """One row of the tables along V or K, with its law."""

    cell: Cell  # the first of its cells, for its name
    points: Mapping[int, tuple[float, ...]]  # V or K, rising: the seconds a million words of each run, rising
    fit: Fit
    doubling: Estimate  # what a doubling of V or K multiplies the seconds by, whatever the law

    @property
    def rises(self) -> bool:
        """Whether the seconds are shown to grow."""
        return self.doubling.low is not None and self.doubling.low > 1


@dataclass(frozen=True)
class Study:
    """All lines over tables that differ in one setting alone."""

    axis: Axis
    cells: tuple[Cell, ...]  # of those tables, with or without a line
    lines: tuple[Line, ...]

    @property
    def values(self) -> list[int]:
        """Each V or K that a line has, rising."""
        return sorted({x for line in self.lines for x in line.points})


def studies(cells: Sequence[Cell], axis: Axis) -> list[Study]:
    """One for each group of tables in which some row can be fitted; rows in the order of the tables."""
    sections = sorted({cell.section for cell in cells})
    found = []
    for places in alike_but(sections, (AXES[axis],)):
        among = {sections[i] for i in places}
        own = tuple(cell for cell in cells if cell.section in among)
        if lines := tuple(_lines(own, axis)):
            found.append(Study(axis, own, lines))
    return found


def _lines(cells: Sequence[Cell], axis: Axis) -> Iterable[Line]:
    rows: dict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.status in MEASURED and (axis, COST.get(cell.objective)) in _LAWS:
            rows[_row(cell)].append(cell)
    for key in sorted(rows):
        points = _points(rows[key], axis)
        if len(points) >= _FEWEST[axis]:
            yield line(rows[key][0], points, axis)


def _row(cell: Cell) -> tuple[Any, ...]:
    """Equal for the cells of one line; sorts by model."""
    model = (cell.architecture != "skipgram", list(COST).index(cell.objective))
    code = (cell.implementation, cell.source_sha256, cell.options)
    return *model, cell.learning_rate, *code, cell.device, cell.threads


def _points(cells: Iterable[Cell], axis: Axis) -> dict[int, tuple[float, ...]]:
    """Seconds a million raw words of the runs, by V or K."""
    found: dict[int, list[float]] = defaultdict(list)
    for run in (run for cell in cells for run in cell.runs):
        if speed := run.throughput.get("raw_words_per_s"):
            x = run.data["vocabulary"] if axis == "vocabulary" else run.config["negatives"]
            found[int(x)].append(1e6 / speed)
    return {x: tuple(sorted(seconds)) for x, seconds in sorted(found.items())}


def line(cell: Cell, points: Mapping[int, tuple[float, ...]], axis: Axis) -> Line:
    """The row with its law fitted to the medians of `points`."""
    x = np.array(list(points), float)
    y = np.array([median(seconds) for seconds in points.values()])
    return Line(cell, points, fitted(x, y, _LAWS[axis, COST[cell.objective]]), _doubling(x, y))


def fitted(x: Floats, y: Floats, law: Law) -> Fit:
    """The law through the points (x, y), y > 0, of which there are more than the law has terms."""
    t, by_law = _term(law, x), y
    for _ in range(_ROUNDS):
        w, before = 1 / by_law**2, by_law
        a, b = _weighted(t, y, w, sloped=law != "a")
        by_law = a + b * t
        if np.abs(by_law / before - 1).max() < 1e-12:
            break
    residuals = y / by_law - 1
    freedom, middle = len(x) - _terms(law), float((w * t).sum() / w.sum())
    return Fit(
        law=law,
        a=a,
        b=b,
        freedom=freedom,
        scatter=float(np.sqrt((residuals**2).sum() / freedom)),
        worst=float(residuals[np.abs(residuals).argmax()]),
        weight=float(w.sum()),
        middle=middle,
        spread=float((w * (t - middle) ** 2).sum()) if law != "a" else float("inf"),
    )


def _weighted(t: Floats, y: Floats, w: Floats, *, sloped: bool) -> tuple[float, float]:
    """The a and b, neither below 0, of the least weighted squares of y - a - b t; b = 0 unless `sloped`."""
    t_mean, y_mean = (w * t).sum() / w.sum(), (w * y).sum() / w.sum()
    b = (w * (t - t_mean) * (y - y_mean)).sum() / (w * (t - t_mean) ** 2).sum() if sloped else 0.0
    a = y_mean - b * t_mean
    if b < 0:
        return float(y_mean), 0.0
    return (float(a), float(b)) if a >= 0 else (0.0, float((w * t * y).sum() / (w * t * t).sum()))


def _term(law: Law, x: Floats) -> Floats:
    """What b stands before."""
    return np.log2(x) if law == "a + b log2 V" else x


def _terms(law: Law) -> int:
    return 1 if law == "a" else 2


def _doubling(x: Floats, y: Floats) -> Estimate:
    """2^p of y ~ x^p, by ordinary least squares of the logarithms, with its t-interval."""
    p, q = np.log2(x) - np.log2(x).mean(), np.log2(y) - np.log2(y).mean()
    square = (p * p).sum()  # no matrix product: its last digits depend on the processor
    slope = (p * q).sum() / square
    error = np.sqrt(((q - slope * p) ** 2).sum() / (len(x) - 2) / square)
    half = stats.t.ppf((1 + LEVEL) / 2, len(x) - 2) * error
    low, middle, high = (float(2**power) for power in (slope - half, slope, slope + half))
    return Estimate(middle, low, high, len(x))


def frame(found: Iterable[Study]) -> pd.DataFrame:
    """(lines, columns) one row a line of each study, in full precision."""
    return pd.DataFrame([_flat(one, study) for study in found for one in study.lines])


def _flat(one: Line, study: Study) -> dict[str, Any]:
    cell, fit = one.cell, one.fit
    second = fit.second
    return {
        "dataset": cell.section.dataset,
        **{f"machine_{k}": v for k, v in cell.section.machine},
        "implementation": cell.implementation,
        "source_sha256": cell.source_sha256,
        "architecture": cell.architecture,
        "objective": cell.objective,
        "device": cell.device,
        "threads": cell.threads,
        "against": study.axis,
        "values": " ".join(map(str, one.points)),
        "runs": sum(map(len, one.points.values())),
        "law": fit.law,
        "a_seconds_a_million_words": fit.a,
        "a_low_95": fit.first.low,
        "a_high_95": fit.first.high,
        "b_seconds_a_million_words": second.value if second else None,
        "b_low_95": second.low if second else None,
        "b_high_95": second.high if second else None,
        "greatest_residual": fit.worst,
        "scatter": fit.scatter,
        "doubling_multiplies_by": one.doubling.value,
        "doubling_low_95": one.doubling.low,
        "doubling_high_95": one.doubling.high,
    }
