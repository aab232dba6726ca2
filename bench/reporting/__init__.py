"""Reports: tables, figures and one page, a pure function of the records.

No clock, no machine, no chance: the same records give the same bytes, in any order they come.
"""

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from bench.analysis.courses import times
from bench.analysis.curves import curve_cells
from bench.analysis.rows import cells, frame, runs
from bench.errors import UserError
from bench.records.schema import Record
from bench.reporting import tables as text
from bench.reporting.latex import latex
from bench.reporting.sections import Table, tables
from bench.reporting.terminal import terminal as _terminal

if TYPE_CHECKING:
    from bench.reporting.curves import Drawing


def terminal(records: Sequence[Record]) -> RenderableType:
    """The headline tables for `rich.console.Console.print`. Raises `UserError` without records."""
    return _terminal(_tables(records), _curves(records))


def render(records: Sequence[Record], out: Path) -> list[Path]:
    """Write the whole report into the folder `out` and return its files.

    `table.md`, `table.csv` (one line a row), `runs.csv` (one line a run), `table.tex`, `index.html`,
    and for each table that has both speed and quality `quality-throughput.svg`, `.png` and `.csv`
    (numbered from the second table on). Where learning curves were taken, `time-to-quality.csv` and
    `learning-curves-<model>.svg`, `.png`, `.pdf` and `.csv`. Each file is replaced whole or not at all.

    Raises `UserError` where there are no records or `out` cannot be written.
    """
    files = report(records)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            _replace(out / name, content)
    except OSError as error:
        raise UserError(
            f"cannot write the report to {out}",
            why=error.strerror or str(error),
            remedy="give a folder that you can write to, with room for a few megabytes",
        ) from error
    return [out / name for name in files]


def report(records: Sequence[Record]) -> Mapping[str, bytes]:
    """The content of every file of the report, by name."""
    found, timed = _tables(records), _curves(records)
    drawn = [_figure(table) for table in found]
    courses = [_learning(table, i) for i, table in enumerate(timed)]
    files = {
        "table.md": text.markdown(found, timed).encode(),
        "table.csv": text.csv(frame([cell for table in found for cell in table.cells])).encode(),
        "table.tex": latex(found, timed).encode(),
        "runs.csv": text.csv(runs(records)).encode(),
    }
    named = [_named(figure, i) for i, figure in enumerate(drawn)]
    for figure in named:
        files |= figure
    if timed:
        rows = times([cell for table in timed for cell in table.cells])
        files |= {"time-to-quality.csv": text.csv(rows).encode()}
    for drawing in (drawing for group in courses for drawing in group):
        files |= drawing.files
    return files | {"index.html": _page(found, named, list(zip(timed, courses, strict=True)))}


def _tables(records: Sequence[Record]) -> list[Table]:
    if not records:
        raise UserError("there are no records to report", remedy="run `w2vbench run` first")
    return tables(cells(records))


def _curves(records: Sequence[Record]) -> list[Table]:
    """The tables of the runs whose learning curves were taken."""
    return tables(curve_cells(records))


def _learning(table: Table, number: int) -> "list[Drawing]":
    """The learning curves of one table, its files numbered from the second table on."""
    from bench.reporting import curves, figures

    drawn = curves.learning_curves(table, figures._colours(table))
    return [replace(one, stem=one.stem + (f"-{number + 1}" if number else "")) for one in drawn]


def _figure(table: Table) -> dict[str, bytes]:
    """The figure and its data by suffix; empty where no row has both speed and quality."""
    from bench.reporting import figures  # seaborn takes seconds to import: not for the terminal

    if not figures.drawable(table):
        return {}
    data = text.csv(frame([cell for cell in table.cells if cell.speed]))
    return {".svg": figures.svg(table), ".png": figures.png(table), ".csv": data.encode()}


def _named(figure: Mapping[str, bytes], number: int) -> dict[str, bytes]:
    stem = "quality-throughput" + (f"-{number + 1}" if number else "")
    return {f"{stem}{suffix}": content for suffix, content in figure.items()}


def _page(
    found: Sequence[Table],
    drawn: Sequence[Mapping[str, bytes]],
    curves: "Sequence[tuple[Table, Sequence[Drawing]]]",
) -> bytes:
    from bench.reporting.page import Figure, page

    caption = "Speed across, quality up; a filled mark has shown quality equal to gensim's."
    figures = [
        [
            Figure("Quality against training speed", caption, svg, tuple(files))
            for name, svg in files.items()
            if name.endswith(".svg")
        ]
        for files in drawn
    ]
    courses = [
        (table, [Figure(d.title, d.reading, d.svg, tuple(d.files)) for d in ds]) for table, ds in curves
    ]
    return page(found, figures, courses).encode()


def _replace(path: Path, content: bytes) -> None:
    """Write beside the target, then rename: a reader never sees half a file."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as target:
        temporary = Path(target.name)
        try:
            target.write(content)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    temporary.chmod(0o644)
    temporary.replace(path)
