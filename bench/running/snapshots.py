"""Vectors as they were at fixed shares of training: copied to disk in a tick, scored after training.

The copy is on the training clock and never taken off it: other threads go on training meanwhile, and
time that was subtracted would be training for nothing. What each copy took is recorded instead.
On disk, so that memory holds one copy at a time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Snapshot:
    """One copy; the figures are those of `bench.records.schema.Point`."""

    words: int
    elapsed_s: float
    snapshot_s: float
    path: Path  # .npy, (V, D) float32


class Snapshots:
    """Takes a copy at the first tick after each 1/parts of the words; several shares passed give one."""

    def __init__(
        self, folder: Path, parts: int, words_total: int, vectors: Callable[[], npt.NDArray[np.float32]]
    ):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder, self.parts, self.words_total, self.vectors = folder, parts, words_total, vectors
        self.taken: list[Snapshot] = []
        self.missing: str | None = None  # why there will be no more
        self._passed = 0  # shares

    def look(self, words_done: int, began: float) -> None:
        """Copy the vectors if a share was passed since the last copy. `began`: the training clock's zero.

        Not at the end, whose vectors are scored anyway.
        """
        passed = words_done * self.parts // self.words_total
        if self._passed < passed < self.parts and self.missing is None:
            self._passed = passed
            self._take(words_done, began)

    def _take(self, words_done: int, began: float) -> None:
        before = time.perf_counter()
        path = self.folder / f"{len(self.taken)}.npy"
        try:
            np.save(path, self.vectors())
        except Exception as error:  # training is worth more than its curve: it goes on, the record says why
            said = (error.strerror if isinstance(error, OSError) else None) or str(error)
            self.missing = f"{type(error).__name__}: {said}"
            return
        now = time.perf_counter()
        self.taken.append(Snapshot(words_done, now - began, now - before, path))
