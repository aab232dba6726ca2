"""Old against new: do rows that were run again say what they said before?

Absolute words/s belong to a machine and are only shown. What must come out again is the ratio to gensim
within blocks, and quality within the spread over seeds.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.cells import QUALITY_SETS, Cell
from bench.analysis.rows import cells
from bench.analysis.statistics import holm, same_mean_p_value
from bench.analysis.verdicts import FEWEST_SEEDS, REFERENCE
from bench.records.schema import Record

LEVEL = 0.05  # chance that one of a whole table's quality figures is called outside by accident


@dataclass(frozen=True)
class Pair:
    """A published row and the same row run again."""

    old: Cell
    new: Cell | None  # None: not run again
    note: str  # why not, or what is not as it was
    speed: str = ""  # "ratios overlap", "ratios apart", "reference" or "cannot tell: ..."
    quality: str = ""  # "inside the seed spread", "outside it on ..." or "cannot tell: ..."
    agrees: bool = True  # nothing contradicts the published row

    @property
    def verdict(self) -> str:
        """All of it in one phrase."""
        if self.new is None:
            return f"not run again: {self.note}"
        ended = "" if self.new.status == self.old.status else f"was {self.old.status}, now {self.new.status}"
        quality = f"quality {self.quality}" if self.quality else ""
        return "; ".join(part for part in (ended, quality, self.speed, self.note) if part)


def compare(old: Sequence[Cell], new: Sequence[Record], notes: dict[str, str]) -> list[Pair]:
    """One pair for each cell of `old`.

    Args:
        new: the records of the runs made again.
        notes: by run id of the old records, what is to be said of them.
    """
    fresh = cells(new)
    pairs = [Pair(cell, _match(cell, fresh), _note(cell, notes)) for cell in old]
    outside = _outside([pair for pair in pairs if pair.new])
    return [_judge(pair, outside.get(id(pair.old))) for pair in pairs]


def _note(cell: Cell, notes: dict[str, str]) -> str:
    return "; ".join(sorted({note for run in cell.runs if (note := notes.get(run.run_id))}))


def _match(old: Cell, fresh: Iterable[Cell]) -> Cell | None:
    """The cell of the same configuration; where its runs ended in several ways, the way the old ones did."""
    same = [cell for cell in fresh if _identity(cell) == _identity(old)]
    return max(same, key=lambda cell: (cell.status == old.status, cell.status == "ok"), default=None)


def _identity(cell: Cell) -> tuple[object, ...]:
    """What makes it the same row on any machine, whatever has become of its source."""
    where = cell.section
    return (
        (where.data_sha256, where.settings, cell.model, cell.learning_rate),
        (cell.implementation, cell.device, cell.threads, cell.options),
    )


def _outside(pairs: Sequence[Pair]) -> dict[int, list[str]]:
    """By old cell, the sets whose mean differs from the old one; a cell without a set to test is absent."""
    tests = [
        (pair, name, p) for pair in pairs for name in QUALITY_SETS if (p := _p_value(pair, name)) is not None
    ]
    adjusted = holm([p for _, _, p in tests])
    found: dict[int, list[str]] = {}
    for (pair, name, _), p in zip(tests, adjusted, strict=True):
        found.setdefault(id(pair.old), []).extend([name] if p <= LEVEL else [])
    return found


def _p_value(pair: Pair, name: str) -> float | None:
    """Of equal means, by the spread over seeds; null where too few seeds were published to know it."""
    old, new = pair.old.quality.get(name), pair.new.quality.get(name) if pair.new else None
    if old is None or new is None or len(old.by_seed) < FEWEST_SEEDS:
        return None
    return same_mean_p_value(new.by_seed, old.by_seed)


def _judge(pair: Pair, outside: list[str] | None) -> Pair:
    if pair.new is None:
        return pair
    speed, apart = _speed(pair.old, pair.new)
    quality = _quality(pair, outside)
    agrees = not apart and not outside and pair.old.status == pair.new.status
    return Pair(pair.old, pair.new, pair.note, speed, quality, agrees)


def _quality(pair: Pair, outside: list[str] | None) -> str:
    if pair.old.status != "ok" or pair.new is None or pair.new.status != "ok":
        return ""
    if outside is None:
        return f"cannot tell: seeds published {pair.old.seeds}, needed {FEWEST_SEEDS}"
    if not outside:
        return "inside the seed spread"
    return f"outside the seed spread on {' and '.join(QUALITY_SETS[name].label for name in outside)}"


def _speed(old: Cell, new: Cell) -> tuple[str, bool]:
    """The verdict on the ratio to gensim, and whether the two contradict each other."""
    if old.implementation == REFERENCE:
        return "reference", False
    a, b = old.ratio, new.ratio
    if a is None or b is None:
        return "no ratio to gensim", False
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return "ratio cannot be told from one block", False
    apart = a.low > b.high or b.low > a.high
    return ("ratios apart" if apart else "ratios overlap"), apart
