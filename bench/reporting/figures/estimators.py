"""What gradients from K noise words are worth: bias, direction and variance beside the full softmax's."""

from collections.abc import Sequence
from dataclasses import asdict
from math import nan
from operator import attrgetter
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator

from bench.records.approximation import Gradient, Interval, Measured
from bench.reporting.approximation import Group, flat, share
from bench.reporting.figures.marks import SHAPES, objective_colours
from bench.reporting.figures.sheet import Drawing, Sheet, draw
from bench.reporting.sections import MODEL_NAMES

READING = (
    "Above: gradients of the centre's vector v; below: of the output vectors U. g is estimated with K "
    "noise words, g* the full softmax's at the same point, at some held-out predictions of a trained "
    "state; E is the mean over the noise. Bands: 95 % over predictions; one line a seed. A bias that falls "
    "with K comes of sampling, one that stays or grows of another objective. Dashed: NCE with scores less "
    "log Z, as if it had learned to normalise. Arrows: not told from 0, less than that."
)
MATRICES = {"inputs": "v", "outputs": "U"}
MEASURES = {
    "bias": "bias, |E g − g*| ÷ |g*|",
    "cosine": "wrong direction, 1 − cos(E g, g*)",
    "variance": "variance, E|g − E g|² ÷ |g*|²",
}
ENDS = tuple(map(attrgetter, ("low", "value", "high")))


def estimators(group: Group) -> Drawing | None:
    """The figure of the state that the exact objective has reached, else of the first that has gradients."""
    states = group.states()
    if not states:
        return None
    state = states[0]
    return draw(
        "approximation-gradients",
        group,
        _title(state),
        READING,
        [_point(result, gradient) for result in state for gradient in result.gradients],
        lambda sheet: _paint(sheet, state),
        7.6,
        subtitle=f"{group.title}; {group.settings}; state of {_name(state)}",
    )


def _name(state: Sequence[Measured]) -> str:
    objective: str = state[0].config["objective"]
    return MODEL_NAMES.get(objective, objective)


def _title(state: Sequence[Measured]) -> str:
    """Each estimator's bias with the most noise words, the smallest first."""
    known = [g for g in state[0].gradients if g.matrix == "inputs"]
    most = max(g.negatives for g in known)
    ordered = sorted((g for g in known if g.negatives == most), key=lambda g: g.bias.value)
    texts = [f"{g.estimator} {share(g.bias)}" for g in ordered]
    return f"Bias of v's gradient with {most} noise words, in lengths of it: {', '.join(texts)}"


def _point(result: Measured, gradient: Gradient) -> dict[str, Any]:
    return {"state": result.config["objective"], "seed": result.config["seed"], **flat(asdict(gradient))}


def _paint(sheet: Sheet, state: Sequence[Measured]) -> None:
    panels = sheet.axes(
        len(MEASURES),
        rows=len(MATRICES),
        legend_in=0.35,
        sharex=True,
        gridspec_kw={"wspace": 0.24, "hspace": 0.28},
    )
    for i, (matrix, heading) in enumerate(MATRICES.items()):
        for j, (measure, label) in enumerate(MEASURES.items()):
            axes = panels[i * len(MEASURES) + j]
            _panel(axes, state, matrix, measure)
            axes.set_title(f"{heading}: {label}")
            if i == len(MATRICES) - 1:
                axes.set_xlabel("noise words K")
    sheet.legend([_key(gradient) for gradient in _kinds(state)], 0.35, columns=6)


def _kinds(state: Sequence[Measured]) -> list[Gradient]:
    """One of each estimator."""
    return list({g.estimator: g for g in state[0].gradients}.values())


def _look(gradient: Gradient) -> dict[str, Any]:
    """An estimator looks like the objective that uses it; a variant of it is dashed."""
    label = MODEL_NAMES.get(gradient.objective, gradient.objective)
    return {
        "color": objective_colours()[gradient.objective],
        "marker": SHAPES["skipgram", gradient.objective],
        "linestyle": "-" if gradient.estimator == label else (0, (2, 1)),
    }


def _key(gradient: Gradient) -> Line2D:
    return Line2D([], [], label=gradient.estimator, markersize=5, linewidth=1.5, **_look(gradient))


def _panel(axes: Axes, state: Sequence[Measured], matrix: str, measure: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    for result in state:
        for kind in _kinds(state):
            own = [g for g in result.gradients if (g.estimator, g.matrix) == (kind.estimator, matrix)]
            own.sort(key=lambda g: g.negatives)
            K, values = [g.negatives for g in own], [_value(g, measure) for g in own]
            low, middle, high = ([end(v) if v.low > 0 else nan for v in values] for end in ENDS)
            axes.fill_between(K, low, high, color=_look(kind)["color"], alpha=0.18, linewidth=0)
            axes.plot(K, middle, linewidth=1.5, markersize=4, **_look(kind))
            for k, value in zip(K, values, strict=True):
                if value.low <= 0 < value.high:
                    axes.plot(k, value.high, marker="v", color=_look(kind)["color"], markersize=5)
    Ks = sorted({g.negatives for g in state[0].gradients})
    axes.set_xticks(Ks, [str(k) for k in Ks])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.yaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(labelsize=7.5)


def _value(gradient: Gradient, measure: str) -> Interval:
    if measure != "cosine":
        return gradient.bias if measure == "bias" else gradient.variance
    cosine = gradient.cosine
    return Interval(1 - cosine.value, 1 - cosine.high, 1 - cosine.low)
