"""The tables for a paper, with booktabs: speed and quality together, then the error bars of each test set.

Every float is made for a text width of 17 cm, as of a two-column paper, and shrunk where the page is
narrower. The notes stand under the first table; the others refer to it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.cells import QUALITY_SETS, Cell
from bench.reporting.arrivals import ARRIVALS, arrival_notes, heading
from bench.reporting.columns import EVIDENCE, HEADLINE, Column, evaluated, notes, outcome
from bench.reporting.costs import CostTable, cost_tables
from bench.reporting.papers import Grid, PaperTable
from bench.reporting.remarks import remarks
from bench.reporting.sections import Table, model_name

_ESCAPED = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    "–": "--",
    "…": r"\ldots{}",
    "\u2212": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "·": r"\textperiodcentered{}",
    "†": r"\textdagger{}",
    "≤": r"\ensuremath{\leq}",
    "≥": r"\ensuremath{\geq}",
}
_HEADLINE = (  # as wide as a page; models head their rows, the phases are in the CSV
    "rank",
    "implementation",
    "speed",
    "ratio",
    "memory",
    "wordsim353",
    "simlex999",
    "google",
    "runs",
    "outcome",
)
_LINES = 44  # of a float; more do not fit a page with caption and notes
_LETTERS = 24  # of a line in the last column


@dataclass(frozen=True)
class _Float:
    """One `table*`: some rows of a table under some of its columns."""

    table: Table
    cells: tuple[Cell, ...]
    columns: tuple[Column, ...]
    label: str
    caption: str
    note: str


def latex(tables: Sequence[Table], curves: Sequence[Table] = (), papers: Sequence[PaperTable] = ()) -> str:
    """`table*` floats for each section, to be \\input; needs the packages booktabs and graphicx."""
    first = f"tab:w2vbench-{tables[0].hash}" if tables else ""
    whole = [*(one for table in tables for one in _floats(table, first)), *map(_arrivals, curves)]
    floats = [part for one in whole for part in _parts(one)]
    head = "% Needs \\usepackage{booktabs,graphicx}; \\input this file in the body."
    grids = [text for table in papers for text in _paper(table)]
    grids += [text for table in cost_tables(tables) for text in _costs(table)]
    return "\n".join([head, *map(_drawn, floats), *grids])


def _floats(table: Table, first: str) -> list[_Float]:
    label = f"tab:w2vbench-{table.hash}"
    same = rf"Columns as in Table~\ref{{{first}}}. " if label != first else escape_latex(_notes(table))
    shaky = "".join(f"{remark.what}: {remark.rows}. " for remark in remarks(table))
    caption = f"{table.title}; {table.settings}"
    measured = f"Measured on {table.provenance}."
    note = same + escape_latex(shaky + measured)
    columns = tuple(column for column in HEADLINE if column.key in _HEADLINE)
    judged = evaluated(table)
    return [
        _Float(table, table.cells, columns, label, caption, note),
        *(
            _Float(
                table,
                judged.cells,
                _evidence(name),
                f"{label}-{name}",
                f"{_set(name)} with its two error bars, {caption}",
                escape_latex(measured),
            )
            for name in QUALITY_SETS
            if any(name in cell.quality for cell in judged.cells)
        ),
    ]


def _arrivals(table: Table) -> _Float:
    """The table of times to quality, with its own notes."""
    columns = tuple(column for column in ARRIVALS if column.key not in ("model", "place"))
    note = escape_latex(f"{' '.join(arrival_notes(table))} Measured on {table.provenance}.")
    caption = f"{heading(table)}; {table.settings}"
    return _Float(table, table.cells, columns, f"tab:w2vbench-{table.hash}", caption, note)


def _notes(table: Table) -> str:
    return f"{' '.join(notes(table))} "


def _set(name: str) -> str:
    return QUALITY_SETS[name].label.removesuffix(" add")


def _evidence(name: str) -> tuple[Column, ...]:
    """The columns of EVIDENCE that belong to no set or to this one; the model heads its rows."""
    other = tuple(f"{one}_" for one in QUALITY_SETS if one != name)
    return tuple(c for c in EVIDENCE if c.key != "model" and not c.key.startswith(other))


def _parts(whole: _Float) -> list[_Float]:
    """The float in pieces that fit a page, each with its own label."""
    pieces = _pages(whole.cells)
    if len(pieces) == 1:
        return [whole]
    return [
        _Float(
            whole.table,
            tuple(cells),
            whole.columns,
            whole.label if number == 1 else f"{whole.label}-{number}",
            f"{whole.caption} (part {number} of {len(pieces)})",
            whole.note if number == len(pieces) else "",
        )
        for number, cells in enumerate(pieces, start=1)
    ]


def _pages(cells: Sequence[Cell]) -> list[list[Cell]]:
    """`cells` in order, as many to a page as fit with the lines that their reasons need."""
    pages: list[list[Cell]] = [[]]
    left = _LINES
    for cell in cells:
        lines = 1 + len(outcome(cell)) // _LETTERS
        if lines > left and pages[-1]:
            pages.append([])
            left = _LINES
        pages[-1].append(cell)
        left -= lines
    return pages


def _paper(table: PaperTable) -> list[str]:
    """A paper's table beside ours with what differs, and its claims."""
    label, where = f"tab:w2vbench-{table.name}", f"{table.title}; {table.settings}"
    differs = f"{table.conditions} What differs: {' '.join(table.deviations)} "
    notes = f"{' '.join(table.notes)} Measured on {table.provenance}."
    floats = _grids(table.figures, label, where, differs + ("" if table.claims else notes))
    return floats + (
        _grids(table.claims, f"{label}-claims", f"Claims of {where}", notes) if table.claims else []
    )


def _costs(table: CostTable) -> list[str]:
    """The laws, and where they cross, with the notes under the last."""
    label, where = f"tab:w2vbench-{table.name}", f"{table.title}; {table.settings}"
    notes = f"{' '.join(table.notes)} Measured on {table.provenance}."
    floats = _grids(table.laws, label, where, "" if table.crossings else notes)
    if table.crossings is None:
        return floats
    return floats + _grids(table.crossings, f"{label}-crossings", f"Where approximation pays. {where}", notes)


def _grids(grid: Grid, label: str, caption: str, note: str) -> list[str]:
    """The grid in floats that fit a page, the note under the last."""
    spec = "".join("r" if head.number else "l" for head in grid.heads)
    heads = [escape_latex(f"{head.group}: {head.text}" if head.group else head.text) for head in grid.heads]
    rows = [" & ".join(map(escape_latex, row)) + r" \\" for row in grid.rows]
    pieces = [rows[i : i + _LINES] for i in range(0, len(rows), _LINES)]
    return [
        _float(
            spec,
            [" & ".join(heads) + r" \\", r"\midrule", *piece],
            escape_latex(caption if len(pieces) == 1 else f"{caption} (part {number} of {len(pieces)})"),
            label if number == 1 else f"{label}-{number}",
            escape_latex(note) if number == len(pieces) else "",
        )
        for number, piece in enumerate(pieces, start=1)
    ]


def _drawn(drawn: _Float) -> str:
    spec = "".join("r" if column.number else "l" for column in drawn.columns)
    heads = " & ".join(_box(column, column.head) for column in drawn.columns) + r" \\"
    return _float(spec, [heads, *_rows(drawn)], escape_latex(drawn.caption), drawn.label, drawn.note)


def _float(spec: str, body: Sequence[str], caption: str, label: str, note: str) -> str:
    """A `table*` that is shrunk where it is wider than the text."""
    lines = [
        r"\begin{table*}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3.5pt}",
        rf"\caption{{{caption}.}}",
        rf"\label{{{label}}}\par\smallskip",
        rf"\sbox0{{\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
        r"\toprule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}%",
        r"\ifdim\wd0>\textwidth\resizebox{\textwidth}{!}{\usebox0}\else\usebox0\fi",
        *([rf"\par\smallskip\parbox{{\textwidth}}{{{note}}}"] if note else []),
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _rows(drawn: _Float) -> list[str]:
    lines, model = [], None
    for cell in drawn.cells:
        if cell.model != model:
            heading = rf"\emph{{{escape_latex(model_name(cell))}}}"
            lines += [r"\midrule", rf"\multicolumn{{{len(drawn.columns)}}}{{@{{}}l}}{{{heading}}} \\"]
            model = cell.model
        fields = (_box(column, column.text(cell, drawn.table)) for column in drawn.columns)
        lines.append(" & ".join(fields) + r" \\")
    return lines


def _box(column: Column, text: str) -> str:
    """`text` escaped; in a box that wraps where the column holds reasons, which are long."""
    if column.key == "outcome":
        return rf"\parbox[t]{{2.7cm}}{{\raggedright {escape_latex(text)}\strut}}"
    return escape_latex(text)


def escape_latex(text: str) -> str:
    """`text` on one line, safe in running LaTeX; characters outside Latin-1 become "?"."""
    known = re.sub(r"\s+", " ", text)
    escaped = "".join(_ESCAPED.get(c) or (c if ord(c) < 256 else "?") for c in known)
    return re.sub(r"(?<=\d) \\%", r"\\,\\%", escaped)  # "95 %" stays on one line
