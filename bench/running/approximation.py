"""Trains a state on all but the end of a text, in a process of its own, and has it measured there.

The worker is `python -m bench.running.approximation EVENTS_DESCRIPTOR` with the job as JSON on standard
input; the last event that it sends is what it found. No speed is claimed, so there are no blocks.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import discovery
from bench.contract import Approximation, Config, Corpus, Implementation, Objective, Resources
from bench.datasets import open_corpus, prepare_corpus
from bench.datasets.holding_out import hold_out
from bench.errors import UserError
from bench.quality.held_out import summary
from bench.records import approximation as saved
from bench.records import identity, store
from bench.records.approximation import Measured
from bench.running import machine
from bench.running.display import Plain
from bench.running.events import Reader, Sender
from bench.running.plan import Run
from bench.running.process import stop, telling
from bench.running.supervise import environment
from bench.running.worker import check_vectors, make_tick, set_seeds

ARCHITECTURE = "skipgram"  # its predictions are p(context | centre); CBOW's are of other words from other v
TELL_S = 0.5  # between two lines of progress


def choose(objectives: Sequence[Objective]) -> tuple[str, ...]:
    """The implementation to train each objective with, where there is one.

    Of those that need torch alone, whose state is at hand, the last of its ladder, which is the fastest; in
    the closed division if possible.
    """
    specs = sorted((e.spec for e in discovery.implementations().values()), key=lambda spec: spec.division)
    plain = [s for s in specs if s.needs == ("torch",) and ARCHITECTURE in s.architectures]
    chosen = []
    for objective in objectives:
        own = [spec for spec in plain if objective in spec.objectives]
        parents = {spec.parent_of(objective) for spec in own}
        chosen += [spec.name for spec in own if spec.name not in parents][:1]
    return tuple(dict.fromkeys(chosen))


def execute(
    runs: Sequence[Run], dataset: str, results: Path, display: Plain, *, again: bool = False
) -> tuple[list[Measured], list[UserError]]:
    """Train and measure what is not there yet; each on disk before the next begins.

    Returns what was measured, and the errors of the trainings that failed and of states that cannot be
    read. Raises UserError for a dataset or folder that cannot be used, and for something that an
    implementation needs and this machine lacks.
    """
    store.check_writable(results)
    for run in runs:
        if lacking := machine.missing(run.entry.spec.needs, run.resources.device):
            raise UserError(f"{run.entry.spec.name} cannot run here", why=lacking, remedy="choose others")
    folders = {
        m: prepare_corpus(dataset, min_count=m, progress=display.building)
        for m in sorted({run.config.min_count for run in runs})
    }
    found, errors = [], []
    for number, run in enumerate(runs, start=1):
        folder = folders[run.config.min_count]
        training, _ = hold_out(open_corpus(folder))
        display.begin(run, number, len(runs), training.tokens * run.config.epochs)
        path = _path(run, training.sha256, results)
        done = None if again or not path.exists() else saved.read(path)
        try:
            measured = done or in_a_process(run, folder, display)
        except UserError as error:
            display.done(f"failed: {error.what}", cached=False)
            errors.append(error)
            continue
        if done is None:
            saved.write(measured, results)
        display.done(outcome(measured), cached=done is not None)
        found.append(measured)
    return found, errors


def _path(run: Run, sha256: str, results: Path) -> Path:
    name, config = run.entry.spec.name, run.config
    model = config.architecture, config.objective
    return saved.path_of(machine.machine()["name"], name, model, run_id(run, sha256), results)


def run_id(run: Run, sha256: str) -> str:
    """16 hex digits over everything that can change what is measured."""
    return identity.run_id(
        implementation(run),
        asdict(run.config),
        asdict(run.resources),
        dataset_sha256=sha256,
        machine=machine.machine()["name"],
        versions=machine.versions(),
        evaluator=f"approximation {discovery.measuring_source()}",
    )


def implementation(run: Run) -> dict[str, Any]:
    """The `implementation` group of a result."""
    return {
        "name": run.entry.spec.name,
        "options": {**run.entry.spec.options, **run.options},
        "needs": list(run.entry.spec.needs),
        "source_sha256": run.entry.source_sha256,
    }


def outcome(measured: Measured) -> str:
    """The end of a run in one line."""
    first = measured.readings[0]
    return f"held-out loss {first.loss.value:.3f} nats, log Z {first.log_z.mean:+.2f} ± {first.log_z.sd:.2f}"


def in_a_process(run: Run, folder: Path, display: Plain) -> Measured:
    """Train and measure one run. Raises UserError where the worker does not come to its end."""
    training, _ = hold_out(open_corpus(folder))
    known = {
        "run_id": run_id(run, training.sha256),
        "implementation": implementation(run),
        "measure_sha256": discovery.measuring_source(),
        "config": asdict(run.config),
        "resources": asdict(run.resources),
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.machine(),
        "versions": machine.versions(),
        "git": machine.git(),
        "schema": saved.SCHEMA_VERSION,
    }
    job = {
        "implementation": run.entry.spec.name,
        "options": dict(run.options),
        "config": asdict(run.config),
        "resources": asdict(run.resources),
        "corpus_folder": str(folder),
    }
    end = _listen(job, environment(run), display.event)
    if end["status"] != "ok":
        raise UserError(
            f"{run.cell} came to no end: {end['reason']}",
            why=str(end.get("traceback") or ""),
            remedy=end.get("remedy") or "try a smaller --learning-rate, more memory, or another --impl",
        )
    return saved.from_json({**known, **end["found"]})


def _listen(
    job: Mapping[str, Any], variables: Mapping[str, str], listen: Callable[[dict[str, Any]], None]
) -> dict[str, Any]:
    """What the worker says at its end; an `end` of our own where it dies without a word."""
    reader, end = Reader(), None
    with telling("bench.running.approximation", job, variables) as (process, pipe):
        try:
            listen({"event": "start"})
            while data := os.read(pipe, 1 << 16):
                for event in reader.feed(data):
                    end = event if event["event"] == "end" else end
                    listen(event)
        finally:
            status = stop(process)
    return end or {"status": "failed", "reason": f"its process ended with exit status {status}"}


# ---------------------------------------------------------------- in the process of one run


def work(sender: Sender, job: Mapping[str, Any]) -> dict[str, Any]:
    """Train, measure, and sum up; the part of a result that only the worker knows."""
    config, resources = Config(**job["config"]), Resources(**job["resources"])
    corpus = open_corpus(Path(job["corpus_folder"]))
    training, held_out = hold_out(corpus)
    began = time.perf_counter()
    trained = _trained(sender, job, training, config, resources)
    train_s = time.perf_counter() - began

    sender.send("phase", name="measure")
    told = 0.0

    def progress(what: str, done: int, total: int) -> None:
        nonlocal told
        if time.perf_counter() - told > TELL_S:
            told = time.perf_counter()
            sender.send("step", what=what, done=done, total=total)

    found: Approximation = discovery.load_measure()(trained, training, held_out, config, progress)
    return {
        "data": _data(corpus, training, held_out),
        "train_s": train_s,
        "measure_s": time.perf_counter() - began - train_s,
        "predictions": len(found.centre),
        "dropped": found.dropped,
        "centres": len(set(found.centre.tolist())),
        **summary(found, corpus.vocabulary_size),
    }


def _trained(
    sender: Sender, job: Mapping[str, Any], training: Corpus, config: Config, resources: Resources
) -> Implementation:
    trained = discovery.load(job["implementation"], job["options"])
    set_seeds(config.seed, resources.threads)
    sender.send("phase", name="prepare")
    trained.prepare(training, config, resources)
    trained.compile()
    sender.send("phase", name="train")
    trained.train(make_tick(sender, None))
    check_vectors(trained.vectors(), training, config)
    return trained


def _data(corpus: Corpus, training: Corpus, held_out: Corpus) -> dict[str, Any]:
    return {
        "name": corpus.name,
        "sha256": corpus.sha256,
        "vocabulary": corpus.vocabulary_size,
        "training_tokens": training.tokens,
        "held_out_sentences": len(held_out.offsets) - 1,
        "held_out_tokens": held_out.tokens,
    }


def main() -> int:
    """Do the job on standard input; whatever goes wrong becomes the `end` event."""
    sender = Sender(int(sys.argv[1]))
    job = json.load(sys.stdin)
    try:
        sender.send("end", status="ok", found=work(sender, job))
    except BrokenPipeError:
        return 1
    except UserError as error:
        sender.send("end", status="failed", reason=error.what, traceback=error.why, remedy=error.remedy)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        sender.send("end", status="failed", reason=reason, traceback=traceback.format_exc())
    return 0


if __name__ == "__main__":
    sys.exit(main())
