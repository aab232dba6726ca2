"""One ratio to gensim over several data sets: the geometric mean, each data set counting once."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from bench.analysis.cells import Cell
from bench.analysis.statistics import geometric_mean_ratio
from bench.analysis.verdicts import EQUAL, REFERENCE


@dataclass(frozen=True)
class Overall:
    """The same code with the same model, options and share of the same machine, on several data sets."""

    cell: Cell  # any of them, for its name
    ratios: Mapping[str, float]  # raw words/s over gensim's, by data set
    equal: int  # data sets on which its quality is shown to equal gensim's

    @property
    def ratio(self) -> float:
        """The geometric mean over data sets."""
        return geometric_mean_ratio(list(self.ratios.values()))


def over_datasets(cells: Iterable[Cell]) -> list[Overall]:
    """What was measured beside gensim on two data sets or more, fastest first.

    Where one data set has several settings, their geometric mean stands for it.
    """
    groups: dict[tuple[Any, ...], list[Cell]] = defaultdict(list)
    for cell in cells:
        if cell.status == "ok" and cell.ratio and cell.implementation != REFERENCE:
            groups[_identity(cell)].append(cell)
    found = [_overall(same) for same in groups.values()]
    return sorted((one for one in found if len(one.ratios) > 1), key=lambda one: -one.ratio)


def _identity(cell: Cell) -> tuple[Any, ...]:
    row = (cell.implementation, cell.source_sha256, cell.model, cell.device, cell.threads, cell.options)
    return cell.section.machine, row


def _overall(cells: list[Cell]) -> Overall:
    by_dataset: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        by_dataset[cell.section.dataset].append(cell)
    ratios = {
        name: geometric_mean_ratio([cell.ratio.value for cell in same if cell.ratio])
        for name, same in sorted(by_dataset.items())
    }
    equal = sum(all(cell.tier == EQUAL for cell in same) for same in by_dataset.values())
    return Overall(cells[0], ratios, equal)
