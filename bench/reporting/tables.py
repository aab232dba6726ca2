"""The tables as Markdown, LaTeX (booktabs) and CSV; the same rows in each."""

import re
from collections.abc import Iterable, Sequence

import pandas as pd

from bench.reporting.columns import EVIDENCE, HEADLINE, Column, evaluated, notes
from bench.reporting.remarks import remarks
from bench.reporting.sections import Table, model_name

_MARKDOWN = str.maketrans({c: f"\\{c}" for c in "\\`*_{}[]<>|#~"})
_LATEX = {
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
    "–": "--",
    "\u2212": r"\ensuremath{-}",
    "×": r"\ensuremath{\times}",
    "±": r"\ensuremath{\pm}",
    "·": r"\textperiodcentered{}",
    "†": r"\textdagger{}",
}
_IN_LATEX = (  # as wide as a page; models head their rows, the other phases are in the CSV
    "rank",
    "implementation",
    "speed",
    "ratio",
    "memory",
    "wordsim353",
    "simlex999",
    "google",
    "outcome",
    "train_s",
    "runs",
)


def csv(frame: pd.DataFrame) -> str:
    """Full precision, a missing figure is an empty field, lines end in a newline everywhere."""
    return str(frame.to_csv(index=False, lineterminator="\n"))


def markdown(tables: Sequence[Table]) -> str:
    """All tables, each with its settings, notes and provenance."""
    return "\n".join(_markdown_section(table) for table in tables)


def _markdown_section(table: Table) -> str:
    parts = [
        f"### {escape_markdown(table.title)}",
        escape_markdown(table.settings),
        _markdown_table(table, HEADLINE),
    ]
    if (judged := evaluated(table)).cells:
        parts += ["Quality and its two error bars, kept apart:", _markdown_table(judged, EVIDENCE)]
    if shaky := remarks(table):
        parts += ["\n".join(f"- Caution. {escape_markdown(str(remark))}" for remark in shaky)]
    parts += ["\n".join(f"- {escape_markdown(note)}" for note in notes(table))]
    parts += [escape_markdown(table.provenance)]
    return "\n\n".join(parts) + "\n"


def _markdown_table(table: Table, columns: Sequence[Column]) -> str:
    lines = [
        _markdown_line(escape_markdown(column.head) for column in columns),
        _markdown_line("---:" if column.number else ":---" for column in columns),
    ]
    for cell in table.cells:
        lines.append(_markdown_line(escape_markdown(column.text(cell, table)) for column in columns))
    return "\n".join(lines)


def _markdown_line(fields: Iterable[str]) -> str:
    return f"| {' | '.join(fields)} |"


def escape_markdown(text: str) -> str:
    """`text` on one line, with nothing that Markdown or inline HTML would read as its own."""
    return " ".join(text.split()).replace("&", "&amp;").translate(_MARKDOWN)


def latex(tables: Sequence[Table]) -> str:
    """A `table*` for each section, to be \\input; needs the package booktabs and nothing else."""
    return "% Needs \\usepackage{booktabs}\n" + "\n".join(_latex_section(table) for table in tables)


def _latex_section(table: Table) -> str:
    columns = [column for column in HEADLINE if column.key in _IN_LATEX]
    spec = "".join("r" if column.number else "l" for column in columns)
    lines = [
        r"\begin{table*}",
        r"\centering\scriptsize\setlength{\tabcolsep}{3pt}",
        rf"\begin{{tabular}}{{@{{}}{spec}@{{}}}}",
        r"\toprule",
        " & ".join(_latex_box(column, column.head) for column in columns) + r" \\",
        *_latex_rows(table, columns),
        r"\bottomrule",
        r"\end{tabular}",
        rf"\par\smallskip\parbox{{\textwidth}}{{{escape_latex(' '.join(notes(table)))}}}",
        rf"\caption{{{escape_latex(f'{table.title}; {table.settings}. {table.provenance}.')}}}",
        rf"\label{{tab:w2vbench-{table.hash}}}",
        r"\end{table*}",
    ]
    return "\n".join(lines) + "\n"


def _latex_rows(table: Table, columns: Sequence[Column]) -> list[str]:
    lines, model = [], None
    for cell in table.cells:
        if cell.model != model:
            heading = rf"\emph{{{escape_latex(model_name(cell))}}}"
            lines += [r"\midrule", rf"\multicolumn{{{len(columns)}}}{{@{{}}l}}{{{heading}}} \\"]
            model = cell.model
        lines.append(" & ".join(_latex_box(column, column.text(cell, table)) for column in columns) + r" \\")
    return lines


def _latex_box(column: Column, text: str) -> str:
    """`text` escaped; in a box that wraps where the column holds reasons, which are long."""
    if column.key == "outcome":
        return rf"\parbox[t]{{3cm}}{{\raggedright {escape_latex(text)}\strut}}"
    return escape_latex(text)


def escape_latex(text: str) -> str:
    """`text` on one line, safe in running LaTeX; characters outside Latin-1 become "?"."""
    known = re.sub(r"\s+", " ", text)
    return "".join(_LATEX.get(c) or (c if ord(c) < 256 else "?") for c in known)
