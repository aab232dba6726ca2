"""The regression gate: what changed from one set of records to another, and what may not.

A change is a regression when both hold:

- the 90 % interval of the change clears the margin: it is at least that large, wrong 5 times in 100;
- "nothing got worse" is rejected at 5 % after Holm's correction over all comparisons of the call, so
  that a table of forty rows where nothing changed raises an alarm 5 times in 100, not every time.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from bench.analysis.cells import QUALITY_SETS
from bench.analysis.comparable import (
    MEASURED,
    SPEED,
    Control,
    Found,
    Row,
    Runs,
    by_seed,
    control,
    figures,
    memory_shift,
    quality_shift,
    rows,
    speed_shift,
)
from bench.analysis.margins import FEWEST_RUNS, LEVEL, Shift
from bench.analysis.statistics import holm
from bench.analysis.verdicts import MARGINS
from bench.records.metrics import METRICS, Metric
from bench.records.sides import Side

CRASHED = ("failed", "oom", "timeout")
DEFAULT_MARGINS = {"throughput": 0.05, "memory": 0.02, "quality": 0.01}

_METRICS = (
    ("throughput", SPEED),
    ("memory", METRICS["host_peak_bytes"]),
    ("memory", METRICS["cuda_peak_allocated_bytes"]),
    *(("quality", QUALITY_SETS[name]) for name in MARGINS),
)


@dataclass(frozen=True)
class Change:
    """One metric of one row, base against new."""

    row: Row
    implementations: tuple[str, str]  # base's, new's: the same unless names are compared
    kind: str  # a key of DEFAULT_MARGINS
    metric: Metric
    base: float  # median over runs
    new: float
    how: str  # "paired by block", "beside gensim of the block", "over runs", "over seeds"
    n: int  # pairs, or runs (seeds for quality) on the smaller side
    shift: Shift | None  # better upwards, of logarithms unless quality; None: nothing can be said
    margin: float | None  # None: this kind is not judged
    p: float = 1.0  # of "nothing got worse", after Holm

    @property
    def is_ratio(self) -> bool:
        """Whether the change is new/base; otherwise it is new − base."""
        return self.kind != "quality"

    @property
    def estimate(self) -> tuple[float, float, float] | None:
        """(change, low, high) with the 90 % interval, as a ratio or a difference."""
        if self.shift is None:
            return None
        way = 1 if self.metric.higher_is_better else -1
        low, high = sorted(way * end for end in self.shift.interval)
        value = way * self.shift.value
        return (math.exp(value), math.exp(low), math.exp(high)) if self.is_ratio else (value, low, high)

    @property
    def verdict(self) -> str:
        """ "regression", "fine" (a loss as large as the margin is excluded), or why neither."""
        if self.margin is None:
            return "not judged"
        if self.shift is None:
            return f"cannot tell ({self.how if self.n >= FEWEST_RUNS else f'n = {self.n}'})"
        limit, (low, high) = self._shift_at(self.margin), self.shift.interval
        if high < -limit:
            return "regression" if self.p <= LEVEL else f"cannot tell (n = {self.n}, alone it would fail)"
        if low > -limit:
            return "fine"
        needed = f", about {max(self.n + 1, self.shift.runs_needed(limit))} needed" if limit else ""
        return f"cannot tell (n = {self.n}{needed})"

    def _shift_at(self, loss: float) -> float:
        """How far down a loss of `loss` shifts: 5 % slower is -log 0.95, 2 % more bytes log 1.02."""
        if not self.is_ratio:
            return loss
        return -math.log(1 - loss) if self.metric.higher_is_better else math.log(1 + loss)


@dataclass(frozen=True)
class Lone:
    """A row, or some runs of it, that one side could not set against the other's."""

    row: Row
    implementation: str
    side: str  # "base" or "new": where it was measured
    other: str  # what the other side has: "nothing", or how its runs ended
    broken: bool  # crashed in new and never in base: a regression without figures


@dataclass(frozen=True)
class Comparison:
    """All that `compare` found."""

    changes: tuple[Change, ...]
    lone: tuple[Lone, ...]
    unchanged: int  # rows whose runs are the very same on both sides; they are not compared

    @property
    def regressions(self) -> int:
        """How many comparisons failed, rows that no longer run included."""
        return sum(c.verdict == "regression" for c in self.changes) + sum(x.broken for x in self.lone)

    @property
    def comparable(self) -> bool:
        """Whether any row has both sides."""
        return bool(self.changes or self.unchanged)


def compare(base: Side, new: Side, margins: Mapping[str, float]) -> Comparison:
    """What changed from `base` to `new`, row by row; kinds without a margin are shown, not judged.

    Where both sides are names of implementations, the rows of the one are held against the other's.
    """
    across = bool(base.implementation and new.implementation)
    old, fresh = rows(base, across), rows(new, across)
    drafts: list[Change] = []
    lone, unchanged = [], 0
    for row in sorted(old.keys() | fresh.keys()):
        runs = old.get(row, []), fresh.get(row, [])
        measured = [[r for r in side if r.status in MEASURED] for side in runs]
        if any(measured) and (not all(measured) or _broken(*runs)):
            lone.append(_lone(row, runs, measured))
        if not all(measured):
            continue
        if measured[0] == measured[1]:
            unchanged += 1
        else:
            controls = control(base, row), control(new, row)
            drafts += _changes(row, measured[0], measured[1], controls, margins)
    return Comparison(tuple(_corrected(drafts)), tuple(lone), unchanged)


def _broken(base: Runs, new: Runs) -> bool:
    """Whether runs crash in new that never did in base."""
    return any(r.status in CRASHED for r in new) and not any(r.status in CRASHED for r in base)


def _lone(row: Row, runs: tuple[Runs, Runs], measured: Sequence[Runs]) -> Lone:
    here = 0 if measured[0] else 1
    others = [r for r in runs[1 - here] if r.status not in MEASURED]
    ends = sorted({f"{r.status}: {r.reason}" if r.reason else r.status for r in others})
    name = str(runs[here][0].implementation["name"])
    broken = here == 0 and _broken(*runs)
    return Lone(row, name, ("base", "new")[here], "; ".join(ends) or "nothing", broken)


def _changes(
    row: Row, base: Runs, new: Runs, controls: tuple[Control, Control], margins: Mapping[str, float]
) -> Iterable[Change]:
    names = str(base[0].implementation["name"]), str(new[0].implementation["name"])
    for kind, metric in _METRICS:
        sample = by_seed if kind == "quality" else figures
        old, fresh = sample(base, metric), sample(new, metric)
        if old and fresh:
            found = _shift(kind, old, fresh) or speed_shift(base, new, controls)
            yield Change(row, names, kind, metric, median(old), median(fresh), *found, margins.get(kind))


def _shift(kind: str, old: Sequence[float], fresh: Sequence[float]) -> Found | None:
    """Between independent runs; None for speeds, which are never compared without their blocks."""
    if kind == "throughput":
        return None
    return quality_shift(old, fresh) if kind == "quality" else memory_shift(old, fresh)


def _corrected(drafts: Sequence[Change]) -> list[Change]:
    """The changes with their p-values after Holm, over those that are judged and can be."""
    judged = [c.shift.p_drop() for c in drafts if c.shift and c.margin is not None]
    corrected = iter(holm(judged))
    return [replace(c, p=next(corrected)) if c.shift and c.margin is not None else c for c in drafts]
