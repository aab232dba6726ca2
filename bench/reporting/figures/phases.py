"""Where the time of a run goes: import, prepare, compile, train and evaluate, stacked."""

from collections.abc import Mapping, Sequence

from matplotlib.axes import Axes
from matplotlib.patches import Patch

from bench.analysis.cells import Cell
from bench.reporting import units
from bench.reporting.figures.forest import name_line
from bench.reporting.figures.marks import identity
from bench.reporting.figures.sheet import Drawing, Sheet, draw
from bench.reporting.figures.study import studied
from bench.reporting.sections import Table, model_name, row_name

READING = (
    "Median seconds of a run's phases, in their order; only training counts for words/s. Left: the "
    "whole run; right: the same without training, on its own scale. Hatched: the extra time of "
    "a cold compile, before anything is in a cache (where both were measured)."
)
_COLD = "compile, extra when cold"
_PHASES = (  # label, colour
    ("import", "#9aa5b1"),
    ("prepare", "#56b4e9"),
    ("compile", "#de8f05"),
    (_COLD, "#de8f05"),
    ("train", "#0173b2"),
    ("evaluate", "#029e73"),
)
_TRAIN = 4
_FEWEST = 4  # rows; fewer are read faster in the table
_LEGEND_IN = 0.32


def phases(table: Table, _: Mapping[str, str]) -> Drawing | None:
    """The figure; None with fewer than four rows that trained, or none that trained to the end."""
    rows = [cell for cell in table.cells if cell.phases["train_s"]]
    if len(rows) < _FEWEST or studied(table) or not any(cell.status == "ok" for cell in rows):
        return None
    lines = _lines(rows)

    def paint(sheet: Sheet) -> None:
        whole, rest = sheet.axes(2, left=0.27, right=0.95, legend_in=_LEGEND_IN, gridspec_kw={"wspace": 0.16})
        _stack(whole, lines, range(len(_PHASES)), "the whole run")
        _stack(rest, lines, [i for i in range(len(_PHASES)) if i != _TRAIN], "without training")
        for y, line in enumerate(lines):
            heading = isinstance(line, str)
            text = line if isinstance(line, str) else row_name(line, table.cells)
            name_line(whole, y, text, heading=heading)
        sheet.legend(_keys(rows), _LEGEND_IN, left=0.27, columns=len(_PHASES))

    data = [identity(cell, table) | dict(cell.phases) for cell in rows]
    return draw("phases", table, _title(rows, table), READING, data, paint, 2.35 + 0.22 * len(lines))


def _lines(rows: Sequence[Cell]) -> list[Cell | str]:
    """From top to bottom: a model's name, then its rows in table order."""
    lines: list[Cell | str] = []
    for model in dict.fromkeys(model_name(cell) for cell in rows):
        lines += [model, *(cell for cell in rows if model_name(cell) == model)]
    return lines


def _title(rows: Sequence[Cell], table: Table) -> str:
    """The row that spends the largest share outside training, of those that trained to the end."""
    finished = [cell for cell in rows if cell.status == "ok"]
    most = max(finished, key=lambda cell: 1 - _seconds(cell)[_TRAIN] / sum(_seconds(cell)))
    spent = sum(_seconds(most))
    outside = spent - _seconds(most)[_TRAIN]
    return (
        f"Outside training a run spends up to {units.seconds(outside)} of its {units.seconds(spent)} s: "
        f"{row_name(most, table.cells)}, {model_name(most)}"
    )


def _seconds(cell: Cell) -> list[float]:
    """The length of each of `_PHASES`; compiling in two parts where it was measured warm too."""
    known = {name: value or 0.0 for name, value in cell.phases.items()}
    warm = cell.phases["compile_warm_s"]
    usual = known["compile_s"] if warm is None else min(warm, known["compile_s"])
    first = known["compile_s"] - usual
    return [known["import_s"], known["prepare_s"], usual, first, known["train_s"], known["evaluate_s"]]


def _stack(axes: Axes, lines: Sequence[Cell | str], parts: Sequence[int], title: str) -> None:
    longest = max(sum(_seconds(line)[i] for i in parts) for line in lines if not isinstance(line, str))
    for y, line in enumerate(lines):
        if isinstance(line, str):
            continue
        left = 0.0
        for i in parts:
            _bar(axes, y, left, _seconds(line)[i], i)
            left += _seconds(line)[i]
        stopped = ", stopped" if line.status == "over_budget" and _TRAIN in parts else ""
        axes.text(left + longest / 80, y, f"{units.seconds(left)} s{stopped}", va="center", fontsize=7.5)
    axes.set(
        ylim=(len(lines) - 0.4, -0.6), yticks=[], xlim=(0, 1.17 * longest), title=title, xlabel="seconds"
    )
    axes.grid(axis="y", visible=False)
    axes.spines["left"].set_visible(False)


def _bar(axes: Axes, y: float, left: float, length: float, phase: int) -> None:
    label, colour = _PHASES[phase]
    first = label == _COLD
    axes.barh(
        y,
        length,
        left=left,
        height=0.66,
        color="none" if first else colour,
        edgecolor=colour,
        hatch="//////" if first else None,
        linewidth=0,
    )


def _keys(rows: Sequence[Cell]) -> list[Patch]:
    """Entries of the legend for the phases that take any time."""
    keys = []
    for i, (label, colour) in enumerate(_PHASES):
        if any(_seconds(cell)[i] for cell in rows):
            hatch = "//////" if label == _COLD else None
            face = "none" if hatch else colour
            keys.append(Patch(facecolor=face, edgecolor=colour, hatch=hatch, linewidth=0, label=label))
    return keys
