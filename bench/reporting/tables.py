"""The tables as Markdown and CSV; the same rows in each."""

from collections.abc import Iterable, Sequence

import pandas as pd

from bench.reporting import overall
from bench.reporting.arrivals import ARRIVALS, arrival_notes, heading
from bench.reporting.columns import EVIDENCE, HEADLINE, Column, evaluated, notes
from bench.reporting.costs import CostTable, cost_tables
from bench.reporting.papers import Grid, PaperTable
from bench.reporting.peers import PeerTable
from bench.reporting.remarks import remarks
from bench.reporting.sections import Table

_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|#~"})


def csv(frame: pd.DataFrame) -> str:
    """Full precision, a missing figure is an empty field, lines end in a newline everywhere."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def markdown(
    tables: Sequence[Table],
    curves: Sequence[Table] = (),
    papers: Sequence[PaperTable] = (),
    others: PeerTable | None = None,
) -> str:
    """All tables, each with its settings, notes and provenance; `curves` are those of times to quality."""
    parts = [*map(_markdown_section, tables), *map(_markdown_arrivals, curves), *map(_markdown_paper, papers)]
    parts += map(_markdown_costs, cost_tables(tables))
    return "\n".join(parts) + _markdown_overall(tables) + (_markdown_peers(others) if others else "")


def _markdown_costs(table: CostTable) -> str:
    """The laws, and where they cross."""
    parts = [f"### {escape_markdown(table.title)}", escape_markdown(table.settings)]
    parts += [_markdown_grid(grid) for grid in (table.laws, table.crossings) if grid]
    return "\n\n".join([*parts, _markdown_list(table.notes), escape_markdown(table.provenance)]) + "\n"


def _markdown_paper(table: PaperTable) -> str:
    """Settings, the two tables, and beneath them what differs."""
    parts = [f"### {escape_markdown(table.title)}", escape_markdown(table.settings)]
    parts += [escape_markdown(table.conditions), _markdown_grid(table.figures)]
    parts += ["What differs from the paper:", _markdown_list(table.deviations)]
    if table.claims:
        parts += ["Its claims:", _markdown_grid(table.claims)]
    parts += [_markdown_list(table.notes), escape_markdown(table.provenance)]
    return "\n\n".join(parts) + "\n"


def _markdown_peers(table: PeerTable) -> str:
    parts = [
        f"### {escape_markdown(table.title)}",
        _markdown_grid(table.figures),
        _markdown_list(table.notes),
    ]
    return "\n" + "\n\n".join(parts) + "\n"


def _markdown_grid(grid: Grid) -> str:
    heads = [f"{head.group}: {head.text}" if head.group else head.text for head in grid.heads]
    rules = ["---:" if head.number else ":---" for head in grid.heads]
    rows = [map(escape_markdown, heads), rules, *(map(escape_markdown, row) for row in grid.rows)]
    return "\n".join(map(markdown_line, rows))


def _markdown_list(items: Iterable[str]) -> str:
    return "\n".join(f"- {escape_markdown(item)}" for item in items)


def _markdown_arrivals(table: Table) -> str:
    parts = [f"### {escape_markdown(heading(table))}", escape_markdown(table.settings)]
    parts += [_markdown_table(table, ARRIVALS)]
    parts += [_markdown_list(arrival_notes(table))]
    return "\n\n".join([*parts, escape_markdown(table.provenance)]) + "\n"


def _markdown_overall(tables: Sequence[Table]) -> str:
    """The means over data sets, or nothing where no row was measured on several."""
    rows = [list(map(escape_markdown, row)) for row in overall.rows(tables)]
    if not rows:
        return ""
    lines = map(markdown_line, [overall.HEAD, ["---"] * len(overall.HEAD), *rows])
    return "\n" + "\n\n".join(["### Over data sets", "\n".join(lines), f"- {overall.NOTE}"]) + "\n"


def _markdown_section(table: Table) -> str:
    parts = [
        f"### {escape_markdown(table.title)}",
        escape_markdown(table.settings),
        _markdown_table(table, HEADLINE),
    ]
    if (judged := evaluated(table)).cells:
        parts += ["Quality and its two error bars, kept apart:", _markdown_table(judged, EVIDENCE)]
    if shaky := remarks(table):
        parts += [_markdown_list(f"Caution. {remark}" for remark in shaky)]
    parts += [_markdown_list(notes(table))]
    parts += [escape_markdown(table.provenance)]
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table, columns: Sequence[Column]) -> str:
    lines = [
        markdown_line(escape_markdown(column.head) for column in columns),
        markdown_line("---:" if column.number else ":---" for column in columns),
    ]
    for cell in table.cells:
        lines.append(markdown_line(escape_markdown(column.text(cell, table)) for column in columns))
    return "\n".join(lines)


def markdown_line(fields: Iterable[str]) -> str:
    """One line of a table; the fields are escaped already."""
    return f"| {' | '.join(fields)} |"


def escape_markdown(text: str) -> str:
    """`text` on one line, with nothing that Markdown or inline HTML would read as its own."""
    return " ".join(text.split()).replace("&", "&amp;").translate(_MARKDOWN)
