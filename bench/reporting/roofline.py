"""The roofline as a table: one line a row, the machine's ceilings above, what the columns mean below."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.cells import Cell
from bench.analysis.roofline import BUSY, Roofline, size
from bench.records.ceilings import Ceiling, Ceilings
from bench.reporting import units
from bench.reporting.columns import place
from bench.reporting.sections import Table, model_name, row_name, tables
from bench.reporting.tables import escape_markdown, markdown_line

NOTES = (
    "Operations: 6 D a scored output, and 2 D a pair in CBOW: what the mathematics asks for, no more. Bytes: "
    "8 D a row of either matrix, from two rows a kept word (all else shared) to every row of every pair, or "
    "to the row visits that an implementation counts. How it is counted: bench/analysis/roofline.py.",
    "arithmetic: share of the machine's best float32 matrix product (on a GPU: of bfloat16). rows: share of "
    "the rate at which rows of a model of this size, drawn as noise words are, can be read and written back "
    "(on a GPU: at which its memory is copied); above 100 % a nearer cache, or a register, must have served "
    "the rest.",
    "limit: what the row runs into first. either: it depends on where between least and most the bytes are. "
    f"neither: less than {100 * BUSY:.0f} % of both, so that the time goes elsewhere (calls, waiting for "
    "single rows, code that is not vectorised). headroom: how many times faster this work could be done "
    "here at the very most.",
    "~ the program does not count its work: the least that another row counted for the same model stands in.",
)


@dataclass(frozen=True)
class Column:
    """A heading, and what stands under it; `brief` ones are shown on a terminal too."""

    head: str
    text: Callable[[Roofline], str]
    brief: bool = True


COLUMNS = (
    Column("model", lambda r: model_name(r.cell)),
    Column("run on", lambda r: place(r.cell), brief=False),
    Column("words/s", lambda r: units.speed(r.raw_words_per_s)),
    Column("operations/word", lambda r: _mark(r) + f"{r.work.operations:,.0f}", brief=False),
    Column(
        "bytes/word",
        lambda r: _mark(r) + _range(r.work.least_bytes, r.work.most_bytes, lambda b: f"{b:,.0f}"),
        brief=False,
    ),
    Column("operations/byte", lambda r: _range(*r.intensity, lambda i: f"{i:.2g}"), brief=False),
    Column("GFLOP/s", lambda r: _giga(r.flops_per_s), brief=False),
    Column("arithmetic", lambda r: f"{_percent(r.arithmetic_share)} %"),
    Column("GB/s", lambda r: _range(*r.bytes_per_s, _giga), brief=False),
    Column("rows", lambda r: f"{_range(*r.row_share, _percent)} %"),
    Column("limit", lambda r: r.limit),
    Column("headroom", lambda r: f"{r.headroom:,.0f}×" if r.headroom >= 9.95 else f"{r.headroom:.1f}×"),
)


def header(brief: bool = False) -> list[str]:
    """The headings of the lines of `sections`."""
    return ["implementation", *(column.head for column in COLUMNS if column.brief or not brief)]


def sections(rows: Sequence[Roofline], brief: bool = False) -> list[tuple[Table, list[list[str]]]]:
    """Each table of the report, for its headings, and the texts of its lines under `header`."""
    by_cell = {id(row.cell): row for row in rows}
    return [
        (table, [_line(by_cell[id(cell)], table.cells, brief) for cell in table.cells])
        for table in tables(row.cell for row in rows)
    ]


def _line(row: Roofline, beside: Sequence[Cell], brief: bool) -> list[str]:
    shown = [column for column in COLUMNS if column.brief or not brief]
    return [row_name(row.cell, beside), *(column.text(row) for column in shown)]


def ceilings_text(ceilings: Ceilings, rows: Sequence[Roofline]) -> list[str]:
    """One sentence a number of threads with one about where and when, and one about the GPU."""
    machine, lines = ceilings.machine, [_ceiling_text(c, rows) for c in ceilings.ceilings]
    if lines:
        on = f"{machine['name']}, {machine['cpu']}"
        lines.append(f"Measured on {on}, {units.day(ceilings.measured)}; best of several repetitions.")
    if gpu := ceilings.gpu:
        lines.append(
            f"{machine['gpu']}: product of bfloat16 matrices {_giga(gpu.bf16_flops_per_s)} GFLOP/s, copying "
            f"within its memory {_giga(gpu.copy_bytes_per_s)} GB/s, read and written. Measured on "
            f"{machine['name']}, {units.day(gpu.measured)}; medians."
        )
    return lines


def _ceiling_text(ceiling: Ceiling, rows: Sequence[Roofline]) -> str:
    used = {size(row.cell) for row in rows}
    moved = ", ".join(
        f"{_giga(row.bytes_per_s)} GB/s with V {row.vocabulary:,} and D {row.dim}"
        for row in ceiling.rows
        if (row.vocabulary, row.dim) in used
    )
    return (
        f"{ceiling.threads} thread{'s' if ceiling.threads > 1 else ''}: matrix product "
        f"{_giga(ceiling.sgemm_flops_per_s)} GFLOP/s (multiply-adds in registers "
        f"{_giga(ceiling.fma_flops_per_s)}), memory {_giga(ceiling.stream_bytes_per_s)} GB/s, rows {moved}."
    )


def left_out_text(left_out: Sequence[tuple[Cell, str]]) -> list[str]:
    """One line a row that could not be placed, each once."""
    lines = (
        f"not shown: {c.implementation} {model_name(c)}, {c.section.dataset}: {why}" for c, why in left_out
    )
    return list(dict.fromkeys(lines))


def markdown(rows: Sequence[Roofline], left_out: Sequence[tuple[Cell, str]], ceilings: Ceilings) -> str:
    """Everything as Markdown; a pure function of records and ceilings."""
    parts = ["\n".join(f"- {escape_markdown(line)}" for line in ceilings_text(ceilings, rows))]
    rule = markdown_line([":---"] * 2 + ["---:"] * (len(COLUMNS) - 1))
    for table, lines in sections(rows):
        parts += [f"### {escape_markdown(table.title)}", escape_markdown(table.settings)]
        parts.append("\n".join([_line_of(header()), rule, *map(_line_of, lines)]))
    parts.append("\n".join(f"- {escape_markdown(note)}" for note in (*left_out_text(left_out), *NOTES)))
    return "\n\n".join(parts) + "\n"


def _line_of(fields: Sequence[str]) -> str:
    return markdown_line(map(escape_markdown, fields))


def plain(rows: Sequence[Roofline]) -> list[dict[str, Any]]:
    """Every figure in full precision, for programs."""
    return [
        {
            "implementation": row.cell.implementation,
            "source_sha256": row.cell.source_sha256,
            "options": dict(row.cell.options),
            "architecture": row.cell.architecture,
            "objective": row.cell.objective,
            "dataset": row.cell.section.dataset,
            **dict(row.cell.section.settings),
            "threads": row.cell.threads,
            "raw_words_per_s": row.raw_words_per_s,
            "operations_per_raw_word": row.work.operations,
            "least_bytes_per_raw_word": row.work.least_bytes,
            "most_bytes_per_raw_word": row.work.most_bytes,
            "counted_by_the_row": row.work.own,
            "flops_per_s": row.flops_per_s,
            "arithmetic_share": row.arithmetic_share,
            "least_row_share": row.row_share[0],
            "most_row_share": row.row_share[1],
            "limit": row.limit,
            "headroom": row.headroom,
        }
        for row in rows
    ]


def _mark(row: Roofline) -> str:
    return "" if row.work.own else "~"


def _range(low: float, high: float, text: Callable[[float], str]) -> str:
    """ "16–336", or one figure where both read the same."""
    first, last = text(low), text(high)
    return first if first == last else f"{first}–{last}"


def _giga(per_s: float) -> str:
    """Three significant digits below a thousand: "53.1", "0.64"."""
    value = per_s / 1e9
    return f"{value:,.0f}" if value >= 99.5 else f"{value:.3g}"


def _percent(share: float) -> str:
    """Whole per cent from ten up, else two digits: "35", "2.1", "0.4"."""
    percent = 100 * share
    return f"{percent:.0f}" if percent >= 9.95 else f"{percent:.2g}"
