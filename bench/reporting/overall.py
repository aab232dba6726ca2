"""What the means over data sets show: one line a row that was measured on several."""

from collections.abc import Sequence

from bench.analysis.overall import Overall, over_datasets
from bench.reporting.columns import place
from bench.reporting.sections import Table, model_name, row_name

HEAD = ("implementation", "model", "run on", "× gensim, geometric mean", "on each", "quality shown equal")
NOTE = (
    "Each data set counts once, with the ratios of the tables above; the geometric mean is the one that no "
    "choice of base changes."
)


def rows(tables: Sequence[Table]) -> list[tuple[str, ...]]:
    """One text for each of HEAD, fastest first; none where nothing was measured on two data sets."""
    found = over_datasets([cell for table in tables for cell in table.cells])
    return [_row(one, found) for one in found]


def _row(one: Overall, others: Sequence[Overall]) -> tuple[str, ...]:
    machines = {other.cell.section.machine for other in others}
    where = f", {dict(one.cell.section.machine)['name']}" if len(machines) > 1 else ""
    return (
        row_name(one.cell, [other.cell for other in others]),
        model_name(one.cell),
        place(one.cell) + where,
        f"{one.ratio:.2f}×",
        ", ".join(f"{name} {ratio:.2f}×" for name, ratio in one.ratios.items()),
        f"on {one.equal} of {len(one.ratios)}",
    )
