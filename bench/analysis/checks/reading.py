"""From files to records that can be checked: what cannot be read, or lacks what every record has."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from bench.analysis.cells import PHASES
from bench.analysis.checks.finding import Filed, Finding
from bench.contract import ARCHITECTURES, OBJECTIVES
from bench.errors import UserError
from bench.records import approximation, store
from bench.records.schema import STATUSES, Record

_NEEDED: dict[str, dict[str, type | tuple[type, ...]]] = {  # group -> key -> type
    "implementation": {"name": str, "options": dict, "needs": list, "source_sha256": str},
    "config": {"epochs": int, "learning_rate": (int, float), "seed": int},
    "data": {"name": str, "sha256": str, "tokens": int},
    "resources": {"device": str, "threads": int},
    "block": {"series": str, "repetition": int},
    "machine": {"name": str},
    "versions": {"python": str},
    "git": {},
}
_FIGURES = {  # group -> keys that are a number or null
    "work": ("raw_words", "kept_words", "pairs", "scored_outputs"),
    "phases": PHASES,
    "throughput": ("raw_words_per_s", "kept_words_per_s", "pairs_per_s"),
    "memory": ("model_bytes", "host_baseline_bytes", "host_peak_bytes"),
}
_REMEDY = "restore it from version control, or take it out of the results folder and run it again"


def read(folder: Path) -> tuple[list[Filed], list[Finding]]:
    """The records under `folder` that can be checked, and a finding for every file that cannot."""
    filed, findings = [], []
    for path in _files(folder):
        where = path.relative_to(folder)
        try:
            if approximation.FOLDER in where.parts:
                approximation.read(path)
                continue
            record = store.read(path)
        except UserError as error:
            what = f"{error.what.removeprefix(f'{path} ')}: {error.why}"
            findings.append(Finding("wrong", "unreadable", str(where), what, error.remedy))
            continue
        lacking = list(_lacking(record))
        findings += [Finding("wrong", "malformed", str(where), what, _REMEDY) for what in lacking]
        filed += [] if lacking else [Filed(where, record)]
    return filed, findings


def _files(folder: Path) -> Iterator[Path]:
    """Where records lie, and what looks like a record elsewhere; the folder may hold other JSON too."""
    for path in sorted(folder.rglob("*.json")):
        parts = path.relative_to(folder).parts
        hidden = any(part.startswith(".") for part in parts)
        if not hidden and (len(parts) == 2 or '"run_id"' in path.read_text("utf-8", "replace")):
            yield path


def _lacking(record: Record) -> Iterator[str]:
    """What every record must have for anything else to be asked of it."""
    if record.status not in STATUSES:
        yield f"unknown status {record.status!r}"
    for group, keys in _NEEDED.items():
        yield from _lacking_keys(group, getattr(record, group), keys)
    for group, names in _FIGURES.items():
        yield from _no_figures(group, getattr(record, group), names)
    if not _has_model(record):
        yield "no known model"


def _has_model(record: Record) -> bool:
    config = record.config if isinstance(record.config, dict) else {}
    return config.get("architecture") in ARCHITECTURES and config.get("objective") in OBJECTIVES


def _lacking_keys(group: str, values: Any, keys: dict[str, Any]) -> Iterator[str]:
    if not isinstance(values, dict):
        yield f"{group} is no group of keys"
        return
    for key, kind in keys.items():
        if key not in values:
            yield f"{group}.{key} is missing"
        elif not isinstance(values[key], kind) or isinstance(values[key], bool):
            yield f"{group}.{key} is {values[key]!r}"


def _no_figures(group: str, values: Any, names: Iterable[str]) -> Iterator[str]:
    if not isinstance(values, dict):
        yield f"{group} is no group of keys"
        return
    for name in names:
        value = values.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, int | float)):
            yield f"{group}.{name} is {value!r}, no number"
