"""All figures of a report, one idea a file; each decides itself whether a table has what it needs.

To add one: a function from a table and the colours to a `Drawing` or None, and its name in the list.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from bench.reporting.approximation import Group
from bench.reporting.figures.break_even import break_even
from bench.reporting.figures.costs import costs
from bench.reporting.figures.estimators import estimators
from bench.reporting.figures.held_out import held_out
from bench.reporting.figures.history import history
from bench.reporting.figures.learning_curves import learning_curves
from bench.reporting.figures.marks import palette
from bench.reporting.figures.memory import memory
from bench.reporting.figures.phases import phases
from bench.reporting.figures.quality_throughput import quality_throughput
from bench.reporting.figures.ratios import ratios
from bench.reporting.figures.scaling import scaling
from bench.reporting.figures.sheet import GRID, INK, MUTED, PAPER, Drawing
from bench.reporting.figures.sizes import sizes
from bench.reporting.figures.study import study
from bench.reporting.sections import Table

Colours = Mapping[str, str]  # of each implementation, the same in the whole report

OF_A_TABLE: tuple[Callable[[Table, Colours], Drawing | None], ...] = (  # in the order of the page
    quality_throughput,
    study,
    ratios,
    scaling,
    phases,
    break_even,
    history,
)
OF_SEVERAL: tuple[Callable[[Sequence[Table], Colours], list[tuple[int, Drawing]]], ...] = (
    sizes,
    memory,
    costs,
)


def drawings(tables: Sequence[Table], timed: Sequence[Table] = ()) -> list[list[Drawing]]:
    """The figures of each table, then of each table of learning curves.

    Those of several tables stand with the first of them. Stems are numbered by table, from the second on:
    no two figures have one name.
    """
    colours = palette(cell for table in [*tables, *timed] for cell in table.cells)
    return _numbered(_of_tables(tables, colours)) + _numbered([learning_curves(t, colours) for t in timed])


def _of_tables(tables: Sequence[Table], colours: Colours) -> list[list[Drawing]]:
    found = [[d for draw in OF_A_TABLE if (d := draw(table, colours))] for table in tables]
    for draw in OF_SEVERAL:
        for place, drawing in draw(tables, colours):
            found[place].append(drawing)
    return found


def of_approximations(groups: Sequence[Group]) -> list[list[Drawing]]:
    """The figures of each group of measured approximations, numbered in the same way."""
    return _numbered([[d for d in (held_out(group), estimators(group)) if d] for group in groups])


def _numbered(found: Sequence[Sequence[Drawing]]) -> list[list[Drawing]]:
    return [
        [replace(d, stem=f"{d.stem}-{i + 1}") if i else d for d in of_table]
        for i, of_table in enumerate(found)
    ]


__all__ = ["GRID", "INK", "MUTED", "PAPER", "Drawing", "drawings", "of_approximations"]
