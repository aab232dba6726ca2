"""How often the regression gate is right at this machine's own noise: `python -m tests.simulate_gate`.

The noise is resampled from the committed records, not invented: what is left of log words/s once
each row's and each block's mean is taken away, of log peak bytes and of the scores once the row's
mean is; scaled for the means that were estimated. Pooled are the rows that `w2vbench regress` races,
on its text: another text or another program has another noise.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from bench.analysis.cells import Cell, Section
from bench.analysis.comparison import DEFAULT_MARGINS, Comparison, compare
from bench.analysis.margins import Shift
from bench.analysis.rows import cells
from bench.records import store
from bench.records.metrics import METRICS
from bench.records.schema import Record
from bench.records.sides import Side
from bench.suites import find_suite
from tests.records_factory import record

RESULTS = Path(__file__).parents[1] / "results"
PLANTED = {  # what is planted: its kind, and how it shifts the new side
    "nothing": ("", 0.0),
    "10 % slower": ("throughput", math.log(0.90)),
    "5 % more memory": ("memory", math.log(1.05)),
    "quality .03 lower": ("quality", -0.03),
}
POWER = 0.99  # planned for, so that 95 of 100 is met by more than luck
Pool = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Noise:
    """Residuals of single runs, each pool with mean 0."""

    speed: Pool  # of log words/s
    memory: Pool  # of log bytes
    ws353: Pool
    simlex: Pool


def measured_noise(records: Sequence[Record]) -> Noise:
    """The noise of every row of the gate's suite with three runs or more."""
    gate = find_suite("regress")
    rows = [
        cell
        for cell in cells(records)
        if cell.status == "ok"
        and len(cell.runs) >= 3
        and cell.section.dataset == gate.dataset
        and cell.implementation in gate.implementations
    ]

    def pool(name: str, scale: Callable[[float], float] = float) -> Pool:
        known = [[METRICS[name].value(run) for run in cell.runs] for cell in rows]
        values = [np.array([scale(v) for v in row]) for row in known if None not in row]
        return np.concatenate([(v - v.mean()) * math.sqrt(len(v) / (len(v) - 1)) for v in values])

    return Noise(
        speed=np.concatenate([_residuals(table) for table in _speed_tables(rows)]),
        memory=pool("host_peak_bytes", math.log),
        ws353=pool("wordsim353/all/spearman"),
        simlex=pool("simlex999/all/spearman"),
    )


def _speed_tables(rows: Sequence[Cell]) -> list[Pool]:
    """(rows, blocks) of log words/s for each table and series: blocks that most rows have, without gaps."""
    groups: dict[tuple[Section, str], list[dict[int, float]]] = defaultdict(list)
    for cell in rows:
        speeds = {r.block["repetition"]: math.log(r.throughput["raw_words_per_s"]) for r in cell.runs}
        groups[cell.section, cell.runs[0].block["series"]].append(speeds)
    tables = []
    for group in groups.values():
        table = pd.DataFrame(group)
        table = table.loc[:, table.notna().mean() > 0.5].dropna()
        if len(table) >= 2 and len(table.columns) >= 3:
            tables.append(table.to_numpy())
    return tables


def _residuals(table: Pool) -> Pool:
    """What neither the row nor the block explains, scaled by the degrees of freedom spent on both."""
    rows, blocks = table.shape
    left = table - table.mean(1, keepdims=True) - table.mean(0, keepdims=True) + table.mean()
    return left.ravel() * math.sqrt(rows * blocks / ((rows - 1) * (blocks - 1)))


def runs_needed(noise: Noise, planted: str, power: float = POWER) -> int:
    """Blocks or seeds with which the planted change clears the default margin."""
    kind, shift = PLANTED[planted]
    pool, margin = {
        "throughput": (noise.speed, math.log(0.95)),
        "memory": (noise.memory, math.log(1.02)),
        "quality": (noise.ws353, -0.01),
    }[kind]
    error = float(np.sqrt(2 * np.mean(pool**2)))  # of one new run minus one base run
    freedom = 1 if kind == "throughput" else 2  # for two pairs, and two runs a side
    return Shift(0.0, error / math.sqrt(2), freedom, 2).runs_needed(abs(shift - margin), power)


def simulate(noise: Noise, planted: str, blocks: int, rng: np.random.Generator) -> Comparison:
    """One comparison of `blocks` blocks of base and new, drawn anew."""
    kind, shift = PLANTED[planted]
    base = [_run(noise, block, rng, {}) for block in range(blocks)]
    new = [_run(noise, block, rng, {kind: shift}) for block in range(blocks)]
    return compare(Side("base", tuple(base)), Side("new", tuple(new)), DEFAULT_MARGINS)


def _run(noise: Noise, block: int, rng: np.random.Generator, shift: Mapping[str, float]) -> Record:
    run = record(
        "fused",
        repetition=block,
        seed=block + 1,
        speed=3e6 * math.exp(rng.choice(noise.speed) + shift.get("throughput", 0)),
        ws353=0.40 + rng.choice(noise.ws353) + shift.get("quality", 0),
        simlex=0.23 + rng.choice(noise.simlex) + shift.get("quality", 0),
    )
    run.memory["host_peak_bytes"] = 56e6 * math.exp(rng.choice(noise.memory) + shift.get("memory", 0))
    return run


def alarms(noise: Noise, planted: str, blocks: int, repeats: int, seed: int = 0) -> int:
    """How many of `repeats` simulated comparisons fail: on what was planted, or on anything."""
    rng = np.random.default_rng(seed)
    kind, _ = PLANTED[planted]
    return sum(
        any(c.verdict == "regression" and c.kind == (kind or c.kind) for c in comparison.changes)
        for comparison in (simulate(noise, planted, blocks, rng) for _ in range(repeats))
    )


def main(repeats: int = 100) -> None:
    """Print the noise, and what is caught of 100 with how many runs."""
    noise = measured_noise(store.read_all(RESULTS))
    for name in ("speed", "memory", "ws353", "simlex"):
        pool = getattr(noise, name)
        print(f"{name}: sd {np.sqrt(np.mean(pool**2)):.4f} of a single run, {len(pool)} runs")
    print(f"\n{'planted':<20}{'runs a side':>12}{'alarms of ' + str(repeats):>16}")
    losses = [name for name in PLANTED if name != "nothing"]
    for planted in PLANTED:
        needed = {runs_needed(noise, name) for name in losses if planted in (name, "nothing")}
        for blocks in sorted({3, 5, 10, *needed}):
            mark = "  the number needed" if planted in losses and blocks in needed else ""
            print(f"{planted:<20}{blocks:>12}{alarms(noise, planted, blocks, repeats):>16}{mark}")


if __name__ == "__main__":
    main()
