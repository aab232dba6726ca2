"""What happens before a step: windows, pairs, bands, noise words, the Huffman tree."""

import pytest
import torch

from bench.contract import Config, Resources
from bench.vocabulary import huffman_tree
from impls._alias import alias_table
from impls._law import Noise, Stream, Text
from impls.ns_windowed import NegativeSamplingWindowed
from tests.tiny import zipf_corpus

CONFIG = Config("skipgram", "ns", epochs=1, min_count=1)
DRAWN = 1 << 16


@pytest.fixture(scope="module")
def corpus():
    return zipf_corpus(words=120_000, vocabulary=10_000)


def bench_windows(corpus, measure):
    """Subsampling, and a window for every word that stays."""
    text, generator = Text(corpus, CONFIG, "cpu"), torch.Generator().manual_seed(1)
    (segment,) = text.segments()
    measure(lambda: text.subsample(segment, generator), corpus.tokens)


def bench_pairs(corpus, measure):
    """Every pair of the text written down, as the textbook files do."""

    def pairs():
        for batch in Stream(corpus, CONFIG, "cpu", positions=256):
            row, column = batch.inside.nonzero(as_tuple=True)
            yield batch.centres[row], batch.contexts[row, column]

    measure(lambda: sum(len(centre) for centre, _ in pairs()), corpus.tokens)


def bench_bands(corpus, measure):
    """The kept text cut into chunks with their windows and noise, as the windowed files do."""
    windowed, generator = NegativeSamplingWindowed(), torch.Generator().manual_seed(1)
    windowed.prepare(corpus, CONFIG, Resources())
    (segment,) = windowed.text.segments()
    kept = windowed.text.subsample(segment, generator)
    measure(lambda: list(windowed.bands(kept, generator)), corpus.tokens)


def bench_noise(corpus, measure):
    noise = Noise(corpus, CONFIG, "cpu")
    measure(lambda: noise.draw(DRAWN), DRAWN, unit="noise words")


def bench_alias_table(corpus, measure):
    measure(lambda: alias_table(corpus.noise_probability), corpus.vocabulary_size, unit="words of V")


def bench_huffman_tree(corpus, measure):
    measure(lambda: huffman_tree(corpus.counts), corpus.vocabulary_size, unit="words of V")
