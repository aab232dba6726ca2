"""The text as a program on the device sees it: held there, never waited for by the host.

The corpus is uploaded once, as int32; one that is drawn (`bench.contract.Drawn`) comes into being here, 4 GB
for a gigaword, and the host never holds anything of that length. Each section (whole sentences, about a
million words) is subsampled and given its windows by some fifteen operations on the device. How many words
are kept is known there alone: the kept words fill the front of buffers as long as the section, and their
number stays in a tensor that kernels read. So the host runs ahead, queues section after section, and learns
how far the device is from events that it looks at in passing (`Queue`).

No CUDA graph here: twenty launches a section are 0.1 ms of host time for 10 ms of device time.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.contract import Config, Corpus, Tick

SECTION_WORDS = 1 << 20  # buffers take about 60 bytes a word, and a section some 10 ms
TEXT_SEED = 2_000_003  # a drawn text's chance is neither the stream's nor the noise's
AHEAD = 8  # sections that the host queues before it waits for the oldest


@dataclass(frozen=True)
class Section:
    """Whole sentences of one epoch."""

    first: int  # sentence
    last: int  # sentence, itself not in the section
    begin: int  # raw word
    end: int
    words_before: int  # raw words of all epochs before it

    @property
    def words(self) -> int:
        """Raw words."""
        return self.end - self.begin


@dataclass(frozen=True)
class KeptSection:
    """What subsampling left of a section of n raw words: the first `count` of n + 1 places."""

    ids: Tensor  # (n + 1,) int32 word numbers
    left: Tensor  # (n + 1,) int32 contexts before each word, 0..W, cut where its sentence ends
    right: Tensor  # (n + 1,) int32 and behind it
    count: Tensor  # (1,) int32

    def is_text(self) -> Tensor:
        """(n + 1,) bool: which of the places are text."""
        return torch.arange(len(self.ids), device=self.ids.device) < self.count

    def contexts(self) -> Tensor:
        """(n + 1,) int32 how many contexts the word at each place has; none behind the text."""
        return torch.where(self.is_text(), self.left + self.right, 0)


def uploaded(array: npt.NDArray[Any], device: str) -> Tensor:
    """A copy on the device: torch wants writable memory."""
    return torch.from_numpy(array.copy()).to(device)


def drawn_ids(corpus: Corpus, config: Config, device: str) -> Tensor:
    """(N,) int32: each word drawn on its own with the odds of the counts, by the config's seed.

    A uniform number is looked up among the sums of the counts: 21 steps for V = 2 M, in 16 MB that stay in
    the second-level cache. An alias table (`_alias`) takes two steps, but the host takes 2 s to build one
    of that size, before every run.
    """
    shares = uploaded(corpus.counts.cumsum() / corpus.counts.sum(), device)  # (V,) float64, rising to 1
    generator = torch.Generator(device).manual_seed(config.seed + TEXT_SEED)
    ids = torch.empty(corpus.tokens, dtype=torch.int32, device=device)
    for part in ids.split(SECTION_WORDS):
        point = torch.rand(len(part), generator=generator, device=device, dtype=torch.float64)  # below 1
        torch.searchsorted(shares, point, right=True, out_int32=True, out=part)
    return ids


def sentence_offsets(corpus: Corpus) -> npt.NDArray[np.int64]:
    """(S + 1,) where the sentences begin, and the end of the last."""
    if (drawn := corpus.drawn) is None:
        return np.asarray(corpus.offsets)
    return np.append(np.arange(0, drawn.tokens, drawn.sentence_words), drawn.tokens)


class DeviceText:
    """The law's text (`_law.Text`) without a wait: same subsampling, same windows, other draws."""

    def __init__(self, corpus: Corpus, config: Config, device: str):
        self.config = config
        self.words_total = corpus.tokens * config.epochs
        self.ids = drawn_ids(corpus, config, device) if corpus.drawn else uploaded(corpus.ids, device)  # (N,)
        self.offsets = sentence_offsets(corpus)  # (S + 1,) on the host, which cuts the sections
        self.edges = uploaded(self.offsets, device)  # (S + 1,) int64
        self.keep = torch.from_numpy(corpus.keep_probability(config.subsample)).float().to(device)  # (V,)
        self.generator = torch.Generator(device).manual_seed(config.seed)

    def sections(self) -> Iterator[Section]:
        """All epochs, one section after the other."""
        words = int(self.offsets[-1])
        starts = np.searchsorted(self.offsets, np.arange(0, words, SECTION_WORDS))
        cuts = [*np.unique(starts).tolist(), len(self.offsets) - 1]
        for epoch in range(self.config.epochs):
            for first, last in pairwise(cuts):
                begin, end = int(self.offsets[first]), int(self.offsets[last])
                if begin < end:
                    yield Section(first, last, begin, end, epoch * words + begin)

    def draw(self, section: Section) -> KeptSection:
        """Subsample a section and draw its windows; shapes follow from the section alone."""
        n, device = section.words, self.ids.device
        ids = self.ids[section.begin : section.end]  # (n,)
        stays = torch.rand(n, generator=self.generator, device=device) < self.keep.index_select(0, ids)
        before = pad(stays.cumsum(0, dtype=torch.int32), (1, 0))  # (n + 1,) kept words before each raw one
        raw_edges = (self.edges[section.first : section.last + 1] - section.begin).int()  # the sentences'
        edges = before.index_select(0, raw_edges)  # and those of what is kept of them
        place = torch.arange(n, device=device, dtype=torch.int32)
        sentence = torch.searchsorted(raw_edges[1:], place, right=True, out_int32=True)  # (n,) each word's
        at = before[:-1]  # (n,) where a word lands if it stays
        width = torch.randint(
            1, self.config.window + 1, (n,), generator=self.generator, device=device, dtype=torch.int32
        )
        left = torch.minimum(width, at - edges.index_select(0, sentence))
        right = torch.minimum(width, edges.index_select(0, sentence + 1) - 1 - at)
        lands = torch.where(stays, at, n).long()  # what does not stay lands on the last place, unread

        def compact(values: Tensor) -> Tensor:
            return torch.empty(n + 1, dtype=torch.int32, device=device).scatter_(0, lands, values)

        count = before[-1:].clone()  # at an address of its own: Triton compiles anew for unaligned ones
        return KeptSection(compact(ids), compact(left), compact(right), count)


class Queue:
    """Work handed to the device and not yet seen to be done."""

    def __init__(self, device: str, tick: Tick):
        self.cuda, self.tick = device.startswith("cuda"), tick
        self.waiting: deque[tuple[torch.cuda.Event, int]] = deque()

    def handed_over(self, words_done: int) -> None:
        """After work has been queued that ends with this raw word; ticks for what is done by now."""
        if not self.cuda:  # done already
            self.tick(words_done)
            return
        event = torch.cuda.Event()
        event.record()
        self.waiting.append((event, words_done))
        if len(self.waiting) > AHEAD:
            self.waiting[0][0].synchronize()
        while self.waiting and self.waiting[0][0].query():
            self.tick(self.waiting.popleft()[1])

    def finish(self) -> None:
        """Wait for the rest."""
        while self.waiting:
            event, words_done = self.waiting.popleft()
            event.synchronize()
            self.tick(words_done)
