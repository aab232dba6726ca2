"""What shakes the figures of a table, each with the rows concerned and what to do about it.

Read from the records alone: how many blocks, how far apart their speeds are, how busy the machine
was when a run began, what its host withheld. The clock frequency is not recorded, so throttling
shows only as a slow block.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, median, stdev

from bench.analysis.cells import Cell
from bench.analysis.verdicts import speed_by_block

FEWEST_BLOCKS = 5  # with 3 the interval of a ratio is twice as wide as with 5: t quantile over root n
WIDEST_SPREAD = 0.10  # standard deviation over mean, where pyperf warns too
SLOWER = 0.10  # a block this much below the others
WITHHELD = 0.10  # of the processor, by the host of a virtual machine
IDLE_LOAD = 0.5  # above the threads of the runs themselves, which the load average includes

Block = tuple[str, int]  # series, repetition


@dataclass(frozen=True)
class Caution:
    """One thing to know before quoting `cells`, and its remedy."""

    kind: str  # "blocks", "spread", "first block" or "machine"
    what: str
    cells: tuple[Cell, ...]
    remedy: str


def cautions(cells: Sequence[Cell]) -> list[Caution]:
    """At most one caution a kind for the rows of one table; none where nothing is wrong."""
    measured = [cell for cell in cells if cell.status == "ok" and speed_by_block([cell])]
    found = (_few_blocks(measured), _spread(measured), _first_block(measured), _machine(measured))
    return [caution for caution in found if caution.cells]


def _few_blocks(cells: Sequence[Cell]) -> Caution:
    few = tuple(cell for cell in cells if len(speed_by_block([cell])) < FEWEST_BLOCKS)
    return Caution(
        "blocks",
        f"fewer than {FEWEST_BLOCKS} blocks, so that intervals are wide or missing",
        few,
        f"w2vbench run --seeds {FEWEST_BLOCKS}, which adds the missing blocks",
    )


def _spread(cells: Sequence[Cell]) -> Caution:
    wide = [(cell, share) for cell in cells if (share := spread(cell)) > WIDEST_SPREAD]
    largest = max((share for _, share in wide), default=0)
    return Caution(
        "spread",
        f"words/s spread over {_percent(WIDEST_SPREAD)}, up to {_percent(largest)} (standard deviation)",
        tuple(cell for cell, _ in wide),
        "quote the ratio with its interval, not words/s; more blocks narrow it",
    )


def spread(cell: Cell) -> float:
    """Standard deviation of words/s over blocks, as a share of the mean; 0 for a single block."""
    speeds = list(speed_by_block([cell]).values())
    return stdev(speeds) / fmean(speeds) if len(speeds) > 1 else 0.0


def _first_block(cells: Sequence[Cell]) -> Caution:
    return Caution(
        "first block",
        f"first block over {_percent(SLOWER)} slower than the others, as on a cold machine",
        tuple(cell for cell in cells if _starts_slowly(cell)),
        "let a run warm the machine up, then w2vbench run --again",
    )


def _starts_slowly(cell: Cell) -> bool:
    first, *rest = speed_by_block([cell]).values()
    return len(rest) >= 2 and first < (1 - SLOWER) * median(rest)


def _machine(cells: Sequence[Cell]) -> Caution:
    """Others in the load average, a host that gave to others, or a later block with most rows slow."""
    limit = max((cell.threads for cell in cells), default=0) + IDLE_LOAD
    loads, shares = ([_most(cell, key) for cell in cells] for key in ("load_average", "withheld_share"))
    busy = [load > limit or share > WITHHELD for load, share in zip(loads, shares, strict=True)]
    load, withheld = max(loads, default=0.0), max(shares, default=0.0)
    block, share = _slow_block(cells)
    signs = [f"load average up to {load:.1f} where a run began"] if load > limit else []
    signs += [f"its host withheld up to {_percent(withheld)} of the processor"] if withheld > WITHHELD else []
    signs += [f"most rows {_percent(share)} slower in one block"] if block else []
    return Caution(
        "machine",
        f"machine contended or throttled: {', '.join(signs)}",
        tuple(c for c, over in zip(cells, busy, strict=True) if over or _share(c, block) < 1 - SLOWER),
        "stop what else runs (see w2vbench doctor), then w2vbench run --again",
    )


def _most(cell: Cell, key: str) -> float:
    """The largest `machine[key]` of the cell's runs, 0 where none is known."""
    return max(float(run.machine.get(key) or 0) for run in cell.runs)


def _slow_block(cells: Sequence[Cell]) -> tuple[Block | None, float]:
    """The slowest block but a row's first, and by how much; (None, 0) where no block is slow.

    A block is slow if the median of at least 3 rows stands `SLOWER` below their own medians.
    """
    shares: dict[Block, list[float]] = defaultdict(list)
    for cell in cells:
        for block in list(speed_by_block([cell]))[1:]:
            shares[block].append(_share(cell, block))
    middles = {block: median(found) for block, found in shares.items() if len(found) >= 3}
    worst = min(middles, key=lambda block: (middles[block], block), default=None)
    if worst is None or middles[worst] >= 1 - SLOWER:
        return None, 0.0
    return worst, 1 - middles[worst]


def _share(cell: Cell, block: Block | None) -> float:
    """Speed in `block` over the row's median; 1 where the row was not in it, or in too few to tell."""
    speeds = speed_by_block([cell])
    return speeds[block] / median(speeds.values()) if block in speeds and len(speeds) >= 3 else 1.0


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
