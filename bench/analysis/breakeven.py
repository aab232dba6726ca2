"""After how many words compiling has paid: when the seconds it took are won back in training.

With c the seconds of compiling beyond the parent's, s the parent's words/s and r the ratio of speeds,
the two have taken equally long after w words where c + w / (r s) = w / s: w = c s r / (r - 1).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell
from bench.analysis.verdicts import bases

_COMPILES_S = 0.5  # less is no compiling


@dataclass(frozen=True)
class BreakEven:
    """One compiled row beside the row it was made from."""

    cell: Cell
    parent: Cell
    cold_s: float  # compiling beyond the parent's
    warm_s: float | None  # again, with what the first time left in caches; None: not measured
    words: float | None  # None: never, it is not faster
    low: float | None  # from the ends of the ratio's 95 % interval; None: no interval
    high: float | None  # infinity: the interval of the ratio holds 1
    warm_words: float | None  # `words` with `warm_s`

    @property
    def shown(self) -> bool:
        """Whether the row is shown to be faster, so that compiling pays at some time."""
        return self.words is not None and (self.high is None or math.isfinite(self.high))

    def seconds(self, words: float, *, warm: bool = False) -> float:
        """Compiling and training on `words` words, beyond what the parent compiles."""
        assert self.cell.ratio_to_parent is not None
        compile_s = self.warm_s if warm and self.warm_s is not None else self.cold_s
        return compile_s + words / (self.parent_speed * self.cell.ratio_to_parent.value)

    @property
    def parent_speed(self) -> float:
        """The parent's raw words/s."""
        assert self.parent.speed is not None
        return self.parent.speed.median


def break_evens(cells: Sequence[Cell]) -> list[BreakEven]:
    """One for each row of `cells` that compiles and whose parent ran in the same block."""
    return [found for cell in cells if (found := _break_even(cell, cells)) is not None]


def _break_even(cell: Cell, cells: Iterable[Cell]) -> BreakEven | None:
    ratio = cell.ratio_to_parent
    parent = max(bases(cell, cell.parent, cells), key=lambda c: len(c.runs), default=None)
    if ratio is None or parent is None or parent.speed is None:
        return None
    before = parent.phases["compile_s"] or 0.0
    cold_s, warm_s = (cell.phases["compile_s"] or 0.0) - before, cell.phases["compile_warm_s"]
    if cold_s < _COMPILES_S:
        return None
    paid = {r: _words(cold_s, parent.speed.median, r) for r in (ratio.value, ratio.low, ratio.high) if r}
    never = float("inf")
    again_s = None if warm_s is None else max(0.0, warm_s - before)
    return BreakEven(
        cell,
        parent,
        cold_s,
        again_s,
        words=paid[ratio.value],
        low=None if ratio.high is None else paid[ratio.high] or never,
        high=None if ratio.low is None else paid[ratio.low] or never,
        warm_words=None if again_s is None else _words(again_s, parent.speed.median, ratio.value),
    )


def _words(compile_s: float, parent_speed: float, ratio: float) -> float | None:
    """The words after which compiling has paid; None where it never does."""
    return compile_s * parent_speed * ratio / (ratio - 1) if ratio > 1 else None
