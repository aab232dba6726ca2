"""What makes two runs the same run: one id, computed before a run starts or again from its record."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from bench.records.schema import Record

_NOT_IDENTITY = ("timeout_s", "budget_s", "environment")  # of `resources`: limits, and what follows from it


def run_id(
    implementation: Mapping[str, Any],
    config: Mapping[str, Any],
    resources: Mapping[str, Any],
    *,
    dataset_sha256: str,
    machine: str,
    versions: Mapping[str, str],
    evaluator: str,
    curve: int = 0,
) -> str:
    """16 hex digits over everything that can change the figures of a run.

    Args:
        implementation: `name`, `options` (all of them), `needs` and `source_sha256`, as in a record.
        resources: the record's, or those of `contract.Resources` alone.
        machine: its name.
        versions: of Python and all packages; only those that the implementation needs count.
        evaluator: `bench.quality.EVALUATOR_VERSION` when the scores were made.
        curve: its parts; a curve takes time, so a run with one is another. 0: none.
    """
    relevant = {"python", "numpy", *implementation["needs"]}
    parts = {
        "source": implementation["source_sha256"],
        "implementation": implementation["name"],
        "options": dict(implementation["options"]),
        "config": dict(config),
        "dataset": dataset_sha256,
        "evaluator": evaluator,
        "machine": machine,
        "resources": {k: v for k, v in resources.items() if k not in _NOT_IDENTITY},
        "versions": {k: v for k, v in versions.items() if k in relevant},
        **({"curve": curve} if curve else {}),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def id_of(record: Record, evaluator: str) -> str:
    """The id that the content of `record` gives, with scores of that evaluator version."""
    return run_id(
        record.implementation,
        record.config,
        record.resources,
        dataset_sha256=record.data["sha256"],
        machine=record.machine["name"],
        versions=record.versions,
        evaluator=evaluator,
        curve=record.curve.parts if record.curve else 0,
    )
