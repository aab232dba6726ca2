"""What further threads give: each row's speed over its own with the fewest, in the same blocks."""

from collections.abc import Mapping, Sequence

from bench.analysis.cells import Cell
from bench.analysis.statistics import Estimate, may_be_one
from bench.analysis.verdicts import speed_ratio
from bench.reporting.columns import multiple
from bench.reporting.figures.forest import Row, forest, height_in
from bench.reporting.figures.marks import SHAPES, identity
from bench.reporting.figures.sheet import Drawing, draw
from bench.reporting.sections import Table, model_name

READING = (
    "Each mark is the geometric mean, over blocks, of a row's words/s with more threads divided by those "
    "with the fewest in the same block; the bar is its 95 % interval. The line stands where the ratio is "
    "that of the threads: nothing is lost. n.s.: no gain is shown."
)
_FEWEST = 2  # rows


def scaling(table: Table, colours: Mapping[str, str]) -> Drawing | None:
    """The figure; None with fewer than two rows that ran with several thread counts in one block."""
    pairs = _pairs(table.cells)
    if len(pairs) < _FEWEST:
        return None
    most = max(cell.threads / base.threads for cell, base, _ in pairs)
    lines: list[Row | str] = []
    for model in dict.fromkeys(model_name(cell) for cell, _, _ in pairs):
        same = [pair for pair in pairs if model_name(pair[0]) == model]
        lines += [model, *(_row(*pair, colours) for pair in sorted(same, key=lambda p: -p[2].value))]
    data = [
        identity(cell, table)
        | {
            "fewest_threads": base.threads,
            "ratio": r.value,
            "low_95": r.low,
            "high_95": r.high,
            "blocks": r.n,
        }
        for cell, base, r in pairs
    ]
    label = "words/s over those with the fewest threads in the same block (log scale)"
    return draw(
        "scaling",
        table,
        _title(pairs),
        READING,
        data,
        lambda sheet: forest(sheet, lines, label, mark=most),
        height_in(lines),
    )


def _pairs(cells: Sequence[Cell]) -> list[tuple[Cell, Cell, Estimate]]:
    """Each row with more threads, the same row with the fewest, and the ratio of their speeds."""
    pairs = []
    for cell in cells:
        same = [c for c in cells if _row_of(c) == _row_of(cell) and c.speed]
        base = min(same, key=lambda c: c.threads, default=cell)
        ratio = speed_ratio(cell, [c for c in same if c.threads == base.threads])
        if base.threads < cell.threads and ratio is not None:
            pairs.append((cell, base, ratio))
    return pairs


def _row_of(cell: Cell) -> object:
    return cell.implementation, cell.model, cell.learning_rate, cell.source_sha256, cell.options


def _row(cell: Cell, base: Cell, ratio: Estimate, colours: Mapping[str, str]) -> Row:
    name = f"{cell.implementation}, {base.threads} → {cell.threads} threads"
    return Row(name, ratio, colours[cell.implementation], SHAPES[cell.model])


def _title(pairs: Sequence[tuple[Cell, Cell, Estimate]]) -> str:
    least, most = (choose(pairs, key=lambda p: p[2].value) for choose in (min, max))
    cell, base, _ = most
    threads = f"From {base.threads} to {cell.threads} threads"
    silent = [f"{c.implementation} ({model_name(c)})" for c, _, r in pairs if may_be_one(r)]
    if len(silent) == len(pairs):
        return f"{threads}: no gain is shown"
    if silent:
        return f"{threads}: up to {_gain(most)}; no gain is shown for {', '.join(silent)}"
    return f"{threads}: from {_gain(least)} to {_gain(most)}"


def _gain(pair: tuple[Cell, Cell, Estimate]) -> str:
    cell, _, ratio = pair
    return f"{multiple(ratio)} ({cell.implementation}, {model_name(cell)})"
