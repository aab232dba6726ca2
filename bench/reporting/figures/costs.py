"""Seconds a million words against the vocabulary, or the noise words: runs, laws, where laws cross."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter, NullLocator

from bench.analysis.costs import Axis, Line, Study
from bench.analysis.crossover import ALWAYS, BELOW, INSIDE, Crossing, crossings
from bench.reporting import units
from bench.reporting.costs import PER, joined, line_name, settings, studied_tables, times, whole_words
from bench.reporting.figures.labels import name_ends
from bench.reporting.figures.marks import SHAPES
from bench.reporting.figures.sheet import INK, PAPER, Drawing, Sheet, draw
from bench.reporting.sections import Table, model_name

READING = (
    "Each mark is a run: the seconds of training that a million raw words take. Lines: the law that the "
    "objective's cost should follow, fitted to the medians, its seconds written at the end. Both axes "
    "logarithmic: a cost that grows as {0} rises by as many decades as {0} does, one that does not is level."
)
_CROSSED = (
    " Ring: the two laws cross, approximation pays to its right; bar: the 95 % interval, within what was "
    "measured."
)
_LABELS: Mapping[Axis, tuple[str, str]] = {
    "vocabulary": ("V", "V, words in the vocabulary (log scale)"),
    "negatives": ("K", "K, noise words a pair (log scale)"),
}


def costs(tables: Sequence[Table], colours: Mapping[str, str]) -> list[tuple[int, Drawing]]:
    """A figure for each study of `bench.analysis.costs`, and the place of its first table."""
    return [(list(tables).index(own[0]), _draw(study, own, colours)) for study, own in studied_tables(tables)]


def _draw(study: Study, tables: Sequence[Table], colours: Mapping[str, str]) -> Drawing:
    rows, found = joined(study, tables), crossings(study)
    inside = [one for one in found if one.where == INSIDE]

    def paint(sheet: Sheet) -> None:
        (axes,) = sheet.axes(left=0.085, right=0.63, heading=False)
        _panel(axes, study, colours)
        for one in inside:
            _mark(axes, one)

    data = [
        {
            "row": line_name(line, study),
            "implementation": line.cell.implementation,
            "architecture": line.cell.architecture,
            "objective": line.cell.objective,
            "device": line.cell.device,
            "threads": line.cell.threads,
            study.axis: x,
            "seconds_a_million_words": seconds,
            "by_law": float(line.fit.seconds(x)),
        }
        for line in study.lines
        for x, runs in line.points.items()
        for seconds in runs
    ]
    reading = READING.format(_LABELS[study.axis][0]) + (_CROSSED if inside else "")
    subtitle = f"{rows.section.dataset}; {settings(study, tables)}"
    return draw(f"cost-{study.axis}", rows, _title(study, found), reading, data, paint, 5.2, subtitle)


def _title(study: Study, found: Sequence[Crossing]) -> str:
    """Where approximation pays beside the fastest exact softmax, or by how much it does at the least V."""
    if study.axis == "negatives":
        return _title_of_noise(study)
    best = min(found, key=lambda one: min(one.exact.points.items()), default=None)
    own = [one for one in found if best and one.exact is best.exact]
    if best is None or not own:
        return "Cost against the vocabulary"
    name = best.exact.cell.implementation
    if paid := sorted((one.words, _name(one)) for one in own if one.where == INSIDE and one.words):
        texts = [f"{_name(one)} at every vocabulary measured" for one in own if one.where in (BELOW, ALWAYS)]
        texts += [f"{other} from {whole_words(words)} words on" for words, other in paid]
        return f"Beside {name} approximation pays: {', '.join(texts)}"
    if all(one.where in (BELOW, ALWAYS) for one in own):
        texts = [f"{times(one.ratios[0].value)}× as long as {_name(one)}" for one in own]
        return f"With {own[0].measured[0]:,} words already, {name} takes {', '.join(texts)}"
    return f"No vocabulary was measured from which on approximation pays beside {name}"


def _title_of_noise(study: Study) -> str:
    """What each noise word adds to the row that gives most for it."""
    shares = {line_name(line, study): line.fit.b / line.fit.a for line in study.lines if line.fit.a}
    if not shares:
        return "Cost against the noise words"
    name, share = max(shares.items(), key=lambda item: item[1])
    return f"Each noise word adds {share:.0%} of what {name} would take without any".replace("%", " %")


def _name(one: Crossing) -> str:
    return f"{one.other.cell.implementation} ({model_name(one.other.cell)})"


def _panel(axes: Axes, study: Study, colours: Mapping[str, str]) -> None:
    axes.set(xscale="log", yscale="log")
    ends = []
    for line in study.lines:
        colour, shape = colours[line.cell.implementation], SHAPES[line.cell.model]
        marks = [(x, seconds) for x, runs in line.points.items() for seconds in runs]
        axes.plot(*zip(*marks, strict=True), shape, color=colour, markersize=4.5, alpha=0.75, zorder=3)
        x = np.geomspace(min(line.points), max(line.points), 200)
        y = line.fit.seconds(x)
        axes.plot(x, y, color=colour, linewidth=1.5, zorder=2)
        ends.append((float(y[-1]), f"{line_name(line, study)}: {_law(line)}"))
    axes.set_xticks(study.values, [f"{x:,}" for x in study.values])
    axes.xaxis.set_minor_locator(NullLocator())
    low, high = axes.get_ylim()
    axes.yaxis.set_major_locator(
        LogLocator(subs=(1.0,) if high > 1_000 * low else (1.0, 2.0, 5.0), numticks=20)
    )
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel=_LABELS[study.axis][1], ylabel="seconds a million raw words (log scale)")
    name_ends(axes, ends)


def _law(line: Line) -> str:
    """ "0.37", "12 + 8.8 V/1,000": the law with its figures, terms that are 0 left out."""
    fit, factor = line.fit, line.fit.law.partition("b ")[2]
    each = PER[fit.law][0] if fit.b else 1
    terms = [units.figure(fit.a)] if fit.a else []
    terms += [f"{units.figure(fit.b * each)} {factor}" + (f"/{each:,}" if each > 1 else "")] if fit.b else []
    return " + ".join(terms)


def _mark(axes: Axes, one: Crossing) -> None:
    """A ring where the two laws cross, its interval, and the vocabulary."""
    assert one.words is not None
    y = float(one.exact.fit.seconds(one.words))
    ends = (max(one.low or 0, one.measured[0]), min(one.high or np.inf, one.measured[1]))
    axes.plot(ends, (y, y), color=INK, linewidth=1.2, zorder=4)
    axes.plot([one.words], [y], "o", markersize=8, markerfacecolor="none", markeredgecolor=INK, zorder=5)
    beside: dict[str, Any] = {
        "boxstyle": "square,pad=0.1",
        "facecolor": PAPER,
        "edgecolor": "none",
        "alpha": 0.8,
    }
    text = f"{whole_words(one.words)} words"
    axes.annotate(
        text, (one.words, y), (-9, 9), textcoords="offset points", ha="right", fontsize=8, bbox=beside
    )
