"""Reports: tables, figures and one page, a pure function of the records.

No clock, no machine, no chance: the same records give the same bytes, in any order they come.
"""

import tempfile
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import RenderableType

from bench.analysis import claims, crossover
from bench.analysis import costs as costs_
from bench.analysis import papers as papers_
from bench.analysis import peers as peers_
from bench.analysis.courses import times
from bench.analysis.curves import curve_cells
from bench.analysis.papers import Replication
from bench.analysis.rows import cells, frame, runs
from bench.errors import UserError
from bench.records.approximation import Measured
from bench.records.schema import Record
from bench.reporting import approximation
from bench.reporting import tables as text
from bench.reporting.costs import studied_tables
from bench.reporting.latex import latex
from bench.reporting.papers import PaperTable, paper_tables
from bench.reporting.peers import PeerTable, peer_table
from bench.reporting.sections import Table, tables
from bench.reporting.terminal import terminal as _terminal
from bench.suites import suites

if TYPE_CHECKING:
    from bench.reporting.figures import Drawing


def terminal(records: Sequence[Record]) -> RenderableType:
    """The headline tables for `rich.console.Console.print`. Raises `UserError` without records."""
    return _terminal(_tables(records), _curves(records), paper_tables(_papers(records)))


def render(records: Sequence[Record], out: Path, measured: Sequence[Measured] = ()) -> list[Path]:
    """Write the whole report into the folder `out` and return its files.

    `table.md`, `table.csv` (one line a row), `runs.csv` (one line a run), `table.tex`, `index.html`,
    `peers.csv` (what others have published, and our fastest rows),
    and for each table the figures that it has the rows for (`bench.reporting.figures`) as `.svg`,
    `.png` and `.pdf` with their data as `.csv`, numbered from the second table on. Where learning curves
    were taken, `time-to-quality.csv` too; where several vocabularies or numbers of noise words were,
    `costs.csv` (one line a row) and `crossover.csv` (one line a crossing); where approximations were
    `measured`, `approximation.md` and `.csv` with two figures, and nothing but these without records; where a
    paper's suite was run, `papers.csv` (one line a figure) and `claims.csv` (one line a case). Each file is
    replaced as a whole or not at all.

    Raises `UserError` where there is nothing to report or `out` cannot be written.
    """
    files = report(records, measured)
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


def report(records: Sequence[Record], measured: Sequence[Measured] = ()) -> Mapping[str, bytes]:
    """The content of every file of the report, by name."""
    groups = approximation.groups(measured)
    drawn = _of_approximations(groups)
    files = approximation.documents(measured)
    if records or not measured:
        found, timed = _tables(records), _curves(records)
        of_tables = _drawings(found, timed)
        approximations = list(zip(groups, drawn, strict=True))
        papers, others = paper_tables(_papers(records)), peer_table(found)
        page = _page(found, timed, of_tables, approximations, papers, others)
        files |= {**documents(records), "index.html": page}
        drawn = [*drawn, *of_tables]
    for drawing in chain.from_iterable(drawn):
        files |= drawing.files
    return files


def documents(records: Sequence[Record]) -> Mapping[str, bytes]:
    """The tables alone, by name: what is there in a moment, without figures and page."""
    found, timed, papers = _tables(records), _curves(records), _papers(records)
    shown = paper_tables(papers)
    files = {
        "table.md": text.markdown(found, timed, shown, peer_table(found)).encode(),
        "table.csv": text.csv(frame([cell for table in found for cell in table.cells])).encode(),
        "table.tex": latex(found, timed, shown).encode(),
        "runs.csv": text.csv(runs(records)).encode(),
        "peers.csv": text.csv(peers_.frame([cell for table in found for cell in table.cells])).encode(),
    }
    if timed:
        rows = times([cell for table in timed for cell in table.cells])
        files |= {"time-to-quality.csv": text.csv(rows).encode()}
    if studies := [study for study, _ in studied_tables(found)]:
        files |= {"costs.csv": text.csv(costs_.frame(studies)).encode()}
        crossings = [one for study in studies for one in crossover.crossings(study)]
        files |= {"crossover.csv": text.csv(crossover.frame(crossings)).encode()} if crossings else {}
    if papers:
        files |= {"papers.csv": text.csv(papers_.frame(papers)).encode()}
        files |= {"claims.csv": text.csv(claims.frame(papers)).encode()}
    return files


def _tables(records: Sequence[Record]) -> list[Table]:
    if not records:
        raise UserError("there are no records to report", remedy="run `w2vbench run` first")
    return tables(cells(records))


def _curves(records: Sequence[Record]) -> list[Table]:
    """The tables of the runs whose learning curves were taken."""
    return tables(curve_cells(records))


def _papers(records: Sequence[Record]) -> list[Replication]:
    """The runs of suites that repeat a paper's, beside its figures."""
    return papers_.replications(records, suites())


def _drawings(found: Sequence[Table], timed: Sequence[Table]) -> list[list["Drawing"]]:
    from bench.reporting.figures import drawings  # seaborn takes seconds to import: not for the terminal

    return drawings(found, timed)


def _of_approximations(groups: Sequence[approximation.Group]) -> list[list["Drawing"]]:
    if not groups:
        return []
    from bench.reporting.figures import of_approximations

    return of_approximations(groups)


def _page(
    found: Sequence[Table],
    timed: Sequence[Table],
    drawn: Sequence[Sequence["Drawing"]],
    groups: Sequence[tuple[approximation.Group, Sequence["Drawing"]]],
    papers: Sequence[PaperTable],
    others: PeerTable,
) -> bytes:
    from bench.reporting.page import page

    curves = list(zip(timed, drawn[len(found) :], strict=True))
    return page(found, drawn[: len(found)], curves, groups, papers, others).encode()


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
