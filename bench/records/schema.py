"""One run is one record. Every key, its unit, and what null means; `results/SCHEMA.md` is its page.

null always reads "not measured or not applicable, see the comment"; NaN never appears.
"""

from dataclasses import asdict, dataclass, field
from typing import Any

SCHEMA_VERSION = 1

# A finished run is never run again; every other status is tried anew by the next `run`.
STATUSES = {
    "ok": "trained to the end, vectors evaluated",
    "over_budget": "the training budget ran out: throughput so far, no claim about quality",
    "failed": "the implementation raised, died or broke the contract; `reason`, `traceback` say how",
    "oom": "out of memory on the host or the device",
    "timeout": "killed after `resources.timeout_s`",
    "skipped": "something it needs is missing here; `reason` names it",
    "gate_missed": "trained, but its quality is not equivalent to the reference",
    "withdrawn": "published once and taken back; `reason` says why",
}
FINISHED = ("ok", "over_budget", "gate_missed", "withdrawn")


@dataclass(frozen=True)
class Score:
    """One quality figure of one run, with the error bar that comes from the test's own items."""

    set: str  # "wordsim353", "simlex999", "google", ...
    part: str  # "all", or "semantic" / "syntactic" for analogies
    metric: str  # "spearman", "3cosadd", "3cosmul"
    value: float | None  # null: fewer than three usable items
    low: float | None  # 95 % item-bootstrap interval; says nothing about other seeds
    high: float | None
    used: int  # items whose words are all known
    total: int  # items in the set
    rule: str = ""  # what decides the figure besides the vectors, e.g. the vocabulary restriction


@dataclass(frozen=True)
class Point:
    """Quality at one moment of training: vectors copied then, scored after training."""

    words: int  # raw words done, all epochs, as told by the tick; threads may have been a little further
    elapsed_s: float  # since training began, to the end of the copy: nothing later is in the vectors
    snapshot_s: float  # what the copy took; part of this and every later elapsed_s, and of train_s
    quality: list[Score]

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Point":
        """The point in `data`. Raises KeyError or TypeError where keys are missing or unknown."""
        return Point(**{**data, "quality": [Score(**s) for s in data["quality"]]})


@dataclass(frozen=True)
class Curve:
    """The course of one run. Its end is not repeated: raw_words, train_s and quality of the record."""

    parts: int  # training was asked for a point after every 1/parts of its words
    points: list[Point] = field(default_factory=list)  # words ascending; empty unless trained to the end
    missing: str | None = None  # why points are missing: what vectors() raised during training

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Curve":
        """The curve in `data`. Raises KeyError or TypeError where keys are missing or unknown."""
        return Curve(**{**data, "points": [Point.from_json(p) for p in data["points"]]})


@dataclass(frozen=True)
class Gpu:
    """What the driver told of the GPU, sampled a few times a second; null: it does not say.

    Memory is that of a pass of its own, after the timed run; null too where none was taken.
    """

    driver: str
    idle_bytes: int | None  # in use on the whole device before the pass's process began
    peak_bytes: int | None  # the most in use on it at a sample while training
    samples: int  # taken while training; none in a very short one
    sm_clock_mhz: float | None  # median while training
    memory_clock_mhz: float | None
    power_w: float | None  # the most while training
    temperature_c: float | None
    slowed: list[str]  # why the clock was below its most while training; empty: it was not
    contended: bool | None  # another process was computing on the device, in the run or in that pass
    setup_peak_bytes: int | None = None  # as peak_bytes, until compiling ended; absent from older records

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Gpu":
        """The group in `data`. Raises TypeError where keys are missing or unknown."""
        return Gpu(**data)


@dataclass(frozen=True)
class Record:
    """Everything known about one run. Groups are plain dictionaries so that a row is a flat join."""

    run_id: str  # 16 hex digits; see `bench.running.plan.run_id` for what is hashed
    suite: str  # the suite that asked for it
    status: str  # a key of STATUSES
    reason: str | None  # null when ok
    traceback: str | None  # null unless failed
    implementation: dict[str, Any]  # the Spec, and source_sha256
    config: dict[str, Any]  # contract.Config
    data: dict[str, Any]  # name, sha256, raw_tokens, tokens, vocabulary
    resources: dict[str, Any]  # device, threads, timeout_s, budget_s (null: none), environment
    block: dict[str, Any]  # series (id of one `run` call), repetition, position
    started: str  # UTC, ISO 8601, seconds
    duration_s: float  # the whole process, from spawn to exit
    machine: dict[str, Any]
    # name, cpu, cores, memory_bytes, gpu, os; load_average when the run began; withheld_share while training
    versions: dict[str, str]  # python and the packages that the run can depend on
    git: dict[str, Any]  # commit, dirty; null outside a checkout
    work: dict[str, int | None] = field(default_factory=dict)
    # raw_words, kept_words, pairs, scored_outputs, row_visits; null: not counted by this implementation
    phases: dict[str, float | None] = field(default_factory=dict)
    # import_s, prepare_s, compile_s, train_s, evaluate_s; null: not reached
    # compile_warm_s, compiling once more in a fresh process; null: compile_s was under a second
    compiled: dict[str, int | None] = field(default_factory=dict)
    # graphs, graph_breaks, recompiles (graphs made while training); null: nothing used torch.compile
    throughput: dict[str, float | None] = field(default_factory=dict)
    # raw_words_per_s (the headline), kept_words_per_s, pairs_per_s
    memory: dict[str, Any] = field(default_factory=dict)
    # model_bytes, host_baseline_bytes (after import), host_peak_bytes (until training ended, child
    # processes included); from a pass of its own on a GPU, taken once for all seeds:
    # cuda_setup_allocated_bytes, cuda_setup_reserved_bytes (until compiling ended),
    # cuda_peak_allocated_bytes, cuda_peak_reserved_bytes (while training), missing (why the pass failed)
    quality: list[Score] = field(default_factory=list)  # empty unless the run trained to the end
    curve: Curve | None = None  # null: none was asked for; else the run is compared with such runs only
    gpu: Gpu | None = None  # null: not run on a GPU, or nvidia-ml-py is missing
    schema: int = SCHEMA_VERSION

    @property
    def in_block(self) -> tuple[str, int]:
        """Series and repetition: equal for the runs that may be compared directly."""
        return str(self.block["series"]), int(self.block["repetition"])

    def to_json(self) -> dict[str, Any]:
        """A JSON-ready dictionary; `from_json` reads it back equal."""
        return asdict(self)

    @staticmethod
    def from_json(data: dict[str, Any]) -> "Record":
        """The record in `data`. Raises KeyError or TypeError where keys are missing or unknown."""
        curve = Curve.from_json(data["curve"]) if data.get("curve") else None
        gpu = Gpu.from_json(data["gpu"]) if data.get("gpu") else None
        quality = [Score(**s) for s in data["quality"]]
        return Record(**{**data, "quality": quality, "curve": curve, "gpu": gpu})
