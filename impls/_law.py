"""The law that every implementation here follows, stated once: starting vectors, rate, stream, noise.

Letters used in all files: V vocabulary, D dimension, W window, K negatives, L longest code,
B centres a step, P pairs a step. A *segment* is a span of whole sentences, M of whose words are kept.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from bench.contract import Config, Corpus
from impls._alias import alias_table

# Sentences are gathered to about this many raw words before they are subsampled: large enough to
# make the draw cheap, small enough that threads share the text evenly and memory does not grow with it.
SEGMENT_WORDS = 1 << 17


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
class Kept:
    """What subsampling left of a segment, with the windows drawn and cut where their sentence ends."""

    ids: Tensor  # (M,) int64 word numbers
    left: Tensor  # (M,) int64 contexts before each word, 0..W
    right: Tensor  # (M,) and behind it
    words_before: int  # raw words of all epochs before the segment
    words: int  # raw words of the segment

    def words_done(self, position: int) -> int:
        """Raw words of all epochs up to a position among the kept words."""
        return self.words_before + self.words * min(position, len(self.ids)) // max(1, len(self.ids))


class Text:
    """The corpus in segments, subsampled anew in every epoch.

    Each occurrence is dropped with 1 - keep_probability *before* windows are drawn, so windows
    reach further in the original text; each centre draws its width from 1..W; a window ends
    where its sentence does. A word so has W + 1 contexts on average.
    """

    def __init__(self, corpus: Corpus, config: Config, device: str):
        self.config, self.device = config, device
        self.ids = torch.from_numpy(corpus.ids.copy())  # (N,) int32; copied: torch wants writable memory
        self.offsets = torch.from_numpy(corpus.offsets.copy())  # (S + 1,)
        self.keep = torch.from_numpy(corpus.keep_probability(config.subsample)).float().to(device)  # (V,)
        self.words_total = corpus.tokens * config.epochs

    def segments(self) -> Iterator[tuple[int, int, int]]:
        """(epoch, first sentence, last sentence + 1): at most SEGMENT_WORDS raw words, or one sentence."""
        for epoch in range(self.config.epochs):
            start, sentences = 0, len(self.offsets) - 1
            while start < sentences:
                limit = self.offsets[start] + SEGMENT_WORDS
                end = max(start + 1, int(torch.searchsorted(self.offsets, limit, right=True)) - 1)
                yield epoch, start, end
                start = end

    def subsample(self, segment: tuple[int, int, int], generator: torch.Generator) -> Kept:
        """Draw which words of a segment stay, and how wide their windows are."""
        epoch, start, end = segment
        first, last = int(self.offsets[start]), int(self.offsets[end])
        lengths = self.offsets[start + 1 : end + 1] - self.offsets[start:end]
        sentence = torch.repeat_interleave(lengths).to(self.device)  # (N,) which sentence a word is in
        ids = self.ids[first:last].to(self.device)  # (N,)
        stays = torch.rand(len(ids), generator=generator, device=self.device) < self.keep[ids]  # (N,)
        ids, sentence = ids[stays].long(), sentence[stays]  # (M,)
        ends = torch.bincount(sentence, minlength=end - start).cumsum(0)  # positions among the kept words
        starts = ends - ends.diff(prepend=ends.new_zeros(1))
        at = torch.arange(len(ids), device=self.device)
        width = torch.randint(1, self.config.window + 1, at.shape, generator=generator, device=self.device)
        left = torch.minimum(width, at - starts[sentence])
        right = torch.minimum(width, ends[sentence] - 1 - at)
        return Kept(ids, left, right, epoch * len(self.ids) + first, last - first)


@dataclass(frozen=True)
class Batch:
    """B consecutive centres of the kept text with their drawn windows."""

    centres: Tensor  # (B,) int64 word numbers
    contexts: Tensor  # (B, 2W) int64 word numbers, meaningless where `inside` is False
    inside: Tensor  # (B, 2W) bool: in the drawn window and in the same sentence
    words_done: int  # raw words of all epochs, up to the end of this batch
    rate: float  # learning rate at the start of this batch


class Stream:
    """The text as batches of centres with their windows, one after the other."""

    def __init__(self, corpus: Corpus, config: Config, device: str, positions: int):
        self.config, self.device, self.positions = config, device, positions
        self.text = Text(corpus, config, device)
        self.generator = torch.Generator(device).manual_seed(config.seed)
        self.kept_words = 0
        self._pairs = torch.zeros((), dtype=torch.int64, device=device)  # stays there: no wait for the device

    @property
    def pairs(self) -> int:
        """Centre-context pairs handed out so far."""
        return int(self._pairs)

    def __iter__(self) -> Iterator[Batch]:
        for segment in self.text.segments():
            kept = self.text.subsample(segment, self.generator)
            self.kept_words += len(kept.ids)
            self._pairs += (kept.left + kept.right).sum()
            yield from self._batches(kept)

    def _batches(self, kept: Kept) -> Iterator[Batch]:
        W, M = self.config.window, len(kept.ids)
        offset = torch.cat([torch.arange(-W, 0), torch.arange(1, W + 1)]).to(self.device)  # (2W,)
        for i in range(0, M, self.positions):
            at = torch.arange(i, min(i + self.positions, M), device=self.device)  # (B,)
            inside = (offset >= -kept.left[at, None]) & (offset <= kept.right[at, None])  # (B, 2W)
            contexts = kept.ids[(at[:, None] + offset).clamp(0, M - 1)]
            rate = learning_rate(self.config, kept.words_done(i), self.text.words_total)
            yield Batch(kept.ids[at], contexts, inside, kept.words_done(i + self.positions), rate)


class Noise:
    """Draws words from counts^0.75 with an alias table: two look-ups a draw, whatever V."""

    def __init__(self, corpus: Corpus, config: Config, device: str):
        chance, other = alias_table(corpus.noise_probability)
        self.chance = torch.from_numpy(chance).to(device)  # (V,) float32
        self.other = torch.from_numpy(other).to(device)  # (V,) int64
        self.generator = torch.Generator(device).manual_seed(config.seed + 1_000_003)  # not the stream's

    def draw(self, *shape: int, generator: torch.Generator | None = None) -> Tensor:
        """Word numbers, int64, of the given shape; from its own generator unless given another."""
        own = generator or self.generator
        column = torch.randint(len(self.chance), shape, generator=own, device=self.chance.device)
        point = torch.rand(shape, generator=own, device=self.chance.device)
        return torch.where(point < self.chance[column], column, self.other[column])
