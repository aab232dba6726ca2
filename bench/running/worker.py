"""The fresh process of one run: import, prepare, compile, train, evaluate, each timed apart.

Started as `python -m bench.running.worker EVENTS_DESCRIPTOR` with the job as JSON on standard
input. The harness's part of every bias lives here: clock, synchronisation, seeds, threads.
"""

import contextlib
import json
import random
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.contract import Config, Corpus, Implementation, Resources
from bench.datasets import open_corpus
from bench.discovery import load
from bench.errors import UserError
from bench.running.events import REHEARSED, TICK_S, Sender
from bench.running.machine import Withheld
from bench.running.memory import peak_bytes
from bench.running.snapshots import Snapshots


class BudgetSpent(BaseException):
    """Ends training from inside a tick. No Exception, so that no implementation swallows it."""


class Clock:
    """Times the phases; waits for the device before it looks."""

    def __init__(self, sender: Sender, device: str):
        self.sender, self.device = sender, device

    def synchronise(self) -> None:
        if cuda := _cuda(self.device):
            cuda.synchronize(self.device)

    @contextlib.contextmanager
    def phase(self, name: str) -> Iterator[None]:
        """The seconds of the block, told to the parent even when the block raises."""
        self.sender.send("phase", name=name)
        began = time.perf_counter()
        try:
            yield
            self.synchronise()
        finally:
            self.sender.facts("phases", **{f"{name}_s": time.perf_counter() - began})


def make_tick(
    sender: Sender, budget_s: float | None, snapshots: Snapshots | None = None
) -> Callable[[int], None]:
    """The callback of training: ends on the budget, copies vectors when due, tells progress now and then."""
    began = told = time.perf_counter()

    def tick(words_done: int) -> None:
        nonlocal told
        now = time.perf_counter()
        if budget_s is not None and now - began > budget_s:
            sender.facts("work", raw_words=int(words_done))
            raise BudgetSpent
        if snapshots is not None:
            snapshots.look(int(words_done), began)
        if now - told > TICK_S:
            told = now
            sender.send("tick", words_done=int(words_done), elapsed_s=now - began)

    return tick


def set_seeds(seed: int, threads: int) -> None:
    """Everything a training program might draw from; torch only where it was imported."""
    random.seed(seed)
    np.random.seed(seed)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
        torch.set_num_threads(threads)


def check_vectors(vectors: npt.NDArray[np.float32], corpus: Corpus, config: Config) -> None:
    """Raises ValueError unless the vectors are what the contract promises."""
    wanted = (corpus.vocabulary_size, config.dim)
    if vectors.shape != wanted or vectors.dtype != np.float32:
        raise ValueError(
            f"vectors() gave {vectors.dtype} {vectors.shape}, the contract wants float32 {wanted}"
        )
    if bad := int((~np.isfinite(vectors)).any(axis=1).sum()):
        raise ValueError(f"{bad} of {wanted[0]} vectors are not finite: training diverged")


def measure(sender: Sender, job: dict[str, Any]) -> str:
    """One run from import to evaluation; returns the status."""
    config, resources = Config(**job["config"]), Resources(**job["resources"])
    clock = Clock(sender, resources.device)
    with clock.phase("import"):
        implementation = load(job["implementation"], job["options"])
    set_seeds(config.seed, resources.threads)
    corpus = open_corpus(Path(job["corpus_folder"]))
    sender.facts("memory", host_baseline_bytes=peak_bytes())
    with clock.phase("prepare"):
        implementation.prepare(corpus, config, resources)
    with clock.phase("compile"):
        implementation.compile()
    if job["rehearsal"]:
        if job["memory_pass_s"]:
            _measure_memory(clock, implementation, job["memory_pass_s"])
        return REHEARSED
    graphs = _graphs()
    snapshots = _snapshots(job, implementation, corpus.tokens * config.epochs)
    host = Withheld()
    try:
        with clock.phase("train"):
            implementation.train(make_tick(sender, job["budget_s"], snapshots))
    except BudgetSpent:
        return "over_budget"
    finally:
        sender.facts("machine", withheld_share=host.share())
        sender.facts("memory", host_peak_bytes=peak_bytes(), model_bytes=implementation.model_bytes())
        sender.facts("device", used=_holds_memory(resources.device))
        _tell_compiled(sender, graphs)
    sender.facts("work", raw_words=corpus.tokens * config.epochs, **implementation.work())
    vectors = implementation.vectors()
    check_vectors(vectors, corpus, config)
    if job["vectors_path"]:  # wanted for themselves
        np.save(job["vectors_path"], vectors)
        return "ok"
    with clock.phase("evaluate"):
        sender.send("quality", scores=_scores(vectors, corpus))
    if snapshots is not None:
        _evaluate_curve(sender, snapshots, corpus)
    return "ok"


def _snapshots(job: dict[str, Any], implementation: Implementation, words_total: int) -> Snapshots | None:
    if not job["curve"]:
        return None
    return Snapshots(Path(job["curve_folder"]), job["curve"], words_total, implementation.vectors)


def _cuda(device: str) -> Any:
    """torch.cuda where this process has imported torch and runs on a GPU; None elsewhere."""
    torch = sys.modules.get("torch")
    return torch.cuda if torch and device.startswith("cuda") else None


def _holds_memory(device: str) -> bool:
    """Whether PyTorch held memory of the GPU; gensim and others train on the host whatever the device is."""
    cuda = _cuda(device)
    return cuda is not None and cuda.max_memory_allocated(device) > 0


def _measure_memory(clock: Clock, implementation: Implementation, training_s: float) -> None:
    """The allocator's peaks until here, then those of some training.

    What setting up has freed is given back in between, so that training's peak is what training needs.
    """
    if (cuda := _cuda(clock.device)) is None:
        return
    _tell_peaks(clock, cuda, "setup")
    cuda.empty_cache()
    cuda.reset_peak_memory_stats(clock.device)
    with contextlib.suppress(BudgetSpent), clock.phase("train"):
        implementation.train(make_tick(clock.sender, training_s))
    _tell_peaks(clock, cuda, "peak")


def _tell_peaks(clock: Clock, cuda: Any, when: str) -> None:
    peaks = {
        f"cuda_{when}_allocated_bytes": cuda.max_memory_allocated(clock.device),
        f"cuda_{when}_reserved_bytes": cuda.max_memory_reserved(clock.device),
    }
    clock.sender.facts("memory", **peaks)


def _graphs() -> int:
    """Graphs that torch.compile has made so far in this process."""
    dynamo = sys.modules.get("torch._dynamo.utils")
    return int(dynamo.counters["stats"]["unique_graphs"]) if dynamo else 0


def _tell_compiled(sender: Sender, graphs: int) -> None:
    if graphs:
        breaks = sum(sys.modules["torch._dynamo.utils"].counters["graph_break"].values())
        sender.facts("compiled", graphs=graphs, graph_breaks=breaks, recompiles=_graphs() - graphs)


def _scores(vectors: npt.NDArray[np.float32], corpus: Corpus) -> list[dict[str, Any]]:
    from bench.quality.evaluation import evaluate  # scipy is not part of what an implementation weighs

    return [asdict(score) for score in evaluate(vectors, corpus.words)]


def _evaluate_curve(sender: Sender, snapshots: Snapshots, corpus: Corpus) -> None:
    """Outside every clock: `evaluate_s` is that of the final vectors alone."""
    sender.send("curve", missing=snapshots.missing)
    for taken in snapshots.taken:
        figures = {"words": taken.words, "elapsed_s": taken.elapsed_s, "snapshot_s": taken.snapshot_s}
        sender.send("point", point={**figures, "quality": _scores(np.load(taken.path), corpus)})


def _is_out_of_memory(error: BaseException) -> bool:
    return (
        isinstance(error, MemoryError)
        or "OutOfMemory" in type(error).__name__
        or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
    )


def main() -> int:
    """Run the job on standard input; whatever goes wrong becomes an `end` event."""
    sender = Sender(int(sys.argv[1]))
    job = json.load(sys.stdin)
    try:
        sender.send("end", status=measure(sender, job))
    except BrokenPipeError:
        return 1
    except UserError as error:
        sender.send("end", status="failed", reason=str(error), traceback=None)
    except BaseException as error:
        status = "oom" if _is_out_of_memory(error) else "failed"
        reason = f"{type(error).__name__}: {error}"
        sender.send("end", status=status, reason=reason, traceback=traceback.format_exc())
    return 0


if __name__ == "__main__":
    sys.exit(main())
