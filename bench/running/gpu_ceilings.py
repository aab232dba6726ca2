"""Measures what a GPU can do at most: copying on the device, and products of bfloat16 matrices.

In a process of its own, since the harness never imports torch: `python -m bench.running.gpu_ceilings` with
device and sizes as JSON on standard input.
"""

import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench.records.ceilings import SCHEMA_VERSION, gpu_path_of
from bench.records.store import write_json
from bench.running import gpu
from bench.running.machine import machine, versions
from bench.running.process import answer

REPETITIONS = 10


@dataclass(frozen=True)
class Sizes:
    """How much is copied and multiplied. The defaults take a second on an H200."""

    copy_bytes: int = 4 << 30  # far beyond every cache
    matrix: int = 8192  # rows and columns of the product's sides


def measure(device: str, sizes: Sizes | None = None) -> dict[str, Any]:
    """The ceilings of `device`, with machine, versions and what its driver says.

    `copy_bytes_per_s` counts bytes read and bytes written; `bf16_flops_per_s` is of a product of random
    numbers. Medians over repetitions. Raises UserError where the process fails.
    """
    watch = gpu.watch(device)
    found = answer(
        "bench.running.gpu_ceilings",
        {"device": device, "sizes": asdict(sizes or Sizes())},
        what=f"measuring {device}",
        remedy="see whether `torch.cuda.is_available()`, and whether the memory is free",
    )
    return {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine(),
        "versions": versions(),
        "device": device,
        **found,
        "gpu": asdict(watch.told()) if watch else None,
        "schema": SCHEMA_VERSION,
    }


def write(ceilings: dict[str, Any], folder: Path) -> Path:
    """Beside the records of the machine, and deeper than they. Raises UserError if the disk refuses."""
    return write_json(gpu_path_of(str(ceilings["machine"]["name"]), folder), ceilings)


# ---------------------------------------------------------------- in the process


def rates(device: str, sizes: Sizes) -> dict[str, float]:
    """Bytes and operations a second."""
    import torch

    source = torch.empty(sizes.copy_bytes, dtype=torch.uint8, device=device)
    target = torch.empty_like(source)
    a, b = torch.randn(2, sizes.matrix, sizes.matrix, device=device).bfloat16()

    def seconds(work: Callable[[], object]) -> float:
        """Of one call, the median; the first ones warm up."""
        found = []
        for _ in range(3 + REPETITIONS):
            if source.is_cuda:
                torch.cuda.synchronize(device)
            began = time.perf_counter()
            work()
            if source.is_cuda:
                torch.cuda.synchronize(device)
            found.append(time.perf_counter() - began)
        return sorted(found[3:])[REPETITIONS // 2]

    return {
        "copy_bytes_per_s": 2 * sizes.copy_bytes / seconds(lambda: target.copy_(source)),
        "bf16_flops_per_s": 2 * sizes.matrix**3 / seconds(lambda: a @ b),
    }


def main() -> None:
    """The job from standard input, its rates to standard output."""
    job = json.load(sys.stdin)
    json.dump(rates(job["device"], Sizes(**job["sizes"])), sys.stdout)


if __name__ == "__main__":
    main()
