"""The cautions of a table as text for every format: what is wrong, with which rows, what to do."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from bench.analysis.cautions import cautions
from bench.analysis.cells import Cell
from bench.reporting.sections import Table, model_name, row_name

_NAMED = 6  # rows; the others are counted


@dataclass(frozen=True)
class Remark:
    """One caution: three short texts without a full stop."""

    what: str
    rows: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.what}: {self.rows}. Remedy: {self.remedy}."


def remarks(table: Table) -> list[Remark]:
    """One a kind of caution; none where nothing shakes the figures."""
    return [
        Remark(found.what[0].upper() + found.what[1:], _rows(found.cells, table), found.remedy)
        for found in cautions(table.cells)
    ]


def _rows(cells: Sequence[Cell], table: Table) -> str:
    """ "fused, gensim (skip-gram NS); gensim (CBOW NS)", shortened where there are many."""
    finished = [cell for cell in table.cells if cell.status == "ok"]
    if len(cells) == len(finished) > 1:
        return f"all {len(cells)} finished rows"
    groups = groupby(cells[:_NAMED], key=model_name)
    text = "; ".join(
        f"{', '.join(row_name(c, table.cells) for c in rows)} ({model})" for model, rows in groups
    )
    return text if len(cells) <= _NAMED else f"{text} and {len(cells) - _NAMED} more rows"
