"""Synthetic sessions for the figures: a ladder, a study, vocabularies and a history, with known truths."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from bench.records.schema import Record
from tests.records_factory import record, unfinished

LADDER = (  # implementation, parent, objective, words/s, WS353, seconds of compiling, warm
    ("gensim", None, "ns", 0.20e6, 0.500, 0.0, None),
    ("word2vec_c", None, "ns", 0.11e6, 0.501, 0.0, None),
    ("negative_sampling", None, "ns", 0.04e6, 0.502, 0.0, None),
    ("ns_windowed", "negative_sampling", "ns", 0.50e6, 0.504, 0.0, None),
    ("ns_compiled", "ns_windowed", "ns", 0.75e6, 0.505, 24.0, 6.0),
    ("fused", None, "ns", 3.00e6, 0.506, 0.0, None),
    ("gensim", None, "hs", 0.25e6, 0.480, 0.0, None),
    ("hs_windowed", "hierarchical_softmax", "hs", 0.22e6, 0.450, 0.0, None),
    ("fused", None, "hs", 0.95e6, 0.478, 0.0, None),
)


def ladder(blocks: int = 5) -> list[Record]:
    """Rows from the textbook to the kernel; the machine slows by a tenth from block to block."""
    noise = np.random.default_rng(1)
    runs = []
    for i in range(blocks):
        for name, parent, objective, speed, ws353, compile_s, warm_s in LADDER:
            run = record(
                name,
                parent=parent,
                objective=objective,
                seed=i + 1,
                repetition=i,
                speed=speed * 0.9**i * float(noise.normal(1, 0.01)),
                ws353=ws353 + float(noise.normal(0, 0.004)),
                simlex=ws353 / 2 + float(noise.normal(0, 0.003)),
            )
            times = {**run.phases, "compile_s": compile_s, "compile_warm_s": warm_s}
            runs.append(replace(run, phases=times))
        runs.append(
            unfinished(
                "over_budget", "full_softmax", "20 s spent", objective="softmax", seed=i + 1, repetition=i,
                speed=2_800.0 * 0.9**i,
            )
        )  # fmt: skip
    return runs


def vocabularies() -> list[Record]:
    """One growing with V twice as steeply as the other, at six minimum counts; stopped at a budget."""
    runs = []
    for min_count, v in ((100, 11_702), (40, 20_659), (15, 36_252), (5, 67_929), (2, 124_092), (1, 219_125)):
        for name, slope in (("full_softmax", 6_400), ("softmax_windowed", 3_200)):
            run = record(name, objective="softmax", config={"min_count": min_count})
            memory = {**run.memory, "model_bytes": 800 * v, "host_peak_bytes": 150 * 2**20 + slope * v}
            data = {**run.data, "vocabulary": v, "tokens": 10**7 - v}
            runs.append(replace(run, status="over_budget", quality=[], memory=memory, data=data))
    return runs


def options_study(seeds: int = 3) -> list[Record]:
    """Larger steps are faster and worse, few negatives much worse, a cap slower."""
    noise = np.random.default_rng(2)
    runs = []
    for i in range(seeds):
        quality = {"ws353": 0.5 + (i - 1) / 500, "simlex": 0.25 + (i - 1) / 500}
        runs.append(record("gensim", seed=i, repetition=i, speed=0.2e6, **quality))
        for positions in (128, 256, 512, 1024, 2048):
            for negatives in (16, 80):
                for cap in (0, 16):
                    loss = 0.00004 * positions * (1 if cap else 1.5) + (0.03 if negatives == 16 else 0)
                    options = {
                        "positions": positions,
                        "negatives_a_chunk": negatives,
                        "cap": cap,
                        "chunk": 16,
                    }
                    runs.append(_studied(options, i, loss, float(noise.normal(0, 0.003))))
    return runs


def _studied(options: dict[str, Any], seed: int, loss: float, noise: float) -> Record:
    speed = 2.2e5 * np.log2(options["positions"] / 32) * (1.3 if options["negatives_a_chunk"] == 16 else 1)
    run = record(
        "ns_windowed",
        seed=seed,
        repetition=seed,
        speed=float(speed) * (0.9 if options["cap"] else 1),
        ws353=0.505 - loss + noise,
        simlex=0.252 - loss / 2 + noise / 2,
    )
    name = "-".join(f"{value:g}" for value in options.values())
    return replace(
        run, run_id=f"{run.run_id}-{name}", implementation={**run.implementation, "options": options}
    )


def changes() -> list[Record]:
    """`fused` at three commits, 8, 10 and 15 times gensim's speed, two blocks each."""
    runs = [record("gensim", seed=i, repetition=i, speed=1e5) for i in range(6)]
    for version, (factor, ws353) in enumerate(((8, 0.49), (10, 0.50), (15, 0.505))):
        for i in range(2):
            run = record(
                "fused", seed=i, repetition=2 * version + i, speed=1e5 * (factor + i / 10), ws353=ws353
            )
            runs.append(
                replace(
                    run,
                    run_id=f"{run.run_id}-{version}",
                    implementation={**run.implementation, "source_sha256": f"{version}" * 64},
                    git={"commit": "abc"[version] * 40, "dirty": False},
                )
            )
    return runs


def grown() -> list[Record]:
    """Four sizes on one and two threads; `fused` is 15, 13, 12 and 10 times gensim, and scales by 1.9."""
    noise = np.random.default_rng(3)
    sizes = ((100, 5, 15), (100, 15, 13), (300, 5, 12), (300, 15, 10))
    return [
        record(
            name,
            seed=i,
            repetition=i,
            threads=threads,
            speed=1e5 * (factor if name == "fused" else 1) * gain * float(noise.normal(1, 0.02)),
            config={"dim": dim, "negatives": negatives},
        )
        for dim, negatives, factor in sizes
        for i in range(5)
        for threads, gain in ((1, 1.0), (2, 1.9))
        for name in ("gensim", "fused")
    ]


VOCABULARIES = {100: 11_702, 40: 20_659, 15: 36_252, 5: 67_929, 2: 124_092, 1: 219_125}  # by minimum count


def costly(
    laws: Mapping[tuple[str, str], Callable[[int], float]],
    *,
    noise: float = 0.0,
    seeds: int = 1,
    seed: int = 0,
    device: str = "cpu",
    counts: Sequence[int] = tuple(VOCABULARIES),
    **changes: Any,
) -> list[Record]:
    """Rows by implementation and objective, stopped at a budget, with their seconds a million words by V."""
    rng = np.random.default_rng(seed)
    runs = []
    for i in range(seeds):
        for min_count in counts:
            v = VOCABULARIES[min_count]
            for (name, objective), law in laws.items():
                seconds = law(v) * float(np.exp(rng.normal(0, noise)))
                run = record(
                    name, objective=objective, seed=i + 1, repetition=i, speed=1e6 / seconds,
                    config={"min_count": min_count}, **changes,
                )  # fmt: skip
                data = {**run.data, "vocabulary": v, "tokens": 10**7 - v}
                resources = {**run.resources, "device": device}
                runs.append(replace(run, status="over_budget", quality=[], data=data, resources=resources))
    return runs
