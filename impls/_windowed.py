"""What the windowed files share: the text as bands, skip-gram and CBOW on a band, the threads.

The kept text is cut into chunks of C centres. A chunk sees its *halo*, the C centres and W words on
both sides; which word of the halo is a context of which centre is a (C, C + 2W) matrix of zeros and
ones around the diagonal, hence *band*. With the vectors of a chunk stacked, all its scores are one
small matrix product, and their gradients two more: no pair is ever written down.

Letters beside those of `_law`: C centres a chunk, n chunks a step, H = C + 2W words a halo, T targets.
All changes of a step are computed from the same point and *added* by `index_add_`, the rate included:
with a factor (`alpha`) PyTorch's CPU kernel takes twice as long.

Threads: each walks its own segments without locks, as word2vec.c does. The work of a step is too small
to be split: PyTorch's own threads would wait for each other a dozen times a millisecond. A GPU is
driven by one thread.
"""

import threading
from abc import abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.contract import Config, Corpus, Implementation, Resources, Tick
from impls._law import Kept, Text, learning_rate, starting_vectors

TICK_S = 0.2


class Band(NamedTuple):
    """n chunks of consecutive centres: one step. The shapes are the same in every step."""

    centres: Tensor  # (n, C) int64 word numbers, padded with word 0 behind the end of a segment
    halo: Tensor  # (n, H) int64, the neighbourhood of each chunk
    inside: Tensor  # (n, C, H) float32, 1 where a halo word is a context of the centre, else 0
    noise: Tensor  # (n, K') int64 noise words of each chunk; none where the objective has no use for them
    step: Tensor  # () float32, minus the learning rate: a tensor, so that compiled code takes any


class Change(NamedTuple):
    """What a step adds to the two matrices, row by row; a row may come several times."""

    input_rows: Tensor  # (...) int64
    inputs: Tensor  # (..., D)
    output_rows: Tensor  # (...) int64
    outputs: Tensor  # (..., D)


def windows(C: int, W: int, device: str) -> Tensor:
    """(C (W + 1)^2, C + 2W) all rows that `Band.inside` can have: by place, reach left, reach right."""
    place, left, right = (
        x.reshape(-1, 1) for x in torch.meshgrid(*map(torch.arange, (C, W + 1, W + 1)), indexing="ij")
    )
    distance = torch.arange(C + 2 * W) - W - place  # of each halo word from the centre
    return ((distance >= -left) & (distance <= right) & (distance != 0)).float().to(device)


def gather(matrix: Tensor, ids: Tensor) -> Tensor:
    """Rows (..., D) of a matrix, for ids (...)."""
    return matrix.index_select(0, ids.reshape(-1)).view(*ids.shape, matrix.shape[1])


def add_rows(matrix: Tensor, ids: Tensor, change: Tensor) -> None:
    """matrix[ids] += change, rows that come several times receive all of it."""
    matrix.index_add_(0, ids.reshape(-1), change.reshape(-1, matrix.shape[1]))


STALE_UPDATES = 190  # the most gradients, on average, that an output row receives from one point


class Windowed(Implementation):
    """Gradients by hand, no autograd. An objective only says what a prediction changes: `predict`."""

    inputs: Tensor  # (V, D) input vectors
    outputs: Tensor  # (rows, D) output vectors: of words, or of inner nodes

    def start(
        self, corpus: Corpus, config: Config, resources: Resources, outputs: int, busiest: float = 0.0
    ) -> None:
        """Draw the starting vectors and open the text.

        `busiest` is how many gradients the busiest output row receives from one centre: on a vocabulary
        of a few words, fewer centres than `positions` then make a step.
        """
        self.config, self.device = config, resources.device
        self.threads = resources.threads if self.device == "cpu" else 1
        self.inputs, self.outputs = starting_vectors(corpus.vocabulary_size, outputs, config, self.device)
        self.text = Text(corpus, config, self.device)
        self.C = int(self.options["chunk"])
        positions = min(int(self.options["positions"]), int(STALE_UPDATES / max(busiest, 1e-9)))
        self.n = max(1, positions // self.C)
        self.windows = windows(self.C, config.window, self.device)
        self.change = self.skipgram if config.architecture == "skipgram" else self.cbow
        self._done, self._kept, self._visits = [0.0] * self.threads, 0, 0  # raw words, by thread
        self._pairs = self._scored = torch.zeros((), dtype=torch.int64, device=self.device)

    @abstractmethod
    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        """What predicting `targets` (n, T) from `v` (n, C, D) changes.

        `seen` (n, C, T) is how often each is predicted from each, times minus the rate. Returns the
        changes of v (n, C, D), the numbers of the output vectors that change, and their changes.
        """

    @abstractmethod
    def scored(self, kept: Kept) -> Tensor:
        """How many scores of an output vector a segment takes, as a tensor: no wait for the device."""

    def noise_words(self, chunks: int, generator: torch.Generator) -> Tensor:
        """Noise words (chunks, K') for a whole segment; most objectives have none."""
        del generator
        return torch.empty(chunks, 0, dtype=torch.int64, device=self.device)

    def skipgram(self, band: Band) -> Change:
        """Each centre predicts each word of its window."""
        v = gather(self.inputs, band.centres)  # (n, C, D)
        dv, rows, du = self.predict(v, band.halo, band.inside * band.step, band.noise)
        return Change(band.centres, dv, rows, du)

    def cbow(self, band: Band) -> Change:
        """The mean of a window predicts its centre; every context word gets the whole gradient."""
        contexts = band.inside.sum(2, keepdim=True)  # (n, C, 1)
        mean = band.inside / contexts.clamp(min=1)  # (n, C, H)
        v = torch.bmm(mean, gather(self.inputs, band.halo))  # (n, C, D)
        known = contexts[:, :, 0].clamp(max=1)  # (n, C) a word alone in its sentence predicts nothing
        seen = torch.diag_embed(known * band.step)  # (n, C, C)
        dv, rows, du = self.predict(v, band.centres, seen, band.noise)
        return Change(band.halo, torch.bmm(band.inside.mT, dv), rows, du)

    def calm(self, change: Change) -> None:
        """Scale back, in place, what would overshoot; most objectives leave a step as it is."""

    def step(self, band: Band) -> int:
        """Train on one band; returns how many rows were read and written."""
        change = self.change(band)
        self.calm(change)
        add_rows(self.inputs, change.input_rows, change.inputs)
        add_rows(self.outputs, change.output_rows, change.outputs)
        return change.input_rows.numel() + change.output_rows.numel()

    def bands(self, kept: Kept, generator: torch.Generator) -> Iterator[Band]:
        """A segment cut into steps, the last one padded with centres that have no context."""
        C, W, n = self.C, self.config.window, self.n
        chunks = -(-len(kept.ids) // (n * C)) * n
        behind = chunks * C - len(kept.ids)
        halo = pad(kept.ids, (W, W + behind)).unfold(0, C + 2 * W, C)  # (chunks, H) overlapping views
        left, right = (pad(x, (0, behind)).view(-1, C) for x in (kept.left, kept.right))  # (chunks, C)
        place = torch.arange(C, device=self.device)
        which = (place * (W + 1) + left) * (W + 1) + right  # (chunks, C) rows of the table of windows
        noise = self.noise_words(chunks, generator)  # (chunks, K')
        rates = [
            learning_rate(self.config, kept.words_done(i * C), self.text.words_total)
            for i in range(0, chunks, n)
        ]
        steps = -torch.tensor(rates, device=self.device)  # one copy to the device, not one a step
        for k, i in enumerate(range(0, chunks, n)):
            now = halo[i : i + n]
            inside = gather(self.windows, which[i : i + n])  # (n, C, H)
            yield Band(now[:, W : W + C], now, inside, noise[i : i + n], steps[k])

    def train(self, tick: Tick) -> None:
        segments = self.text.segments()
        self._lock, self._stop = threading.Lock(), threading.Event()
        before = torch.get_num_threads()
        each = (max(1, before // self.threads),)  # PyTorch's own threads within each of ours
        with ThreadPoolExecutor(self.threads, initializer=torch.set_num_threads, initargs=each) as pool:
            running = {pool.submit(self._walk, segments, thread) for thread in range(self.threads)}
            try:
                while running:
                    ended, running = wait(running, timeout=TICK_S)
                    for thread in ended:
                        thread.result()  # an error in a thread is an error of training
                    tick(int(sum(self._done)))
            finally:
                self._stop.set()
        torch.set_num_threads(before)

    @torch.no_grad()
    def _walk(self, segments: Iterator[tuple[int, int, int]], thread: int) -> None:
        """What one thread does: take a segment, train on it, take the next."""
        generator = torch.Generator(self.device).manual_seed(self.config.seed + 7919 * thread)
        while (segment := self._next(segments)) is not None:
            kept = self.text.subsample(segment, generator)
            before, visits = self._done[thread], 0
            for step, band in enumerate(self.bands(kept, generator), start=1):
                if self._stop.is_set():
                    return
                visits += self.step(band)
                self._done[thread] = before + kept.words * min(1, step * self.n * self.C / len(kept.ids))
            self._done[thread] = before + kept.words
            self._count(kept, visits)

    def _next(self, segments: Iterator[tuple[int, int, int]]) -> tuple[int, int, int] | None:
        with self._lock:
            return next(segments, None)

    def _count(self, kept: Kept, visits: int) -> None:
        with self._lock:
            self._kept += len(kept.ids)
            self._visits += visits
            self._pairs = self._pairs + (kept.left + kept.right).sum()
            self._scored = self._scored + self.scored(kept)

    def vectors(self) -> npt.NDArray[np.float32]:
        return self.inputs.cpu().numpy()

    def model_bytes(self) -> int:
        return 4 * (self.inputs.numel() + self.outputs.numel())

    def work(self) -> dict[str, int]:
        return {
            "kept_words": self._kept,
            "pairs": int(self._pairs),
            "scored_outputs": int(self._scored),
            "row_visits": self._visits,
        }
