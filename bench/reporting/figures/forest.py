"""A forest plot: ratios of speeds with their intervals on a logarithmic axis, one line each."""

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator
from matplotlib.transforms import Transform, blended_transform_factory

from bench.analysis.statistics import Estimate, ratio_text
from bench.reporting.figures.marks import key
from bench.reporting.figures.sheet import INK, MARGIN, PAPER, Sheet

_FINE = (1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 7.0)  # ticks within a decade, on a short axis
_LEFT, _RIGHT = 0.29, 0.79  # of the axes; names stand to the left, figures to the right


@dataclass(frozen=True)
class Row:
    """One line of the plot."""

    name: str
    ratio: Estimate
    colour: str
    shape: str
    filled: bool = True


def height_in(lines: Sequence[Row | str]) -> float:
    """Of a sheet that holds `lines`."""
    return 1.95 + 0.22 * len(lines)


def forest(sheet: Sheet, lines: Sequence[Row | str], label: str, mark: float = 1.0) -> None:
    """Fill `sheet`: a text among `lines` is a heading, `label` names the axis; a line stands at `mark`."""
    (axes,) = sheet.axes(left=_LEFT, right=_RIGHT, heading=False)
    axes.set_xscale("log")
    axes.axvline(mark, color=INK, linewidth=1, zorder=1)
    for y, line in enumerate(lines):
        if isinstance(line, str):
            name_line(axes, y, line, heading=True)
        else:
            _row(axes, y, line)
    axes.set(ylim=(len(lines) - 0.4, -0.6), yticks=[], xlabel=label)
    axes.set_xlim(*_limits([line.ratio for line in lines if isinstance(line, Row)], mark))
    axes.spines["left"].set_visible(False)
    _ticks(axes)


def name_line(axes: Axes, y: float, text: str, *, heading: bool = False) -> None:
    """`text` at the left margin of the sheet, on the line `y` of `axes`."""
    axes.text(
        MARGIN if heading else MARGIN + 0.012,
        y,
        text,
        transform=_across_the_sheet(axes),
        va="center_baseline",
        fontsize=8.5,
        weight="bold" if heading else "normal",
    )


def _across_the_sheet(axes: Axes) -> Transform:
    """x as a share of the sheet's width, y as a line of `axes`."""
    return blended_transform_factory(axes.figure.transFigure, axes.transData)


def _row(axes: Axes, y: float, row: Row) -> None:
    name_line(axes, y, row.name)
    if row.ratio.low is not None and row.ratio.high is not None:
        axes.plot([row.ratio.low, row.ratio.high], [y, y], color=row.colour, linewidth=2, zorder=2)
    mark = key("", row.shape, row.colour)
    mark.set_data([row.ratio.value], [y])
    mark.set_markerfacecolor(row.colour if row.filled else PAPER)
    mark.set_zorder(3)
    axes.add_line(mark)
    text = f"{ratio_text(row.ratio)}, {row.ratio.n} block{'s' if row.ratio.n != 1 else ''}"
    place = axes.get_yaxis_transform()
    axes.text(1.02, y, text, transform=place, va="center_baseline", fontsize=8)


def _limits(ratios: Sequence[Estimate], mark: float) -> tuple[float, float]:
    """All intervals, a ratio of 1 and the line at `mark`, with some room."""
    ends = [1.0, mark] + [end for r in ratios for end in (r.value, r.low, r.high) if end]
    return min(ends) / 1.2, max(ends) * 1.2


def _ticks(axes: Axes) -> None:
    low, high = axes.get_xlim()
    subs = (1.0,) if high > 2000 * low else (1.0, 2.0, 5.0) if high > 6 * low else _FINE
    axes.xaxis.set_major_locator(LogLocator(subs=subs))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
