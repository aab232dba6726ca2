"""A study of options: what each setting of one implementation costs in quality and gives in speed.

The option with the most values runs along a line, its values written beside the marks; each
combination of the other options is a line of its own.
"""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.ticker import MaxNLocator

from bench.analysis.cells import Cell
from bench.analysis.verdicts import EQUAL, MARGIN, MARGINS, REFERENCE
from bench.contract import Option, option_text
from bench.reporting.columns import multiple
from bench.reporting.figures.labels import place_labels
from bench.reporting.figures.marks import QUALITY, cross, identity, key, measures
from bench.reporting.figures.sheet import INK, PAPER, Drawing, Sheet, draw
from bench.reporting.figures.ticks import even_words, scores
from bench.reporting.sections import Table, model_name

_FEWEST = 4  # settings of one implementation, else it is no study
_SHAPES = ("o", "s", "^", "D", "v", "P", "<", ">")
_LEGEND_IN = 0.65

Options = dict[str, list[Option]]  # those that vary with their values, the one with the most first
Line = tuple[Option, ...]  # the values of all options but the first


def studied(table: Table) -> list[Cell]:
    """The evaluated rows of the implementation with the most settings; none where no options vary."""
    rows = sorted(
        (c for c in table.cells if c.speed and c.quality), key=lambda c: (c.implementation, c.model)
    )
    groups = [list(same) for _, same in groupby(rows, key=lambda c: (c.implementation, c.model))]
    most = max(groups, key=lambda same: len({c.options for c in same}), default=[])
    return most if len({c.options for c in most}) >= _FEWEST else []


def study(table: Table, _: Mapping[str, str]) -> Drawing | None:
    """The figure; None where no implementation was run with several settings."""
    rows = studied(table)
    if not rows:
        return None
    options = _varied(rows)
    reference = next((c for c in table.cells if _is_reference(c, rows[0])), None)
    looks = _looks(rows, options)

    def paint(sheet: Sheet) -> None:
        panels = sheet.axes(2, legend_in=_LEGEND_IN, gridspec_kw={"wspace": 0.14})
        for axes, (name, heading) in zip(panels, QUALITY, strict=True):
            _panel(axes, rows, name, options, reference)
            axes.set_title(heading)
        _legend(sheet, looks, options, reference)
        for axes, (name, _) in zip(panels, QUALITY, strict=True):
            _values(axes, rows, name, options, sheet.canvas.get_renderer())

    data = [_point(cell, table, options) for cell in ([reference] if reference else []) + rows]
    return draw("study", table, _title(rows, options), _reading(options, reference), data, paint, 6.0)


def _is_reference(cell: Cell, row: Cell) -> bool:
    return cell.implementation == REFERENCE and cell.model == row.model and bool(cell.speed and cell.quality)


def _varied(rows: Sequence[Cell]) -> Options:
    values: dict[str, set[Option]] = {}
    for cell in rows:
        for name, value in cell.options:
            values.setdefault(name, set()).add(value)
    several = {name: sorted(found, key=_order) for name, found in values.items() if len(found) > 1}
    return dict(sorted(several.items(), key=lambda item: (-len(item[1]), item[0])))


def _order(value: Option) -> tuple[bool, float, str]:
    """Numbers by size, names by the alphabet."""
    return (True, 0.0, value) if isinstance(value, str) else (False, float(value), "")


def _line(cell: Cell, options: Options) -> Line:
    return tuple(dict(cell.options)[name] for name in list(options)[1:])


def _looks(rows: Sequence[Cell], options: Options) -> dict[Line, tuple[str, str]]:
    """Colour and shape of each line."""
    lines = sorted({_line(cell, options) for cell in rows}, key=lambda line: [*map(_order, line)])
    colours = sns.color_palette("colorblind").as_hex()
    return {line: (colours[i % 7], _SHAPES[i % len(_SHAPES)]) for i, line in enumerate(lines)}


def _title(rows: Sequence[Cell], options: Options) -> str:
    name, model = rows[0].implementation, model_name(rows[0])
    equal = [c for c in rows if c.tier == EQUAL]
    if not equal:
        return f"No setting of {name} is shown to keep gensim's quality ({model})"
    best = max(equal, key=lambda c: c.speed.median if c.speed else 0.0)
    setting = ", ".join(f"{option} {option_text(dict(best.options)[option])}" for option in options)
    speed = f", {multiple(best.ratio)} gensim" if best.ratio else ""
    return f"At quality shown equal to gensim's, {name} is fastest with {setting}{speed} ({model})"


def _reading(options: Options, reference: Cell | None) -> str:
    band = f" Band: gensim's mean ± {MARGIN:g}, the margin of equal quality." if reference else ""
    return (
        f"Along a line {next(iter(options))} grows, as written beside the marks; further right is faster, "
        "further up is better. Filled: quality shown to equal gensim's; hollow: not shown. Bars: from "
        f"least to greatest over the runs (across) and over the seeds (up).{band}"
    )


def _point(cell: Cell, table: Table, options: Options) -> dict[str, Any]:
    values = {name: dict(cell.options).get(name) for name in options}
    return identity(cell, table) | values | measures(cell) | {"quality_vs_gensim": cell.verdict}


def _panel(axes: Axes, rows: Sequence[Cell], name: str, options: Options, reference: Cell | None) -> None:
    if reference and name in reference.quality:
        _band(axes, reference, name)
    first = next(iter(options))
    for line, (colour, shape) in _looks(rows, options).items():
        own = [c for c in rows if name in c.quality and _line(c, options) == line]
        own.sort(key=lambda c: _order(dict(c.options)[first]))
        points = [cross(axes, cell, name, colour) for cell in own]
        axes.plot(*zip(*points, strict=True), color=colour, linewidth=1, zorder=2)
        for cell, (x, y) in zip(own, points, strict=True):
            face = colour if cell.tier == EQUAL else PAPER
            axes.plot([x], [y], shape, markersize=6, markeredgecolor=colour, markerfacecolor=face, zorder=3)
    axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(MaxNLocator(6))
    even_words(axes)
    scores(axes)
    axes.set_xlabel("words trained on per second")


def _band(axes: Axes, reference: Cell, name: str) -> None:
    mean, margin = float(np.mean(reference.quality[name].by_seed)), MARGINS[name]
    axes.axhspan(mean - margin, mean + margin, color=INK, alpha=0.08, linewidth=0, zorder=0)
    axes.plot(*cross(axes, reference, name, INK), "X", color=INK, markersize=8, zorder=4)


def _values(axes: Axes, rows: Sequence[Cell], name: str, options: Options, renderer: RendererAgg) -> None:
    """The value of the first option beside each mark that has room for it."""
    judged = [c for c in rows if name in c.quality and c.speed]
    points = [(c.speed.median, c.quality[name].seeds.median) for c in judged if c.speed]
    first = next(iter(options))
    place_labels(
        axes, points, [option_text(dict(c.options)[first]) for c in judged], INK, PAPER, renderer, near=True
    )


def _legend(
    sheet: Sheet, looks: Mapping[Line, tuple[str, str]], options: Options, reference: Cell | None
) -> None:
    rest = list(options)[1:]
    handles = [key("gensim", "X", INK, size=8)] if reference else []
    for line, (colour, shape) in looks.items():
        text = ", ".join(f"{name} {option_text(value)}" for name, value in zip(rest, line, strict=True))
        handles.append(key(text or "all settings", shape, colour))
    sheet.legend(handles, _LEGEND_IN, columns=3)
