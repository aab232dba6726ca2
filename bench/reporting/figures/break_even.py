"""Break-even of compiling: seconds of compiling and training against words, beside the parent."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.analysis.breakeven import BreakEven, break_evens
from bench.analysis.statistics import ratio_text
from bench.reporting import units
from bench.reporting.figures.marks import identity
from bench.reporting.figures.sheet import INK, PAPER, Drawing, Sheet, draw
from bench.reporting.figures.ticks import even_words
from bench.reporting.sections import Table, model_name, row_name

READING = (
    "Each line begins at the seconds that compiling takes (zero for an eager row) and rises by the "
    "seconds of training: left of a crossing the eager row is done first, right of it the compiled "
    "one. Cold: nothing compiled before; warm: caches of an earlier run. The slopes are the parent's "
    "median words/s and the ratio to it paired within blocks; shaded: the ratio's 95 % interval."
)
_BESIDE: dict[str, Any] = {
    "textcoords": "offset points",
    "fontsize": 8,
    "va": "center",
    "bbox": {"boxstyle": "square,pad=0.1", "facecolor": PAPER, "edgecolor": "none", "alpha": 0.8},
}
_MOST = 3  # panels; further rows are in the notes of the table


def break_even(table: Table, colours: Mapping[str, str]) -> Drawing | None:
    """The figure; None where no compiled row has its parent beside it."""
    found = sorted(break_evens(table.cells), key=lambda b: b.words or float("inf"))
    if not found:
        return None
    shown = found[:_MOST]

    def paint(sheet: Sheet) -> None:
        right = 0.6 if len(shown) == 1 else 0.985
        panels = sheet.axes(len(shown), left=0.075, right=right, gridspec_kw={"wspace": 0.2})
        for axes, one in zip(panels, shown, strict=True):
            _panel(axes, one, table, colours)
        panels[0].set_ylabel("seconds of compiling and training")
        if len(shown) == 1:
            panels[0].text(
                1.05,
                0.5,
                _facts(shown[0]),
                transform=panels[0].transAxes,
                va="center",
                fontsize=8.5,
                linespacing=1.9,
            )

    data = [_point(one, table) for one in found]
    return draw("break-even", table, _title(found), READING, data, paint, 4.4)


def _title(found: Sequence[BreakEven]) -> str:
    """The row that pays first, and the one that pays last where there are several; `found` in this order."""
    first, last = found[0], [one for one in found if one.words or one is found[0]][-1]
    name, model = first.cell.implementation, model_name(first.cell)
    if first.words is None:
        return f"Compiling does not pay: {name} is not faster than {first.parent.implementation} ({model})"
    if not first.shown:
        return (
            f"Whether compiling {name} pays is not shown; if it does, after {units.words(first.words)} words"
        )
    if first is last:
        return f"Compiling {name} has paid after {units.words(first.words)} words ({model})"
    return (
        f"Compiling has paid after {units.words(first.words)} words ({name}, {model}) "
        f"to {units.words(last.words)} ({last.cell.implementation}, {model_name(last.cell)})"
    )


def _facts(one: BreakEven) -> str:
    """What the lines are drawn from, one fact a line."""
    ratio, text = one.cell.ratio_to_parent, one.cell.runs[0].data["tokens"]
    assert ratio is not None
    lines = [f"compiling, cold: {units.seconds(one.cold_s)} s"]
    if one.warm_s is not None:
        lines.append(f"compiling, warm: {units.seconds(one.warm_s)} s")
    lines.append(f"speed over {one.parent.implementation}: {ratio_text(ratio)}")
    for words, state in ((one.words, "cold"), (one.warm_words, "warm")):
        if words is not None:
            passes = f"{words / text:.2g} passes over this text"
            lines.append(f"paid, {state}, after {units.words(words)} words: {passes}")
    return "\n".join(lines)


def _point(one: BreakEven, table: Table) -> dict[str, Any]:
    ratio = one.cell.ratio_to_parent
    assert ratio is not None
    return identity(one.cell, table) | {
        "parent": one.parent.implementation,
        "parent_raw_words_per_s_median": one.parent_speed,
        "ratio_to_parent": ratio.value,
        "ratio_to_parent_low_95_over_blocks": ratio.low,
        "ratio_to_parent_high_95_over_blocks": ratio.high,
        "compile_cold_s": one.cold_s,
        "compile_warm_s": one.warm_s,
        "break_even_words": one.words,
        "break_even_words_low": one.low,
        "break_even_words_high": one.high,
        "break_even_words_warm": one.warm_words,
    }


def _panel(axes: Axes, one: BreakEven, table: Table, colours: Mapping[str, str]) -> None:
    ratio, speed = one.cell.ratio_to_parent, one.parent_speed
    assert ratio is not None
    end = 2.2 * one.words if one.words else 10 * one.cold_s * speed
    ends = [0.0, end]
    colour, eager = colours[one.cell.implementation], colours[one.parent.implementation]
    name, parent = row_name(one.cell, table.cells), row_name(one.parent, table.cells)
    axes.plot(
        ends, [w / speed for w in ends], color=eager, linewidth=1.8, linestyle=(0, (4, 2)), label=parent
    )
    axes.plot(ends, [one.seconds(w) for w in ends], color=colour, linewidth=1.8, label=f"{name}, cold")
    if ratio.low and ratio.high:
        slow, fast = ([one.cold_s + w / (speed * r) for w in ends] for r in (ratio.low, ratio.high))
        axes.fill_between(ends, slow, fast, color=colour, alpha=0.15, linewidth=0)
    if one.warm_s is not None:
        warm = [one.seconds(w, warm=True) for w in ends]
        axes.plot(ends, warm, color=colour, linewidth=1.4, linestyle=":", label=f"{name}, warm")
    for words in (one.words, one.warm_words):
        if words:
            axes.plot([words], [words / speed], "o", color=INK, markersize=5, zorder=4)
            axes.annotate(f"{units.words(words)} words", (words, words / speed), (8, -9), **_BESIDE)
    axes.set(xlim=(0, end), ylim=(0, None), xlabel="words trained on")
    axes.set_title(f"{name}, {model_name(one.cell)}")
    axes.legend(loc="upper left")
    axes.xaxis.set_major_locator(MaxNLocator(4))
    even_words(axes)
