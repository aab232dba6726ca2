"""One self-contained HTML page: style, script and figures inline, no network, light and dark."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import jinja2
from markupsafe import Markup, escape

from bench.analysis.cells import Cell
from bench.analysis.rows import rows_hash
from bench.analysis.verdicts import EQUAL, UNFINISHED, UNKNOWN, UNSETTLED, WORSE
from bench.records.schema import STATUSES, Record
from bench.reporting import figures, units
from bench.reporting.columns import EVIDENCE, HEADLINE, evaluated, notes, outcome, ratio
from bench.reporting.sections import Table, model_name, row_name

_TIER_NAMES = {EQUAL: "equal", UNSETTLED: "unsettled", UNKNOWN: "unknown", WORSE: "worse", UNFINISHED: ""}
_VARIABLES = {
    figures.INK: "var(--ink)",
    figures.MUTED: "var(--muted)",
    figures.GRID: "var(--grid)",
    figures.PAPER: "var(--paper)",
}


@dataclass(frozen=True)
class View:
    """One table as the template wants it."""

    table: Table
    figures: list[tuple[figures.Drawing, Markup]]
    judged: Table  # the rows that have quality
    leaders: list[Cell]  # rank 1 of each model
    unfinished: list[tuple[Cell, Record]]
    statuses: list[str]
    notes: list[str]
    card: list[tuple[str, str]]


def page(tables: Sequence[Table], figures_by_table: Sequence[Sequence[figures.Drawing]]) -> str:
    """The page for `tables`, `figures_by_table[i]` belonging to `tables[i]`."""
    cells = [cell for table in tables for cell in table.cells]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("bench.reporting", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
    )
    days = sorted({units.day(run.started) for cell in cells for run in cell.runs})
    html = environment.get_template("page.html").render(
        tables=[_view(table, drawn) for table, drawn in zip(tables, figures_by_table, strict=True)],
        headline=HEADLINE,
        evidence=EVIDENCE,
        hash=rows_hash(cells),
        dates=days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}",
        run_count=sum(len(cell.runs) for cell in cells),
        implementations=len({cell.implementation for cell in cells}),
        meanings=STATUSES,
        model_name=model_name,
        outcome=outcome,
        beside_gensim=_beside_gensim,
        breakable=_breakable,
        row_class=_row_class,
        row_name=row_name,
        share=_share,
        speed=units.speed,
    )
    return html.lstrip() + "\n"


def _view(table: Table, drawn: Sequence[figures.Drawing]) -> View:
    return View(
        table=table,
        figures=[(one, inline(one.svg, f"{one.stem}-{table.hash}", one.title)) for one in drawn],
        judged=evaluated(table),
        leaders=[cell for cell in table.cells if cell.rank == 1],
        unfinished=[(cell, run) for cell in table.cells if cell.status != "ok" for run in cell.runs],
        statuses=[status for status in STATUSES if any(cell.status == status for cell in table.cells)],
        notes=notes(table),
        card=_card(table),
    )


def inline(svg: bytes, prefix: str, label: str) -> Markup:
    """An SVG file as an element: ids made unique on the page, greys taken from its colours."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(href="|url\()#', rf"\1#{prefix}-", text)
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, variable)
    # Drawn by this package, from text that matplotlib escapes; the label is escaped here.
    opening = Markup('<svg role="img" aria-label="{}"').format(label)
    return Markup(text.replace("<svg", opening, 1))


def _row_class(cell: Cell) -> str:
    return f"{cell.status} {_TIER_NAMES[cell.tier]}".strip()


def _breakable(text: str) -> Markup:
    """`text` with a place to break the line after each underscore."""
    return escape(text).replace("_", Markup("_<wbr>"))


def _beside_gensim(cell: Cell) -> str:
    """How a leader's speed stands beside gensim's, ready to follow it; empty for gensim."""
    if cell.ratio is None or cell.verdict == "reference":
        return ""
    text = ratio(cell)
    return ", not distinguishable from gensim" if text == "n.s." else f", {text} gensim"


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
        ("versions", ", ".join(f"{name} {last.versions[name]}" for name in sorted(last.versions))),
        ("data", f"{table.section.dataset}, sha256 {table.section.data_sha256[:12]}…"),
        ("commit", ", ".join(sorted(commits)) + (" with local changes" if dirty else "")),
        ("runs", f"{table.run_count}, {table.dates}"),
        ("rows", table.hash),
    ]
    return [(name, text) for name, text in pairs if text]
