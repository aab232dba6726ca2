"""What a machine can do at most, as measured there: one small JSON file a machine, beside its records.

`results/<machine>/roofline/ceilings.json`. Rates are the best of several repetitions: a ceiling is a
maximum, and whatever else ran meanwhile can only have lowered it. Those of a GPU, medians, stand beside it in
`gpu.json`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
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
class GpuCeiling:
    """Rates of a machine's GPU, from a file of their own: `w2vbench gpu` measures them in its session."""

    measured: str  # UTC, ISO 8601, seconds
    copy_bytes_per_s: float  # within its memory, bytes read and bytes written
    bf16_flops_per_s: float  # a large product of random bfloat16 matrices


@dataclass(frozen=True)
class Ceilings:
    """What was measured of one machine: its processor, its GPU, or both."""

    measured: str  # UTC, ISO 8601, seconds
    machine: dict[str, Any]  # as in a record; load_average before the measurement
    versions: dict[str, str]
    compiler: str
    sizes: dict[str, int]  # of the loops, see `bench.running.ceilings.Sizes`
    ceilings: tuple[Ceiling, ...]  # by threads
    schema: int = SCHEMA_VERSION
    gpu: GpuCeiling | None = None

    def of(self, threads: int) -> Ceiling | None:
        """The ceiling for so many threads; None where it was not measured."""
        return next((c for c in self.ceilings if c.threads == threads), None)


def ceiling_from_json(data: Mapping[str, Any]) -> Ceiling:
    """The ceiling that `asdict` made `data` of. Raises KeyError or TypeError."""
    return Ceiling(**{**data, "rows": tuple(RowRate(**row) for row in data["rows"])})


def path_of(machine: str, folder: Path) -> Path:
    """Where a machine's ceilings lie: deeper than records, which `store.read_all` takes for all."""
    return folder / machine / "roofline" / "ceilings.json"


def gpu_path_of(machine: str, folder: Path) -> Path:
    """Where those of its GPU lie."""
    return path_of(machine, folder).with_name("gpu.json")


def write(ceilings: Ceilings, folder: Path) -> Path:
    """Put a processor's ceilings on disk whole or not at all. Raises UserError if the disk refuses."""
    data = {name: value for name, value in asdict(ceilings).items() if name != "gpu"}
    return write_json(path_of(str(ceilings.machine["name"]), folder), data)


def read(machine: str, folder: Path) -> Ceilings:
    """The ceilings of a machine. Raises UserError where there are none, or they are damaged or newer."""
    path, gpu_path = path_of(machine, folder), gpu_path_of(machine, folder)
    gpu = _read(gpu_path, _of_gpu) if gpu_path.exists() else None
    if path.exists():
        return replace(_read(path, _of_processor), gpu=gpu.gpu if gpu else None)
    if gpu is None:
        raise UserError(
            f"no ceilings of {machine} in {folder}",
            why="a roofline needs the machine's own limits, measured there",
            remedy="run `w2vbench roofline --measure` on it while nothing else runs",
        )
    return gpu


def _of_processor(data: Mapping[str, Any]) -> Ceilings:
    return Ceilings(**{**data, "ceilings": tuple(map(ceiling_from_json, data["ceilings"]))})


def _of_gpu(data: Mapping[str, Any]) -> Ceilings:
    rates = GpuCeiling(data["measured"], data["copy_bytes_per_s"], data["bf16_flops_per_s"])
    return Ceilings(data["measured"], data["machine"], data["versions"], "", {}, (), gpu=rates)


def _read(path: Path, made: Callable[[Mapping[str, Any]], Ceilings]) -> Ceilings:
    """The file as `made` takes it. Raises UserError."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] > SCHEMA_VERSION:
            raise ValueError(f"schema {data['schema']} is newer than {SCHEMA_VERSION}")
        return made(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} holds no ceilings",
            why=f"{type(error).__name__}: {error}",
            remedy="measure anew with `w2vbench roofline --measure` (a GPU: `w2vbench gpu`), or restore it "
            "from version control",
        ) from error
