"""Colours and shapes of the marks: the same implementation looks the same in every figure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.lines import Line2D

from bench.analysis.cells import Cell, Spread
from bench.analysis.verdicts import REFERENCE
from bench.reporting.figures.sheet import INK
from bench.reporting.sections import Table, row_name

QUALITY = (  # the sets that decide on equal quality, a panel each
    ("wordsim353", "WordSim-353, Spearman correlation"),
    ("simlex999", "SimLex-999, Spearman correlation"),
)
SHAPES = {
    ("skipgram", "ns"): "o",
    ("skipgram", "hs"): "s",
    ("skipgram", "softmax"): "^",
    ("skipgram", "nce"): "p",
    ("skipgram", "sampled"): ">",
    ("skipgram", "adaptive"): "*",
    ("cbow", "ns"): "D",
    ("cbow", "hs"): "P",
    ("cbow", "softmax"): "v",
    ("cbow", "nce"): "X",
    ("cbow", "sampled"): "<",
    ("cbow", "adaptive"): "d",
}
_SHADES = ((0.0,), (0.5, 0.0), (0.5, 0.0, -0.4))  # by generations; towards white, or black below 0


def palette(cells: Iterable[Cell]) -> dict[str, str]:
    """A colour for each implementation: one hue a family, darker from parent to child; gensim in ink."""
    parents = {cell.implementation: cell.parent for cell in cells}
    lines = {name: _line(name, parents) for name in parents if name != REFERENCE}
    families = sorted({line[0] for line in lines.values()})
    hues = dict(zip(families, _hues(len(families)), strict=True))
    depth = {first: max(len(line) for line in lines.values() if line[0] == first) for first in families}
    return {REFERENCE: INK} | {
        name: _shade(hues[line[0]], len(line), depth[line[0]]) for name, line in lines.items()
    }


def _line(name: str, parents: Mapping[str, str | None]) -> list[str]:
    """From the first ancestor that is known of to `name`."""
    line = [name]
    while (parent := parents.get(line[0])) and parent not in line:
        line.insert(0, parent)
    return line


def _hues(number: int) -> Sequence[str]:
    """Colours that colour-blind readers can tell apart, as far as there are enough of them."""
    safe = [c for i, c in enumerate(sns.color_palette("colorblind").as_hex()) if i not in (7, 8)]
    hues: list[str] = safe if number <= len(safe) else sns.husl_palette(number, l=0.55).as_hex()
    return hues[:number]


def _shade(hue: str, generation: int, generations: int) -> str:
    """The shade of the 1st, 2nd, ... of `generations`."""
    shades = _SHADES[min(generations, len(_SHADES)) - 1]
    amount = shades[min(generation, len(shades)) - 1]
    end = 1.0 if amount > 0 else 0.0
    red, green, blue = (c + abs(amount) * (end - c) for c in to_rgb(hue))
    return str(to_hex((red, green, blue)))


def key(label: str, marker: str, colour: str, filled: bool = True, size: float = 6.5) -> Line2D:
    """An entry of a legend."""
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


def identity(cell: Cell, table: Table) -> dict[str, Any]:
    """The first columns of a figure's data: which row a mark stands for."""
    return {
        "row": row_name(cell, table.cells),
        "implementation": cell.implementation,
        "architecture": cell.architecture,
        "objective": cell.objective,
        "threads": cell.threads,
        "status": cell.status,
        "runs": len(cell.runs),
    }


def measures(cell: Cell) -> dict[str, Any]:
    """Speed over runs and quality over seeds, for a figure's data."""
    measured: dict[str, Any] = _spread("raw_words_per_s", cell.speed, "over_runs")
    for name, _ in QUALITY:
        measured |= _spread(name, cell.quality[name].seeds if name in cell.quality else None, "over_seeds")
    return measured


def _spread(name: str, spread: Spread | None, over: str) -> dict[str, float | None]:
    return {
        f"{name}_median": spread.median if spread else None,
        f"{name}_min_{over}": spread.low if spread else None,
        f"{name}_max_{over}": spread.high if spread else None,
    }


def cross(axes: Axes, cell: Cell, name: str, colour: str) -> tuple[float, float]:
    """Both bars of a row, speed over runs and the set `name` over seeds, faint; where they meet."""
    assert cell.speed is not None
    speed, seeds = cell.speed, cell.quality[name].seeds
    faint: dict[str, Any] = {"color": colour, "alpha": 0.45, "linewidth": 1.2, "zorder": 2}
    axes.plot([speed.low, speed.high], [seeds.median] * 2, **faint)
    axes.plot([speed.median] * 2, [seeds.low, seeds.high], **faint)
    return speed.median, seeds.median
