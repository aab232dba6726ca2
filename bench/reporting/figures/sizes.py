"""Does a ratio hold when the model grows? Speed over gensim's, over tables of other sizes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence

from bench.analysis.cells import Cell, alike_but
from bench.analysis.verdicts import REFERENCE
from bench.reporting.columns import multiple
from bench.reporting.figures.forest import Row, forest, height_in
from bench.reporting.figures.marks import identity
from bench.reporting.figures.ratios import READING, measured, to_gensim
from bench.reporting.figures.sheet import Drawing, draw
from bench.reporting.figures.study import studied
from bench.reporting.sections import Table, model_name, whole

_SIZES = {"dim": "dim {}", "window": "window {}", "negatives": "K {}"}
_FEWEST = 2  # sizes


def sizes(tables: Sequence[Table], colours: Mapping[str, str]) -> list[tuple[int, Drawing]]:
    """A figure for each group of tables that differ in dimension, window or negatives alone."""
    groups = alike_but([table.section for table in tables], _SIZES)
    drawn = [(places[0], _draw([tables[i] for i in places], colours)) for places in groups]
    return [(place, drawing) for place, drawing in drawn if drawing]


def _draw(tables: Sequence[Table], colours: Mapping[str, str]) -> Drawing | None:
    """Rows that ran at every size, with the same threads; None where there is no such row."""
    sized = [(table, cell) for table in tables if not studied(table) for cell in table.cells if cell.ratio]
    rows: dict[tuple[str, tuple[str, str], int], list[tuple[Table, Cell]]] = defaultdict(list)
    for table, cell in sized:
        if cell.implementation != REFERENCE:
            rows[cell.implementation, cell.model, cell.threads].append((table, cell))
    everywhere = {row: found for row, found in rows.items() if len({t.hash for t, _ in found}) == len(tables)}
    if len(tables) < _FEWEST or not everywhere:
        return None
    lines: list[Row | str] = []
    for (name, _, threads), found in everywhere.items():
        lines.append(f"{name}, {model_name(found[0][1])}, {threads} thread{'s' if threads != 1 else ''}")
        lines += [to_gensim(cell, _size(table, tables), colours) for table, cell in found]
    joined = whole(tables, (cell for _, cell in sized))
    data = [
        identity(cell, table) | dict(table.section.settings) | measured(cell)
        for found in everywhere.values()
        for table, cell in found
    ]
    label = "words/s over gensim's in the same block (log scale)"
    return draw(
        "sizes",
        joined,
        _title(everywhere),
        READING,
        data,
        lambda sheet: forest(sheet, lines, label),
        height_in(lines),
        f"{joined.title}; {', '.join(_size(table, tables) for table in tables)}; {joined.settings}",
    )


def _size(table: Table, tables: Sequence[Table]) -> str:
    """ "dim 300 K 15": the settings that differ."""
    settings = [dict(t.section.settings) for t in tables]
    own = dict(table.section.settings)
    return " ".join(text.format(own[k]) for k, text in _SIZES.items() if len({s[k] for s in settings}) > 1)


def _title(rows: Mapping[tuple[str, tuple[str, str], int], Sequence[tuple[Table, Cell]]]) -> str:
    """The row whose least ratio is the greatest, with its least and greatest."""
    spans = {}
    for (name, _, threads), found in rows.items():
        ordered = sorted((c.ratio for _, c in found if c.ratio), key=lambda r: r.value)
        spans[name, model_name(found[0][1]), threads] = ordered[0], ordered[-1]
    (name, model, threads), (least, most) = max(spans.items(), key=lambda item: item[1][0].value)
    span = f"{multiple(least)} to {multiple(most)}"
    where = f"{model}, {threads} thread{'s' if threads != 1 else ''}"
    return f"Over all sizes {name} is {span} as fast as gensim ({where})"
