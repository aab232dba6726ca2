"""One `run` call: the order of the runs, what is done already, and each record on disk at once."""

import contextlib
import hashlib
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from bench.contract import Corpus
from bench.datasets import open_corpus, prepare_corpus
from bench.errors import UserError
from bench.records import store
from bench.records.schema import FINISHED, Record
from bench.running.machine import machine, missing
from bench.running.plan import Run, run_id
from bench.running.supervise import empty_record, supervise


class Display(Protocol):
    """What a session shows while it works; see `bench.running.display`."""

    def building(self, message: str, done: int, total: int) -> None: ...
    def begin(self, run: Run, number: int, total: int, words_total: int) -> None: ...
    def event(self, event: dict[str, Any]) -> None: ...
    def end(self, record: Record, *, cached: bool) -> None: ...


def schedule(runs: Sequence[Run]) -> list[tuple[Run, int]]:
    """Blocks in order of repetition; inside a block a shuffle seeded by it, with the position.

    Every block holds every implementation once in each setting, so a machine that slows down for
    ten minutes slows all of them, and ratios within a block stay true.
    """
    order = []
    for repetition in sorted({run.repetition for run in runs}):
        block = [run for run in runs if run.repetition == repetition]
        random.Random(repetition).shuffle(block)
        order += [(run, position) for position, run in enumerate(block)]
    return order


def series(corpus: Corpus, runs: Sequence[Run]) -> str:
    """Names the experiment that a block belongs to, so that a resumed `run` continues its blocks.

    Runs with one and with two threads that were planned together share their blocks.
    """
    resources = " ".join(sorted({str(run.resources) for run in runs}))
    share = f"{machine()['name']} {resources} {corpus.sha256}"
    return hashlib.sha256(share.encode()).hexdigest()[:8]


def execute(
    runs: Sequence[Run],
    dataset: str,
    results: Path,
    display: Display,
    *,
    again: bool = False,
    until: float | None = None,
) -> list[Record]:
    """Run what is not finished, in blocks; every record is on disk before the next run starts.

    Args:
        runs: from `plan`; all of one dataset.
        results: the results folder, created if need be.
        again: measure finished runs anew; each old record stays until its new one is complete.
        until: moment of `time.monotonic` after which no run begins; None: all of them do.

    Raises:
        UserError: before any training, for a dataset or folder that cannot be used.
        KeyboardInterrupt: passed on after the current process is gone; finished runs are kept.
    """
    store.check_writable(results)
    store.read_all(results)  # a damaged or newer folder is refused now, not after an hour
    with alone(results):
        corpora = {m: _corpus(dataset, m, display) for m in sorted({r.config.min_count for r in runs})}
        records, weighed = [], []  # the latter: runs, but for the seed, whose memory on a GPU was measured
        for number, (run, position) in enumerate(schedule(runs), start=1):
            folder, corpus = corpora[run.config.min_count]
            block = {"series": series(corpus, runs), "repetition": run.repetition, "position": position}
            done = None if again else _finished(run, corpus, block, results)
            if done is None and until is not None and time.monotonic() > until:
                continue
            display.begin(run, number, len(runs), corpus.tokens * run.config.epochs)
            cell = replace(run, config=replace(run.config, seed=0), repetition=0)
            new = cell not in weighed
            record = done or _one(run, folder, corpus, block, results, display, memory_pass=new)
            if _weighed(record):
                weighed.append(cell)
            display.end(record, cached=done is not None)
            records.append(record)
    return records


def _corpus(dataset: str, min_count: int, display: Display) -> tuple[Path, Corpus]:
    folder = prepare_corpus(dataset, min_count=min_count, progress=display.building)
    return folder, open_corpus(folder)


def _finished(run: Run, corpus: Corpus, block: dict[str, Any], results: Path) -> Record | None:
    """The record of this very run, if it needs no second try; a larger budget is one."""
    wanted = empty_record(run, corpus, block, status="failed", reason=None, duration_s=0.0)
    path = store.path_of(wanted, results)
    if not path.exists():
        return None
    record = store.read(path)
    if record.status not in FINISHED:
        return None
    spent = record.resources["budget_s"]
    longer = run.budget_s is None or (spent is not None and run.budget_s > spent)
    return None if record.status == "over_budget" and longer else record


def _one(
    run: Run,
    folder: Path,
    corpus: Corpus,
    block: dict[str, Any],
    results: Path,
    display: Display,
    *,
    memory_pass: bool,
) -> Record:
    if lacking := missing(run.entry.spec.needs, run.resources.device):
        record = empty_record(run, corpus, block, status="skipped", reason=lacking, duration_s=0.0)
    else:
        log = results / ".logs" / f"{run.entry.spec.name}-{run_id(run, corpus.sha256)}.log"
        record = supervise(run, corpus, folder, block, log, display.event, memory_pass=memory_pass)
    store.write(record, results)
    return record


def _weighed(record: Record) -> bool:
    """Whether the run was followed by a pass for its memory on a GPU, failed ones included."""
    return any(record.memory.get(name) is not None for name in ("cuda_peak_reserved_bytes", "missing"))


@contextlib.contextmanager
def alone(results: Path) -> Iterator[None]:
    """Two sessions beside each other would measure each other. Raises UserError."""
    import fcntl

    with (results / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise UserError(
                f"another `w2vbench run` is measuring into {results}",
                why="runs beside each other disturb each other's times",
                remedy="wait for it to finish",
            ) from error
        yield
