"""What records say against each other. Each function yields (where, what) for every fault it finds."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from bench.analysis.cells import group, section
from bench.analysis.checks.finding import Filed
from bench.analysis.verdicts import FEWEST_SEEDS, REFERENCE, REFERRED

LONGEST_BLOCK_H = 6.0  # a machine changes with the hour of the day; no suite needs longer for a block
_Faults = Iterator[tuple[str, str]]


def doubles(filed: Sequence[Filed]) -> _Faults:
    """One run in two files would be counted twice."""
    for same in _by(filed, lambda one: one.record.run_id).values():
        for one in same[1:]:
            yield str(one.path), f"the same run as {same[0].path}"


def mixed_texts(filed: Sequence[Filed]) -> _Faults:
    """One name for several texts."""
    for name, rows in _by(filed, lambda one: one.record.data["name"]).items():
        hashes = sorted({one.record.data["sha256"][:12] for one in rows})
        if len(hashes) > 1:
            yield name, f"{len(hashes)} different texts: {', '.join(hashes)}"


def long_blocks(filed: Sequence[Filed]) -> _Faults:
    """Rows compared directly that were not measured at the same time."""
    for rows in _by(filed, _block).values():
        times = sorted(datetime.fromisoformat(one.record.started) for one in rows)
        hours = (times[-1] - times[0]).total_seconds() / 3600
        if hours > LONGEST_BLOCK_H:
            yield _block_name(rows[0]), f"first and last run began {hours:.1f} hours apart"


def blocks_without_reference(filed: Sequence[Filed]) -> _Faults:
    """Blocks that cannot give a ratio, for models that gensim has."""
    for rows in _by(filed, _block).values():
        finished = [one for one in rows if one.record.status == "ok"]
        models = {_model(one) for one in finished if one.record.config["objective"] in REFERRED}
        referred = {
            _model(one)
            for one in rows
            if (one.record.implementation["name"], one.record.status) == (REFERENCE, "ok")
        }
        missing = sorted(models - referred)
        if missing:
            yield _block_name(rows[0]), f"no finished {REFERENCE} for {', '.join(missing)}"


def few_seeds(filed: Sequence[Filed]) -> _Faults:
    """Rows about whose quality nothing can be said."""
    for cell in group(one.record for one in filed):
        if cell.status == "ok" and cell.seeds < FEWEST_SEEDS:
            name = f"{cell.section.dataset} {cell.implementation} {cell.architecture}/{cell.objective}"
            yield name, f"{cell.seeds} seed{'s' if cell.seeds > 1 else ''}"


def _by(filed: Sequence[Filed], key: Callable[[Filed], Any]) -> dict[Any, list[Filed]]:
    groups = defaultdict(list)
    for one in filed:
        groups[key(one)].append(one)
    return groups


def _block(one: Filed) -> tuple[Any, ...]:
    """Equal for the rows that are compared directly: one table, one series, one repetition."""
    return section(one.record), *one.record.in_block


def _block_name(one: Filed) -> str:
    where, series, repetition = _block(one)
    return f"{where.dataset}, block {repetition} of series {series}"


def _model(one: Filed) -> str:
    return f"{one.record.config['architecture']}/{one.record.config['objective']}"
