"""A paper's table beside ours, what differs, and what becomes of its claims: once, for every format."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.analysis.cells import Spread, section
from bench.analysis.claims import FEWEST, Tested, tested
from bench.analysis.papers import Line, Replication, matches
from bench.records.metrics import score_key
from bench.records.schema import Record
from bench.reporting import units
from bench.reporting.sections import MODEL_NAMES, data_text, dates, machine_text, setting_text
from bench.suites import MEASURES, Claim, Measure
from bench.suites.published import TAGS

_CONFIG = ("dim", "window", "negatives", "subsample", "epochs", "min_count", "learning_rate")


@dataclass(frozen=True)
class Head:
    """The heading of one column."""

    text: str
    group: str = ""  # what it shares with its neighbours, for a heading above theirs
    number: bool = False  # right-aligned


@dataclass(frozen=True)
class Grid:
    """A plain table of texts."""

    heads: tuple[Head, ...]
    rows: tuple[tuple[str, ...], ...]  # one text for each of `heads`


@dataclass(frozen=True)
class PaperTable:
    """All that is shown of one replication."""

    name: str  # unique in a report, without blanks
    title: str
    settings: str  # what all of ours have in common
    conditions: str  # what the paper's have
    figures: Grid
    deviations: tuple[str, ...]
    claims: Grid | None
    notes: tuple[str, ...]
    provenance: str


def paper_tables(replications: Iterable[Replication]) -> list[PaperTable]:
    """One for each, in their order."""
    return [_table(one, number) for number, one in enumerate(replications, start=1)]


def _table(one: Replication, number: int) -> PaperTable:
    paper, cases = one.paper, tested(one)
    return PaperTable(
        name=f"{one.suite.name}-{number}",
        title=f"{paper.title}, on {data_text(one.runs[0].data)}",
        settings=_settings(one),
        conditions=f"The paper: {paper.conditions}",
        figures=_figures(one),
        deviations=paper.deviations,
        claims=_claims(cases, one) if cases else None,
        notes=tuple(_notes(one, cases)),
        provenance=_provenance(one.runs),
    )


def _settings(one: Replication) -> str:
    """What all rows have in common: the model where there is one, then the configuration."""
    config = one.runs[0].config
    model = [MODEL_NAMES[config[key]] for key in ("architecture", "objective") if key not in one.apart]
    return ", ".join([*model, *(_setting(key, config) for key in _CONFIG if key not in one.apart)])


def _setting(key: str, config: Mapping[str, Any]) -> str:
    return f"rate {config[key]:g}" if key == "learning_rate" else setting_text(key, config[key])


def _figures(one: Replication) -> Grid:
    heads = [Head("setting"), Head("implementation"), Head("runs", number=True)]
    for measure in one.measures:
        heads += [Head("paper", measure.label, True), Head("ours", measure.label, True)]
    return Grid(tuple(heads), tuple(_figures_row(line, one) for line in one.lines))


def _figures_row(line: Line, one: Replication) -> tuple[str, ...]:
    texts = [_label(line, one), line.implementation or units.DASH, str(len(line.finished))]
    for measure in one.measures:
        texts += [_published(line, measure), _ours(line, measure)]
    return tuple(texts)


def _label(line: Line, one: Replication) -> str:
    """ "NEG-5, dim 300, t 0": the paper's name or the model, and what else tells the rows apart."""
    settings = [setting for setting in one.suite.setting if matches(line.config, setting.config)]
    name = settings[0].name if settings else line.published.name if line.published else ""
    name = name or " ".join(MODEL_NAMES[line.config[key]] for key in ("architecture", "objective"))
    told = {key for setting in one.suite.setting for key in setting.config}
    return ", ".join([name, *_texts(line.config, one.apart - told)])


def _texts(config: Mapping[str, Any], keys: Iterable[str]) -> list[str]:
    wanted = set(keys)
    return [_setting(key, config) for key in _CONFIG if key in wanted and key in config]


def _published(line: Line, measure: Measure) -> str:
    """ "63 [S]": as the paper prints it, with how it is known."""
    figure = line.published.figures.get(measure.name) if line.published else None
    if line.published is None or figure is None:
        return units.DASH
    return f"{_figure(figure, measure)} [{line.published.tag}]"


def _figure(figure: float, measure: Measure) -> str:
    if measure.is_time:
        return f"{figure} {measure.name if figure != 1 else measure.name.removesuffix('s')}"
    return f"{figure}" if measure.unit != 1 else units.score(figure)


def _ours(line: Line, measure: Measure) -> str:
    """ "54.1 (53.8–54.6)": median and range over seeds, or why there is none."""
    if not line.runs:
        return "not run"
    if not line.finished:
        return ", ".join(sorted({run.status for run in line.runs}))
    found = line.ours(measure)
    return _spread(found, measure) if found else units.DASH


def _spread(found: Spread, measure: Measure) -> str:
    """Times in the unit that fits the median, not in the paper's; the unit once."""
    values = (found.median, found.low, found.high)
    if measure.is_time:
        size, unit = _unit_of_time(found.median * measure.unit)
        middle, low, high = (units.seconds(x * measure.unit / size) for x in values)
        middle = f"{middle} {unit}"
    elif measure.unit != 1:
        middle, low, high = (f"{x:.1f}" for x in values)
    else:
        middle, low, high = map(units.score, values)
    return f"{middle} ({low}–{high})" if found.n > 1 else middle


def _unit_of_time(duration_s: float) -> tuple[float, str]:
    """The largest unit of which there are two or more, in seconds, and its name."""
    known = ((86_400.0, "days"), (3_600.0, "h"), (60.0, "min"))
    return next((one for one in known if duration_s >= 2 * one[0]), (1.0, "s"))


def _claims(cases: Sequence[Tested], one: Replication) -> Grid:
    heads = ("claim", "where", "by", "paper", "ours [95 %]", "verdict", "figure", "n")
    numbers = ("paper", "ours [95 %]", "n")
    rows = tuple(_claims_row(case, one) for case in cases)
    return Grid(tuple(Head(text, number=text in numbers) for text in heads), rows)


def _claims_row(case: Tested, one: Replication) -> tuple[str, ...]:
    inside = {True: "inside", False: "outside", None: units.DASH}[case.holds_figure]
    return (
        case.claim.says,
        ", ".join(_texts(dict(case.shared), one.apart)) or units.DASH,
        ", ".join(dict.fromkeys(case.implementations)) or units.DASH,
        f"{_claimed(case.claim)} [{case.claim.tag}]",
        _estimate(case),
        case.verdict,
        inside,
        str(case.n),
    )


def _claimed(claim: Claim) -> str:
    if claim.figure is None:
        return "more"
    return f"{claim.figure:g}×" if MEASURES[claim.measure].is_time else _change(claim.figure, claim)


def _change(difference: float, claim: Claim) -> str:
    """With its sign: points "+8.0", correlations "+.026"."""
    if MEASURES[claim.measure].unit == 1:
        return units.difference(difference)
    return f"{difference:+.1f}".replace("-", units.MINUS)


def _estimate(case: Tested) -> str:
    """ "2.51× [2.40, 2.63]" or "+7.9 [+6.1, +9.7]"; the figure alone where runs are too few."""
    if case.found is None:
        return units.DASH
    if MEASURES[case.claim.measure].is_time:
        middle, *ends = (f"{x:.2f}" for x in (case.found.value, *(case.interval or ())))
        middle += "×"
    else:
        middle, *ends = (_change(x, case.claim) for x in (case.found.value, *(case.interval or ())))
    return f"{middle} [{', '.join(ends)}]" if ends else middle


def _notes(one: Replication, cases: Sequence[Tested]) -> list[str]:
    tags = {cell.tag for cell in one.paper.cells} | {claim.tag for claim in one.suite.claims}
    lines = [
        "Ours: median (least–greatest) over seeds. Times are of training alone.",
        f"The paper's figures: {'; '.join(f'[{tag}] {TAGS[tag]}' for tag in sorted(tags))}.",
        *_coverage(one),
    ]
    if one.left_out:
        rows = f"{one.left_out} row{'s' if one.left_out > 1 else ''}"
        lines.append(f"{rows} stopped at the budget, here for the speed alone, in the tables above only.")
    kinds = {MEASURES[case.claim.measure].is_time for case in cases}
    if True in kinds:
        lines.append("Claims on time: the ratio of training seconds for equal work, paired within blocks.")
    if False in kinds:
        lines.append(
            "Claims on scores: the difference of means over seeds (Welch), of two scores of the same vectors "
            "paired by seed."
        )
    if cases:
        lines += [
            "Holds: the whole 95 % interval lies on the paper's side of no effect; does not hold: on the "
            f"other side; fewer than {FEWEST} blocks or seeds tell nothing. Each claim stands by itself: of "
            "twenty intervals one is expected to miss.",
            "Figure: whether the paper's is inside our interval; a direction may hold where a size does not.",
        ]
    return lines


def _coverage(one: Replication) -> list[str]:
    """How much of each test set was asked, and by which rule."""
    finished = next(run for line in one.lines for run in line.finished)
    scores = {score_key(score): score for score in finished.quality}
    known = [(m.label, scores[m.source]) for m in one.measures if m.source in scores]
    texts = [f"{label} {score.used:,} of {score.total:,} ({score.rule})" for label, score in known]
    return [f"Asked: {'; '.join(texts)}."] if texts else []


def _provenance(runs: Sequence[Record]) -> str:
    share = runs[0].resources
    threads = share.get("threads", 1)
    place = f"{share.get('device', 'cpu')}, {threads} thread{'s' if threads != 1 else ''}"
    return f"{machine_text(section(runs[0]).machine)} · {place} · {dates(runs)} · {len(runs)} runs"
