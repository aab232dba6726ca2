"""Memory against the vocabulary, over tables that differ in their minimum count alone."""

from collections.abc import Mapping, Sequence
from statistics import median

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from bench.analysis.cells import Cell, alike_but
from bench.reporting import units
from bench.reporting.figures.labels import name_ends
from bench.reporting.figures.marks import SHAPES
from bench.reporting.figures.sheet import MUTED, Drawing, Sheet, draw
from bench.reporting.sections import Table, model_name, whole

READING = (
    "Peak resident memory of a run until training ended, less what the process held once its libraries "
    "were imported; median over runs. Both axes logarithmic. Dashed: the bytes of what is learned, input "
    "and output vectors alone. The vocabularies come from one text by different minimum counts."
)
_FEWEST = 3  # vocabularies
Line = dict[int, float]  # V: bytes


def memory(tables: Sequence[Table], colours: Mapping[str, str]) -> list[tuple[int, Drawing]]:
    """A figure for each group of tables with at least three vocabularies, and the place of its first."""
    groups = alike_but([table.section for table in tables], ("min_count",))
    drawn = [(places[0], _draw([tables[i] for i in places], colours)) for places in groups]
    return [(place, drawing) for place, drawing in drawn if drawing]


def _draw(tables: Sequence[Table], colours: Mapping[str, str]) -> Drawing | None:
    cells = [cell for table in tables for cell in table.cells]
    lines = {key: line for key, line in _lines(cells).items() if len(line) >= _FEWEST}
    if not lines:
        return None
    counts = sorted(dict(table.section.settings)["min_count"] for table in tables)
    joined = whole(tables, cells)
    subtitle = f"{joined.section.dataset}, min count {', '.join(map(str, counts))}; {joined.settings}"

    def paint(sheet: Sheet) -> None:
        (axes,) = sheet.axes(left=0.105, right=0.7, heading=False)
        _panel(axes, lines, _model_bytes(cells), colours)

    data = [
        {
            "implementation": name,
            "architecture": a,
            "objective": o,
            "vocabulary": v,
            "peak_less_baseline_bytes": b,
        }
        for (name, (a, o), _), line in lines.items()
        for v, b in sorted(line.items())
    ]
    return draw("memory", joined, _title(lines), READING, data, paint, 5.2, subtitle)


def _lines(cells: Sequence[Cell]) -> dict[tuple[str, tuple[str, str], str], Line]:
    """By implementation, model and name: the line of a row over the vocabularies."""
    found: dict[tuple[str, tuple[str, str], str], dict[int, list[float]]] = {}
    for cell in cells:
        key = (cell.implementation, cell.model, model_name(cell))
        for run in cell.runs:
            peak, base = run.memory.get("host_peak_bytes"), run.memory.get("host_baseline_bytes")
            if peak and base and peak > base:
                found.setdefault(key, {}).setdefault(run.data["vocabulary"], []).append(peak - base)
    return {key: {v: median(b) for v, b in by_v.items()} for key, by_v in found.items()}


def _model_bytes(cells: Sequence[Cell]) -> Line:
    """V: bytes of the smallest model at that vocabulary."""
    sizes: Line = {}
    for cell in cells:
        if cell.model_bytes:
            v = int(cell.runs[0].data["vocabulary"])
            sizes[v] = min(sizes.get(v, cell.model_bytes), cell.model_bytes)
    return sizes


def _title(lines: Mapping[tuple[str, tuple[str, str], str], Line]) -> str:
    """The least and the greatest at the largest vocabulary that all have."""
    largest = max(set.intersection(*(set(line) for line in lines.values())), default=None)
    if largest is None or len(lines) < 2:
        return "Memory against the vocabulary"
    ordered = sorted(lines, key=lambda key: lines[key][largest])
    least, most = ordered[0], ordered[-1]
    return (
        f"With {largest:,} words {most[0]} takes {units.memory(lines[most][largest])}, "
        f"{least[0]} {units.memory(lines[least][largest])}"
    )


def _panel(
    axes: Axes,
    lines: Mapping[tuple[str, tuple[str, str], str], Line],
    model: Line,
    colours: Mapping[str, str],
) -> None:
    axes.set(xscale="log", yscale="log")
    ends = []
    for (name, shape, what), line in lines.items():
        x, y = zip(*sorted(line.items()), strict=True)
        axes.plot(x, y, color=colours[name], marker=SHAPES[shape], markersize=5.5, linewidth=1.6)
        several = sum(other == name for other, _, _ in lines) > 1
        ends.append((y[-1], f"{name}{f', {what}' if several else ''}: {units.memory(y[-1])}"))
    if model:
        x, y = zip(*sorted(model.items()), strict=True)
        axes.plot(x, y, color=MUTED, linestyle=(0, (4, 3)), linewidth=1.2)
        ends.append((y[-1], f"the vectors alone: {units.memory(y[-1])}"))
    vocabularies = sorted({v for line in lines.values() for v in line})
    axes.set_xticks(vocabularies, [f"{v:,}" for v in vocabularies])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_locator(LogLocator(base=2, numticks=20))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: units.memory(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set(
        xlabel="words in the vocabulary (log scale)", ylabel="peak memory less the libraries (log scale)"
    )
    name_ends(axes, ends)
