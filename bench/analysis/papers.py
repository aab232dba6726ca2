"""What a paper published beside what was trained here: the runs of each suite that declares a paper.

Only like stands with like: one text, one machine, one share of it, and a configuration that differs in
nothing but what the suite means to differ. Of several versions of an implementation the newest counts.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

import pandas as pd

from bench.analysis.cells import Spread
from bench.records.schema import Record
from bench.suites import MEASURES, Measure, Paper, Published, Suite

_MODEL = ("architecture", "objective", "learning_rate")  # may differ between rows whatever the suite says


@dataclass(frozen=True)
class Line:
    """One setting trained by one implementation, beside the paper's row of that setting."""

    config: Mapping[str, Any]  # without the seed; what the paper's row names where nobody trained it
    implementation: str  # empty: nobody trained it
    runs: tuple[Record, ...]  # of whatever status, by start
    published: Published | None

    @property
    def finished(self) -> tuple[Record, ...]:
        """The runs that trained to the end."""
        return tuple(run for run in self.runs if run.status == "ok")

    @property
    def stopped(self) -> bool:
        """Whether every run was stopped at its budget."""
        return {run.status for run in self.runs} == {"over_budget"}

    def ours(self, measure: Measure) -> Spread | None:
        """Median and range over seeds in the paper's unit; None where nothing was measured."""
        values = list(by_seed(self.finished, measure).values())
        return Spread(median(values), min(values), max(values), len(values)) if values else None


@dataclass(frozen=True)
class Replication:
    """The runs of one suite with a paper, as far as they may stand in one table."""

    suite: Suite
    paper: Paper  # the suite's
    lines: tuple[Line, ...]
    left_out: int  # rows stopped at a budget, here for their speed: others stand beside the paper's

    @property
    def runs(self) -> tuple[Record, ...]:
        """All runs behind the lines."""
        return tuple(run for line in self.lines for run in line.runs)

    @property
    def apart(self) -> set[str]:
        """The keys of Config in which the lines differ."""
        return differing(self.lines)

    @property
    def measures(self) -> list[Measure]:
        """What the paper published, in the order of `MEASURES`; of times one."""
        named = {name for cell in self.paper.cells for name in cell.figures}
        return [measure for name, measure in MEASURES.items() if name in named]


def replications(records: Iterable[Record], suites: Mapping[str, Suite]) -> list[Replication]:
    """One for each suite with a paper and each text, machine and share of it that has a finished run."""
    ordered = sorted(records, key=lambda r: (r.started, r.run_id))
    return [
        one
        for suite in suites.values()
        if suite.paper
        for one in _of_suite(suite, suite.paper, [run for run in ordered if run.suite == suite.name])
        if any(line.finished for line in one.lines)
    ]


def _of_suite(suite: Suite, paper: Paper, runs: Sequence[Record]) -> list[Replication]:
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for run in runs:
        if run.curve is None and run.status != "withdrawn":
            groups[_table(run, suite, paper)].append(run)
    return [_replication(suite, paper, groups[key]) for key in sorted(groups)]


def differing(lines: Iterable[Line]) -> set[str]:
    """The keys of Config in which `lines` differ, as far as they say."""
    values: dict[str, set[Any]] = defaultdict(set)
    for line in lines:
        for key, value in line.config.items():
            values[key].add(value)
    return {key for key, found in values.items() if len(found) > 1}


def matches(config: Mapping[str, Any], setting: Mapping[str, Any]) -> bool:
    """Whether a run with `config` is one of that setting."""
    return all(config.get(key) == value for key, value in setting.items())


def by_seed(runs: Iterable[Record], measure: Measure) -> dict[int, float]:
    """The figure of every seed, seeds ascending, the mean over its repeats."""
    values = defaultdict(list)
    for run in runs:
        value = measure.value(run)
        if value is not None and math.isfinite(value):
            values[int(run.config["seed"])].append(value)
    return {seed: fmean(values[seed]) for seed in sorted(values)}


def _table(record: Record, suite: Suite, paper: Paper) -> tuple[Any, ...]:
    """Equal for runs that may stand in one table; sorts by text."""
    cells = (key for cell in paper.cells for key in cell.setting)
    settings = (key for setting in suite.setting for key in setting.config)
    apart = {*_MODEL, *suite.vary, *cells, *settings, "seed"}
    return (
        str(record.data["name"]),
        str(record.data["sha256"]),
        tuple(str(record.machine.get(key) or "") for key in ("name", "cpu", "cores", "gpu")),
        str(record.resources.get("device", "cpu")),
        int(record.resources.get("threads", 1)),
        tuple(sorted((k, v) for k, v in record.config.items() if k not in apart)),
    )


def _replication(suite: Suite, paper: Paper, records: Sequence[Record]) -> Replication:
    """`records`, of one table and by start, as lines in the order of the suite."""
    versions = {run.implementation["name"]: _version(run) for run in records}  # the last one stays
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for run in records:
        if _version(run) == versions[run.implementation["name"]]:
            groups[_line(run, suite)].append(run)
    trained = [_of(groups[key], paper) for key in sorted(groups)]
    lines = [line for line in trained if not line.stopped]
    shown = [line.published for line in lines]
    lines += [line for line in trained if line.stopped and line.published and line.published not in shown]
    left_out = len(trained) - len(lines)
    shown = [line.published for line in lines]
    lines += [Line(cell.setting, "", (), cell) for cell in paper.cells if cell not in shown]
    return Replication(suite, paper, tuple(lines), left_out)


def _version(run: Record) -> tuple[str, tuple[tuple[str, Any], ...]]:
    options = tuple(sorted(run.implementation.get("options", {}).items()))
    return str(run.implementation.get("source_sha256")), options


def _line(run: Record, suite: Suite) -> tuple[Any, ...]:
    """Equal for runs of one line; sorts by what varies, then as the suite lists its settings."""
    settings = [matches(run.config, setting.config) for setting in suite.setting]
    place = settings.index(True) if any(settings) else len(settings)
    values = tuple(run.config[key] for key in suite.vary)
    rest = tuple(sorted((k, v) for k, v in run.config.items() if k != "seed"))
    return values, place, str(run.implementation["name"]), rest


def _of(runs: Sequence[Record], paper: Paper) -> Line:
    config = {key: value for key, value in runs[0].config.items() if key != "seed"}
    published = next((cell for cell in paper.cells if matches(config, cell.setting)), None)
    return Line(config, str(runs[0].implementation["name"]), tuple(runs), published)


def frame(found: Iterable[Replication]) -> pd.DataFrame:
    """(lines × measures, columns) one row a figure, in the paper's unit; missing is empty."""
    return pd.DataFrame(
        [_flat(one, line, m) for one in found for line in one.lines for m in one.measures], dtype=object
    )


def _flat(one: Replication, line: Line, measure: Measure) -> dict[str, Any]:
    ours, published = line.ours(measure), line.published
    return {
        **where(one),
        "paper_row": published.name if published else None,
        "implementation": line.implementation or None,
        **{key: line.config.get(key) for key in one.runs[0].config if key != "seed"},
        "measure": measure.name,
        "paper": published.figures.get(measure.name) if published else None,
        "tag": published.tag if published else None,
        "ours_median": ours.median if ours else None,
        "ours_min_over_seeds": ours.low if ours else None,
        "ours_max_over_seeds": ours.high if ours else None,
        "seeds": ours.n if ours else 0,
    }


def where(one: Replication) -> dict[str, Any]:
    """What all figures of a replication share, for a flat table."""
    run = one.runs[0]
    return {
        "suite": one.suite.name,
        "dataset": run.data["name"],
        "data_sha256": run.data["sha256"],
        "machine": run.machine["name"],
        "threads": run.resources.get("threads"),
    }
