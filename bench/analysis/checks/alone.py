"""What one record says against itself. Each function yields a sentence for every fault it finds."""

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from bench import datasets
from bench.analysis.cautions import WITHHELD
from bench.analysis.cells import PHASES
from bench.quality import EVALUATOR_VERSION
from bench.records.identity import id_of
from bench.records.schema import Record, Score

TRAINED = ("ok", "gate_missed")  # to the end, and evaluated
RELATIVE = 1e-6  # of a rate computed once more from the same two numbers
CLOCK_S = 0.05  # two processes look at their clocks


def not_finite(record: Record) -> Iterator[str]:
    """NaN and infinity, anywhere."""
    for key, value in _leaves(asdict(record), ""):
        if isinstance(value, float) and not math.isfinite(value):
            yield f"{key} is {value}"


def _leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _leaves(inner, f"{name}.{key}" if name else key)
    elif isinstance(value, list | tuple):
        for i, inner in enumerate(value):
            yield from _leaves(inner, f"{name}[{i}]")
    else:
        yield name, value


def wrong_id(record: Record) -> Iterator[str]:
    """The id is not what the content gives, with this evaluator or any before it."""
    if _evaluator(record) is None:
        yield f"the content gives {id_of(record, EVALUATOR_VERSION)}"


def old_evaluator(record: Record) -> Iterator[str]:
    """Scored by another version of the evaluator than this one: not comparable with new scores."""
    version = _evaluator(record)
    if record.quality and version not in (None, EVALUATOR_VERSION):
        yield f"scored by evaluator {version}, this is {EVALUATOR_VERSION}"


def _evaluator(record: Record) -> str | None:
    """The version whose id the record carries; it is kept nowhere else."""
    versions = (str(n) for n in range(int(EVALUATOR_VERSION), 0, -1))
    return next((v for v in versions if id_of(record, v) == record.run_id), None)


def wrong_status(record: Record) -> Iterator[str]:
    """The status says one thing, the figures another."""
    trained = record.status in TRAINED
    if trained and not record.quality:
        yield f"{record.status}, but nothing was evaluated"
    if trained and record.phases.get("train_s") is None:
        yield f"{record.status}, but no training was timed"
    if record.quality and not trained and record.status != "withdrawn":
        yield f"{record.status}, but it has scores"
    if (record.status == "ok") == bool(record.reason):
        yield f"{record.status} with {'a' if record.reason else 'no'} reason"


def wrong_phases(record: Record) -> Iterator[str]:
    """A phase of no or negative length, or phases longer than the process."""
    known = {name: s for name in PHASES if (s := record.phases.get(name)) is not None}
    for name, value in known.items():
        if value <= 0:
            yield f"{name} is {value:g}"
    if sum(known.values()) > record.duration_s + CLOCK_S:
        yield f"phases take {sum(known.values()):.1f} s of a process of {record.duration_s:.1f} s"


def wrong_throughput(record: Record) -> Iterator[str]:
    """A rate that is not its work divided by the training time."""
    train_s = record.phases.get("train_s")
    for name in ("raw_words", "kept_words", "pairs"):
        rate, work = record.throughput.get(f"{name}_per_s"), record.work.get(name)
        expected = work / train_s if work and train_s else None
        if (rate is None) != (expected is None) or not _same(rate or 0, expected or 0):
            yield f"{name}_per_s is {_text(rate)}; {name} ÷ train_s is {_text(expected)}"


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=RELATIVE)


def _text(value: float | None) -> str:
    return "null" if value is None else f"{value:,.1f}"


def wrong_work(record: Record) -> Iterator[str]:
    """Words that the text and the epochs do not give."""
    raw, kept = record.work.get("raw_words"), record.work.get("kept_words")
    whole = record.data["tokens"] * record.config["epochs"]
    if record.status in TRAINED and raw != whole:
        yield f"raw_words is {raw}, tokens × epochs is {whole}"
    if raw is not None and raw > whole:
        yield f"raw_words is {raw}, the whole training has {whole}"
    if raw is not None and kept is not None and kept > raw:
        yield f"kept_words is {kept}, more than the {raw} raw words"


def wrong_memory(record: Record) -> Iterator[str]:
    """Figures of memory that cannot be."""
    for name, value in record.memory.items():
        if isinstance(value, int | float) and value < 0:
            yield f"{name} is {value}"
    peak, start = record.memory.get("host_peak_bytes"), record.memory.get("host_baseline_bytes")
    if peak is not None and start is not None and peak < start:
        yield f"host_peak_bytes is {peak}, below the {start} before preparing"


def wrong_scores(record: Record) -> Iterator[str]:
    """A score outside its range, an interval upside down, more items used than there are."""
    for score in record.quality:
        for what in _score_faults(score):
            yield f"{score.set}/{score.part}/{score.metric}: {what}"


def _score_faults(score: Score) -> Iterator[str]:
    least = -1 if score.metric == "spearman" else 0
    figures = {"value": score.value, "low": score.low, "high": score.high}
    for name, figure in figures.items():
        if figure is not None and not least <= figure <= 1:
            yield f"{name} {figure:g} lies outside [{least}, 1]"
    if score.low is not None and score.high is not None and score.low > score.high:
        yield f"low {score.low:g} is above high {score.high:g}"
    if not 0 <= score.used <= score.total:
        yield f"{score.used} of {score.total} items used"


def other_text(record: Record) -> Iterator[str]:
    """It bears a registered dataset's name, but was trained on another text."""
    known = datasets.registry().get(record.data["name"])
    if known and known.known_sha256 and known.known_sha256 != record.data["sha256"]:
        yield f"{known.name} has {known.known_sha256[:12]}…, the record {record.data['sha256'][:12]}…"


def changed_code(record: Record) -> Iterator[str]:
    """Measured from files that no commit holds."""
    if record.git.get("dirty"):
        yield f"measured with changes on top of {str(record.git.get('commit'))[:12]}"


def busy_machine(record: Record) -> Iterator[str]:
    """More was running than this benchmark. The load includes the runs just before, so one more is let be."""
    load, cores = record.machine.get("load_average"), record.machine.get("cores")
    if load is not None and cores is not None and load > cores + 1:
        yield f"load {load:g} on {cores} cores when it began"


def withheld_processor(record: Record) -> Iterator[str]:
    """The host of a virtual machine gave much of the processor to others while it trained."""
    share = record.machine.get("withheld_share")
    if share is not None and share > WITHHELD:
        yield f"the host withheld {100 * share:.0f} % of the processor while it trained"


def shared_gpu(record: Record) -> Iterator[str]:
    """Another process was computing on the device."""
    if record.gpu and record.gpu.contended:
        yield "another process was computing on the GPU"


def slowed_gpu(record: Record) -> Iterator[str]:
    """The clock was below its most for want of power, or for heat."""
    if record.gpu and record.gpu.slowed:
        yield f"the GPU was slowed down while training: {', '.join(record.gpu.slowed)}"
