"""Records as rows: cells in table order, and two flat tables, one row a cell and one row a run.

Figures are in full precision with the unit in the column's name; missing is an empty field.
"""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import pandas as pd

from bench.analysis.cells import PHASES, QUALITY_SETS, Cell, Quality, Spread, Versus, group
from bench.analysis.statistics import Estimate, median_interval
from bench.analysis.verdicts import MARGINS, judge
from bench.records.schema import Record, Score

_GROUPS = (
    "implementation",
    "config",
    "data",
    "resources",
    "block",
    "machine",
    "versions",
    "git",
    "work",
    "phases",
    "compiled",
    "throughput",
    "memory",
)


def cells(records: Iterable[Record]) -> list[Cell]:
    """One cell a row of the tables, in their order: section, model, tier, words/s.

    Runs with a learning curve are left to `curves`: the copies that it takes slow them down.
    """
    return judge(group(record for record in records if record.curve is None))


def rows_hash(rows: Iterable[Cell]) -> str:
    """12 hex digits that name exactly the runs behind `rows`."""
    ids = sorted(run.run_id for cell in rows for run in cell.runs)
    return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]


def frame(rows: Sequence[Cell]) -> pd.DataFrame:
    """(len(rows), columns) one row a cell."""
    return pd.DataFrame([_flat_cell(cell) for cell in rows])


def runs(records: Iterable[Record]) -> pd.DataFrame:
    """One row a run: every key of the record but the traceback, groups joined by dots."""
    ordered = sorted(records, key=lambda r: (r.started, r.run_id))
    table = pd.DataFrame([_flat_record(record) for record in ordered])
    names: list[str] = sorted(map(str, table.columns), key=_column_order)
    return table[names]


def _flat_cell(cell: Cell) -> dict[str, Any]:
    where = cell.section
    return {
        "dataset": where.dataset,
        "data_sha256": where.data_sha256,
        **{f"machine_{k}": v for k, v in where.machine},
        **dict(where.settings),
        "implementation": cell.implementation,
        "source_sha256": cell.source_sha256,
        "division": cell.division,
        "architecture": cell.architecture,
        "objective": cell.objective,
        "device": cell.device,
        "threads": cell.threads,
        "status": cell.status,
        "reason": "; ".join(cell.reasons) or None,
        "rank_within_model": cell.rank,
        "quality_vs_gensim": cell.verdict,
        "runs": len(cell.runs),
        "seeds": cell.seeds,
        **_spread("raw_words_per_s", cell.speed, "over_runs"),
        **_ratio("gensim", cell.ratio),
        "blocks": cell.ratio.n if cell.ratio else None,
        "parent": cell.parent,
        **_ratio("parent", cell.ratio_to_parent),
        "host_peak_bytes": cell.host_peak_bytes,
        "cuda_peak_reserved_bytes": cell.cuda_peak_bytes,
        "model_bytes": cell.model_bytes,
        **{name: cell.phases[name] for name in PHASES},
        **{k: v for name in QUALITY_SETS for k, v in _quality(name, cell.quality.get(name)).items()},
        **{k: v for name in MARGINS for k, v in _versus(name, cell.versus.get(name)).items()},
        "ratio_to_gensim_p_holm": cell.ratio.p if cell.ratio else None,
        "first_started": cell.runs[0].started,
        "last_started": cell.runs[-1].started,
        "rows_hash": rows_hash([cell]),
    }


def _spread(name: str, spread: Spread | None, over: str) -> dict[str, float | None]:
    return {
        f"{name}_median": spread.median if spread else None,
        f"{name}_min_{over}": spread.low if spread else None,
        f"{name}_max_{over}": spread.high if spread else None,
    }


def _ratio(base: str, ratio: Estimate | None) -> dict[str, float | None]:
    return {
        f"ratio_to_{base}": ratio.value if ratio else None,
        f"ratio_to_{base}_low_95_over_blocks": ratio.low if ratio else None,
        f"ratio_to_{base}_high_95_over_blocks": ratio.high if ratio else None,
    }


def _quality(name: str, quality: Quality | None) -> dict[str, float | str | None]:
    over_seeds = median_interval(quality.by_seed) if quality else None
    return {
        **_spread(name, quality.seeds if quality else None, "over_seeds"),
        f"{name}_median_low_95_over_seeds": over_seeds.low if over_seeds else None,
        f"{name}_median_high_95_over_seeds": over_seeds.high if over_seeds else None,
        f"{name}_low_95_over_items": quality.item_low if quality else None,
        f"{name}_high_95_over_items": quality.item_high if quality else None,
        f"{name}_items_used": quality.used if quality else None,
        f"{name}_items_total": quality.total if quality else None,
        f"{name}_rule": quality.rule if quality else None,
    }


def _versus(name: str, versus: Versus | None) -> dict[str, float | str | None]:
    return {
        f"{name}_minus_gensim": versus.difference if versus else None,
        f"{name}_minus_gensim_low_95_over_seeds": versus.low if versus else None,
        f"{name}_minus_gensim_high_95_over_seeds": versus.high if versus else None,
        f"{name}_equivalence_p": versus.p if versus else None,
        f"{name}_verdict": versus.verdict if versus else None,
    }


def _flat_record(record: Record) -> dict[str, Any]:
    flat: dict[str, Any] = {
        name: getattr(record, name)
        for name in ("run_id", "suite", "status", "reason", "started", "duration_s", "schema")
    }
    for name in _GROUPS:
        flat |= {f"{name}.{k}": _plain(v) for k, v in getattr(record, name).items()}
    if record.curve:
        flat["curve.parts"] = record.curve.parts
    for score in record.quality:
        flat |= _flat_score(score)
    return flat


def _flat_score(score: Score) -> dict[str, Any]:
    stem = f"quality.{score.set}.{score.part}.{score.metric}"
    return {f"{stem}.{k}": getattr(score, k) for k in ("value", "low", "high", "used", "total", "rule")}


def _plain(value: Any) -> Any:
    """Lists and mappings as text that does not depend on the order of insertion."""
    if isinstance(value, dict):
        return " ".join(f"{k}={value[k]}" for k in sorted(value))
    return " ".join(map(str, value)) if isinstance(value, list | tuple) else value


def _column_order(name: str) -> tuple[int, str]:
    """Identity first, then the groups as the schema lists them, then quality."""
    stem = name.partition(".")[0]
    first = ("run_id", "suite", "status", "reason", "started", "duration_s", "schema", *_GROUPS)
    return (*first, "curve", "quality").index(stem), name
