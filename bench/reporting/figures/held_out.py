"""What each objective's state is worth: loss on text never seen, and whether its scores sum to one."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from bench.reporting.approximation import Group, Line
from bench.reporting.figures.marks import SHAPES, key, objective_colours
from bench.reporting.figures.sheet import INK, MUTED, PAPER, Drawing, Sheet, draw

READING = (
    "One mark a training, one line of them a way to read the states as a distribution (v centre, u "
    "context, K noise words from q). Left: −log p(context | centre), normalised exactly over all words; "
    "bars are 95 % intervals over the held-out predictions. Hollow: the same with Z taken as 1, for "
    "objectives that claim to need no Z; left of the filled mark scores sum to more than 1, so that it is "
    "no loss. Right: dot the mean of log Z over held-out centres, thick ± one standard deviation, thin "
    "from 5 % to 95 % of them."
)
_LINE_IN, _REST_IN = 0.52, 2.6
_NAMES = 0.235  # of the width, for the names of the lines


def held_out(group: Group) -> Drawing:
    """The figure of one group."""
    lines = group.lines
    return draw(
        "approximation-loss",
        group,
        _title(group, lines),
        READING,
        [point for line in lines for point in _points(line)],
        lambda sheet: _paint(sheet, group, lines),
        _REST_IN + _LINE_IN * len(lines),
    )


def _title(group: Group, lines: Sequence[Line]) -> str:
    """Who predicts unseen text best, and what that is beside knowing the frequencies alone."""
    best = min(lines, key=lambda line: line.middle.loss.value)
    alone = group.results[0].unigram_loss.value
    gain = alone - best.middle.loss.value
    beside = "better" if gain > 0 else "worse"
    return (
        f"{best.label} predicts unseen text best: {best.middle.loss.value:.2f} nats, {abs(gain):.2f} "
        f"{beside} than word frequencies alone"
    )


def _points(line: Line) -> list[dict[str, Any]]:
    return [
        {
            "objective": line.objective,
            "implementation": line.implementation,
            "read_as": reading.name,
            "seed": seed,
            "loss_nats": reading.loss.value,
            "loss_nats_low_95_over_predictions": reading.loss.low,
            "loss_nats_high_95_over_predictions": reading.loss.high,
            "loss_nats_with_z_as_1": reading.loss_as_is.value if reading.loss_as_is else None,
            "log_z_mean": reading.log_z.mean,
            "log_z_sd_over_centres": reading.log_z.sd,
            "log_z_5_percent": reading.log_z.low,
            "log_z_95_percent": reading.log_z.high,
        }
        for seed, reading in line.by_seed
    ]


def _paint(sheet: Sheet, group: Group, lines: Sequence[Line]) -> None:
    losses, sums = sheet.axes(2, left=_NAMES, legend_in=0.3, sharey=True, gridspec_kw={"wspace": 0.06})
    colours = objective_colours()
    for place, line in enumerate(lines):
        for y, (_, reading) in zip(_spread(place, len(line.by_seed)), line.by_seed, strict=True):
            colour, mark = colours[line.objective], SHAPES["skipgram", line.objective]
            losses.plot([reading.loss.low, reading.loss.high], [y, y], color=colour, linewidth=1.2, zorder=2)
            losses.plot(reading.loss.value, y, mark, color=colour, markersize=6, zorder=3)
            if reading.loss_as_is:
                value = reading.loss_as_is.value
                losses.plot(value, y, mark, color=colour, markerfacecolor=PAPER, markersize=6, zorder=3)
            z = reading.log_z
            sums.plot([z.low, z.high], [y, y], color=colour, linewidth=1, zorder=2)
            sums.plot(
                [z.mean - z.sd, z.mean + z.sd], [y, y], color=colour, linewidth=3.5, alpha=0.5, zorder=2
            )
            sums.plot(z.mean, y, mark, color=colour, markersize=5, zorder=3)
    first = group.results[0]
    _line_at(losses, first.unigram_loss.value, "frequencies alone")
    _line_at(losses, first.uniform_loss, "log V", left=True)
    _line_at(sums, 0.0, "Z = 1")
    losses.set_yticks(range(len(lines)), [f"{line.label}, {line.reading}" for line in lines], color=INK)
    losses.set_ylim(len(lines) - 0.5, -0.75)
    losses.set_title("loss on held-out text")
    sums.set_title("log Z, by centre")
    losses.set_xlabel("nats a prediction; left is better")
    sums.set_xlabel("log of the sum of exp(scores) over the vocabulary")
    for axes in (losses, sums):
        axes.xaxis.set_major_locator(MaxNLocator(7))
        axes.tick_params(axis="y", length=0)
        axes.grid(visible=False, axis="y")
    sheet.legend(
        [key("normalised exactly", "o", MUTED), key("Z taken as 1", "o", MUTED, filled=False)],
        0.3,
        left=_NAMES,
        columns=2,
    )


def _spread(place: int, seeds: int) -> list[float]:
    """Heights of the marks of a line, one a seed."""
    return [place + 0.14 * (i - (seeds - 1) / 2) for i in range(seeds)]


def _line_at(axes: Axes, x: float, text: str, *, left: bool = False) -> None:
    axes.axvline(x, color=INK, linewidth=1, linestyle=(0, (5, 3)), zorder=1)
    axes.annotate(
        text,
        (x, 1),
        xycoords=("data", "axes fraction"),
        xytext=(-3 if left else 3, -9),
        textcoords="offset points",
        ha="right" if left else "left",
        fontsize=7.5,
        color=MUTED,
    )
