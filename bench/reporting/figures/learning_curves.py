"""Learning curves of one model: each test set against seconds of training and against words.

A faint line is one run, a strong one the median over runs at equal numbers of words. Dashed: what has to
be reached, gensim's mean end less the margin. Dotted: the median moment at which both sets are there.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.cells import Cell
from bench.analysis.courses import points
from bench.analysis.curves import Moment, course
from bench.analysis.verdicts import MARGINS
from bench.reporting import units
from bench.reporting.figures.marks import QUALITY
from bench.reporting.figures.sheet import INK, MUTED, Drawing, Sheet, draw
from bench.reporting.figures.ticks import even_words, scores
from bench.reporting.sections import Table, model_name, row_name

READING = (
    "A strong line is the median over runs at equal numbers of words, a faint one a single run; vectors are "
    "copied during training, on its clock, and scored after it. Dashed: gensim's mean end less the margin of "
    "equal quality. Dotted: the median moment at which both sets have reached it. Lone dots: only the end is "
    "known."
)
ACROSS = {
    "elapsed_s": "seconds of training (log scale)",
    "words": "words trained on, all epochs",
}


def learning_curves(table: Table, colours: Mapping[str, str]) -> list[Drawing]:
    """A figure for each model of a table of `curve_cells` in which some run has a point before its end."""
    drawn = []
    for model in dict.fromkeys(cell.model for cell in table.cells):
        cells = [c for c in table.cells if c.model == model and any(course(run) for run in c.runs)]
        if any(len(course(run)) > 1 for cell in cells for run in cell.runs):
            drawn.append(_draw(table, cells, colours))
    return drawn


def _draw(table: Table, cells: Sequence[Cell], colours: Mapping[str, str]) -> Drawing:
    def paint(sheet: Sheet) -> None:
        grid = sheet.axes(
            len(ACROSS),
            rows=len(QUALITY),
            legend_in=0.5,
            sharex="col",
            sharey="row",
            gridspec_kw={"wspace": 0.06, "hspace": 0.16},
        )
        for i, (name, label) in enumerate(QUALITY):
            row = grid[i * len(ACROSS) : (i + 1) * len(ACROSS)]
            row[0].set_title(label)
            for axes, across in zip(row, ACROSS, strict=True):
                _panel(axes, cells, name, across, colours)
            scores(row[0])
        for axes, (across, label) in zip(grid[-len(ACROSS) :], ACROSS.items(), strict=True):
            _scale(axes, across)
            axes.set_xlabel(label)
        _legend(sheet, table, cells, colours)

    stem = f"learning-curves-{'-'.join(cells[0].model)}"
    data: Any = points(cells).to_dict("records")
    return draw(stem, table, _title(table, cells), READING, data, paint, 7.4)


def _title(table: Table, cells: Sequence[Cell]) -> str:
    """The first to arrive beside gensim, where one is shown to be its equal; else what it is."""
    ranked = [cell for cell in cells if cell.rank and cell.reached]
    gensim = next((cell for cell in ranked if cell.verdict == "reference"), None)
    first = min(ranked, key=lambda cell: cell.rank or 0, default=None)
    if first is None or gensim is None or first is gensim:
        return f"Learning curves of {model_name(cells[0])}"
    own, its = (units.seconds(c.reached.seconds.median) for c in (first, gensim) if c.reached)
    name = row_name(first, table.cells)
    return f"{name} reaches gensim's {model_name(first)} quality in {own} s of training, gensim in {its} s"


def _panel(axes: Axes, cells: Sequence[Cell], name: str, across: str, colours: Mapping[str, str]) -> None:
    for cell in cells:
        _lines(axes, cell, name, across, colours[cell.implementation])
    _goal(axes, cells, name, across, colours)


def _lines(axes: Axes, cell: Cell, name: str, across: str, colour: str) -> None:
    courses = [[m for m in course(run) if name in m.scores] for run in cell.runs]
    for moments in courses:
        x, y = [getattr(m, across) for m in moments], [m.scores[name] for m in moments]
        lone: dict[str, Any] = {"marker": "o", "markersize": 5} if len(moments) == 1 else {"alpha": 0.35}
        axes.plot(x, y, color=colour, linewidth=0.9, zorder=2, **lone)
    axes.plot(*_middle(courses, name, across), color=colour, linewidth=2, zorder=3)


def _middle(
    courses: Sequence[Sequence[Moment]], name: str, across: str
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Medians over runs of the place across and of the score, at every number of words that all span."""
    known = [moments for moments in courses if len(moments) > 1]
    if not known:
        return np.empty(0), np.empty(0)
    low, high = max(m[0].words for m in known), min(m[-1].words for m in known)
    grid = sorted({m.words for moments in known for m in moments if low <= m.words <= high})
    x, y = [], []
    for moments in known:
        words = [m.words for m in moments]
        x.append(np.interp(grid, words, [getattr(m, across) for m in moments]))
        y.append(np.interp(grid, words, [m.scores[name] for m in moments]))
    return np.median(x, axis=0), np.median(y, axis=0)


def _goal(axes: Axes, cells: Sequence[Cell], name: str, across: str, colours: Mapping[str, str]) -> None:
    """What has to be reached, and who has reached it when."""
    timed = [(cell, cell.reached) for cell in cells if cell.reached]
    for level in {reached.target[name] for _, reached in timed if name in MARGINS}:
        axes.axhline(level, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
    for cell, reached in timed:
        moment = reached.seconds.median if across == "elapsed_s" else reached.words.median
        if math.isfinite(moment):
            axes.axvline(moment, color=colours[cell.implementation], linewidth=1, linestyle=":", zorder=1)


def _scale(axes: Axes, across: str) -> None:
    if across == "words":
        axes.set_xlim(left=0)
        even_words(axes)
        return
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 1000 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(sheet: Sheet, table: Table, cells: Sequence[Cell], colours: Mapping[str, str]) -> None:
    rows = [_key(row_name(c, table.cells), color=colours[c.implementation], linewidth=2) for c in cells]
    marks = [
        _key("median over runs", color=MUTED, linewidth=2),
        _key("one run", color=MUTED, linewidth=0.9, alpha=0.5),
        _key("gensim's mean end less the margin", color=INK, linewidth=1, linestyle=(0, (5, 3))),
        _key("both sets have reached it", color=MUTED, linewidth=1, linestyle=":"),
    ]
    sheet.legend(rows, 0.5, columns=min(3, 1 + (len(rows) - 1) // 2))
    sheet.legend(marks, 0.5, left=0.54, columns=2)


def _key(label: str, **how: Any) -> Line2D:
    return Line2D([], [], label=label, **how)
