"""Quality against throughput: one mark a row, the Pareto front, and arrows from parent to child.

Across: raw words/s, the bar from the slowest to the fastest run. Up: a test set, the bar from the
least to the greatest over seeds. Colour is the implementation, shape the model, area the peak memory.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.lines import Line2D

from bench.analysis.cells import Cell
from bench.analysis.verdicts import EQUAL, REFERENCE
from bench.reporting import units
from bench.reporting.columns import multiple
from bench.reporting.figures.labels import place_labels
from bench.reporting.figures.marks import QUALITY, SHAPES, cross, identity, key, measures
from bench.reporting.figures.sheet import INK, MUTED, PAPER, Drawing, Sheet, draw
from bench.reporting.figures.study import studied
from bench.reporting.figures.ticks import log_words, scores
from bench.reporting.sections import MODEL_NAMES, Table, model_name, row_name

READING = (
    "Further right is faster, further up is better; above the dashed line, the Pareto front, there is "
    "nothing. Bars: from least to greatest over the runs (across) and over the seeds (up); the "
    "uncertainty from the test's own items is larger, shared by all rows, and in the table. "
    "Arrows: from an implementation to the one made from it. Rows on the lower edge were stopped at "
    "their budget: speed only."
)
_LEGEND_BYTES = tuple(2**power for power in range(26, 40))  # 64 MiB to 512 GiB, those in range
_LEGEND_ROWS = 5
_FEWEST = 2  # rows with speed and quality
_CROWD = 14  # rows; more need a higher figure for their names
_MOST_STOPPED = 3  # that are named beside their marks; the legend tells more of them apart


def quality_throughput(table: Table, colours: Mapping[str, str]) -> Drawing | None:
    """The figure; None with fewer than two rows that have both, or where `study` shows them better."""
    if studied(table) or sum(bool(cell.speed and cell.quality) for cell in table.cells) < _FEWEST:
        return None
    data = [_point(cell, table) for cell in table.cells if cell.speed]
    groups = _groups(table, colours)
    longest = min(_LEGEND_ROWS, max(len(handles) for _, handles in groups))
    legend_in = 0.35 + 0.165 * longest
    height_in = legend_in + (5.1 if len(data) <= _CROWD else 6.3)

    def paint(sheet: Sheet) -> None:
        panels = sheet.axes(len(QUALITY), legend_in=legend_in, sharex=True, gridspec_kw={"wspace": 0.14})
        for axes, (name, heading) in zip(panels, QUALITY, strict=True):
            _panel(axes, table, name, colours)
            axes.set_title(heading)
        for left, (heading, handles) in zip((0.055, 0.47, 0.64, 0.79), groups, strict=True):
            columns = 1 + (len(handles) - 1) // _LEGEND_ROWS
            sheet.legend(handles, legend_in, left=left, columns=columns, title=heading)
        for axes, (name, _) in zip(panels, QUALITY, strict=True):
            _labels(axes, table, name, sheet.canvas.get_renderer())

    return draw("quality-throughput", table, _title(table), READING, data, paint, height_in)


def _title(table: Table) -> str:
    """The row that is fastest beside gensim among those of equal quality."""
    proven = [c for c in table.cells if c.rank and c.ratio and c.implementation != REFERENCE]
    if not proven and any(c.implementation == REFERENCE and c.quality for c in table.cells):
        return "Quality against training speed: no row is shown to equal gensim's quality yet"
    if not proven:
        return "Quality against training speed, without a finished gensim to compare with"
    best = max(proven, key=lambda c: c.ratio.value if c.ratio else 0.0)
    assert best.ratio is not None
    speed = f"{multiple(best.ratio)} as fast as gensim"
    return f"At quality shown equal, {row_name(best, table.cells)} trains {model_name(best)} {speed}"


def _point(cell: Cell, table: Table) -> dict[str, Any]:
    own = {"host_peak_bytes": cell.host_peak_bytes, "quality_shown_equal": cell.tier == EQUAL}
    return identity(cell, table) | measures(cell) | own


def _panel(axes: Axes, table: Table, name: str, colours: Mapping[str, str]) -> None:
    marked = [cell for cell in table.cells if cell.speed and name in cell.quality]
    for cell in sorted(marked, key=lambda c: -(c.host_peak_bytes or 0)):  # small ones on top
        _mark(axes, cell, name, colours[cell.implementation], _largest(table))
    _arrows(axes, marked, name)
    for cell in _speed_only(table):
        axes.plot(
            [_x(cell)],
            [0.035],
            marker=SHAPES[cell.model],
            markersize=6,
            markerfacecolor="none",
            markeredgecolor=colours[cell.implementation],
            transform=axes.get_xaxis_transform(),
        )
    log_words(axes)
    _front(axes, [(_x(cell), cell.quality[name].seeds.median) for cell in marked])
    scores(axes)
    axes.set_xlabel("words trained on per second (log scale)")


def _x(cell: Cell) -> float:
    return cell.speed.median if cell.speed else 0.0


def _mark(axes: Axes, cell: Cell, name: str, colour: str, largest: float) -> None:
    """One row: both bars, faint, and the mark on top."""
    x, y = cross(axes, cell, name, colour)
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


def _arrows(axes: Axes, marked: Sequence[Cell], name: str) -> None:
    """From each parent to its child of the same model and threads."""
    for child in marked:
        for parent in marked:
            same = (parent.model, parent.threads) == (child.model, child.threads)
            if same and parent.implementation == child.parent:
                axes.annotate(
                    "",
                    (_x(child), child.quality[name].seeds.median),
                    (_x(parent), parent.quality[name].seeds.median),
                    arrowprops={
                        "arrowstyle": "-|>",
                        "color": MUTED,
                        "linewidth": 0.9,
                        "shrinkA": 6,
                        "shrinkB": 6,
                    },
                    zorder=1,
                )


def front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those of `points` (speed, quality) that no other beats in both, from slow to fast."""
    best: list[tuple[float, float]] = []
    for point in sorted(set(points), reverse=True):
        if not best or point[1] > best[-1][1]:
            best.append(point)
    return best[::-1]


def _front(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    """The front as steps: from each of its points left to the edge, and down from the fastest."""
    steps = front(points)
    left, bottom = axes.get_xlim()[0], axes.get_ylim()[0]
    x = [left, *(step[0] for step in steps), steps[-1][0]]
    y = [steps[0][1], *(step[1] for step in steps), bottom]
    axes.step(x, y, where="pre", color=MUTED, linewidth=0.9, linestyle=(0, (5, 4)), zorder=1)
    axes.set_xlim(left)
    axes.set_ylim(bottom)


def _labels(axes: Axes, table: Table, name: str, renderer: RendererAgg) -> None:
    """Names beside the marks: ranked rows first, as they matter most where room is short."""
    marks = sorted(
        (c for c in table.cells if c.speed and name in c.quality), key=lambda c: (c.tier, c.rank or 0)
    )
    bottom, top = axes.get_ylim()
    points = [(_x(c), c.quality[name].seeds.median) for c in marks]
    texts = [row_name(c, table.cells) for c in marks]
    stopped = _speed_only(table)
    for cell in stopped if len(stopped) <= _MOST_STOPPED else []:
        points.append((_x(cell), bottom + 0.035 * (top - bottom)))
        texts.append(row_name(cell, table.cells))
    place_labels(axes, points, texts, INK, PAPER, renderer)


def _speed_only(table: Table) -> list[Cell]:
    """Rows that were stopped: a speed, no quality; they stand on the axis."""
    return [cell for cell in table.cells if cell.speed and not cell.quality]


def _groups(table: Table, colours: Mapping[str, str]) -> list[tuple[str, list[Line2D]]]:
    """The legends: a heading and its entries."""
    shown = [cell for cell in table.cells if cell.speed]
    names = sorted({cell.implementation for cell in shown}, key=lambda n: (n != REFERENCE, n))
    models = [model for model in SHAPES if any(cell.model == model for cell in shown)]
    return [
        ("implementation", [key(name, "o", colours[name]) for name in names]),
        ("model", [key(" ".join(MODEL_NAMES[p] for p in m), SHAPES[m], MUTED) for m in models]),
        ("peak memory (area)", _memory_keys(table)),
        (
            "quality",
            [
                key("shown to equal gensim's", "o", MUTED),
                key("not shown to equal it", "o", MUTED, filled=False),
            ],
        ),
    ]


def _memory_keys(table: Table) -> list[Line2D]:
    """Up to three round sizes among those in the figure."""
    known = [c.host_peak_bytes for c in table.cells if c.speed and c.host_peak_bytes]
    if not known:
        return [key("not measured", "o", MUTED)]
    round_sizes = [size for size in _LEGEND_BYTES if min(known) / 2 <= size <= max(known)][-3:]
    largest = _largest(table)
    sizes: Sequence[float] = round_sizes or [max(known)]
    return [key(units.memory(s), "o", MUTED, size=_area(s, largest) ** 0.5) for s in sizes]


def _largest(table: Table) -> float:
    return max((c.host_peak_bytes or 0 for c in table.cells), default=0) or 1.0


def _area(peak_bytes: float | None, largest: float) -> float:
    """Area in square points, proportional to memory above a floor that stays visible."""
    return 22 + 150 * (peak_bytes or 0) / largest
