"""Times as ratios to a reference kernel, and what has changed since an earlier session.

A machine that is slower, or busy, slows the reference kernel too; the ratio stays. Within a session the
two are timed in turn, round by round, which gives the ratio its interval.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.analysis.statistics import equivalence, paired_log_ratio

# An alarm needs the whole interval of now ÷ then beyond this. Two sessions of the same code on one
# machine differ by more than their intervals say: memory is laid out anew, neighbours come and go.
MARGIN = 0.3

Ratios = Mapping[str, Sequence[float]]  # by benchmark: seconds a step ÷ seconds of the reference, by round


@dataclass(frozen=True)
class Change:
    """One benchmark in two sessions: now ÷ then of its ratio, with a 90 % interval."""

    name: str
    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """ "slower" or "faster" where the whole interval lies beyond the margin, else ""."""
        if self.low > 1 + MARGIN:
            return "slower"
        return "faster" if self.high < 1 / (1 + MARGIN) else ""


def extra_info(
    step_s: Sequence[float], reference_s: Sequence[float], words: float, unit: str
) -> dict[str, object]:
    """What a benchmark's JSON says beside pytest-benchmark's own figures, which are of whole rounds."""
    ratio = paired_log_ratio(step_s, reference_s)
    return {
        "words_per_step": words,
        "unit": unit,  # what "words" are: raw words of a text unless it says otherwise
        "step_s": float(np.median(step_s)),
        "words_per_s": words / float(np.median(step_s)),
        "ratio": ratio.value,
        "ratio_low": ratio.low,
        "ratio_high": ratio.high,
        "ratios": [a / b for a, b in zip(step_s, reference_s, strict=True)],
    }


def read(path: Path) -> Ratios:
    """The ratios of a saved session. Raises ValueError where the file is none."""
    try:
        saved = json.loads(path.read_text("utf-8"))["benchmarks"]
        return {one["name"]: one["extra_info"]["ratios"] for one in saved}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no micro-benchmarks ({type(error).__name__}: {error})") from error


def compare(now: Ratios, then: Ratios) -> list[Change]:
    """Every benchmark of both sessions. The interval is Welch's, of the difference of logarithms."""
    changes = []
    for name in (name for name in now if name in then):
        found = equivalence(np.log(now[name]), np.log(then[name]), margin=np.log(1 + MARGIN))
        value, low, high = np.exp([found.difference, found.low, found.high]).tolist()
        changes.append(Change(name, value, low, high))
    return changes
