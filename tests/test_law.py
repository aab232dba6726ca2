"""The stream and the noise obey the stated distributions."""

import numpy as np
import pytest
import torch
from scipy.stats import chisquare

from impls import _law
from impls._law import Noise, Stream, learning_rate, starting_vectors
from tests.tiny import config, tiny_corpus, zipf_corpus


def everything(corpus, positions=64, **changes):
    """All batches of a stream, and the stream."""
    stream = Stream(corpus, config(**changes), "cpu", positions)
    return list(stream), stream


def test_a_word_has_window_plus_one_contexts():
    """The width is uniform in 1..W on both sides, so W + 1 on average, not 2W."""
    corpus = tiny_corpus([list(range(20)) * 50] * 40)  # sentences of 1,000: edges hardly matter
    _, stream = everything(corpus, window=5, epochs=2)
    assert stream.pairs / stream.kept_words == pytest.approx(6, rel=0.01)


def test_windows_are_the_centres_own_neighbours():
    corpus = tiny_corpus([[0, 1, 2, 3, 4, 5, 6]])
    (batch,), _ = everything(corpus, window=2)
    for centre, contexts, inside in zip(batch.centres, batch.contexts, batch.inside, strict=True):
        near = {int(centre) + o for o in (-2, -1, 1, 2)} & set(range(7))
        found = set(contexts[inside].tolist())
        assert found <= near
        assert {int(centre) - 1, int(centre) + 1} & set(range(7)) <= found  # width is at least 1


def test_widths_are_uniform():
    corpus = tiny_corpus([[0] * 1000] * 30)
    batches, _ = everything(corpus, window=5, positions=1000)
    reach = torch.cat([b.inside[5:-5, 5:].sum(dim=1) for b in batches])  # contexts to the right
    counts = np.bincount(reach.numpy(), minlength=6)
    assert counts[0] == 0
    assert chisquare(counts[1:]).pvalue > 1e-3


@pytest.mark.parametrize("segment_words", [1, 30, 1 << 20])
def test_sentences_never_pair_across_their_ends(monkeypatch, segment_words):
    """Whatever the segments: words of sentence s are 10 s .. 10 s + 9."""
    monkeypatch.setattr(_law, "SEGMENT_WORDS", segment_words)
    sentences = [list(range(10 * s, 10 * s + 10)) for s in range(12)]
    batches, stream = everything(tiny_corpus(sentences), window=4)
    for batch in batches:
        own = batch.centres // 10
        assert (batch.contexts // 10 == own[:, None])[batch.inside].all()
    assert stream.kept_words == 120
    assert batches[-1].words_done == 120


def test_subsampling_keeps_the_stated_share():
    corpus = zipf_corpus(words=40_000)
    t = 0.01
    batches, stream = everything(corpus, subsample=t, epochs=5, positions=512)
    kept = np.bincount(torch.cat([b.centres for b in batches]).numpy(), minlength=50)
    f = corpus.counts / corpus.counts.sum()
    expected = corpus.counts * 5 * np.minimum(1, np.sqrt(t / f) + t / f)
    variance = expected * (1 - expected / (corpus.counts * 5)) + 1e-9  # binomial; rare words: certain
    sure = expected >= corpus.counts * 5
    assert (kept[sure] == corpus.counts[sure] * 5).all()
    z2 = ((kept - expected) ** 2 / variance)[~sure]
    assert z2.sum() < len(z2) + 4 * np.sqrt(2 * len(z2))  # chi-square, four standard deviations
    assert stream.kept_words == kept.sum()


def test_subsampling_comes_before_windows():
    """When every other word is dropped, the kept ones become neighbours."""
    corpus = tiny_corpus([[0, 1] * 500])
    t = 1e-6  # drops almost all of both words, yet the few that stay see each other
    batches, _ = everything(corpus, subsample=t, window=1, epochs=200, positions=4096)
    pairs = sum(int(b.inside.sum()) for b in batches)
    kept = sum(len(b.centres) for b in batches)
    assert kept < 1000  # of 200,000
    assert pairs > 0


def test_noise_is_counts_to_the_three_quarters():
    corpus = zipf_corpus()
    drawn = Noise(corpus, config(), "cpu").draw(400, 500)
    p = corpus.counts**0.75 / (corpus.counts**0.75).sum()
    assert chisquare(np.bincount(drawn.flatten().numpy(), minlength=50), p * 200_000).pvalue > 1e-3


def test_rate_falls_linearly_over_all_epochs():
    c = config(epochs=3, learning_rate=0.03)
    assert [learning_rate(c, done, 300) for done in (0, 150, 300)] == pytest.approx([0.03, 0.015, 3e-6])
    batches, _ = everything(tiny_corpus([list(range(10))] * 10), epochs=3, positions=25)
    rates = [b.rate for b in batches]
    assert rates[0] == 0.025
    assert rates == sorted(rates, reverse=True)
    assert [b.words_done for b in batches] == sorted(b.words_done for b in batches)
    assert batches[-1].words_done == 300


def test_start_is_word2vecs():
    inputs, outputs = starting_vectors(1000, 999, config(dim=100), "cpu")
    assert inputs.shape == (1000, 100)
    assert outputs.shape == (999, 100)
    assert not outputs.any()
    assert inputs.abs().max() <= 0.005
    assert inputs.std() == pytest.approx(0.01 / 12**0.5, rel=0.02)  # uniform of width 1/D
    again, _ = starting_vectors(1000, 999, config(dim=100), "cpu")
    assert torch.equal(inputs, again)
