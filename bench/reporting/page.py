"""One self-contained HTML page: style, script and figures inline, no network, light and dark."""

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jinja2
from markupsafe import Markup, escape

from bench.analysis.cells import Cell
from bench.analysis.claims import FAILS, HOLDS
from bench.analysis.rows import frame, rows_hash
from bench.analysis.statistics import may_be_one
from bench.analysis.verdicts import EQUAL, UNFINISHED, UNKNOWN, UNSETTLED, WORSE
from bench.records.schema import STATUSES, Record
from bench.reporting import approximation, units
from bench.reporting.approximation import Group
from bench.reporting.arrivals import ARRIVALS, arrival_notes, heading
from bench.reporting.columns import EVIDENCE, HEADLINE, evaluated, notes, outcome, ratio
from bench.reporting.costs import cost_tables
from bench.reporting.inline import glyphs, inline
from bench.reporting.papers import PaperTable
from bench.reporting.peers import PeerTable
from bench.reporting.remarks import Remark, remarks
from bench.reporting.sections import Table, model_name, row_name
from bench.reporting.tables import csv

if TYPE_CHECKING:  # seaborn takes seconds to import
    from bench.reporting.figures import Drawing

_TIER_NAMES = {EQUAL: "equal", UNSETTLED: "unsettled", UNKNOWN: "unknown", WORSE: "worse", UNFINISHED: ""}


@dataclass(frozen=True)
class View:
    """One table as the template wants it."""

    table: Table
    figures: list[tuple["Drawing", Markup]]
    judged: Table  # the rows that have quality
    leaders: list[Cell]  # rank 1 of each model
    unfinished: list[tuple[Cell, Record]]
    remarks: list[Remark]
    notes: list[str]
    card: list[tuple[str, str]]
    data: str  # a data: address of the table as CSV


def page(
    tables: Sequence[Table],
    figures_by_table: Sequence[Sequence["Drawing"]],
    curves: Sequence[tuple[Table, Sequence["Drawing"]]] = (),
    approximations: Sequence[tuple[Group, Sequence["Drawing"]]] = (),
    papers: Sequence[PaperTable] = (),
    others: PeerTable | None = None,
) -> str:
    """The page for `tables`, with `figures_by_table[i]` below `tables[i]`, the first one in full view.

    Then the times to quality, each table with its learning curves, measured approximations, costs against
    vocabulary and noise words, and what papers published beside ours; last what others have measured.
    """
    drawn = [*zip(tables, figures_by_table, strict=True), *curves]
    cells = [cell for table, _ in drawn for cell in table.cells]
    template = _environment().get_template("page.html")
    html = template.render(
        tables=[_view(table, figures, f"f{i}") for i, (table, figures) in enumerate(drawn[: len(tables)])],
        curves=[(table, _inlined(table, figures, f"c{i}")) for i, (table, figures) in enumerate(curves)],
        approximations=[(g, _inlined(g, figures, f"a{i}")) for i, (g, figures) in enumerate(approximations)],
        approximation=approximation,
        papers=papers,
        others=others,
        costs=cost_tables(tables),
        arrivals=ARRIVALS,
        arrival_notes=arrival_notes,
        heading=heading,
        glyphs=glyphs(figure.svg for _, figures in [*drawn, *approximations] for figure in figures),
        headline=HEADLINE,
        evidence=EVIDENCE,
        hash=rows_hash(cells),
        dates=_dates(cells),
        run_count=sum(len(cell.runs) for cell in cells),
        implementations=sorted({cell.implementation for cell in cells}),
        models=list(dict.fromkeys(model_name(cell) for cell in sorted(cells, key=_model_order))),
        statuses=[status for status in STATUSES if any(cell.status == status for cell in cells)],
        meanings=STATUSES,
    )
    return html.lstrip() + "\n"


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    environment.globals.update(
        model_name=model_name,
        outcome=outcome,
        row_name=row_name,
        speed=units.speed,
        beside_gensim=_beside_gensim,
        breakable=_breakable,
        row_class=_row_class,
        share=_share,
        small_intervals=_small_intervals,
        verdict_class=_verdict_class,
    )
    return environment


def _view(table: Table, figures: Sequence["Drawing"], prefix: str) -> View:
    data = b64encode(csv(frame(table.cells)).encode()).decode()
    return View(
        table=table,
        figures=_inlined(table, figures, prefix),
        judged=evaluated(table),
        leaders=[cell for cell in table.cells if cell.rank == 1],
        unfinished=[(cell, run) for cell in table.cells if cell.status != "ok" for run in cell.runs],
        remarks=remarks(table),
        notes=notes(table),
        card=_card(table),
        data=f"data:text/csv;charset=utf-8;base64,{data}",
    )


def _inlined(
    table: Table | Group, figures: Sequence["Drawing"], prefix: str
) -> list[tuple["Drawing", Markup]]:
    return [
        (figure, inline(figure.svg, f"{prefix}-{i}", f"{figure.title}, {table.title}"))
        for i, figure in enumerate(figures)
    ]


def _model_order(cell: Cell) -> tuple[bool, str]:
    return cell.architecture != "skipgram", cell.objective


def _dates(cells: Sequence[Cell]) -> str:
    days = sorted({units.day(run.started) for cell in cells for run in cell.runs})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _row_class(cell: Cell) -> str:
    return f"{cell.status} {_TIER_NAMES[cell.tier]}".strip()


def _breakable(text: str) -> Markup:
    """`text` with a place to break the line after each underscore."""
    return escape(text).replace("_", Markup("_<wbr>"))


def _verdict_class(text: str) -> str:
    """The colour of a claim's verdict; none for any other text."""
    return {HOLDS: "holds", FAILS: "fails"}.get(text, "")


def _small_intervals(text: str) -> Markup:
    """`text` with an interval set small, so that the figure before it leads."""
    return Markup(re.sub(r"(?<=\S )\[[^\]]*\]", r"<small>\g<0></small>", str(escape(text))))


def _beside_gensim(cell: Cell) -> str:
    """How a leader's speed stands beside gensim's; empty for gensim."""
    if cell.ratio is None or cell.verdict == "reference":
        return ""
    if may_be_one(cell.ratio):
        return "not distinguishable from gensim"
    text, _, interval = ratio(cell).partition(" ")
    return f"{text} gensim {interval}"


def _share(cell: Cell, table: Table) -> str:
    """Speed as a share of the fastest row of the table, for the bar behind the figure."""
    fastest = max((c.speed.median for c in table.cells if c.speed), default=0)
    return f"{cell.speed.median / fastest:.4f}" if cell.speed and fastest else "0"


def _card(table: Table) -> list[tuple[str, str]]:
    """Machine, versions, data and identity, as pairs of a term and its text."""
    last = max((run for cell in table.cells for run in cell.runs), key=lambda run: (run.started, run.run_id))
    machine = dict(table.section.machine)
    commits = {str(run.git.get("commit") or "unknown")[:12] for cell in table.cells for run in cell.runs}
    dirty = any(run.git.get("dirty") for cell in table.cells for run in cell.runs)
    pairs = [
        ("machine", machine["name"]),
        ("processor", machine["cpu"]),
        ("cores", machine["cores"]),
        ("memory", units.memory(last.machine.get("memory_bytes"))),
        ("GPU", machine["gpu"] or "none"),
        ("system", str(last.machine.get("os") or "")),
        ("data", f"{table.section.dataset}, sha256 {table.section.data_sha256[:12]}…"),
        ("commit", ", ".join(sorted(commits)) + (" with local changes" if dirty else "")),
        ("runs", f"{table.run_count}, {table.dates}"),
        ("rows", table.hash),
        ("versions", ", ".join(f"{name} {last.versions[name]}" for name in sorted(last.versions))),
    ]
    return [(name, text) for name, text in pairs if text]
