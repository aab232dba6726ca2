"""One step of an implementation, ready to be timed: each family of implementations takes its own.

The contract knows only whole trainings. A file that belongs to no family here trains in one call
(gensim, word2vec.c) and has no step.
"""

import ctypes
import itertools
from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

import torch

from bench.contract import Corpus, Implementation
from impls._textbook import Textbook
from impls._windowed import Windowed
from impls.fused import Fused, Work, cut

# The first half of the text is left out: it begins with every word once, see `tests.tiny.zipf_corpus`.
STEPS = 200  # taken in turn, so that no step finds all its rows where it left them


class Step(NamedTuple):
    """Call `take` for the next step; it takes `words` raw words on average."""

    take: Callable[[], object]
    words: float


@singledispatch
def step_of(implementation: Implementation, corpus: Corpus) -> Step | None:
    """The step of a prepared implementation; None where its training is one call."""
    del implementation, corpus


@step_of.register
def _(implementation: Textbook, corpus: Corpus) -> Step:
    """A batch of centres."""
    batches = [batch for batch in implementation.stream if batch.words_done > corpus.tokens // 2][:STEPS]
    words = (batches[-1].words_done - batches[0].words_done) / (len(batches) - 1)
    following = itertools.cycle(batches)
    return Step(lambda: implementation.step(next(following)), words)


@step_of.register
def _(implementation: Windowed, corpus: Corpus) -> Step:
    """A band of chunks."""
    generator = torch.Generator().manual_seed(1)
    sentences = len(corpus.offsets) - 1
    kept = implementation.text.subsample((0, sentences // 2, sentences), generator)
    bands = list(implementation.bands(kept, generator))
    following = itertools.cycle(bands[:STEPS])
    take = torch.no_grad()(implementation.step)
    return Step(lambda: take(next(following)), kept.words / len(bands))


@step_of.register
def _(implementation: Fused, corpus: Corpus) -> Step:
    """A piece of text, some thousand centres: the kernel has no smaller unit."""
    half = corpus.tokens // 2
    pieces = [piece for piece in cut(corpus.offsets, 1) if piece[2] >= half]
    words = sum(int(corpus.offsets[last] - corpus.offsets[first]) for first, last, _ in pieces) / len(pieces)
    following, work = itertools.cycle(pieces), Work()
    model = ctypes.byref(implementation.model)

    def take() -> None:
        implementation.library.train_piece(model, *next(following), 1, ctypes.byref(work))

    return Step(take, words)
