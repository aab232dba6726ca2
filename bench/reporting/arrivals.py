"""The table of times to quality: its columns, heading and notes, once for every format."""

import math
from collections.abc import Callable
from dataclasses import replace

from bench.analysis.cells import QUALITY_SETS, Cell, Spread
from bench.analysis.statistics import may_be_one, ratio_text
from bench.analysis.verdicts import MARGIN, MARGINS
from bench.records.schema import Record
from bench.reporting import units
from bench.reporting.columns import HEADLINE, Column
from bench.reporting.sections import Table, model_name, row_name

_SHARED = {column.key: column for column in HEADLINE}


def _spread(spread: Spread, at_most: bool, text: Callable[[float], str]) -> str:
    """ "1.2 (1.0–never)": median, least and greatest; "≤" before an upper bound."""
    if math.isinf(spread.median):
        return "not reached"
    low, middle, high = (_or_never(x, text) for x in (spread.low, spread.median, spread.high))
    return ("≤ " if at_most else "") + middle + (f" ({low}–{high})" if spread.n > 1 else "")


def _or_never(value: float, text: Callable[[float], str]) -> str:
    return "never" if math.isinf(value) else text(value)


def _seconds(cell: Cell, _: Table) -> str:
    found = cell.reached
    return _spread(found.seconds, found.at_most, units.seconds) if found else units.DASH


def _words(cell: Cell, _: Table) -> str:
    found = cell.reached
    return _spread(found.words, found.at_most, units.speed) if found else units.DASH


def _ratio(cell: Cell, _: Table) -> str:
    """Gensim's seconds over the row's; at least so much where the row's are an upper bound."""
    if cell.reached is None or cell.reached.ratio is None:
        return units.DASH
    if cell.verdict == "reference" and cell.reached.ratio.value == 1:
        return "1×"
    text = ratio_text(cell.reached.ratio)
    return f"≥ {text}" if cell.reached.at_most and not may_be_one(cell.reached.ratio) else text


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


ARRIVALS: tuple[Column, ...] = (
    _SHARED["rank"],
    _SHARED["implementation"],
    _SHARED["model"],
    Column(
        "seconds_to_quality",
        "s to quality",
        _seconds,
        lambda cell: _finite(cell.reached.seconds.median if cell.reached else None),
    ),
    Column(
        "words_to_quality",
        "words to quality",
        _words,
        lambda cell: _finite(cell.reached.words.median if cell.reached else None),
        6,
    ),
    Column(
        "ratio_to_quality",
        "× gensim",
        _ratio,
        lambda cell: cell.reached.ratio.value if cell.reached and cell.reached.ratio else None,
        8,
    ),
    Column(
        "arrived",
        "runs that reach it",
        lambda cell, _: f"{cell.reached.arrived if cell.reached else 0}/{len(cell.runs)}",
        lambda cell: float(cell.reached.arrived if cell.reached else 0),
        5,
    ),
    replace(_SHARED["wordsim353"], keep=4),
    replace(_SHARED["simlex999"], keep=3),
    _SHARED["outcome"],
    _SHARED["place"],
)


def heading(table: Table) -> str:
    """Of the table of times, in every format."""
    return f"Time to quality on {table.title}"


def arrival_notes(table: Table) -> list[str]:
    """What a reader must know, one sentence an item."""
    sets = " and ".join(QUALITY_SETS[name].label for name in MARGINS)
    lines = [
        f"S to quality: seconds of training until {sets} are both within {MARGIN:g} of the mean that gensim "
        "ends with, linear between the points of a learning curve; median (least–greatest) over runs. "
        "Never: not before its end; ≤: there at its first point.",
        "Words counts the in-vocabulary words of the text, all epochs, before subsampling.",
        "× gensim: gensim's seconds over the row's in the same block, with the 95 % interval over blocks; "
        "n.s.: the interval holds 1.",
        "#: the rank by seconds within a model, only for rows whose quality at the end is shown to equal "
        "gensim's; a dot marks a row for which it is not shown. WS353 and SimLex are of the end.",
    ]
    return [*lines, *_targets(table), *_copies(table), *_pointless(table)]


def _targets(table: Table) -> list[str]:
    wanted = {model_name(cell): cell.reached.target for cell in table.cells if cell.reached}
    texts = [
        f"{model} {', '.join(f'{QUALITY_SETS[name].label} {units.score(x)}' for name, x in target.items())}"
        for model, target in wanted.items()
    ]
    return [f"To be reached: {'; '.join(texts)}."] if texts else []


def _copies(table: Table) -> list[str]:
    """What the curves cost, at worst."""
    shares = [share for cell in table.cells for run in cell.runs if (share := _share_of_copies(run))]
    if not shares:
        return []
    return [f"Copying the vectors is within these seconds: at most {max(shares):.1%} of a run's training."]


def _share_of_copies(run: Record) -> float:
    copied_s = sum(point.snapshot_s for point in run.curve.points) if run.curve else 0.0
    return copied_s / (run.phases.get("train_s") or math.inf)


def _pointless(table: Table) -> list[str]:
    names = {row_name(c, table.cells) for c in table.cells for r in c.runs if r.curve and r.curve.missing}
    return (
        [f"No vectors during training, so only the end is known: {', '.join(sorted(names))}."]
        if names
        else []
    )
