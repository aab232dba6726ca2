"""What becomes of a paper's claims here: each as a ratio or difference with its 95 % interval, and a verdict.

Times are compared within blocks, for equal work and begun in one session; scores over seeds. A claim holds
where the whole interval lies on the paper's side of no effect, does not hold where it lies on the other,
and otherwise nothing can be told from a text of this size with so many seeds.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

import pandas as pd

from bench.analysis.comparable import one_session
from bench.analysis.papers import Line, Replication, by_seed, differing, matches, where
from bench.analysis.statistics import Estimate, difference_of_means, mean_interval, paired_log_ratio
from bench.records.schema import Record
from bench.suites import MEASURES, Claim, Measure

FEWEST = 3  # blocks, or seeds on either side, before anything is said
HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot tell at this size"
NOT_RUN = "not run"


@dataclass(frozen=True)
class Tested:
    """One case of a claim."""

    claim: Claim
    shared: tuple[tuple[str, Any], ...]  # of Config: what both sides have and other cases have not
    implementations: tuple[str, ...]  # of the two sides; none where a side was not run
    found: Estimate | None  # a ratio, or a difference in the paper's unit; None: no common block or score

    @property
    def n(self) -> int:
        """Blocks with both sides, or seeds of the side that has fewer."""
        return self.found.n if self.found else 0

    @property
    def interval(self) -> tuple[float, float] | None:
        """At 95 %; None for fewer than FEWEST."""
        if self.found is None or self.found.low is None or self.found.high is None or self.n < FEWEST:
            return None
        return self.found.low, self.found.high

    @property
    def verdict(self) -> str:
        """HOLDS, FAILS, OPEN, NOT_RUN, or that runs are too few."""
        if not self.implementations:
            return NOT_RUN
        if self.interval is None:
            n, unit = self.n, "block" if MEASURES[self.claim.measure].is_time else "seed"
            return f"cannot tell (n = {n} {unit}{'s' if n != 1 else ''})"
        above, below = self.interval[0] > self.claim.neutral, self.interval[1] < self.claim.neutral
        if above or below:
            return HOLDS if above == self.claim.more else FAILS
        return OPEN

    @property
    def holds_figure(self) -> bool | None:
        """Whether the paper's figure lies inside our interval; None without either."""
        if self.claim.figure is None or self.interval is None:
            return None
        return self.interval[0] <= self.claim.figure <= self.interval[1]


def tested(replication: Replication) -> list[Tested]:
    """Every claim of the suite, in its order, each with all of its cases; one without a figure if none."""
    return [case for claim in replication.suite.claims for case in _cases(claim, replication)]


def _cases(claim: Claim, replication: Replication) -> list[Tested]:
    of, to = _side(claim.of, replication), _side(claim.to, replication)
    compared = differing([*of, *to]) - _free(claim)
    found = [
        Tested(claim, _shared(a, compared), (a.implementation, b.implementation), _compared(claim, a, b))
        for a, b in product(of, to)
        if _shared(a, compared) == _shared(b, compared)
        if claim.across or a.implementation == b.implementation
    ]
    return found or [Tested(claim, (), (), None)]


def _side(setting: Mapping[str, Any], replication: Replication) -> list[Line]:
    return [line for line in replication.lines if line.finished and matches(line.config, setting)]


def _shared(line: Line, keys: Iterable[str]) -> tuple[tuple[str, Any], ...]:
    return tuple((key, line.config[key]) for key in sorted(keys))


def _free(claim: Claim) -> set[str]:
    """What a side names, and the rate where that is the architecture's."""
    named = {*claim.of, *claim.to}
    return named | ({"learning_rate"} if "architecture" in named else set())


def _compared(claim: Claim, of: Line, to: Line) -> Estimate | None:
    if MEASURES[claim.measure].is_time:
        return _times(of.finished, to.finished)
    ours, theirs = by_seed(of.finished, MEASURES[claim.measure]), by_seed(to.finished, _against(claim))
    if not ours or not theirs:
        return None
    if of is to:  # two measures of the same vectors
        return mean_interval([ours[seed] - theirs[seed] for seed in ours if seed in theirs])
    return difference_of_means(list(ours.values()), list(theirs.values()))


def _against(claim: Claim) -> Measure:
    return MEASURES[claim.against or claim.measure]


def _times(of: Iterable[Record], to: Iterable[Record]) -> Estimate | None:
    """The ratio of training times over the blocks that have both; None without such a block."""
    ours, theirs = _by_block(of), _by_block(to)
    shared = sorted(ours.keys() & theirs.keys())
    pairs = [(ours[block], theirs[block]) for block in shared if _alike(ours[block], theirs[block])]
    if not pairs:
        return None
    return paired_log_ratio([_train_s(a) for a, _ in pairs], [_train_s(b) for _, b in pairs])


def _by_block(runs: Iterable[Record]) -> dict[tuple[str, int], Record]:
    """The timed run of each block; the later of two."""
    return {run.in_block: run for run in runs if _train_s(run) > 0}


def _train_s(run: Record) -> float:
    return run.phases.get("train_s") or 0.0


def _alike(a: Record, b: Record) -> bool:
    """The same amount of work, in one session."""
    return a.work.get("raw_words") == b.work.get("raw_words") and one_session(a, b)


def frame(found: Iterable[Replication]) -> pd.DataFrame:
    """(cases, columns) one row a case of a claim; missing is empty."""
    return pd.DataFrame(
        [{**where(one), **_flat(case)} for one in found for case in tested(one)], dtype=object
    )


def _flat(case: Tested) -> dict[str, Any]:
    found = case.found
    return {
        "claim": case.claim.says,
        "where": " ".join(f"{key}={value}" for key, value in case.shared),
        "implementations": " ".join(case.implementations),
        "measure": case.claim.measure,
        "paper": case.claim.figure,
        "tag": case.claim.tag,
        "ours": found.value if found else None,
        "ours_low_95": found.low if found else None,
        "ours_high_95": found.high if found else None,
        "n": case.n,
        "verdict": case.verdict,
        "holds_paper_figure": case.holds_figure,
    }
