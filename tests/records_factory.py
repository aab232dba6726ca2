"""Synthetic records for tests: plausible figures, no training, the same on every call."""

import hashlib
from dataclasses import replace
from typing import Any

import numpy as np

from bench.records.schema import Record, Score

MACHINE = {
    "name": "testbox",
    "cpu": "Imaginary CPU @ 2.50GHz",
    "cores": 2,
    "memory_bytes": 8 * 2**30,
    "gpu": None,
    "os": "Linux 6.1",
    "load_average": 0.2,
}


def record(implementation: str = "gensim", **changes: Any) -> Record:
    """One finished skip-gram NS run on a small corpus.

    Keyword arguments are either fields of `Record`, which replace them, or one of the shortcuts
    `architecture`, `objective`, `seed`, `repetition`, `series`, `threads`, `speed` (raw words/s),
    `ws353`, `simlex`, `google`, `parent`, `config` and `machine` (merged into the defaults).
    """
    option = {
        "architecture": "skipgram",
        "objective": "ns",
        "seed": 1,
        "repetition": 0,
        "series": "s1",
        "threads": 2,
        "speed": 400_000.0,
        "ws353": 0.51,
        "simlex": 0.26,
        "google": 0.15,
        "parent": None,
        "config": {},
        "machine": {},
    }
    fields = {k: changes.pop(k) for k in list(changes) if k not in option}
    option |= changes
    return replace(_finished(implementation, option), **fields)


def unfinished(status: str, implementation: str, reason: str, **changes: Any) -> Record:
    """A run that ended as `status`: nothing measured, except the speed of an over_budget one."""
    run = record(implementation, **changes)
    keep = run.throughput if status == "over_budget" else {}
    return replace(run, status=status, reason=reason, quality=[], throughput=keep, memory={}, phases={})


def demo(seeds: int = 3) -> list[Record]:
    """A whole session: references and textbook rows over `seeds` blocks, and every way to fail."""
    noise = np.random.default_rng(0)
    runs = []
    for repetition in range(seeds):
        for name, architecture, objective, speed, ws353 in _DEMO:
            runs.append(
                record(
                    name,
                    architecture=architecture,
                    objective=objective,
                    seed=repetition + 1,
                    repetition=repetition,
                    speed=speed * float(noise.normal(1, 0.03)),
                    ws353=ws353 + float(noise.normal(0, 0.006)),
                    simlex=ws353 / 2 + float(noise.normal(0, 0.005)),
                    google=max(0.0, ws353 - 0.38) + float(noise.normal(0, 0.003)),
                )
            )
    return runs + _endings()


_DEMO = (
    ("gensim", "skipgram", "ns", 410e3, 0.512),
    ("gensim", "skipgram", "hs", 450e3, 0.492),
    ("gensim", "cbow", "ns", 1370e3, 0.455),
    ("gensim", "cbow", "hs", 1180e3, 0.432),
    ("word2vec_c", "skipgram", "ns", 230e3, 0.511),
    ("word2vec_c", "skipgram", "hs", 480e3, 0.494),
    ("word2vec_c", "cbow", "ns", 580e3, 0.457),
    ("negative_sampling", "skipgram", "ns", 31e3, 0.510),
    ("negative_sampling", "cbow", "ns", 42e3, 0.456),
    ("hierarchical_softmax", "skipgram", "hs", 18e3, 0.491),
    ("windowed", "skipgram", "ns", 640e3, 0.437),
)


def _endings() -> list[Record]:
    """One row of every status but ok."""
    return [
        unfinished("over_budget", "full_softmax", "60 s spent", objective="softmax", speed=2_100.0),
        unfinished("skipped", "fasttext", "package 'fasttext' is missing: pip install fasttext"),
        replace(
            unfinished(
                "failed", "hierarchical_softmax", "ValueError: shapes", architecture="cbow", objective="hs"
            ),
            traceback='Traceback (most recent call last):\n  File "impls/x.py", line 3\nValueError: shapes',
        ),
        unfinished("oom", "full_softmax", "host memory", architecture="cbow", objective="softmax"),
        unfinished("timeout", "slow_one", "killed after 600 s"),
        record("bold_one", status="gate_missed", reason="WS353 is 0.08 below the reference", ws353=0.43),
        unfinished("withdrawn", "old_one", "trained on the test set"),
    ]


def _finished(name: str, option: dict[str, Any]) -> Record:
    config = {
        "architecture": option["architecture"],
        "objective": option["objective"],
        "dim": 100,
        "window": 5,
        "negatives": 5,
        "subsample": 1e-3,
        "epochs": 20,
        "learning_rate": 0.025,
        "min_count": 5,
        "seed": option["seed"],
        **option["config"],
    }
    words = 430_000 * config["epochs"]
    identity = (name, *config.values(), option["series"], option["repetition"], option["threads"])
    return Record(
        run_id=f"{hash_of(identity):016x}",
        suite="main",
        status="ok",
        reason=None,
        traceback=None,
        implementation={
            "name": name,
            "summary": f"{name}, for tests",
            "objectives": ["softmax", "ns", "hs"],
            "architectures": ["skipgram", "cbow"],
            "paper": "mikolov2013b",
            "needs": [],
            "parent": option["parent"],
            "division": "open" if name == "fasttext" else "closed",
            "source_sha256": "ab" * 32,
        },
        config=config,
        data={
            "name": "wiki-slice",
            "sha256": "cd" * 32,
            "raw_tokens": 470_000,
            "tokens": 430_000,
            "vocabulary": 9_071,
        },
        resources={
            "device": "cpu",
            "threads": option["threads"],
            "timeout_s": 600,
            "budget_s": 60,
            "environment": {"OMP_NUM_THREADS": str(option["threads"])},
        },
        block={"series": option["series"], "repetition": option["repetition"], "position": 0},
        started=f"2026-01-0{option['repetition'] % 9 + 1}T12:00:00Z",
        duration_s=words / option["speed"] + 4,
        machine={**MACHINE, **option["machine"]},
        versions={"python": "3.11.2", "torch": "2.13.0", "gensim": "4.4.0"},
        git={"commit": "0" * 40, "dirty": False},
        work={"raw_words": words, "kept_words": None, "pairs": None, "scored_outputs": None},
        phases={
            "import_s": 1.2,
            "prepare_s": 0.31,
            "compile_s": 0.0,
            "train_s": words / option["speed"],
            "evaluate_s": 2.6,
        },
        throughput={
            "raw_words_per_s": option["speed"],
            "kept_words_per_s": None,
            "pairs_per_s": None,
        },
        memory={
            "model_bytes": 2 * 9_071 * 100 * 4,
            "host_baseline_bytes": 150 * 2**20,
            "host_peak_bytes": (180 + 40 * len(name)) * 2**20,
            "cuda_peak_allocated_bytes": None,
            "cuda_peak_reserved_bytes": None,
        },
        quality=[
            _score("wordsim353", "spearman", option["ws353"], 0.08, 203, 353),
            _score("simlex999", "spearman", option["simlex"], 0.07, 601, 999),
            _score("google", "3cosadd", option["google"], 0.01, 7_123, 19_544),
        ],
    )


def _score(name: str, metric: str, value: float, half: float, used: int, total: int) -> Score:
    return Score(name, "all", metric, value, value - half, value + half, used, total, "all words")


def hash_of(identity: object) -> int:
    """A 64-bit number that is the same in every process, unlike `hash`."""
    return int.from_bytes(hashlib.sha256(repr(identity).encode()).digest()[:8], "big")
