"""The headline tables for a terminal: as many columns as fit, models set apart by a line."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from bench.reporting.arrivals import ARRIVALS, arrival_notes, heading
from bench.reporting.columns import HEADLINE, Column, notes
from bench.reporting.costs import CostTable, cost_tables
from bench.reporting.papers import Grid, PaperTable
from bench.reporting.remarks import Remark, remarks
from bench.reporting.sections import Table, model_name

_STYLES = {"ok": "", "over_budget": "yellow", "skipped": "dim", "withdrawn": "dim"}
_NARROWEST_OUTCOME = 24  # columns; the last heading wraps, and so may its reasons


def terminal(
    tables: Sequence[Table], curves: Sequence[Table] = (), papers: Sequence[PaperTable] = ()
) -> RenderableType:
    """All tables, one under the other, with notes after the last; then times to quality, papers, costs."""
    drawn = [_Fitting(table, HEADLINE, table.title, remarks(table)) for table in tables]
    timed = [_Fitting(table, ARRIVALS, heading(table)) for table in curves]
    lines = dict.fromkeys(note for table in tables for note in notes(table))
    arrivals = _dim(note for table in curves for note in arrival_notes(table))
    costs = map(_costs, cost_tables(tables))
    return Group(*drawn, *_dim(lines), *timed, *arrivals, *map(_paper, papers), *costs)


def _dim(lines: Iterable[str]) -> list[Text]:
    return [Text(f"  {line}", style="dim") for line in lines]


def _paper(table: PaperTable) -> RenderableType:
    """A paper's table beside ours, what differs, its claims."""
    parts: list[RenderableType] = [
        Text(f"\n{table.title}\n", style="bold") + Text(table.settings, style="not bold"),
        Text(table.conditions),
        _Grouped(table.figures),
        Text("What differs from the paper:"),
        *(Padding(Text(f"- {deviation}", style="yellow"), (0, 0, 0, 2)) for deviation in table.deviations),
    ]
    parts += [Text("\nIts claims:"), _Grouped(table.claims)] if table.claims else []
    return Group(*parts, *_dim([*table.notes, table.provenance]))


def _costs(table: CostTable) -> RenderableType:
    """The laws, and where they cross."""
    heading = Text(f"\n{table.title}\n", style="bold") + Text(table.settings, style="not bold")
    grids = [_Grouped(grid) for grid in (table.laws, table.crossings) if grid]
    return Group(heading, *grids, *_dim([*table.notes, table.provenance]))


class _Grouped:
    """A plain table that breaks between groups of columns where the terminal is narrow."""

    def __init__(self, grid: Grid):
        self.grid = grid
        places = range(len(grid.heads))
        groups = [list(group) for _, group in groupby(places, lambda i: grid.heads[i].group)]
        self.naming, self.groups = (groups[0], groups[1:]) if len(groups) > 1 else ([], groups)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        parts: list[list[int]] = [[]]
        for group in self.groups:
            if parts[-1] and not _fits(self._drawn([*parts[-1], *group]), console, options):
                parts.append([])
            parts[-1] += group
        for columns in parts:
            whole = self._drawn(columns)
            yield whole if _fits(whole, console, options) else self._drawn(columns, names_wrap=True)

    def _drawn(self, columns: Sequence[int], *, names_wrap: bool = False) -> RichTable:
        drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
        for i in [*self.naming, *columns]:
            head = self.grid.heads[i]
            title = f"{head.group}\n{head.text}" if head.group else head.text
            widest = max(map(cell_len, [*title.splitlines(), *(row[i] for row in self.grid.rows)]))
            wraps = not head.number and (names_wrap or i not in self.naming)
            drawn.add_column(
                title,
                justify="right" if head.number else "left",
                min_width=None if wraps else widest,
                no_wrap=not wraps,
                overflow="fold",
            )
        for row in self.grid.rows:
            drawn.add_row(*(Text(row[i]) for i in [*self.naming, *columns]))
        return drawn


class _Fitting:
    """A table that leaves out its least important columns where the terminal is narrow."""

    def __init__(self, table: Table, columns: Sequence[Column], title: str, shaky: Sequence[Remark] = ()):
        self.table, self.columns, self.title, self.shaky = table, columns, title, shaky

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        columns = [column for column in self.columns if column.key != "model"]
        columns.sort(key=lambda column: column.key == "outcome")  # reasons are long: best at the end
        hidden: list[Column] = []
        while not _fits(drawn := _draw(self.table, columns), console, options):
            least = min(columns, key=lambda column: column.keep)
            if least.keep >= 9:
                break
            columns.remove(least)
            hidden.append(least)
        yield Text(f"{self.title}\n", style="bold") + Text(self.table.settings, style="not bold")
        yield drawn
        yield Text(f"  {self.table.provenance}", style="dim")
        for remark in self.shaky:
            yield Text(f"  {remark}", style="yellow")
        if hidden:
            names = ", ".join(column.head for column in self.columns if column in hidden)
            yield Text(f"  not shown at this width: {names} (all in table.md)", style="dim")
        yield Text("")


def _fits(drawn: RichTable, console: Console, options: ConsoleOptions) -> bool:
    boundless = options.update(max_width=10_000)
    return Measurement.get(console, boundless, drawn).minimum <= options.max_width


def _draw(table: Table, columns: Sequence[Column]) -> RichTable:
    drawn = RichTable(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    texts = {column.key: [column.text(cell, table) for cell in table.cells] for column in columns}
    for column in columns:
        drawn.add_column(
            column.head,
            justify="right" if column.number else "left",
            min_width=_least_width(column, texts[column.key]),
            overflow="fold",
        )
    name = [column.key for column in columns].index("implementation")
    for i, cell in enumerate(table.cells):
        if i == 0 or table.cells[i - 1].model != cell.model:
            drawn.add_row(*[""] * name, Text(model_name(cell), style="bold"))
        ends = i + 1 < len(table.cells) and table.cells[i + 1].model != cell.model
        style = _STYLES.get(cell.status, "red")
        drawn.add_row(*(Text(texts[column.key][i]) for column in columns), style=style, end_section=ends)
    return drawn


def _least_width(column: Column, texts: Sequence[str]) -> int:
    """Wide enough for every figure; headings, and reasons in the last column, may wrap."""
    if column.key == "outcome":
        return _NARROWEST_OUTCOME
    return max(cell_len(text) for text in [*column.head.split(), *texts])
