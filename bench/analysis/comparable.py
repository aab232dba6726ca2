"""Which runs may be held against which, and how far apart they are.

Only like is compared with like: same implementation and options, configuration but for the seed,
text, machine class (processor, cores, GPU), device, threads and parts of a learning curve.
"""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from statistics import fmean
from typing import Any

from bench.analysis.margins import FEWEST_RUNS, Shift, paired, unpaired
from bench.analysis.verdicts import REFERENCE
from bench.contract import Option
from bench.records.metrics import METRICS, Metric
from bench.records.schema import Record
from bench.records.sides import Side

MEASURED = ("ok", "over_budget", "gate_missed")  # statuses whose figures count
SESSION_S = 2 * 3600  # runs begun further apart met another machine, whatever their block is called
SPEED = METRICS["raw_words_per_s"]

Runs = Sequence[Record]
Block = tuple[str, int]
Control = Mapping[Block, Record]  # gensim's run of each block
Found = tuple[str, int, Shift | None]  # how it was compared, from how many pairs or runs, the shift


@dataclass(frozen=True, order=True)
class Row:
    """What has to be equal for two sets of runs to be compared."""

    settings: tuple[tuple[str, str], ...]  # data, configuration without model and seed, machine class
    architecture: str
    objective: str
    implementation: str  # "" where implementations themselves are compared
    options: tuple[tuple[str, Option], ...]


def rows(side: Side, across: bool) -> dict[Row, list[Record]]:
    """The runs of each row, by start; of several versions of an implementation the newest alone."""
    groups: dict[Row, list[Record]] = defaultdict(list)
    for run in sorted(side.records, key=lambda r: (r.started, r.run_id)):
        wanted = side.implementation in (None, run.implementation["name"])
        if wanted and run.status != "withdrawn":
            groups[_row(run, across)].append(run)
    return {row: [r for r in runs if _version(r) == _version(runs[-1])] for row, runs in groups.items()}


def _row(run: Record, across: bool) -> Row:
    config = {k: v for k, v in run.config.items() if k not in ("architecture", "objective", "seed")}
    machine = {k: run.machine.get(k) or "none" for k in ("cpu", "cores", "gpu")}
    share = {"device": run.resources.get("device", "cpu"), "threads": run.resources["threads"]}
    share["curve"] = run.curve.parts if run.curve else 0  # its copies are on the clock
    facts = {"data": run.data["name"], "sha256": run.data["sha256"], **config, **share, **machine}
    return Row(
        tuple(sorted((k, str(v)) for k, v in facts.items())),
        run.config["architecture"],
        run.config["objective"],
        "" if across else run.implementation["name"],
        () if across else _options(run),
    )


def _options(run: Record) -> tuple[tuple[str, Option], ...]:
    return tuple(sorted(run.implementation.get("options", {}).items()))


def _version(run: Record) -> tuple[Any, ...]:
    return run.implementation.get("source_sha256"), _options(run)


def control(side: Side, row: Row) -> Control:
    """Gensim's runs of the same model and settings, by block."""
    bare = replace(row, implementation="", options=())
    reference = replace(side, implementation=REFERENCE)
    return _by_block(rows(reference, across=True).get(bare, []))


def _by_block(runs: Runs) -> dict[Block, Record]:
    """The measured run of each block; the later of two."""
    return {r.in_block: r for r in runs if r.status in MEASURED and SPEED.value(r)}


def figures(runs: Runs, metric: Metric) -> list[float]:
    """The figure of every run that has one and is above zero."""
    return [float(v) for r in runs if (v := metric.value(r)) and math.isfinite(v)]


def by_seed(runs: Runs, metric: Metric) -> list[float]:
    """The figure of every seed, the mean over its repeats."""
    seeds: dict[int, list[float]] = defaultdict(list)
    for run in runs:
        value = metric.value(run)
        if value is not None and math.isfinite(value):
            seeds[run.config["seed"]].append(value)
    return [fmean(seeds[seed]) for seed in sorted(seeds)]


def _welch(new: Sequence[float], base: Sequence[float], how: str) -> Found:
    n = min(len(new), len(base))
    return how, n, unpaired(new, base) if n >= FEWEST_RUNS else None


def memory_shift(base: Sequence[float], new: Sequence[float]) -> Found:
    return _welch([-math.log(v) for v in new], [-math.log(v) for v in base], "over runs")


def quality_shift(base: Sequence[float], new: Sequence[float]) -> Found:
    return _welch(new, base, "over seeds")


def speed_shift(base: Runs, new: Runs, controls: tuple[Control, Control]) -> Found:
    """Speed within one session, or beside the gensim of each side's own session.

    The same code runs at half its speed on the same machine on another day, and no number of runs
    tells that from a regression: speeds of two sessions are compared through gensim or not at all.
    """
    old, fresh = _by_block(base), _by_block(new)
    shared = [k for k in sorted(old.keys() & fresh.keys()) if one_session(old[k], fresh[k])]
    if len(shared) >= FEWEST_RUNS:
        logs = [[_log_speed(side[k]) for k in shared] for side in (fresh, old)]
        return "paired by block", len(shared), paired(*logs)
    beside = [_beside(runs, control) for runs, control in zip((old, fresh), controls, strict=True)]
    if all(beside) and base[0].implementation["name"] != REFERENCE:
        return _welch(beside[1], beside[0], "beside gensim of the block")
    if shared:
        return "paired by block", len(shared), None
    return "no common session", min(len(old), len(fresh)), None


def _beside(runs: Mapping[Block, Record], control: Control) -> list[float]:
    """Log of the speed over gensim's, for the blocks where both ran in one session."""
    shared = [k for k in sorted(runs.keys() & control.keys()) if one_session(runs[k], control[k])]
    return [_log_speed(runs[k]) - _log_speed(control[k]) for k in shared]


def one_session(a: Record, b: Record) -> bool:
    """Whether both began so close to each other that they met the same machine."""
    apart = datetime.fromisoformat(a.started) - datetime.fromisoformat(b.started)
    return abs(apart.total_seconds()) <= SESSION_S


def _log_speed(run: Record) -> float:
    return math.log(SPEED.value(run) or math.nan)
