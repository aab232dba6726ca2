"""What a paper printed: figures of a setting, and claims about two settings; both data in a suite's file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.records.metrics import score_key
from bench.records.schema import Record

TAGS = {
    "R": "read in the source itself",
    "S": "several transcriptions of the source agree",
}


@dataclass(frozen=True)
class Measure:
    """One column of a paper's table: what it is here, and in which unit the paper prints it."""

    name: str  # the key in a suite's file
    label: str  # for a heading
    source: str  # "train_s", or the key of a score: "set/part/metric"
    unit: float  # one unit of the paper: in seconds for times, else as a share or correlation

    @property
    def is_time(self) -> bool:
        """Times are compared by ratios within blocks, scores by differences over seeds."""
        return self.source == "train_s"

    def value(self, record: Record) -> float | None:
        """The figure of a run in the paper's unit; None where it was not measured."""
        if self.is_time:
            found = record.phases.get("train_s")
        else:
            found = next((s.value for s in record.quality if score_key(s) == self.source), None)
        return None if found is None else found / self.unit


_ALL = (
    Measure("minutes", "training time", "train_s", 60.0),
    Measure("days", "training time", "train_s", 86_400.0),
    Measure("semantic %", "semantic %", "google/semantic/3cosadd", 0.01),
    Measure("syntactic %", "syntactic %", "google/syntactic/3cosadd", 0.01),
    Measure("total %", "total %", "google/all/3cosadd", 0.01),
    Measure("WS-Sim", "WS-Sim", "wordsim353-similarity/all/spearman", 1.0),
    Measure("WS-Rel", "WS-Rel", "wordsim353-relatedness/all/spearman", 1.0),
    Measure("MEN", "MEN", "men/all/spearman", 1.0),
    Measure("MTurk", "MTurk", "mturk/all/spearman", 1.0),  # no such set here: the column stays empty
    Measure("RW", "RW", "rareword/all/spearman", 1.0),
    Measure("SimLex", "SimLex", "simlex999/all/spearman", 1.0),
    Measure("Google add", "Google 3CosAdd", "google/all/3cosadd", 1.0),
    Measure("Google mul", "Google 3CosMul", "google/all/3cosmul", 1.0),
    Measure("MSR add", "MSR 3CosAdd", "msr/all/3cosadd", 1.0),
    Measure("MSR mul", "MSR 3CosMul", "msr/all/3cosmul", 1.0),
)
MEASURES: dict[str, Measure] = {measure.name: measure for measure in _ALL}


@dataclass(frozen=True)
class Published:
    """One row of the paper's table."""

    setting: Mapping[str, Any]  # of Config: what a run must have to stand beside it
    figures: Mapping[str, float]  # by name in MEASURES, as the paper prints them
    tag: str  # a key of TAGS: how the figures are known
    name: str = ""  # as the paper calls the row


@dataclass(frozen=True)
class Paper:
    """The table that a suite runs again."""

    key: str  # of bench/references.bib
    name: str  # as a sentence cites it: "Mikolov et al. 2013b"
    table: str  # "Table 1"
    conditions: str  # what the paper trained on, and how
    deviations: tuple[str, ...]  # every known difference between the paper's runs and these, a sentence each
    cells: tuple[Published, ...] = ()

    @property
    def title(self) -> str:
        """ "Mikolov et al. 2013b, Table 1"."""
        return f"{self.name}, {self.table}"


@dataclass(frozen=True)
class Claim:
    """That `of` has more (or less) of a measure than `to`.

    Settings that neither side names must be equal on both sides; each combination of them is a case of
    its own. Times are claims about a ratio, scores about a difference.
    """

    says: str  # in words
    measure: str  # a name in MEASURES
    of: Mapping[str, Any]  # of Config
    to: Mapping[str, Any]
    tag: str  # a key of TAGS
    against: str = ""  # the measure of `to`, where it is another one
    figure: float | None = None  # the paper's ratio, or difference in its unit; None: the order alone
    across: bool = False  # whether the two sides may be different implementations
    neutral: float = field(init=False)  # the figure that would mean no effect

    def __post_init__(self) -> None:
        object.__setattr__(self, "neutral", 1.0 if MEASURES[self.measure].is_time else 0.0)

    @property
    def more(self) -> bool:
        """Whether the paper has more for `of`; an order is written with the greater first."""
        return self.figure is None or self.figure > self.neutral
