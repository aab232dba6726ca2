"""History of rows over commits: speed beside gensim's in the same blocks, and quality."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from bench.analysis.cells import QUALITY_SETS, Cell
from bench.analysis.statistics import Estimate
from bench.analysis.verdicts import REFERENCE, bases, speed_ratio
from bench.contract import Option, option_text
from bench.records.schema import Record
from bench.reporting import units
from bench.reporting.figures.marks import SHAPES
from bench.reporting.figures.sheet import Drawing, Sheet, draw
from bench.reporting.figures.ticks import scores
from bench.reporting.sections import MODEL_NAMES, Table

READING = (
    "Each mark is a row as it was at a commit; from left to right by the first run. Left: words/s over "
    "gensim's in the same blocks, geometric mean with its 95 % interval (log scale). Right: WordSim-353, "
    "median over seeds with the least and the greatest. A row that did not change was not run again."
)
_LEGEND_COLUMNS = 3


@dataclass(frozen=True)
class Point:
    """One row at one commit."""

    row: str
    model: tuple[str, str]
    implementation: str
    commit: str
    started: str
    runs: int
    ratio: Estimate | None
    ws353: tuple[float, float, float] | None  # median, least and greatest over runs
    source_sha256: str


def history(table: Table, colours: Mapping[str, str]) -> Drawing | None:
    """The figure; None where no row's source changed from one commit to another."""
    points = _points(table)
    if not points:
        return None
    commits = list(dict.fromkeys(p.commit for p in sorted(points, key=lambda p: p.started)))

    def paint(sheet: Sheet) -> None:
        speed, quality = sheet.axes(2, left=0.06, right=0.98, legend_in=0.3 + 0.17 * _legend_lines(points))
        _panel(speed, points, commits, colours, "words/s over gensim's (log scale)", _ratio)
        _panel(quality, points, commits, colours, "WordSim-353, Spearman correlation", _ws353)
        speed.set_yscale("log")
        speed.yaxis.set_major_locator(MaxNLocator(6))
        speed.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.3g}×"))
        speed.yaxis.set_minor_locator(NullLocator())
        scores(quality)
        handles, _ = speed.get_legend_handles_labels()
        sheet.legend(handles, 0.25 + 0.17 * _legend_lines(points), columns=_LEGEND_COLUMNS)

    data = [_row(point) for point in points]
    return draw("history", table, _title(points), READING, data, paint, 4.6 + 0.17 * _legend_lines(points))


def _points(table: Table) -> list[Point]:
    """Every row at every commit it ran at, for rows whose source changed; by row, then start."""
    rows: dict[tuple[Any, ...], list[Cell]] = {}
    for cell in table.cells:
        if cell.speed and cell.implementation != REFERENCE:
            rows.setdefault(
                (cell.implementation, cell.model, cell.threads, _studied(cell, table)), []
            ).append(cell)
    changed = [same for same in rows.values() if len({c.source_sha256 for c in same}) > 1]
    return [point for same in changed for point in _of_row(same, table)]


def _studied(cell: Cell, table: Table) -> tuple[tuple[str, Option], ...]:
    """The options that vary within one source, which make rows apart; a default may change freely."""
    same = [
        c
        for c in table.cells
        if (c.implementation, c.source_sha256) == (cell.implementation, cell.source_sha256)
    ]
    return tuple(item for item in cell.options if any(dict(c.options).get(item[0]) != item[1] for c in same))


def _of_row(same: Sequence[Cell], table: Table) -> list[Point]:
    parts: dict[tuple[str, str], tuple[Cell, list[Record]]] = {}
    for cell in same:
        for run in cell.runs:
            key = (str(run.git.get("commit") or "unknown"), cell.source_sha256)
            parts.setdefault(key, (cell, []))[1].append(run)
    points = [_point(commit, cell, runs, table) for (commit, _), (cell, runs) in parts.items()]
    return sorted(points, key=lambda p: p.started)


def _point(commit: str, cell: Cell, runs: Sequence[Record], table: Table) -> Point:
    part = replace(cell, runs=tuple(runs))
    found = [s.value for r in runs if (s := QUALITY_SETS["wordsim353"].score(r)) and s.value is not None]
    options = "".join(f" {name}={option_text(value)}" for name, value in _studied(cell, table))
    threads = f", {cell.threads} thread{'s' if cell.threads != 1 else ''}"
    model = " ".join(MODEL_NAMES[part] for part in cell.model)
    return Point(
        row=f"{cell.implementation}{options}, {model}{threads}",
        model=cell.model,
        implementation=cell.implementation,
        commit=commit[:7],
        started=min(run.started for run in runs),
        runs=len(runs),
        ratio=speed_ratio(part, bases(cell, REFERENCE, table.cells)),
        ws353=(median(found), min(found), max(found)) if found else None,
        source_sha256=cell.source_sha256,
    )


def _title(points: Sequence[Point]) -> str:
    """The row whose ratio changed most, from its first to its last commit."""
    spans = {}
    for row in dict.fromkeys(p.row for p in points):
        known = [p.ratio.value for p in points if p.row == row and p.ratio]
        if len(known) > 1:
            spans[row] = (known[0], known[-1])
    if not spans:
        return "How rows changed over commits"
    row, (first, last) = max(spans.items(), key=lambda item: max(item[1]) / min(item[1]))
    commits = len({p.commit for p in points})
    return f"Over {commits} commits {row} went from {first:.2f}× to {last:.2f}× gensim's speed"


def _row(point: Point) -> dict[str, Any]:
    ratio, ws353 = point.ratio, point.ws353 or (None, None, None)
    return {
        "row": point.row,
        "commit": point.commit,
        "source_sha256": point.source_sha256,
        "first_started": point.started,
        "runs": point.runs,
        "ratio_to_gensim": ratio.value if ratio else None,
        "ratio_to_gensim_low_95_over_blocks": ratio.low if ratio else None,
        "ratio_to_gensim_high_95_over_blocks": ratio.high if ratio else None,
        **dict(zip(("wordsim353_median", "wordsim353_min", "wordsim353_max"), ws353, strict=True)),
    }


def _ratio(point: Point) -> tuple[float, float | None, float | None] | None:
    return (point.ratio.value, point.ratio.low, point.ratio.high) if point.ratio else None


def _ws353(point: Point) -> tuple[float, float | None, float | None] | None:
    return point.ws353


def _panel(
    axes: Axes,
    points: Sequence[Point],
    commits: Sequence[str],
    colours: Mapping[str, str],
    title: str,
    value: Any,
) -> None:
    for row in dict.fromkeys(p.row for p in points):
        known = [(p, value(p)) for p in points if p.row == row and value(p)]
        for point, (_y, low, high) in known:
            x = commits.index(point.commit)
            if low is not None and high is not None:
                axes.plot([x, x], [low, high], color=colours[point.implementation], alpha=0.45, linewidth=1.4)
        if known:
            first = known[0][0]
            axes.plot(
                [commits.index(p.commit) for p, _ in known],
                [y for _, (y, _, _) in known],
                color=colours[first.implementation],
                marker=SHAPES[first.model],
                label=row,
            )
    axes.set_title(title)
    axes.set_xlim(-0.4, len(commits) - 0.6)
    days = {p.commit: units.day(p.started) for p in reversed(points)}
    axes.set_xticks(range(len(commits)), [f"{c}\n{days[c]}" for c in commits], fontsize=7.5)


def _legend_lines(points: Sequence[Point]) -> int:
    return -(-len({p.row for p in points}) // _LEGEND_COLUMNS)
