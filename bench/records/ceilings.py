"""What a machine can do at most, as measured there: one small JSON file a machine, beside its records.

`results/<machine>/roofline/ceilings.json`. Rates are the best of several repetitions: a ceiling is a
maximum, and whatever else ran meanwhile can only have lowered it.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records.store import write_json

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class RowRate:
    """Rows of two V x D float32 matrices, drawn as noise words are, read and written back."""

    vocabulary: int  # V
    dim: int  # D
    bytes_per_s: float  # 8 D a row; the padding of rows to cache lines is not counted


@dataclass(frozen=True)
class Ceiling:
    """Rates of a number of threads together."""

    threads: int
    fma_flops_per_s: float  # multiply-adds in registers, float32
    sgemm_flops_per_s: float  # a large float32 matrix product
    stream_bytes_per_s: float  # STREAM's triad, 12 bytes an element, beyond every cache
    rows: tuple[RowRate, ...]

    def row_bytes_per_s(self, vocabulary: int, dim: int) -> float | None:
        """The rate of rows for this size of model; None where it was not measured."""
        rates = {(row.vocabulary, row.dim): row.bytes_per_s for row in self.rows}
        return rates.get((vocabulary, dim))


@dataclass(frozen=True)
class Ceilings:
    """One measurement of one machine."""

    measured: str  # UTC, ISO 8601, seconds
    machine: dict[str, Any]  # as in a record; load_average before the measurement
    versions: dict[str, str]
    compiler: str
    sizes: dict[str, int]  # of the loops, see `bench.running.ceilings.Sizes`
    ceilings: tuple[Ceiling, ...]  # by threads
    schema: int = SCHEMA_VERSION

    def of(self, threads: int) -> Ceiling | None:
        """The ceiling for so many threads; None where it was not measured."""
        return next((c for c in self.ceilings if c.threads == threads), None)


def ceiling_from_json(data: Mapping[str, Any]) -> Ceiling:
    """The ceiling that `asdict` made `data` of. Raises KeyError or TypeError."""
    return Ceiling(**{**data, "rows": tuple(RowRate(**row) for row in data["rows"])})


def path_of(machine: str, folder: Path) -> Path:
    """Where a machine's ceilings lie: deeper than records, which `store.read_all` takes for all."""
    return folder / machine / "roofline" / "ceilings.json"


def write(ceilings: Ceilings, folder: Path) -> Path:
    """Put the ceilings on disk whole or not at all. Raises UserError if the disk refuses."""
    return write_json(path_of(str(ceilings.machine["name"]), folder), asdict(ceilings))


def read(machine: str, folder: Path) -> Ceilings:
    """The ceilings of a machine. Raises UserError where there are none, or they are damaged or newer."""
    path = path_of(machine, folder)
    if not path.exists():
        raise UserError(
            f"no ceilings of {machine} in {folder}",
            why="a roofline needs the machine's own limits, measured there",
            remedy="run `w2vbench roofline --measure` on it while nothing else runs",
        )
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] > SCHEMA_VERSION:
            raise ValueError(f"schema {data['schema']} is newer than {SCHEMA_VERSION}")
        return Ceilings(**{**data, "ceilings": tuple(map(ceiling_from_json, data["ceilings"]))})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} holds no ceilings",
            why=f"{type(error).__name__}: {error}",
            remedy="measure anew with `w2vbench roofline --measure`, or restore it from version control",
        ) from error
