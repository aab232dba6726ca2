"""What every figure shares: one look, one head and foot, every format, and bytes that do not vary.

A figure states in its title what is seen, names its data below, and says at its foot how to read it
and where the figures come from: it can be taken out of the report and still explains itself.
"""

import io
import textwrap
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import matplotlib as mpl
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from bench.reporting.tables import csv

INK, MUTED, GRID, PAPER = "#1f2933", "#5f6b7a", "#e1e5ea", "#ffffff"  # the page swaps these when dark
MARGIN = 0.055  # left of the text, as a share of the width
_WIDTH_IN = 10.0
_LETTERS_OF_TITLE = 88  # a line of the title, in bold 12 points
_LETTERS_A_LINE = 172  # of the foot, at 7.5 points across the width
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "path",  # looks the same without the font
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that widths are the same everywhere
    "font.size": 9,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "axes.titlesize": 9.5,
    "axes.titlelocation": "left",
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "grid.color": GRID,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
}
_METADATA: dict[str, dict[str, None]] = {  # no clock and no software's name in any of them
    "svg": {"Date": None, "Creator": None},
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


class Subject(Protocol):
    """What a figure is about: a `sections.Table`, or anything else that can be named."""

    @property
    def title(self) -> str: ...
    @property
    def settings(self) -> str: ...
    @property
    def provenance(self) -> str: ...
    @property
    def hash(self) -> str: ...


@dataclass(frozen=True)
class Drawing:
    """One figure in every format, with what a page says beside it."""

    stem: str  # of its files
    title: str  # what is seen, one sentence without its full stop
    reading: str  # how to read it
    provenance: str  # machine, dates, number of runs, hash of the rows
    svg: bytes
    png: bytes
    pdf: bytes
    csv: bytes  # exactly what is drawn

    @property
    def caption(self) -> str:
        """For below the figure."""
        return f"{self.reading} {self.provenance}"

    @property
    def files(self) -> dict[str, bytes]:
        """The content of its files by name."""
        return {f"{self.stem}.{kind}": getattr(self, kind) for kind in ("svg", "png", "pdf", "csv")}


def draw(
    stem: str,
    table: Subject,
    title: str,
    reading: str,
    data: Iterable[dict[str, Any]],
    paint: Callable[["Sheet"], None],
    height_in: float,
    subtitle: str = "",
) -> Drawing:
    """A drawing: `paint` fills a sheet of `height_in` inches, `data` has one row a mark.

    `table` holds the rows behind it, for the heading and the provenance; `subtitle` replaces its
    title and settings where the figure is about several tables.
    """
    with mpl.rc_context(_STYLE | {"svg.hashsalt": f"{stem}-{table.hash}"}):
        sheet = Sheet(height_in, title, subtitle or f"{table.title}; {table.settings}")
        sheet.foot(reading, table.provenance)
        paint(sheet)
        saved = {kind: _saved(sheet.figure, kind) for kind in _METADATA}
    return Drawing(stem, title, reading, table.provenance, csv=csv(pd.DataFrame(data)).encode(), **saved)


def _saved(figure: Figure, kind: str) -> bytes:
    target = io.BytesIO()
    figure.savefig(target, format=kind, dpi=160, metadata=_METADATA[kind])
    return target.getvalue()


class Sheet:
    """A page of ten inches across with head and foot, to be filled with axes."""

    def __init__(self, height_in: float, title: str, subtitle: str):
        self.height_in = height_in
        self.figure = Figure(figsize=(_WIDTH_IN, height_in), dpi=100, facecolor=PAPER)
        self.canvas: Any = FigureCanvasAgg(self.figure)
        self._head_in, self._foot_in = 0.08, 0.0
        for line in textwrap.wrap(title, _LETTERS_OF_TITLE):
            self._head_in += 0.2
            self._write(self._head_in, line, fontsize=12, weight="bold")
        self._head_in += 0.05
        for line in textwrap.wrap(subtitle, _LETTERS_A_LINE - 12):
            self._head_in += 0.14
            self._write(self._head_in, line, fontsize=8, color=MUTED)

    def _write(self, from_top_in: float, text: str, **how: Any) -> None:
        self.figure.text(MARGIN, 1 - from_top_in / self.height_in, text, **how)

    def foot(self, *paragraphs: str) -> None:
        """`paragraphs` in small letters along the lower edge, each on lines of its own."""
        lines = [line for text in paragraphs for line in textwrap.wrap(text, _LETTERS_A_LINE)]
        self._foot_in = 0.13 * len(lines) + 0.12
        for i, line in enumerate(reversed(lines)):
            self._write(self.height_in - 0.1 - 0.13 * i, line, fontsize=7.5, color=MUTED)

    def axes(
        self,
        columns: int = 1,
        *,
        rows: int = 1,
        left: float = MARGIN,
        right: float = 0.985,
        legend_in: float = 0.0,
        heading: bool = True,
        **how: Any,
    ) -> list[Axes]:
        """`columns` axes side by side between head and foot, row after row.

        `legend_in` inches stay free below them, and room for a `heading` of each above.
        """
        panels = self.figure.subplots(rows, columns, squeeze=False, **how)
        self.figure.subplots_adjust(
            left=left,
            right=right,
            top=1 - (self._head_in + (0.33 if heading else 0.14)) / self.height_in,
            bottom=self._above_foot(legend_in + 0.45),
        )
        return list(panels.flat)

    def legend(
        self,
        handles: Sequence[Any],
        above_foot_in: float,
        *,
        left: float = MARGIN,
        columns: int = 1,
        title: str = "",
    ) -> None:
        """A legend whose upper edge is `above_foot_in` inches above the foot."""
        legend = self.figure.legend(
            handles=handles,
            title=title or None,
            loc="upper left",
            bbox_to_anchor=(left - 0.012, self._above_foot(above_foot_in)),
            ncols=columns,
            alignment="left",
            columnspacing=1.2,
            handletextpad=0.4,
        )
        legend.get_title().set_color(MUTED)

    def _above_foot(self, inches: float) -> float:
        """The share of the height that is `inches` above the foot."""
        return (self._foot_in + inches) / self.height_in
