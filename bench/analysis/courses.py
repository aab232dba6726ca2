"""Learning curves as flat tables: one line a point, and one line a row with its time to quality."""

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd

from bench.analysis.cells import QUALITY_SETS, Cell, Spread
from bench.analysis.curves import course
from bench.analysis.rows import frame


def points(cells: Sequence[Cell]) -> pd.DataFrame:
    """(points, columns) every point of every run of `cells`, its end included; missing scores are empty."""
    return pd.DataFrame(
        [
            {
                "implementation": cell.implementation,
                "source_sha256": cell.source_sha256,
                "architecture": cell.architecture,
                "objective": cell.objective,
                "threads": cell.threads,
                "run_id": run.run_id,
                "seed": run.config["seed"],
                "words": moment.words,
                "elapsed_s": moment.elapsed_s,
                "snapshot_s": moment.snapshot_s,
                **{name: moment.scores.get(name) for name in QUALITY_SETS},
            }
            for cell in cells
            for run in cell.runs
            for moment in course(run)
        ]
    )


def times(cells: Sequence[Cell]) -> pd.DataFrame:
    """(len(cells), columns) the rows of the table of times; a run that never arrives leaves a field empty."""
    return pd.concat([frame(cells), pd.DataFrame([_reached(cell) for cell in cells])], axis=1)


def _reached(cell: Cell) -> dict[str, Any]:
    found = cell.reached
    ratio = found.ratio if found else None
    return {
        **_spread("seconds_to_quality", found.seconds if found else None),
        **_spread("words_to_quality", found.words if found else None),
        "runs_that_reach_it": found.arrived if found else 0,
        "at_most": found.at_most if found else None,
        "times_as_fast_as_gensim": ratio.value if ratio else None,
        "times_as_fast_low_95_over_blocks": ratio.low if ratio else None,
        "times_as_fast_high_95_over_blocks": ratio.high if ratio else None,
        **{f"{name}_to_reach": value for name, value in (found.target if found else {}).items()},
    }


def _spread(name: str, spread: Spread | None) -> dict[str, float | None]:
    values = (spread.median, spread.low, spread.high) if spread else (None, None, None)
    keys = (f"{name}_median", f"{name}_min_over_runs", f"{name}_max_over_runs")
    return {
        key: value if value is not None and math.isfinite(value) else None
        for key, value in zip(keys, values, strict=True)
    }
