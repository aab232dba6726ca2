"""Axes whose ticks read as the field writes them: 50 k words, 0.512, never a rounded one."""

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter


def log_words(axes: Axes) -> None:
    """A logarithmic axis of words, or words a second, with ticks that read 50 k, 1 M."""
    axes.set_xscale("log")
    axes.margins(x=0.12, y=0.12)
    axes.autoscale_view()
    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0,) if high > 100 * low else (1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _count(value)))
    axes.xaxis.set_minor_formatter(NullFormatter())


def even_words(axes: Axes) -> None:
    """A linear axis of words, or words a second, all ticks in one unit."""
    size, unit = (1e6, " M") if axes.get_xlim()[1] >= 1e6 else (1e3, " k")
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value / size:g}{unit}" if value else "0")
    )


def scores(axes: Axes) -> None:
    """A vertical axis of correlations, with as many decimals as the ticks have."""
    digits = 2 if all(abs(tick - round(tick, 2)) < 1e-9 for tick in axes.get_yticks()) else 3
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.{digits}f}"))


def _count(number: float) -> str:
    """ "50 k", "1 M", "2.5 G"."""
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= size:
            return f"{number / size:.3g} {unit}"
    return f"{number:.3g}"
