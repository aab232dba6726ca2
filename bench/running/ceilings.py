"""Measures what this machine can do at most, by threads: arithmetic, memory, and rows of a matrix.

The loops are C, compiled now with the machine's own instruction set; the matrix product is NumPy's. Each
number of threads is measured in a process of its own, since a BLAS reads how many it may use when it
is loaded: `python -m bench.running.ceilings` with the job as JSON on standard input.
"""

import ctypes
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.errors import UserError
from bench.records.ceilings import Ceiling, Ceilings, RowRate, ceiling_from_json
from bench.running.machine import c_compiler, load_average, machine, versions
from bench.running.process import answer
from bench.running.supervise import THREAD_VARIABLES

SOURCE = Path(__file__).with_name("ceilings.c")
FLAGS = ("-O3", "-march=native", "-ffp-contract=fast", "-fPIC", "-shared")
AHEAD, LINE = 12, 16  # as in the source
REPETITIONS = 5

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sizes:
    """How much each loop does. The defaults take about ten seconds a number of threads."""

    rounds: int = 40_000_000  # of multiply-adds, a thread: some 0.1 s
    matrix: int = 3_072  # rows and columns of the product's sides
    stream_bytes: int = 3 << 28  # of the triad's three arrays together; caches of today hold less
    visits: int = 2_000_000  # of rows, a thread


@dataclass(frozen=True)
class Job:
    """What the process of one number of threads is told."""

    library: str
    threads: int
    models: Sequence[Sequence[int]]  # (V, D) of each size of model
    sizes: Sizes = field(default_factory=Sizes)


def measure(
    models: Sequence[tuple[int, int]], threads: Sequence[int], sizes: Sizes | None = None
) -> Ceilings:
    """The ceilings of this machine for the given sizes of model (V, D) and numbers of threads.

    Takes about ten seconds a number of threads and one a model. Raises UserError where there is no
    compiler, or a process dies (of too little memory, most likely).
    """
    load, sizes = load_average(), sizes or Sizes()
    with tempfile.TemporaryDirectory() as scratch:
        compiler, library = compile_loops(Path(scratch))
        found = tuple(_in_a_process(Job(str(library), n, models, sizes)) for n in sorted(set(threads)))
    return Ceilings(
        measured=datetime.now(UTC).isoformat(timespec="seconds"),
        machine={**machine(), "load_average": load},
        versions=versions(),
        compiler=compiler,
        sizes=asdict(sizes),
        ceilings=found,
    )


def compile_loops(folder: Path) -> tuple[str, Path]:
    """Version of the compiler and the library of `ceilings.c`. Raises UserError."""
    compiler = c_compiler()
    if compiler is None:
        raise UserError(
            "no C compiler", why="the ceilings are loops in C", remedy="install gcc or clang, or set CC"
        )
    library = folder / "ceilings.so"
    done = subprocess.run(
        [compiler, *FLAGS, str(SOURCE), "-o", str(library)], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise UserError(f"{compiler} could not compile {SOURCE.name}", why=done.stderr[-2000:].strip())
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=False).stdout
    return version.partition("\n")[0], library


def _in_a_process(job: Job) -> Ceiling:
    needed = 2 * job.sizes.stream_bytes >> 20
    found = answer(
        "bench.running.ceilings",
        asdict(job),
        dict.fromkeys(THREAD_VARIABLES, str(job.threads)),
        what=f"measuring with {job.threads} threads",
        remedy=f"it needs about {needed} MiB of free memory",
    )
    return ceiling_from_json(found)


# ---------------------------------------------------------------- in the process of one job


def best_s(work: Callable[[int], object], pool: ThreadPoolExecutor, threads: int) -> float:
    """The least seconds in which all threads have done `work(thread)` once; the first try warms up."""
    found = []
    for _ in range(REPETITIONS + 1):
        began = time.perf_counter()
        list(pool.map(work, range(threads)))
        found.append(time.perf_counter() - began)
    return min(found[1:])


def ceiling(job: Job) -> Ceiling:
    """All loops, one after the other."""
    loops, threads = ctypes.CDLL(job.library), job.threads
    with ThreadPoolExecutor(threads) as pool:
        return Ceiling(
            threads=threads,
            fma_flops_per_s=_multiply_adds(loops, pool, job),
            sgemm_flops_per_s=_matrix_product(job.sizes.matrix),
            stream_bytes_per_s=_triad(loops, pool, job),
            rows=tuple(RowRate(V, D, _rows(loops, pool, job, V, D)) for V, D in job.models),
        )


def _multiply_adds(loops: ctypes.CDLL, pool: ThreadPoolExecutor, job: Job) -> float:
    loops.multiply_add.restype = ctypes.c_int64
    sinks = [np.array([0.999, 1e-3, 0], np.float32) for _ in range(job.threads)]
    rounds = ctypes.c_int64(job.sizes.rounds)

    def work(thread: int) -> int:
        return int(loops.multiply_add(rounds, _at(sinks[thread])))

    return job.threads * work(0) / best_s(work, pool, job.threads)


def _matrix_product(n: int) -> float:
    """2 n^3 operations; NumPy's BLAS has its own threads, as many as the environment says."""
    a, b, product = np.ones((3, n, n), np.float32)
    with ThreadPoolExecutor(1) as one:
        return 2 * n**3 / best_s(lambda _: np.matmul(a, b, out=product), one, 1)


def _triad(loops: ctypes.CDLL, pool: ThreadPoolExecutor, job: Job) -> float:
    n = job.sizes.stream_bytes // 12 // job.threads  # elements a thread
    arrays = np.ones((3, job.threads, n), np.float32)

    def work(thread: int) -> None:
        a, b, c = (_at(array[thread]) for array in arrays)
        loops.triad(a, b, c, ctypes.c_int64(n))

    return 12 * n * job.threads / best_s(work, pool, job.threads)


def _rows(loops: ctypes.CDLL, pool: ThreadPoolExecutor, job: Job, V: int, D: int) -> float:
    """Both matrices as one table of 2V rows, rows of different frequency mixed as in two matrices."""
    stride, visits = -(-D // LINE) * LINE, job.sizes.visits
    table, change = _aligned(2 * V * stride), _aligned(stride)
    ids = [_draw(V, visits + AHEAD, seed) for seed in range(job.threads)]

    def work(thread: int) -> None:
        loops.add_to_rows(
            _at(table), ctypes.c_int64(stride), _at(ids[thread]), ctypes.c_int64(visits), _at(change)
        )

    return 8 * D * visits * job.threads / best_s(work, pool, job.threads)


def _draw(V: int, n: int, seed: int) -> npt.NDArray[np.int32]:
    """Rows of either matrix: word v with probability about v^-0.75, Zipf's law to the noise's power.

    u^4 V is its inverse. Subsampled text is much the same: sqrt(1/v) for frequent words, 1/v for rare.
    """
    random = np.random.default_rng(seed)
    words = (random.random(n) ** 4 * V).astype(np.int32)
    return words + np.int32(V) * random.integers(2, size=n, dtype=np.int32)


def _aligned(n: int) -> Floats:
    """n zeros that begin on a cache line."""
    raw = np.zeros(n + LINE, np.float32)
    skip = -raw.ctypes.data % 64 // 4
    return raw[skip : skip + n]


def _at(array: npt.NDArray[Any]) -> ctypes.c_void_p:
    return ctypes.c_void_p(array.ctypes.data)


def main() -> None:
    """The job from standard input, its ceiling to standard output."""
    told = json.load(sys.stdin)
    job = Job(**{**told, "sizes": Sizes(**told["sizes"])})
    json.dump(asdict(ceiling(job)), sys.stdout)


if __name__ == "__main__":
    main()
