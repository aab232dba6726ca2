"""Starts one worker, listens to it, and ends it if it will not end: out comes a record."""

import contextlib
import functools
import os
import selectors
import shutil
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.contract import Corpus
from bench.records.schema import Curve, Point, Record, Score
from bench.running import gpu, machine
from bench.running.events import PHASES, REHEARSED, Reader
from bench.running.memory import children_peak_bytes
from bench.running.plan import Run, run_id
from bench.running.process import stop, telling

POLL_S = 0.25  # how often children's memory is read, and a GPU asked for its clocks
MEMORY_POLL_S = 0.02  # how often it is asked for its memory, in a pass of its own
GPU_MEMORY = tuple(
    f"cuda_{when}_{how}_bytes" for when in ("setup", "peak") for how in ("allocated", "reserved")
)
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")

COMPILE_CACHES = ("TORCHINDUCTOR_CACHE_DIR", "TRITON_CACHE_DIR")
WORTH_KEEPING_S = 1.0  # of compiling, before it is tried how fast it is from a cache

# Of training, for its memory. Steps on a GPU take milliseconds and have the same shapes over and over, so two
# seconds hold every kind of them many times, those of the first epoch's start included; what comes later,
# such as the short step at the end of a text, needs no more.
MEMORY_PASS_S = 2.0

Listener = Callable[[dict[str, Any]], None]


@dataclass
class Heard:
    """What a worker has said so far; survives its death."""

    groups: dict[str, dict[str, Any]] = field(default_factory=dict)
    scores: list[Score] = field(default_factory=list)
    points: list[Point] = field(default_factory=list)
    curve_missing: str | None = None
    end: dict[str, Any] | None = None
    phase: str = "start"
    children_peak_bytes: int = 0

    def take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "facts":
                self.groups.setdefault(event["group"], {}).update(event["values"])
            case "phase":
                self.phase = event["name"]
            case "quality":
                self.scores = [Score(**score) for score in event["scores"]]
            case "point":
                self.points.append(Point.from_json(event["point"]))
            case "curve":
                self.curve_missing = event["missing"]
            case "end":
                self.end = event

    @property
    def trained(self) -> bool:
        """Whether training ended as it should, or with the budget."""
        return self.end is not None and self.end["status"] in ("ok", "over_budget")


def environment(run: Run) -> dict[str, str]:
    """The variables that the harness sets for a worker, recorded with the run."""
    threads = {name: str(run.resources.threads) for name in THREAD_VARIABLES}
    return {**threads, "PYTHONHASHSEED": str(run.config.seed)}


def empty_record(run: Run, corpus: Corpus, block: dict[str, Any], **known: Any) -> Record:
    """The record of a run with everything that is known before it begins."""
    return Record(
        run_id=run_id(run, corpus.sha256),
        suite=run.suite,
        traceback=None,
        implementation={
            **asdict(run.entry.spec),
            "parent": run.entry.spec.parent_of(run.config.objective),
            "options": {**run.entry.spec.options, **run.options},
            "source_sha256": run.entry.source_sha256,
        },
        config=asdict(run.config),
        data={
            "name": corpus.name,
            "sha256": corpus.sha256,
            "raw_tokens": corpus.raw_tokens,
            "tokens": corpus.tokens,
            "vocabulary": corpus.vocabulary_size,
        },
        resources={
            **asdict(run.resources),
            "timeout_s": run.timeout_s,
            "budget_s": run.budget_s,
            "environment": environment(run),
        },
        block=block,
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={**machine.machine(), "load_average": machine.load_average(), "withheld_share": None},
        versions=machine.versions(),
        git=machine.git(),
        work=dict.fromkeys(("raw_words", "kept_words", "pairs", "scored_outputs", "row_visits")),
        phases={**{f"{name}_s": None for name in PHASES}, "compile_warm_s": None},
        compiled=dict.fromkeys(("graphs", "graph_breaks", "recompiles")),
        throughput=dict.fromkeys(("raw_words_per_s", "kept_words_per_s", "pairs_per_s")),
        memory=dict.fromkeys(
            (
                "model_bytes",
                "host_baseline_bytes",
                "host_peak_bytes",
                *GPU_MEMORY,
                "missing",
            )
        ),
        curve=Curve(run.curve) if run.curve else None,
        **known,
    )


def supervise(
    run: Run,
    corpus: Corpus,
    folder: Path,
    block: dict[str, Any],
    log: Path,
    listen: Listener,
    vectors: Path | None = None,
    *,
    memory_pass: bool = False,
) -> Record:
    """One run in a fresh process, whatever becomes of it.

    Args:
        folder: the built corpus, which the worker opens memory-mapped.
        block: the record's `block` group.
        log: takes the worker's own output, which should be empty.
        listen: called with every event, for display.
        vectors: where the worker saves the vectors (.npy), unevaluated; None: evaluated, not saved.
        memory_pass: whether a run on a GPU is followed by a process that measures its memory there.

    Returns the finished record; its status is one of `ok`, `over_budget`, `failed`, `oom`, `timeout`.
    """
    began = time.perf_counter()
    record = empty_record(run, corpus, block, status="failed", reason=None, duration_s=0.0)
    watch, heard, exit_status = gpu.watch(run.resources.device), Heard(), 0
    listen({"event": "start"})
    with tempfile.TemporaryDirectory(prefix="w2vbench-") as caches:  # empty: compiling is always cold
        with _worker(run, folder, log, caches, vectors) as (process, pipe):
            try:
                look = functools.partial(_look, heard, watch, process.pid)
                timed_out = not _listen(pipe, heard, listen, began + run.timeout_s, look, POLL_S)
            finally:
                exit_status = stop(process)
        held = _rehearse(run, folder, log, caches, heard, memory_pass)
    verdict = _verdict(heard, timed_out, exit_status, run.timeout_s, log)
    finished = replace(_merge(record, heard), gpu=watch.told(held) if watch else None)
    return replace(finished, **verdict, duration_s=time.perf_counter() - began)


def _rehearse(
    run: Run, folder: Path, log: Path, caches: str, heard: Heard, memory_pass: bool
) -> gpu.MemoryWatch | None:
    """What one more process tells, which finds what this run has compiled: added to what was heard.

    How long compiling takes it; and with `memory_pass`, where PyTorch holds the model on a GPU, what memory
    it takes there. Returns the driver's watch on that memory, None where there was none or the pass failed.
    """
    phases, memory = heard.groups.get("phases", {}), heard.groups.get("memory", {})
    warm = phases.get("train_s") is not None and phases["compile_s"] >= WORTH_KEEPING_S
    memory_pass = memory_pass and heard.trained and heard.groups["device"]["used"]
    if not (warm or memory_pass):
        return None
    watch = gpu.memory_watch(run.resources.device) if memory_pass else None
    again, log = Heard(), log.with_suffix(".rehearsal.log")
    deadline, training_s = time.perf_counter() + run.timeout_s, MEMORY_PASS_S if memory_pass else None

    def look() -> None:
        if watch:
            watch.look(training=again.phase == "train")

    with _worker(run, folder, log, caches, rehearsal=True, memory_pass_s=training_s) as (process, pipe):
        try:
            timed_out = not _listen(pipe, again, lambda _: None, deadline, look, MEMORY_POLL_S)
        finally:
            exit_status = stop(process)
    if warm:
        phases["compile_warm_s"] = again.groups.get("phases", {}).get("compile_s")
    if not memory_pass:
        return None
    verdict = _verdict(again, timed_out, exit_status, run.timeout_s, log)
    if verdict["status"] != REHEARSED:
        memory["missing"] = f"{verdict['status']}: {verdict['reason']}"
        return None
    memory.update({name: again.groups["memory"].get(name) for name in GPU_MEMORY})
    return watch


@contextlib.contextmanager
def _worker(
    run: Run,
    folder: Path,
    log: Path,
    caches: str,
    vectors: Path | None = None,
    *,
    rehearsal: bool = False,
    memory_pass_s: float | None = None,
) -> Any:
    """The process in a group of its own, and the reading end of its events."""
    curve_folder = log.with_suffix(".curve")  # on the disk of the results: /tmp may be memory
    job = {
        "implementation": run.entry.spec.name,
        "options": dict(run.options),
        "config": asdict(run.config),
        "resources": asdict(run.resources),
        "corpus_folder": str(folder),
        "budget_s": run.budget_s,
        "vectors_path": str(vectors) if vectors else None,
        "rehearsal": rehearsal,
        "memory_pass_s": memory_pass_s,
        "curve": run.curve,
        "curve_folder": str(curve_folder),
    }
    variables = {**environment(run), **dict.fromkeys(COMPILE_CACHES, caches)}
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        with log.open("wb") as output, telling("bench.running.worker", job, variables, output) as worker:
            yield worker
    finally:
        shutil.rmtree(curve_folder, ignore_errors=True)


def _look(heard: Heard, watch: gpu.Watch | None, pid: int) -> None:
    """A sample of what a timed process holds and its GPU does. A compiler's memory is not training's."""
    if heard.phase in ("prepare", "train"):
        heard.children_peak_bytes = max(heard.children_peak_bytes, children_peak_bytes(pid))
        if watch:
            watch.look(training=heard.phase == "train")


def _listen(
    pipe: int,
    heard: Heard,
    listen: Listener,
    deadline: float,
    look: Callable[[], None],
    every_s: float,
) -> bool:
    """Take events until the worker closes its pipe, looking now and then; False if the deadline was first."""
    reader = Reader()
    with selectors.DefaultSelector() as selector:
        selector.register(pipe, selectors.EVENT_READ)
        while (left := deadline - time.perf_counter()) > 0:
            if selector.select(min(left, every_s)):
                if not (data := os.read(pipe, 1 << 16)):
                    return True
                for event in reader.feed(data):
                    heard.take(event)
                    listen(event)
            look()
    return False


def _verdict(heard: Heard, timed_out: bool, exit_status: int, timeout_s: float, log: Path) -> dict[str, Any]:
    """Status, reason and traceback from how the worker ended."""
    if heard.end is not None:
        verdict = {"status": heard.end["status"], "reason": heard.end.get("reason")}
        if verdict["status"] == "over_budget":
            verdict["reason"] = "the training budget ran out; quality is not claimed"
        return {**verdict, "traceback": heard.end.get("traceback")}
    if timed_out:
        return {"status": "timeout", "reason": f"killed in phase {heard.phase} after {timeout_s:g} s"}
    said = log.read_text("utf-8", "replace").strip()[-4000:] or None
    if exit_status == -signal.SIGKILL:
        reason = f"killed by the system in phase {heard.phase}, most likely for want of memory"
        return {"status": "oom", "reason": reason, "traceback": said}
    how = f"signal {-exit_status}" if exit_status < 0 else f"exit status {exit_status}"
    last = f": {said.splitlines()[-1]}" if said else ""
    return {"status": "failed", "reason": f"died in phase {heard.phase} with {how}{last}", "traceback": said}


def _merge(record: Record, heard: Heard) -> Record:
    """The record with what was heard, and the rates that follow from it."""
    groups: dict[str, Any] = {
        name: {**getattr(record, name), **heard.groups.get(name, {})}
        for name in ("machine", "work", "phases", "compiled", "memory")
    }
    if groups["memory"]["host_peak_bytes"] is not None:
        groups["memory"]["host_peak_bytes"] += heard.children_peak_bytes
    work, train_s = groups["work"], groups["phases"]["train_s"]
    rates = {
        f"{name}_per_s": work[name] / train_s if work[name] and train_s else None
        for name in ("raw_words", "kept_words", "pairs")
    }
    curve = record.curve and replace(record.curve, points=heard.points, missing=heard.curve_missing)
    return replace(record, **groups, throughput=rates, quality=heard.scores, curve=curve)
