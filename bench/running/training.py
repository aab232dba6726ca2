"""Training for the vectors' own sake: one run of any implementation on a user's text."""

import tempfile
from pathlib import Path

import numpy as np

from bench import vectors
from bench.datasets import open_corpus, prepare_corpus
from bench.errors import UserError
from bench.records.schema import Record
from bench.running.machine import machine, missing
from bench.running.plan import Run
from bench.running.session import Display
from bench.running.supervise import supervise

FALLBACK = "gensim"


def fastest_equivalent(records: list[Record], architecture: str, objective: str) -> str:
    """The implementation that ranks first for this model on this machine; gensim where none is proven."""
    from bench.analysis.rows import cells  # statistics take a second to load; most calls name their choice

    here = [r for r in records if r.machine["name"] == machine()["name"]]
    ranked = [c for c in cells(here) if c.model == (architecture, objective) and c.rank is not None]
    best = max(ranked, key=lambda c: c.ratio.value if c.ratio else 0.0, default=None)
    return best.implementation if best else FALLBACK


def train(run: Run, text: str, out: Path, display: Display) -> Record:
    """Train as `run` says on `text` and write the vectors to `out`.

    Raises UserError when the text or `out` cannot be used, something is missing, or training
    does not come to its end; a file that was at `out` before is then left as it was.
    """
    vectors.check_target(out)
    if lacking := missing(run.entry.spec.needs, run.resources.device):
        raise UserError(
            f"{run.entry.spec.name} cannot run here", why=lacking, remedy="choose another with --impl"
        )
    folder = prepare_corpus(text, min_count=run.config.min_count, progress=display.building)
    corpus = open_corpus(folder)
    display.begin(run, 1, 1, corpus.tokens * run.config.epochs)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".w2vbench-") as scratch:
        saved, log = Path(scratch) / "vectors.npy", Path(scratch) / "log"
        record = supervise(run, corpus, folder, {}, log, display.event, saved)
        display.end(record, cached=False)
        if record.status != "ok":
            raise UserError(
                f"training ended as {record.status}",
                why=record.reason or "",
                remedy="try a smaller --learning-rate, more memory, or another --impl",
            )
        vectors.write(out, corpus.words, np.load(saved, mmap_mode="r"))
    return record
