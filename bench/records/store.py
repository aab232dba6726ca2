"""The results folder: one JSON file a run, grouped by machine, written by atomic rename."""

import contextlib
import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records.schema import SCHEMA_VERSION, Record


def path_of(record: Record, folder: Path) -> Path:
    """Where a record lives: `<folder>/<machine>/<implementation>-<model>-<run id>.json`."""
    config = record.config
    model = f"{config['architecture']}-{config['objective']}"
    name = f"{record.implementation['name']}-{model}-{record.run_id}.json"
    return folder / str(record.machine["name"]) / name


def write(record: Record, folder: Path) -> Path:
    """Put the record on disk whole or not at all. Raises UserError if the disk refuses."""
    return write_json(path_of(record, folder), record.to_json())


def write_json(target: Path, data: Mapping[str, Any]) -> Path:
    """Put `data` on disk whole or not at all. Raises UserError if the disk refuses."""
    text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False) + "\n"
    fresh = target.with_name(f".{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(target)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise UserError(
            f"cannot write {target}",
            why=str(error),
            remedy="free some space or choose another folder with --results; finished runs are kept",
        ) from error
    return target


def check_writable(folder: Path) -> None:
    """Find out before training, not after, that results could not be kept. Raises UserError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as file:
            file.write(b"\0" * (1 << 20))  # some hundred records
            file.flush()
    except OSError as error:
        raise UserError(
            f"cannot write to the results folder {folder}",
            why=str(error),
            remedy="free some space, correct its permissions, or choose another with --results",
        ) from error


def read(path: Path) -> Record:
    """One record. Raises UserError if it is damaged or of a newer schema."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] > SCHEMA_VERSION:
            raise UserError(
                f"{path} has schema {data['schema']}",
                why=f"this w2vbench reads up to schema {SCHEMA_VERSION}",
                remedy="install a newer w2vbench, or choose another folder with --results",
            )
        return Record.from_json(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} is not a record",
            why=f"{type(error).__name__}: {error}",
            remedy="restore it from version control, or move it out of the results folder",
        ) from error


def read_all(folder: Path) -> list[Record]:
    """Every record under `folder`, in the order of their paths; none if it does not exist."""
    return [read(path) for path in sorted(folder.glob("*/*.json")) if not path.name.startswith(".")]
