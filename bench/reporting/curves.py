"""Learning curves of one model: each test set against seconds of training and against words.

A faint line is one run, a strong one the median over runs at equal numbers of words. Dashed: what has to
be reached, gensim's mean end less the margin. Dotted: the median moment at which both sets are there.
"""

import io
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.cells import Cell
from bench.analysis.courses import points
from bench.analysis.curves import Moment, course
from bench.analysis.verdicts import MARGINS
from bench.reporting import units
from bench.reporting.figures import _STYLE, INK, MUTED, PAPER
from bench.reporting.sections import Table, model_name, row_name
from bench.reporting.tables import csv

READING = (
    "A strong line is the median over runs at equal numbers of words, a faint one a single run; vectors are "
    "copied during training, on its clock, and scored after it. Dashed: gensim's mean end less the margin of "
    "equal quality. Dotted: the median moment at which both sets have reached it. Lone dots: only the end is "
    "known."
)
SETS = {"wordsim353": "WordSim-353, Spearman correlation", "simlex999": "SimLex-999, Spearman correlation"}
ACROSS = {
    "elapsed_s": "seconds of training (log scale)",
    "words": "words trained on, all epochs",
}
_METADATA: dict[str, dict[str, None]] = {  # no clock and no software's name in any of them
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@dataclass(frozen=True)
class Drawing:
    """One figure in every format, with what a page says beside it."""

    stem: str  # of its files
    title: str  # what is seen, one sentence without its full stop
    reading: str  # how to read it
    svg: bytes
    png: bytes
    pdf: bytes
    csv: bytes  # exactly what is drawn, one line a point

    @property
    def files(self) -> dict[str, bytes]:
        """The content of its files by name."""
        return {f"{self.stem}.{kind}": getattr(self, kind) for kind in ("svg", "png", "pdf", "csv")}


def learning_curves(table: Table, colours: Mapping[str, str]) -> list[Drawing]:
    """A figure for each model of a table of `curve_cells` in which some run has a point before its end."""
    drawn = []
    for model in dict.fromkeys(cell.model for cell in table.cells):
        cells = [c for c in table.cells if c.model == model and any(course(run) for run in c.runs)]
        if any(len(course(run)) > 1 for cell in cells for run in cell.runs):
            drawn.append(_draw(table, cells, colours))
    return drawn


def _draw(table: Table, cells: Sequence[Cell], colours: Mapping[str, str]) -> Drawing:
    stem = f"learning-curves-{'-'.join(cells[0].model)}"
    title = _title(table, cells)
    with mpl.rc_context(_STYLE | {"svg.hashsalt": f"{stem}-{table.hash}"}):
        figure = _figure(table, cells, colours, title)
        saved = {kind: _saved(figure, kind) for kind in _METADATA}
    return Drawing(stem, title, READING, csv=csv(points(cells)).encode(), **saved)


def _saved(figure: Figure, kind: str) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format=kind, dpi=160, metadata=_METADATA[kind])
    return target.getvalue()


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


def _figure(table: Table, cells: Sequence[Cell], colours: Mapping[str, str], title: str) -> Figure:
    figure = Figure(figsize=(10, 7.2), dpi=100, facecolor=PAPER)
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(SETS), len(ACROSS), sharex="col", sharey="row", squeeze=False)
    figure.subplots_adjust(left=0.065, right=0.985, top=0.885, bottom=0.175, wspace=0.06, hspace=0.16)
    for row, (name, label) in zip(grid, SETS.items(), strict=True):
        row[0].set_title(label, loc="left", fontsize=9.5)
        for axes, across in zip(row, ACROSS, strict=True):
            for cell in cells:
                _lines(axes, cell, name, across, colours[cell.implementation])
            _goal(axes, cells, name, across, colours)
    for axes, (across, label) in zip(grid[-1], ACROSS.items(), strict=True):
        _scale(axes, across)
        axes.set_xlabel(label)
    figure.text(0.065, 0.958, title, fontsize=12, weight="bold")
    figure.text(0.065, 0.931, f"{table.title}; {table.settings}", color=MUTED, fontsize=8)
    _legend(figure, table, cells, colours)
    figure.text(0.985, 0.012, table.provenance, ha="right", color=MUTED, fontsize=7)
    return figure


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
        size, unit = (1e6, " M") if axes.get_xlim()[1] >= 1e6 else (1e3, " k")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / size:g}{unit}"))
        return
    axes.set_xscale("log")
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 1000 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _legend(figure: Figure, table: Table, cells: Sequence[Cell], colours: Mapping[str, str]) -> None:
    rows = [_key(row_name(c, table.cells), color=colours[c.implementation], linewidth=2) for c in cells]
    marks = [
        _key("median over runs", color=MUTED, linewidth=2),
        _key("one run", color=MUTED, linewidth=0.9, alpha=0.5),
        _key("gensim's mean end less the margin", color=INK, linewidth=1, linestyle=(0, (5, 3))),
        _key("both sets have reached it", color=MUTED, linewidth=1, linestyle=":"),
    ]
    for x, handles in ((0.055, rows), (0.535, marks)):
        columns = 1 + (len(handles) - 1) // 2
        figure.legend(
            handles=handles,
            loc="upper left",
            bbox_to_anchor=(x, 0.105),
            ncols=min(columns, 3),
            frameon=False,
            fontsize=8,
            columnspacing=1.2,
        )


def _key(label: str, **how: Any) -> Line2D:
    return Line2D([], [], label=label, **how)
