"""A cell: all runs of one implementation under one configuration, on one machine, that ended alike.

Seeds and repetitions are runs of the same cell. Runs that ended differently (two finished, one
crashed) are cells of their own, so that no failure hides behind a median.
"""

import math
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import fmean, median
from typing import Any

from bench.analysis.statistics import Estimate
from bench.contract import Option
from bench.records.metrics import METRICS
from bench.records.schema import STATUSES, Record

PHASES = ("import_s", "prepare_s", "compile_s", "compile_warm_s", "train_s", "evaluate_s")
QUALITY_SETS = {  # the one figure of each set that a table has room for
    "wordsim353": METRICS["wordsim353/all/spearman"],
    "simlex999": METRICS["simlex999/all/spearman"],
    "google": METRICS["google/all/3cosadd"],
}
_OBJECTIVES = ("ns", "hs", "softmax", "nce", "sampled", "adaptive")  # the reference's models first
_MODEL = (
    "architecture",
    "objective",
    "learning_rate",
    "seed",
)  # what may differ between the rows of one table


@dataclass(frozen=True, order=True)
class Section:
    """What all rows of one table share: data, settings and machine. Nothing is ranked across it."""

    dataset: str
    data_sha256: str
    settings: tuple[tuple[str, Any], ...]  # the configuration without model and seed
    machine: tuple[tuple[str, str], ...]  # name, cpu, cores, gpu, as text


@dataclass(frozen=True)
class Spread:
    """Median, least and greatest of n figures; not an interval of confidence."""

    median: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Quality:
    """One test set over the runs of a cell, with the two error bars kept apart."""

    by_seed: tuple[float, ...]  # one mean a seed, seeds ascending
    item_low: float | None  # 95 % item bootstrap of a run, the median over the runs
    item_high: float | None
    used: int
    total: int
    rule: str

    @property
    def seeds(self) -> Spread:
        """Median and range over the seeds."""
        return Spread(median(self.by_seed), min(self.by_seed), max(self.by_seed), len(self.by_seed))


@dataclass(frozen=True)
class Versus:
    """One test set against gensim's: the difference of means over seeds, with its 95 % interval."""

    difference: float
    low: float
    high: float
    p: float | None  # of the equivalence test
    verdict: str  # "equivalent", "within seed spread", "above", "suspiciously above" or "below"


@dataclass(frozen=True)
class TimeToQuality:
    """When the runs of a cell reached gensim's quality, see `curves`; infinity: a run never did."""

    target: Mapping[str, float]  # by set
    seconds: Spread  # of training, over runs
    words: Spread  # raw words, all epochs
    arrived: int  # how many runs did
    at_most: bool  # one of them was there at its first point: the figures are upper bounds
    ratio: Estimate | None  # gensim's seconds over the row's in the same block


@dataclass(frozen=True)
class Cell:
    """One row of a table. Figures are medians over `runs`; None where nothing was measured."""

    section: Section
    implementation: str
    architecture: str
    objective: str
    learning_rate: float
    device: str
    threads: int
    status: str
    source_sha256: str
    options: tuple[tuple[str, Option], ...]  # free choices of the implementation, by name
    runs: tuple[Record, ...]  # by start
    speed: Spread | None  # raw words/s
    host_peak_bytes: float | None
    cuda_peak_bytes: float | None
    model_bytes: float | None
    phases: Mapping[str, float | None]  # seconds, every key of PHASES
    quality: Mapping[str, Quality]  # by set; empty unless trained to the end
    ratio: Estimate | None = None  # raw words/s over gensim's in the same block
    ratio_to_parent: Estimate | None = None  # over those of the implementation it was made from
    versus: Mapping[str, Versus] = field(default_factory=dict)  # by set, where seeds suffice
    verdict: str = ""  # one phrase on quality beside gensim
    tier: int = 0  # 0 ranks by speed; higher numbers stand below, see `verdicts`
    rank: int | None = None  # within the model, tier 0 only
    reached: TimeToQuality | None = None  # where learning curves were taken

    @property
    def model(self) -> tuple[str, str]:
        """(architecture, objective): only rows of one model are ranked against each other."""
        return self.architecture, self.objective

    @property
    def setting(self) -> tuple[object, ...]:
        """What two cells must share for a ratio: table, model and learning rate."""
        return self.section, self.model, self.learning_rate

    @property
    def parent(self) -> str | None:
        """The implementation whose mathematics it reproduces, made faster; None for most."""
        name: str | None = self.runs[0].implementation.get("parent")
        return name

    @property
    def division(self) -> str:
        """ "closed" or "open", as the implementation declares it."""
        return str(self.runs[0].implementation.get("division", "closed"))

    @property
    def on_gpu(self) -> bool:
        """Whether it trained there: gensim and others stay on the host whatever device they are given."""
        needed = "cuda" in self.runs[0].implementation["needs"]
        return self.device.startswith("cuda") and (needed or self.cuda_peak_bytes is not None)

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the runs did not end well: each reason once."""
        return tuple(sorted({r.reason for r in self.runs if r.reason}))

    def score(self, name: str) -> float | None:
        """Median over seeds of the test set `name`; None where it was not evaluated."""
        return self.quality[name].seeds.median if name in self.quality else None

    @property
    def seeds(self) -> int:
        """How many different seeds ran."""
        return len({r.config["seed"] for r in self.runs})


def group(records: Iterable[Record]) -> list[Cell]:
    """All cells of `records`, in an order that depends on nothing but their content."""
    groups: dict[tuple[Any, ...], list[Record]] = defaultdict(list)
    for record in sorted(records, key=lambda r: (r.started, r.run_id)):
        groups[_key(record)].append(record)
    return [_cell(groups[key]) for key in sorted(groups)]


def section(record: Record) -> Section:
    """The table that `record` belongs to."""
    return Section(
        dataset=str(record.data["name"]),
        data_sha256=str(record.data.get("sha256") or ""),
        settings=tuple(sorted((k, v) for k, v in record.config.items() if k not in _MODEL)),
        machine=tuple((k, str(record.machine.get(k) or "")) for k in ("name", "cpu", "cores", "gpu")),
    )


def alike_but(sections: Sequence[Section], settings: Container[str]) -> list[list[int]]:
    """The places of sections that differ in nothing but `settings`, group by group, in order."""
    groups: dict[object, list[int]] = defaultdict(list)
    for i, where in enumerate(sections):
        shared = tuple(item for item in where.settings if item[0] not in settings)
        groups[where.dataset, where.data_sha256, shared, where.machine].append(i)
    return list(groups.values())


def _key(record: Record) -> tuple[Any, ...]:
    """Equal for runs of one cell; sorts by section, then by model."""
    config = record.config
    return (
        section(record),
        config["architecture"] != "skipgram",
        _OBJECTIVES.index(config["objective"]),
        float(config["learning_rate"]),
        str(record.implementation["name"]),
        str(record.resources.get("device", "cpu")),
        int(record.resources.get("threads", 1)),
        list(STATUSES).index(record.status),
        str(record.implementation.get("source_sha256") or ""),
        tuple(sorted(record.implementation.get("options", {}).items())),
        record.curve is not None,  # its copies are on the clock
    )


def _cell(runs: Sequence[Record]) -> Cell:
    where, _, _, rate, name, device, threads, _, source, options, _ = _key(runs[0])
    return Cell(
        section=where,
        implementation=name,
        architecture=runs[0].config["architecture"],
        objective=runs[0].config["objective"],
        learning_rate=rate,
        device=device,
        threads=threads,
        status=runs[0].status,
        source_sha256=source,
        options=options,
        runs=tuple(runs),
        speed=_spread(r.throughput.get("raw_words_per_s") for r in runs),
        host_peak_bytes=_median(r.memory.get("host_peak_bytes") for r in runs),
        cuda_peak_bytes=_median(r.memory.get("cuda_peak_reserved_bytes") for r in runs),
        model_bytes=_median(r.memory.get("model_bytes") for r in runs),
        phases={p: _median(r.phases.get(p) for r in runs) for p in PHASES},
        quality=_qualities(runs),
    )


def _known(values: Iterable[float | None]) -> list[float]:
    return [float(v) for v in values if v is not None and math.isfinite(v)]


def _median(values: Iterable[float | None]) -> float | None:
    known = _known(values)
    return median(known) if known else None


def _spread(values: Iterable[float | None]) -> Spread | None:
    known = _known(values)
    return Spread(median(known), min(known), max(known), len(known)) if known else None


def _qualities(runs: Sequence[Record]) -> dict[str, Quality]:
    """Quality by set; a set that no run could evaluate is left out."""
    found = {name: _quality(runs, name) for name in QUALITY_SETS}
    return {name: quality for name, quality in found.items() if quality}


def _quality(runs: Sequence[Record], name: str) -> Quality | None:
    by_seed: dict[int, list[float]] = defaultdict(list)
    scores = []
    for run in runs:
        score = QUALITY_SETS[name].score(run)
        if score and score.value is not None and math.isfinite(score.value):
            by_seed[run.config["seed"]].append(score.value)
            scores.append(score)
    if not scores:
        return None
    return Quality(
        by_seed=tuple(fmean(by_seed[seed]) for seed in sorted(by_seed)),
        item_low=_median(s.low for s in scores),
        item_high=_median(s.high for s in scores),
        used=scores[0].used,
        total=scores[0].total,
        rule=scores[0].rule,
    )
