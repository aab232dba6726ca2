"""Old against new, for a terminal and as data: two lines a row, and the verdict in words."""

from collections.abc import Sequence
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from bench.analysis.cells import QUALITY_SETS, Cell
from bench.analysis.reproduction import Pair
from bench.reporting import units
from bench.reporting.columns import ratio
from bench.reporting.sections import model_name, row_name


def terminal(pairs: Sequence[Pair]) -> RenderableType:
    """For `rich.console.Console.print`: the published figures above those of today, then the verdicts."""
    labels = [metric.label.removesuffix(" add") for metric in QUALITY_SETS.values()]
    drawn = RichTable("row", "", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for head in ("words/s", "× gensim", "peak memory", *labels, "runs"):
        drawn.add_column(head, justify="right", no_wrap=head in ("words/s", *labels))
    names = [f"{row_name(p.old, [q.old for q in pairs])} {model_name(p.old)}" for p in pairs]
    for name, pair in zip(names, pairs, strict=True):
        drawn.add_row(Text(name), "old", *_texts(pair.old))
        drawn.add_row("", "new", *_texts(pair.new), end_section=True)
    verdicts = (
        Text(f"{name}: {pair.verdict}", style="" if pair.agrees else "red")
        for name, pair in zip(names, pairs, strict=True)
    )
    return Group(drawn, *verdicts)


def _texts(cell: Cell | None) -> list[str]:
    if cell is None:
        return [units.DASH] * (4 + len(QUALITY_SETS))
    return [
        units.speed(cell.speed.median if cell.speed else None),
        ratio(cell),
        units.memory(cell.host_peak_bytes),
        *(units.score(cell.score(name)) for name in QUALITY_SETS),
        str(len(cell.runs)),
    ]


def data(pairs: Sequence[Pair]) -> list[dict[str, Any]]:
    """The same in full precision."""
    return [
        {
            "implementation": pair.old.implementation,
            "architecture": pair.old.architecture,
            "objective": pair.old.objective,
            "options": dict(pair.old.options),
            "threads": pair.old.threads,
            "old": _figures(pair.old),
            "new": None if pair.new is None else _figures(pair.new),
            "verdict": pair.verdict,
            "agrees": pair.agrees,
        }
        for pair in pairs
    ]


def _figures(cell: Cell) -> dict[str, Any]:
    return {
        "status": cell.status,
        "runs": len(cell.runs),
        "machine": dict(cell.section.machine)["name"],
        "raw_words_per_s_median": cell.speed.median if cell.speed else None,
        "ratio_to_gensim": cell.ratio.value if cell.ratio else None,
        "ratio_to_gensim_low_95_over_blocks": cell.ratio.low if cell.ratio else None,
        "ratio_to_gensim_high_95_over_blocks": cell.ratio.high if cell.ratio else None,
        "host_peak_bytes": cell.host_peak_bytes,
        **{f"{name}_median": cell.score(name) for name in QUALITY_SETS},
    }
