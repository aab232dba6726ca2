"""The roofline drawn: a panel for each table, both axes logarithmic.

Across: operations a byte, a bar from the most bytes that a row's counts allow to the least, since the
truth lies between. Up: counted GFLOP/s. The roof is the rate of rows, then the matrix product; where a
bar reaches out of it, caches have served the difference.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.analysis.cells import Cell
from bench.analysis.roofline import Roofline
from bench.analysis.rows import rows_hash
from bench.records.ceilings import Ceilings
from bench.reporting.figures import GRID, INK, MUTED, PAPER
from bench.reporting.figures.labels import place_labels
from bench.reporting.sections import Table, model_name, row_name, tables

PANEL = (6.4, 4.6)  # inches


def draw(rows: Sequence[Roofline], ceilings: Ceilings) -> bytes:
    """The figure as SVG, the same bytes for the same records and ceilings."""
    panels = tables(row.cell for row in rows)
    salt = rows_hash(row.cell for row in rows) + ceilings.measured
    with mpl.rc_context({"svg.fonttype": "path", "font.family": "DejaVu Sans", "svg.hashsalt": salt}):
        figure = Figure(figsize=(PANEL[0], PANEL[1] * max(1, len(panels))), facecolor=PAPER)
        canvas: Any = FigureCanvasAgg(figure)
        grid = figure.subplots(max(1, len(panels)), squeeze=False)
        height = figure.get_figheight()
        figure.subplots_adjust(
            left=0.11, right=0.97, top=1 - 0.35 / height, bottom=0.55 / height, hspace=0.28
        )
        for axes, table in zip(grid[:, 0], panels, strict=False):
            _panel(axes, table, [row for row in rows if row.cell in table.cells], canvas.get_renderer())
        target = io.BytesIO()
        figure.savefig(target, format="svg", metadata={"Date": None, "Creator": None})
    return target.getvalue()


def _panel(axes: Axes, table: Table, rows: Sequence[Roofline], renderer: Any) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.grid(color=GRID, linewidth=0.6)
    _roofs(axes, rows)
    for row in rows:
        y = row.flops_per_s / 1e9
        axes.plot(row.intensity, [y, y], color=INK, linewidth=1.6, solid_capstyle="butt", marker="|")
    axes.set_xlim(right=20 * max(row.intensity[1] for row in rows))  # room for names
    axes.set_title(f"{table.title}, dim {rows[0].cell.runs[0].config['dim']}", loc="left", fontsize=8.5)
    axes.set_xlabel("counted operations a byte, between most and least bytes", fontsize=8)
    axes.set_ylabel("counted GFLOP/s", fontsize=8)
    axes.tick_params(labelsize=7, colors=MUTED)
    ends = [(row.intensity[1], row.flops_per_s / 1e9) for row in rows]
    place_labels(axes, ends, [_label(row, table.cells) for row in rows], INK, PAPER, renderer, near=True)


def _roofs(axes: Axes, rows: Sequence[Roofline]) -> None:
    """One roof for each number of threads and the GPU, from half the least intensity to twice the most."""
    low = min(row.intensity[0] for row in rows) / 2
    high = max(row.intensity[1] for row in rows) * 2
    roofs = {(row.cell.on_gpu, row.cell.threads): row for row in rows}
    for (on_gpu, threads), row in sorted(roofs.items()):
        peak, slope = row.flops_ceiling_per_s, row.row_ceiling_bytes_per_s
        x = np.sort([low, min(max(peak / slope, low), high), high])
        width = 0.6 + 0.4 * min(threads, 4)
        axes.plot(x, np.minimum(peak, x * slope) / 1e9, color=MUTED, linewidth=width)
        said = " GPU" if on_gpu else f" {threads} thread{'s' if threads > 1 else ''}"
        axes.annotate(said, (high, peak / 1e9), ha="left", va="center", color=MUTED, fontsize=7)


def _label(row: Roofline, beside: Sequence[Cell]) -> str:
    return f"{row_name(row.cell, beside)}, {model_name(row.cell)}"
