"""Quality against throughput: one mark a row, drawn without pyplot and without a clock.

Across: raw words/s on a logarithmic axis, the bar from the slowest to the fastest block. Up: a test
set, the bar its 95 % interval over test items. Colour is the implementation, shape the model, area
the peak memory; a filled mark has shown quality equal to gensim's.
"""

import io
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.analysis.cells import Cell
from bench.analysis.verdicts import EQUAL, REFERENCE
from bench.reporting import units
from bench.reporting.labels import place_labels
from bench.reporting.sections import MODEL_NAMES, Table, row_name

INK, MUTED, GRID, PAPER = "#1f2933", "#5f6b7a", "#e1e5ea", "#ffffff"  # the page swaps these when dark
PANELS = (
    ("wordsim353", "WordSim-353, Spearman correlation"),
    ("google", "Google analogies, share right (3CosAdd)"),
)
SHAPES = {
    ("skipgram", "ns"): "o",
    ("skipgram", "hs"): "s",
    ("skipgram", "softmax"): "^",
    ("cbow", "ns"): "D",
    ("cbow", "hs"): "P",
    ("cbow", "softmax"): "v",
}
_LEGEND_BYTES = tuple(2**power for power in range(26, 40))  # 64 MiB to 512 GiB, those in range
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",  # looks the same without the font
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that widths are the same everywhere
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "grid.color": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def drawable(table: Table) -> bool:
    """Whether any row has both speed and quality."""
    return any(cell.speed and cell.quality for cell in table.cells)


def svg(table: Table) -> bytes:
    """The figure as SVG without date; element ids are salted with the hash of the rows."""
    return _save(table, "svg", {"Date": None, "Creator": None})


def png(table: Table) -> bytes:
    """The figure as PNG at 160 dots an inch, without the software's name."""
    return _save(table, "png", {"Software": None})


def _save(table: Table, kind: str, metadata: dict[str, None]) -> bytes:
    with mpl.rc_context(_STYLE | {"svg.hashsalt": table.hash}):
        figure = _draw(table)
        target = io.BytesIO()
        figure.savefig(target, format=kind, dpi=160, metadata=metadata)
    return target.getvalue()


def _draw(table: Table) -> Figure:
    figure = Figure(figsize=(10, 6.2), dpi=100, facecolor=PAPER)
    canvas: Any = FigureCanvasAgg(figure)
    colours = _colours(table)
    panels = figure.subplots(1, len(PANELS), sharex=True)
    figure.subplots_adjust(left=0.055, right=0.985, top=0.865, bottom=0.315, wspace=0.14)
    for axes, (name, title) in zip(panels, PANELS, strict=True):
        _panel(axes, table, name, colours)
        axes.set_title(title, loc="left", fontsize=9.5)
    heading = f"Quality against training speed on {table.section.dataset}"
    figure.text(0.055, 0.955, heading, fontsize=12, weight="bold")
    figure.text(0.055, 0.923, f"{table.title}; {table.settings}", color=MUTED, fontsize=8)
    _legend(figure, table, colours)
    figure.text(0.985, 0.012, table.provenance, ha="right", color=MUTED, fontsize=7)
    for axes, (name, _) in zip(panels, PANELS, strict=True):
        _labels(axes, table, name, canvas.get_renderer())
    return figure


def _panel(axes: Axes, table: Table, name: str, colours: dict[str, str]) -> None:
    axes.set_xscale("log")
    for cell in sorted(table.cells, key=lambda c: -(c.host_peak_bytes or 0)):  # small ones on top
        if cell.speed and name in cell.quality:
            _mark(axes, cell, name, colours[cell.implementation], _largest(table))
    axes.margins(x=0.12, y=0.12)
    axes.autoscale_view()
    for cell in _speed_only(table):
        assert cell.speed is not None
        axes.plot(
            [cell.speed.median],
            [0.035],
            marker=SHAPES[cell.model],
            markersize=6,
            markerfacecolor="none",
            markeredgecolor=colours[cell.implementation],
            transform=axes.get_xaxis_transform(),
        )
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())
    digits = 2 if np.ptp(axes.get_ylim()) > 0.05 else 3  # two ticks never read the same
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.{digits}f}"))
    axes.set_xlabel("words trained on per second (log scale); further right is faster")


def _mark(axes: Axes, cell: Cell, name: str, colour: str, largest: float) -> None:
    """One row: both error bars, faint, and the mark on top."""
    assert cell.speed is not None
    quality, x = cell.quality[name], cell.speed.median
    y = quality.seeds.median
    faint: dict[str, Any] = {"color": colour, "alpha": 0.3, "linewidth": 1.1, "zorder": 2}
    axes.plot([cell.speed.low, cell.speed.high], [y, y], **faint)
    if quality.item_low is not None and quality.item_high is not None:
        axes.plot([x, x], [quality.item_low, quality.item_high], **faint)
    axes.scatter(
        [x],
        [y],
        s=_area(cell.host_peak_bytes, largest),
        marker=SHAPES[cell.model],
        facecolor=colour if cell.tier == EQUAL else PAPER,
        edgecolor=PAPER if cell.tier == EQUAL else colour,
        linewidth=0.8 if cell.tier == EQUAL else 1.4,
        zorder=3,
    )


def _labels(axes: Axes, table: Table, name: str, renderer: RendererAgg) -> None:
    """Names beside the marks: ranked rows first, as they matter most where room is short."""
    marks = sorted(
        (c for c in table.cells if c.speed and name in c.quality), key=lambda c: (c.tier, c.rank or 0)
    )
    bottom, top = axes.get_ylim()
    points = [(c.speed.median, c.quality[name].seeds.median) for c in marks if c.speed]
    texts = [row_name(c, table.cells) for c in marks]
    for cell in _speed_only(table):
        assert cell.speed is not None
        points.append((cell.speed.median, bottom + 0.035 * (top - bottom)))
        texts.append(f"{row_name(cell, table.cells)} (speed only)")
    place_labels(axes, points, texts, INK, PAPER, renderer)


def _speed_only(table: Table) -> list[Cell]:
    """Rows that were stopped: a speed, no quality; they stand on the axis."""
    return [cell for cell in table.cells if cell.speed and not cell.quality]


def _legend(figure: Figure, table: Table, colours: dict[str, str]) -> None:
    shown = [cell for cell in table.cells if cell.speed]
    names = sorted({cell.implementation for cell in shown}, key=lambda n: (n != REFERENCE, n))
    models = [model for model in SHAPES if any(cell.model == model for cell in shown)]
    groups = (
        ("implementation", [_key(name, "o", colours[name]) for name in names]),
        ("model", [_key(" ".join(MODEL_NAMES[p] for p in m), SHAPES[m], MUTED) for m in models]),
        ("peak memory (area)", _memory_keys(table)),
        (
            "quality",
            [
                _key("shown to equal gensim's", "o", MUTED),
                _key("not shown to equal it", "o", MUTED, filled=False),
                _key("95 % over test items", "|", MUTED, size=9),
                _key("min–max over runs", "_", MUTED, size=9),
            ],
        ),
    )
    for x, (title, handles) in zip((0.055, 0.47, 0.64, 0.79), groups, strict=True):
        columns = 1 + (len(handles) - 1) // 4 if title == "implementation" else 1 + (len(handles) - 1) // 6
        legend = figure.legend(
            handles=handles,
            title=title,
            loc="upper left",
            bbox_to_anchor=(x - 0.012, 0.235),
            ncols=columns,
            frameon=False,
            fontsize=8,
            title_fontsize=8,
            alignment="left",
            columnspacing=1.2,
            handletextpad=0.3,
        )
        legend.get_title().set_color(MUTED)


def _key(label: str, marker: str, colour: str, filled: bool = True, size: float = 6.5) -> Line2D:
    return Line2D(
        [],
        [],
        linestyle="",
        marker=marker,
        markersize=size,
        markerfacecolor=colour if filled else "none",
        markeredgecolor=colour,
        label=label,
    )


def _memory_keys(table: Table) -> list[Line2D]:
    """Up to three round sizes among those in the figure."""
    known = [c.host_peak_bytes for c in table.cells if c.speed and c.host_peak_bytes]
    if not known:
        return [_key("not measured", "o", MUTED)]
    round_sizes = [size for size in _LEGEND_BYTES if min(known) / 2 <= size <= max(known)][-3:]
    largest = _largest(table)
    sizes: Sequence[float] = round_sizes or [max(known)]
    return [_key(units.memory(s), "o", MUTED, size=_area(s, largest) ** 0.5) for s in sizes]


def _largest(table: Table) -> float:
    return max((c.host_peak_bytes or 0 for c in table.cells), default=0) or 1.0


def _area(peak_bytes: float | None, largest: float) -> float:
    """Area in square points, proportional to memory above a floor that stays visible."""
    return 22 + 150 * (peak_bytes or 0) / largest


def _colours(table: Table) -> dict[str, str]:
    """Gensim in ink, the others in a palette that colour-blind readers can tell apart."""
    names = sorted({cell.implementation for cell in table.cells if cell.speed} - {REFERENCE})
    safe = [
        c for i, c in enumerate(sns.color_palette("colorblind").as_hex()) if i not in (7, 8)
    ]  # grey, yellow
    palette = safe if len(names) <= len(safe) else sns.husl_palette(len(names), l=0.55).as_hex()
    return {REFERENCE: INK, **dict(zip(names, palette, strict=False))}


def _tick(words_per_s: float) -> str:
    for size, unit in ((1e6, "M"), (1e3, "k")):
        if words_per_s >= size:
            return f"{words_per_s / size:g} {unit}"
    return f"{words_per_s:g}"
