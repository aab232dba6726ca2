"""Planted runs of paper suites: what a paper would find, made to hold, to fail or to tell nothing."""

from collections.abc import Iterable
from dataclasses import replace

from bench.contract import Resources
from bench.records.schema import Record, Score
from bench.running.plan import Run, plan
from bench.suites import Suite
from tests.records_factory import record

WOBBLE = (0.0, 0.01, -0.01, 0.02, -0.02)  # of the seeds, in turn


def planted(suite: Suite, scores=None, train_s=None, seeds: int = 3, **changes) -> list[Record]:
    """One finished run for each that `suite` plans, over `seeds` blocks.

    Args:
        scores: from a run's `Config` to (semantic, syntactic, total), shares.
        train_s: from a run's `Config` to seconds.
    """
    runs = plan(replace(suite, seeds=seeds), Resources(threads=2))
    return [_planted(run, scores or _scores, train_s or _seconds, changes) for run in runs]


def _scores(config) -> tuple[float, float, float]:
    lift = 0.08 if config.subsample else 0.0
    hs = {"hs": -0.1}.get(config.objective, 0.0)
    return 0.30 + lift + hs, 0.40 + lift + hs, 0.35 + lift + hs + config.dim / 10_000


def _seconds(config) -> float:
    work = 1.08 * 6 if config.objective == "hs" else 1 + config.negatives
    return work * config.dim / 10 / (2.7 if config.subsample else 1)


def _planted(run: Run, scores, train_s, changes) -> Record:
    config, wobble = run.config, 1 + WOBBLE[run.config.seed % len(WOBBLE)]
    plain = record(
        run.entry.spec.name,
        architecture=config.architecture,
        objective=config.objective,
        seed=config.seed,
        repetition=run.repetition,
        config={f: getattr(config, f) for f in ("dim", "window", "negatives", "subsample", "epochs")}
        | {"learning_rate": config.learning_rate},
    )
    seconds = train_s(config) * wobble
    return replace(
        plain,
        suite=run.suite,
        phases={**plain.phases, "train_s": seconds},
        throughput={**plain.throughput, "raw_words_per_s": plain.work["raw_words"] / seconds},
        quality=[*_analogies([x * wobble for x in scores(config)]), *plain.quality[:2]],
        **changes,
    )


def _analogies(shares: Iterable[float]) -> list[Score]:
    parts = zip(("semantic", "syntactic", "all"), (8_869, 10_675, 19_544), shares, strict=True)
    return [
        Score("google", part, metric, share - less, share - 0.01, share + 0.01, total // 2, total, "as asked")
        for part, total, share in parts
        for metric, less in (("3cosadd", 0.0), ("3cosmul", 0.02))
    ]
