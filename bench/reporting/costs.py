"""Cost by vocabulary and by noise words, and where approximation pays: once, for every format."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.costs import AXES, Axis, Line, Study, studies
from bench.analysis.crossover import Crossing, crossings
from bench.analysis.statistics import Estimate, ratio_text
from bench.reporting import units
from bench.reporting.columns import place
from bench.reporting.papers import Grid, Head
from bench.reporting.sections import Table, model_name, row_name, setting_text, whole

_AGAINST: dict[Axis, str] = {"vocabulary": "the vocabulary", "negatives": "the noise words"}
PER = {  # what b is for one of, and how many of them make a figure that reads well
    "a + b V": (1_000, "1,000 words"),
    "a + b log2 V": (1, "doubling"),
    "a + b K": (1, "noise word"),
}


@dataclass(frozen=True)
class CostTable:
    """All that is shown of one study."""

    name: str  # unique in a report, without blanks
    title: str
    settings: str
    laws: Grid
    crossings: Grid | None
    notes: tuple[str, ...]
    provenance: str
    beside: str  # the hash of the table that its figure stands with


def cost_tables(tables: Sequence[Table]) -> list[CostTable]:
    """Those against the vocabulary, then those against the noise words, in the order of the tables."""
    return [_table(study, own) for study, own in studied_tables(tables)]


def studied_tables(tables: Sequence[Table]) -> list[tuple[Study, list[Table]]]:
    """Every study with the tables that it is about."""
    cells = [cell for table in tables for cell in table.cells]
    found = [study for axis in AXES for study in studies(cells, axis)]
    sections = [{cell.section for cell in study.cells} for study in found]
    return [
        (study, [t for t in tables if t.section in own]) for study, own in zip(found, sections, strict=True)
    ]


def joined(study: Study, tables: Sequence[Table]) -> Table:
    """The rows of the study as one table."""
    return whole(tables, study.cells)


def settings(study: Study, tables: Sequence[Table]) -> str:
    """What differs, then what all rows have in common."""
    where = " or ".join(sorted(_places(study)))
    key = AXES[study.axis]
    values = sorted({dict(table.section.settings)[key] for table in tables})
    name = setting_text(key, values[0]).removesuffix(str(values[0]))
    return f"{name}{', '.join(map(str, values))}; {joined(study, tables).settings}; {where}"


def line_name(line: Line, study: Study) -> str:
    """ "fused, skip-gram NS", and what it ran on where that differs."""
    where = f", {place(line.cell)}" if len(_places(study)) > 1 else ""
    return f"{row_name(line.cell, study.cells)}, {model_name(line.cell)}{where}"


def _places(study: Study) -> set[str]:
    return {place(line.cell) for line in study.lines}


def _table(study: Study, tables: Sequence[Table]) -> CostTable:
    found, rows = crossings(study), joined(study, tables)
    return CostTable(
        name=f"cost-{study.axis}-{rows.hash}",
        title=f"Cost against {_AGAINST[study.axis]}, on {rows.section.dataset}",
        settings=settings(study, tables),
        laws=_laws(study),
        crossings=_crossings(found, study) if found else None,
        notes=tuple(_notes(study, found)),
        provenance=rows.provenance,
        beside=tables[0].hash,
    )


def _laws(study: Study) -> Grid:
    heads = [Head("row"), Head("law"), Head("a, s", "constant", True), Head("b, s", "growing", True)]
    heads.append(Head("greatest residual", "fit", True))
    if study.axis == "vocabulary":
        heads.append(Head("V doubled", "whatever the law", True))
    return Grid(tuple(heads), tuple(_laws_row(line, study) for line in study.lines))


def _laws_row(line: Line, study: Study) -> tuple[str, ...]:
    fit, second = line.fit, line.fit.second
    texts = [line_name(line, study), fit.law, _bounded(fit.first)]
    texts.append(f"{_bounded(second, PER[fit.law][0])} a {PER[fit.law][1]}" if second else units.DASH)
    texts.append(_signed(fit.worst))
    if study.axis == "vocabulary":
        texts.append(_multiple(line.doubling))
    return tuple(texts)


def _signed(share: float) -> str:
    """ "+14 %"; a share that rounds to nothing has no sign."""
    percent = round(100 * share)
    return f"{percent:+d} %".replace("-", units.MINUS) if percent else "0 %"


def _bounded(found: Estimate, times: float = 1) -> str:
    """ "0.373 [0.329, 0.416]", `times` over."""
    low, high = (units.figure(end * times) for end in (found.low or 0.0, found.high or 0.0))
    return f"{units.figure(found.value * times)} [{low}, {high}]"


def _multiple(ratio: Estimate) -> str:
    """With its interval, also where that holds 1."""
    if ratio.low is None or ratio.high is None:
        return ratio_text(ratio)
    return f"{times(ratio.value)}× [{times(ratio.low)}, {times(ratio.high)}]"


def times(ratio: float) -> str:
    """ "1.01", "143", "33,100"."""
    return f"{ratio:.2f}" if ratio < 10 else f"{float(f'{ratio:.3g}'):,.0f}"


def _crossings(found: Sequence[Crossing], study: Study) -> Grid:
    heads = (
        Head("exact softmax"),
        Head("approximation"),
        Head("above V =", "approximation pays", True),
        Head("which is", "approximation pays"),
        Head("the softmax takes", "at the smallest V", True),
        Head("the softmax takes", "at the largest V", True),
    )
    return Grid(heads, tuple(_crossings_row(one, study) for one in found))


def _crossings_row(one: Crossing, study: Study) -> tuple[str, ...]:
    first, last = (
        f"{_multiple(ratio)} at {vocabulary:,}"
        for vocabulary, ratio in zip(one.measured, one.ratios, strict=True)
    )
    return line_name(one.exact, study), line_name(one.other, study), _pays_above(one), one.where, first, last


def whole_words(number: float) -> str:
    """Three digits: "42", "41,200"."""
    return f"{float(f'{number:.3g}'):,.0f}"


def _pays_above(one: Crossing) -> str:
    """ "41,200 [35,300, 48,100]", in whole words; a side without an end is named."""
    words, low, high = (whole_words(x) if x else "" for x in (one.words, one.low, one.high))
    words = words or units.DASH
    if low and high:
        return f"{words} [{low}, {high}]"
    if not low and not high:
        return words
    return f"{words} [at {f'most {high}' if high else f'least {low}'}]"


def _notes(study: Study, found: Sequence[Crossing]) -> list[str]:
    each = "vocabulary" if study.axis == "vocabulary" else "K"
    lines = [
        "Cost: the seconds that a million raw words take, 1 M over words/s. Every row is fitted by the law "
        f"that its objective should follow, each {each} being one point, the median of its runs "
        f"({_runs(study)}); relative errors count, and neither a nor b can be below 0. In brackets Student's "
        "95 % interval from the scatter of the points about the law.",
        "Greatest residual: how far the point that fits worst lies above the law (+) or below it.",
    ]
    if study.axis == "vocabulary":
        lines += [
            "V doubled, whatever the law: what that multiplies the cost by, the slope of a line through the "
            "logarithms; 2 for a cost that grows as V, 1 for one that does not grow.",
            _growth(study),
        ]
    if found:
        lines += [
            "Approximation pays above the vocabulary at which the two laws cross; its interval holds all "
            "about it at which they are not shown to differ. Where it is extrapolated the bound says more "
            "than the figure, and the measured ratios beside it more than both.",
            "The softmax takes: how many times as long, by the medians that were measured; the interval is "
            "from the scatter of such points about their laws. Where the two rows are different programs, "
            "part of the ratio is the program, not the method.",
        ]
    return lines


def _runs(study: Study) -> str:
    """ "3 runs each", "1 to 3 runs each"."""
    counts = sorted({len(seconds) for line in study.lines for seconds in line.points.values()})
    many = str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"{many} run{'s' if counts[-1] > 1 else ''} each"


def _growth(study: Study) -> str:
    """Which rows are shown to grow, which not, and which grow faster than V."""
    groups = (
        ("shown to grow faster than V", [x for x in study.lines if (x.doubling.low or 0) > 2]),
        ("shown to grow", [x for x in study.lines if x.rises and (x.doubling.low or 0) <= 2]),
        ("not shown to grow", [x for x in study.lines if not x.rises]),
    )
    texts = [f"{what}: {'; '.join(line_name(x, study) for x in rows)}" for what, rows in groups if rows]
    text = ". ".join(text[0].upper() + text[1:] for text in texts)
    return f"{text}."
