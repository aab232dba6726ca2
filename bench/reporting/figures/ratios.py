"""Each row's speed over gensim's in the same blocks, by model."""

from collections.abc import Mapping, Sequence
from typing import Any

from bench.analysis.cells import Cell
from bench.analysis.verdicts import EQUAL, REFERENCE
from bench.reporting.columns import multiple
from bench.reporting.figures.forest import Row, forest, height_in
from bench.reporting.figures.marks import SHAPES, identity
from bench.reporting.figures.sheet import Drawing, draw
from bench.reporting.figures.study import studied
from bench.reporting.sections import Table, model_name, row_name

READING = (
    "Each mark is the geometric mean, over blocks, of a row's words/s divided by gensim's of the same "
    "model in the same block; the bar is its 95 % interval (a single block has none). Right of the "
    "line at 1 is faster than gensim; n.s.: p > 5 % once adjusted for the table's ratios. Filled: quality "
    "shown to equal gensim's; hollow: not shown, or stopped at the budget."
)
_FEWEST = 3  # rows; fewer are read faster in the table


def ratios(table: Table, colours: Mapping[str, str]) -> Drawing | None:
    """The figure; None with fewer than three rows that ran beside gensim, or where `study` is better."""
    rows = [c for c in table.cells if c.ratio and c.implementation != REFERENCE]
    if len(rows) < _FEWEST or studied(table):
        return None
    lines: list[Row | str] = []
    for model in dict.fromkeys(model_name(cell) for cell in rows):
        same = [cell for cell in rows if model_name(cell) == model]
        lines += [model, *(to_gensim(c, row_name(c, table.cells), colours) for c in by_ratio(same))]
    label = "words/s over gensim's in the same block (log scale)"
    data = [identity(cell, table) | measured(cell) for cell in rows]
    return draw(
        "ratios",
        table,
        _title(rows, table),
        READING,
        data,
        lambda s: forest(s, lines, label),
        height_in(lines),
    )


def to_gensim(cell: Cell, name: str, colours: Mapping[str, str]) -> Row:
    """The line of `cell`, which has a ratio."""
    assert cell.ratio is not None
    return Row(name, cell.ratio, colours[cell.implementation], SHAPES[cell.model], cell.tier == EQUAL)


def by_ratio(rows: Sequence[Cell]) -> list[Cell]:
    """From fast to slow."""
    return sorted(rows, key=lambda c: -c.ratio.value if c.ratio else 0.0)


def measured(cell: Cell) -> dict[str, Any]:
    """The ratio with its interval, for a figure's data."""
    assert cell.ratio is not None
    return {
        "ratio_to_gensim": cell.ratio.value,
        "ratio_to_gensim_low_95_over_blocks": cell.ratio.low,
        "ratio_to_gensim_high_95_over_blocks": cell.ratio.high,
        "blocks": cell.ratio.n,
        "quality_shown_equal": cell.tier == EQUAL,
    }


def _title(rows: Sequence[Cell], table: Table) -> str:
    """The fastest row of equal quality for each model, in the order of the lines."""
    leaders = {model_name(c): c for c in reversed(by_ratio(rows)) if c.tier == EQUAL}
    if not leaders:
        best = by_ratio(rows)[0]
        assert best.ratio is not None
        name = f"{row_name(best, table.cells)}, {model_name(best)}"
        return f"The fastest, {name}, is {multiple(best.ratio)} gensim; its quality is not shown to be equal"
    parts, last = [], ""
    for model in dict.fromkeys(model_name(cell) for cell in rows):
        if (cell := leaders.get(model)) and cell.ratio:
            name = row_name(cell, table.cells)
            parts.append(f"{name + ' ' if name != last else ''}{multiple(cell.ratio)} on {model}")
            last = name
    return f"Beside gensim at quality shown equal: {', '.join(parts)}"
