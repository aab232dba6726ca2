"""The law that every implementation here follows, stated once: starting vectors, rate, stream, noise.

Letters used in all files: V vocabulary, D dimension, W window, K negatives, L longest code,
B centres a step, P pairs a step.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.contract import Config, Corpus

# Sentences are gathered to about this many raw words before they are subsampled: large enough to
# make the draw cheap, small enough that memory does not grow with the corpus.
SEGMENT_WORDS = 1 << 20


def starting_vectors(vocabulary: int, outputs: int, config: Config, device: str) -> tuple[Tensor, Tensor]:
    """Input vectors (V, D) from U(-0.5/D, 0.5/D) and output vectors (outputs, D) of zeros.

    As word2vec.c does. Drawn on the CPU, so that every device starts from the same point.
    """
    generator = torch.Generator().manual_seed(config.seed)
    inputs = (torch.rand(vocabulary, config.dim, generator=generator) - 0.5) / config.dim
    return inputs.to(device), torch.zeros(outputs, config.dim, device=device)


def learning_rate(config: Config, words_done: int, words_total: int) -> float:
    """The rate falls linearly with raw words over all epochs, down to 1e-4 of where it began."""
    return config.learning_rate * max(1e-4, 1 - words_done / words_total)


@dataclass(frozen=True)
class Batch:
    """B consecutive centres of the kept text with their drawn windows."""

    centres: Tensor  # (B,) int64 word numbers
    contexts: Tensor  # (B, 2W) int64 word numbers, meaningless where `inside` is False
    inside: Tensor  # (B, 2W) bool: in the drawn window and in the same sentence
    words_done: int  # raw words of all epochs, up to the end of this batch
    rate: float  # learning rate at the start of this batch


class Stream:
    """The corpus as batches of centres and windows, subsampled anew in every epoch.

    Each occurrence is dropped with 1 - keep_probability *before* windows are drawn, so windows
    reach further in the original text; each centre draws its width from 1..W; a window ends
    where its sentence does. A word so has W + 1 contexts on average.
    """

    def __init__(self, corpus: Corpus, config: Config, device: str, positions: int):
        self.config, self.device, self.positions = config, device, positions
        self.ids = torch.from_numpy(corpus.ids.copy())  # (N,) int32; copied: torch wants writable memory
        self.offsets = torch.from_numpy(corpus.offsets.copy())  # (S + 1,)
        self.keep = torch.from_numpy(corpus.keep_probability(config.subsample)).float().to(device)  # (V,)
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.words_total = corpus.tokens * config.epochs
        self.kept_words = 0
        self._pairs = torch.zeros((), dtype=torch.int64, device=device)  # stays there: no wait for the device

    @property
    def pairs(self) -> int:
        """Centre-context pairs handed out so far."""
        return int(self._pairs)

    def __iter__(self) -> Iterator[Batch]:
        for epoch in range(self.config.epochs):
            words_before = epoch * len(self.ids)
            for start, end in self._segments():
                for batch in self._segment(start, end, words_before):
                    self._pairs += batch.inside.sum()
                    yield batch

    def _segments(self) -> Iterator[tuple[int, int]]:
        """Spans of whole sentences, at most SEGMENT_WORDS raw words or one sentence long."""
        start, sentences = 0, len(self.offsets) - 1
        while start < sentences:
            limit = self.offsets[start] + SEGMENT_WORDS
            end = max(start + 1, int(torch.searchsorted(self.offsets, limit, right=True)) - 1)
            yield start, end
            start = end

    def _segment(self, start: int, end: int, words_before: int) -> Iterator[Batch]:
        first, last = int(self.offsets[start]), int(self.offsets[end])
        W, N = self.config.window, last - first
        lengths = self.offsets[start + 1 : end + 1] - self.offsets[start:end]
        sentence = torch.repeat_interleave(lengths).to(self.device)  # (N,) which sentence a word is in
        ids = self.ids[first:last].to(self.device).long()  # (N,)
        kept = torch.rand(N, generator=self.generator, device=self.device) < self.keep[ids]  # (N,)
        ids, sentence = ids[kept], sentence[kept]  # (M,)
        M = len(ids)
        self.kept_words += M
        offset = torch.cat([torch.arange(-W, 0), torch.arange(1, W + 1)]).to(self.device)  # (2W,)
        for i in range(0, M, self.positions):
            at = torch.arange(i, min(i + self.positions, M), device=self.device)  # (B,)
            width = torch.randint(1, W + 1, at.shape, generator=self.generator, device=self.device)
            there = at[:, None] + offset  # (B, 2W) positions, perhaps outside the segment
            real = there.clamp(0, M - 1)
            inside = (
                (there == real) & (offset.abs() <= width[:, None]) & (sentence[real] == sentence[at][:, None])
            )
            done = words_before + first + N * min(i + self.positions, M) // M
            rate = learning_rate(self.config, words_before + first + N * i // M, self.words_total)
            yield Batch(ids[at], ids[real], inside, done, rate)


class Noise:
    """Draws words from counts^0.75 by inverting the cumulative distribution.

    A table of cumulative probabilities and a binary search: exact to float64, and not capped at
    2^24 words as torch.multinomial is.
    """

    def __init__(self, corpus: Corpus, config: Config, device: str):
        self.cumulative = torch.from_numpy(corpus.noise_probability).cumsum(0).to(device)  # (V,) float64
        self.generator = torch.Generator(device).manual_seed(config.seed + 1_000_003)  # not the stream's

    def draw(self, *shape: int) -> Tensor:
        """Word numbers, int64, of the given shape."""
        point = torch.rand(
            shape, generator=self.generator, dtype=torch.float64, device=self.cumulative.device
        )
        return torch.searchsorted(self.cumulative, point).clamp_(max=len(self.cumulative) - 1)
