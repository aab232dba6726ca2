"""How far each row of the tables is from what its machine can do, and what it runs into first.

The roofline of Williams, Waterman and Patterson 2009: a program is bound by arithmetic or by memory,
whichever its work would take longer with. Here memory means *rows*: vectors read from the two matrices
and written back. Counted a raw word, from the record's own counts; D is the dimension:

operations    6 D a scored output: a dot product, and a multiple added to either row, 2 D each. CBOW adds
              2 D a pair, into the mean and back. That is what the mathematics asks for: sigmoids, draws,
              recomputed scores and masked products are not counted, so no share is flattered.
bytes         8 D a row: D floats, read and written back.
  at most     every pair moves its input row and every scored output its output row, as a program does
              that keeps nothing at hand (word2vec.c: 336 D a kept word with window 5 and K 5). Where the
              implementation counts `row_visits`, those instead.
  at least    two rows a kept word: its input vector and one output vector, everything else being
              shared with its neighbours and still at hand. No order of the work needs less.

On a GPU the ceilings are a product of bfloat16 matrices and copying within its memory: rows that are in its
second-level cache come faster than that.

Window 5 and K 5 give a kept word 6 pairs and 36 scored outputs: 216 D operations on 16 D to 336 D bytes.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bench.analysis.cells import Cell
from bench.records.ceilings import Ceilings

FLOAT_BYTES = 4
MOVED = 2 * FLOAT_BYTES  # a float read and written back
BUSY = 0.5  # a row that uses less than half of both ceilings is held up by neither
MEASURED = ("ok", "over_budget")  # statuses that have a speed

COUNTS = ("kept_words", "pairs", "scored_outputs")


@dataclass(frozen=True)
class Counts:
    """Work for one raw word; `row_visits` is None where the implementation does not count them."""

    kept_words: float
    pairs: float
    scored_outputs: float
    row_visits: float | None
    own: bool  # counted by this row, not borrowed from another


@dataclass(frozen=True)
class Work:
    """What one raw word costs."""

    operations: float
    least_bytes: float
    most_bytes: float
    own: bool


@dataclass(frozen=True)
class Roofline:
    """One row of the tables under its ceiling. Shares are of 1, or more where caches beat the ceiling."""

    cell: Cell
    raw_words_per_s: float
    work: Work
    flops_ceiling_per_s: float
    row_ceiling_bytes_per_s: float

    @property
    def flops_per_s(self) -> float:
        """Counted operations a second."""
        return self.work.operations * self.raw_words_per_s

    @property
    def bytes_per_s(self) -> tuple[float, float]:
        """Counted bytes a second, at least and at most."""
        return self.work.least_bytes * self.raw_words_per_s, self.work.most_bytes * self.raw_words_per_s

    @property
    def arithmetic_share(self) -> float:
        """Of the best matrix product of what it ran on."""
        return self.flops_per_s / self.flops_ceiling_per_s

    @property
    def row_share(self) -> tuple[float, float]:
        """Of the rate at which rows can be moved, at least and at most."""
        least, most = self.bytes_per_s
        return least / self.row_ceiling_bytes_per_s, most / self.row_ceiling_bytes_per_s

    @property
    def intensity(self) -> tuple[float, float]:
        """Operations a byte, at least (most bytes) and at most (least bytes)."""
        return self.work.operations / self.work.most_bytes, self.work.operations / self.work.least_bytes

    @property
    def headroom(self) -> float:
        """How many times faster this work could be done here, if nothing stood between it and a ceiling."""
        return 1 / max(self.arithmetic_share, self.row_share[0])

    @property
    def limit(self) -> str:
        """What the row runs into first: "arithmetic", "rows", "either" (bytes decide it) or "neither"."""
        least, most = self.row_share
        if max(self.arithmetic_share, most) < BUSY:
            return "neither"
        if self.arithmetic_share >= most:
            return "arithmetic"
        return "rows" if least >= self.arithmetic_share else "either"


def rooflines(cells: Iterable[Cell], ceilings: Ceilings) -> tuple[list[Roofline], list[tuple[Cell, str]]]:
    """The rows of the ceilings' machine that have a speed, in the order given.

    Second: those that cannot be placed, each with the reason.
    """
    here = [cell for cell in cells if _measured_on(cell, str(ceilings.machine["name"]))]
    placed, left_out = [], []
    for cell in here:
        found = _place(cell, here, ceilings)
        if isinstance(found, str):
            left_out.append((cell, found))
        else:
            placed.append(found)
    return placed, left_out


def _place(cell: Cell, others: Sequence[Cell], ceilings: Ceilings) -> Roofline | str:
    """The row under its ceiling, or why there is none."""
    vocabulary, dim = size(cell)
    if (found := _ceilings_of(cell, ceilings)) is None:
        what = "its GPU" if cell.on_gpu else f"{cell.threads} thread(s), V {vocabulary:,}, D {dim}"
        return f"no ceiling for {what}: measure anew"
    counts = counted(cell) or _borrowed(cell, others)
    if counts is None or cell.speed is None:
        return "its work was not counted, nor that of another row of the same model"
    return Roofline(cell, cell.speed.median, work_of(counts, dim, cell.architecture), *found)


def _ceilings_of(cell: Cell, ceilings: Ceilings) -> tuple[float, float] | None:
    """Operations and bytes of rows a second that are the most where it ran; None where not measured."""
    if cell.on_gpu:
        gpu = ceilings.gpu
        return (gpu.bf16_flops_per_s, gpu.copy_bytes_per_s) if gpu else None
    of_threads = ceilings.of(cell.threads)
    rate = of_threads.row_bytes_per_s(*size(cell)) if of_threads else None
    return (of_threads.sgemm_flops_per_s, rate) if of_threads and rate else None


def size(cell: Cell) -> tuple[int, int]:
    """(V, D) of the model."""
    return int(cell.runs[0].data["vocabulary"]), int(cell.runs[0].config["dim"])


def models(cells: Iterable[Cell], machine: str) -> list[tuple[int, int]]:
    """(V, D) of every size of model that `rooflines` would need a ceiling for."""
    return sorted({size(cell) for cell in cells if _measured_on(cell, machine) and not cell.on_gpu})


def threads(cells: Iterable[Cell], machine: str) -> list[int]:
    """The numbers of threads that rows ran with, and 1."""
    return sorted({1, *(c.threads for c in cells if _measured_on(c, machine) and not c.on_gpu)})


def _measured_on(cell: Cell, machine: str) -> bool:
    here = dict(cell.section.machine)["name"] == machine
    return here and cell.status in MEASURED and cell.speed is not None


def counted(cell: Cell) -> Counts | None:
    """Counts for a raw word over the runs that have them; None where none has."""
    works = [r.work for r in cell.runs if r.work.get("raw_words") and all(r.work.get(k) for k in COUNTS)]
    if not works:
        return None
    words = sum(work["raw_words"] or 0 for work in works)
    kept, pairs, scored = (sum(work[key] or 0 for work in works) / words for key in COUNTS)
    visits = [work.get("row_visits") for work in works]
    known = [v for v in visits if v is not None]
    every = sum(known) / words if len(known) == len(works) else None
    return Counts(kept, pairs, scored, every, own=True)


def _borrowed(cell: Cell, others: Sequence[Cell]) -> Counts | None:
    """For a program that does not count: the least that another row of the same model and text scored.

    The law gives all of them the same kept words and pairs, up to chance (RULES.md).
    """
    same = [c for c in others if (c.section, c.model) == (cell.section, cell.model)]
    known = [counts for c in same if (counts := counted(c))]
    if not known:
        return None
    least = min(known, key=lambda counts: counts.scored_outputs)
    return Counts(least.kept_words, least.pairs, least.scored_outputs, None, own=False)


def work_of(counts: Counts, dim: int, architecture: str) -> Work:
    """Operations and bytes of one raw word; see the head of this file."""
    operations = 6 * dim * counts.scored_outputs
    if architecture == "cbow":
        operations += 2 * dim * counts.pairs
    visits = counts.pairs + counts.scored_outputs if counts.row_visits is None else counts.row_visits
    least = min(2 * counts.kept_words, visits)
    return Work(operations, MOVED * dim * least, MOVED * dim * visits, counts.own)
