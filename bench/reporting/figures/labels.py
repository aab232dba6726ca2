"""Labels beside points and at the ends of lines: they cover neither a point nor one another."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import RendererAgg
from matplotlib.text import Annotation, Text
from matplotlib.transforms import Bbox

# Places to try, nearest first: points to the right, points up, and the alignment that goes with it.
_PLACES = [
    (dx * reach, dy * reach, across, along)
    for reach in (1.0, 1.7, 2.6, 3.8, 5.2)
    for dx, dy, across, along in (
        (9, 0, "left", "center"),
        (-9, 0, "right", "center"),
        (0, 9, "center", "bottom"),
        (0, -9, "center", "top"),
        (7, 7, "left", "bottom"),
        (7, -7, "left", "top"),
        (-7, 7, "right", "bottom"),
        (-7, -7, "right", "top"),
    )
]
_OWN, _OTHERS = 5.0, 11.0  # points kept free around a label's own mark, and around those of others
_NEAR = 14.0  # points; a label further away gets a line to its point


def place_labels(
    axes: Axes,
    points: Sequence[tuple[float, float]],
    texts: Sequence[str],
    colour: str,
    ground: str,
    renderer: RendererAgg,
    near: bool = False,
) -> None:
    """Write `texts[i]` near `points[i]` (data coordinates), in order; leave out what finds no room.

    Call it last: it needs the final limits and size of `axes`. Letters are `colour` on a ground of
    `ground`. A label keeps further from the points of others than from its own; `near`: it stays so
    near that it needs no line.
    """
    if not points:
        return
    dots = [Bbox.from_extents(x, y, x, y) for x, y in axes.transData.transform(list(points))]
    own, others = (radius * axes.figure.dpi / 72 for radius in (_OWN, _OWN if near else _OTHERS))
    placed: list[Bbox] = []
    for i, (point, text) in enumerate(zip(points, texts, strict=True)):
        taken = [dot.padded(own if dot is dots[i] else others) for dot in dots] + placed
        box = _place(axes, point, text, colour, ground, taken, renderer, _PLACES[:8] if near else _PLACES)
        if box is not None:
            placed.append(box)


def _place(
    axes: Axes,
    point: tuple[float, float],
    text: str,
    colour: str,
    ground: str,
    taken: Sequence[Bbox],
    renderer: RendererAgg,
    places: Sequence[tuple[float, float, str, str]],
) -> Bbox | None:
    """The box of the label at the first free place, or None."""
    frame = axes.get_window_extent().padded(-4)
    for place in places:
        label = _annotate(axes, point, text, colour, ground, place)
        label.update_positions(renderer)  # moves the text to its offset; drawing would do it too late
        box = Text.get_window_extent(label, renderer)  # of the text alone, without its line
        inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and frame.y0 <= box.y0 and box.y1 <= frame.y1
        if inside and not box.count_overlaps(taken):
            return box.padded(3)
        label.remove()
    return None


def _annotate(
    axes: Axes,
    point: tuple[float, float],
    text: str,
    colour: str,
    ground: str,
    place: tuple[float, float, str, str],
) -> Annotation:
    dx, dy, across, along = place
    line: dict[str, Any] | None = None
    if max(abs(dx), abs(dy)) > _NEAR:
        line = {"arrowstyle": "-", "color": colour, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 4}
    return axes.annotate(
        text,
        point,
        xytext=(dx, dy),
        textcoords="offset points",
        ha=across,
        va=along,
        color=colour,
        fontsize=7.5,
        bbox={"boxstyle": "square,pad=0.05", "facecolor": ground, "edgecolor": "none", "alpha": 0.7},
        arrowprops=line,
    )


def name_ends(axes: Axes, ends: Sequence[tuple[Any, str]]) -> None:
    """The name of each line right of its end, pushed up where two would touch."""
    least, reached = 0.055, -1.0  # shares of the height
    for value, text in sorted(ends):
        end = axes.transAxes.inverted().transform(axes.transData.transform((1, value)))[1]
        reached = max(float(end), reached + least)
        axes.text(1.015, reached, text, transform=axes.transAxes, va="center", fontsize=8)
