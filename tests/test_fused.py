"""The fused kernel against float64 NumPy, one step at a time, and what a user sees of a whole run."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

from bench import vocabulary
from bench.contract import Config, Corpus, Resources, Stored
from impls.fused import Fused

MODELS = [("skipgram", "ns"), ("skipgram", "hs"), ("cbow", "ns"), ("cbow", "hs")]
EVERY_MODEL = pytest.mark.parametrize(("architecture", "objective"), MODELS)


def corpus_of(ids, V, sentence=20):
    """A corpus of the given word numbers, `sentence` words a sentence."""
    N = len(ids)
    counts = np.bincount(ids, minlength=V).astype(np.int64)
    offsets = np.append(np.arange(0, N, sentence), N).astype(np.int64)
    return Corpus(
        name="tiny",
        sha256="0" * 64,
        raw_tokens=N,
        min_count=1,
        counts=counts,
        words=[f"w{v}" for v in range(V)],
        huffman=vocabulary.huffman_tree(counts),
        text=Stored(np.asarray(ids, np.int32), offsets, Path("unused")),
    )


def random_corpus(V=60, N=4000, seed=0):
    """Zipf-like words, every one of them at least once, numbered by falling count."""
    weight = 1 / np.arange(1, V + 1)
    counts = np.maximum(1, N * weight / weight.sum()).astype(int)
    return corpus_of(np.random.default_rng(seed).permutation(np.repeat(np.arange(V), counts)), V)


def paired_corpus(pairs=15, N=12_000):
    """Words 2i and 2i + 1 always stand side by side, alone in their sentence: 2i predicts 2i + 1."""
    first = 2 * np.sort(np.random.default_rng(0).integers(0, pairs, N // 2) // 1)
    values, counts = np.unique(first, return_counts=True)
    rank = np.empty(2 * pairs, int)
    rank[values[np.argsort(-counts)]] = 2 * np.arange(len(values))
    first = rank[np.random.default_rng(1).permutation(first)]
    return corpus_of(np.stack([first, first + 1], axis=1).ravel(), 2 * pairs, sentence=2)


def prepared(corpus, architecture, objective, threads=1, **options):
    run = Fused()
    config = Config(architecture, objective, **{"dim": 20, "subsample": 0, "epochs": 1, **options})
    run.prepare(corpus, config, Resources(threads=threads))
    run.compile()
    return run


def trained(*arguments, **options):
    run = prepared(*arguments, **options)
    run.train(lambda _: None)
    return run


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reference_step(inputs, outputs, contexts, rows, ones, skips, rate, cbow):
    """The step of the kernel's header in float64, on copies: new inputs and new outputs."""
    inputs, outputs = inputs.astype(np.float64), outputs.astype(np.float64)
    x = inputs[contexts]  # (C, D)
    if cbow:
        x = x.mean(axis=0, keepdims=True)  # (1, D)
    g = rate * (ones - sigmoid(x @ outputs[rows].T)) * (1 - skips)  # (C or 1, O)
    np.add.at(inputs, contexts, np.broadcast_to(g @ outputs[rows], (len(contexts), inputs.shape[1])))
    np.add.at(outputs, rows, g.T @ x)
    return inputs, outputs


def array(values, dtype):
    values = np.ascontiguousarray(values, dtype)
    return values, values.ctypes.data_as(ctypes.c_void_p)


@EVERY_MODEL
@pytest.mark.parametrize("dim", [1, 16, 37, 100])
@pytest.mark.parametrize(("C", "outputs"), [(1, 1), (2, 6), (3, 8), (7, 9), (10, 16), (5, 17), (6, 33)])
def test_one_step_is_the_step_of_the_header(architecture, objective, dim, C, outputs):
    V = 80
    run = prepared(random_corpus(V), architecture, objective, dim=dim)
    random = np.random.default_rng(C * outputs + dim)
    run.inputs[:, :dim] = random.normal(size=(V, dim))
    run.outputs[:, :dim] = random.normal(size=(len(run.outputs), dim))
    contexts, rows = random.permutation(V)[:C], random.permutation(len(run.outputs))[:outputs]
    path, cbow = objective == "hs", architecture == "cbow"
    if C == 7 and not path:
        rows[2] = rows[1]  # the same noise word twice
    ones, skips = random.random(outputs) < 0.4, random.random(outputs) < (0 if path else 0.2)
    expected = run.inputs[:, :dim], run.outputs[:, :dim]
    together = 2 if path and not cbow else C  # contexts that meet the outputs as they were
    for c in range(0, C, together):
        expected = reference_step(*expected, contexts[c : c + together], rows, ones, skips, 0.1, cbow)
    held = [array(contexts, np.int32), array(rows, np.int32), array(ones, np.uint8), array(skips, np.uint8)]
    step = run.library.single_step
    step.argtypes = (
        [ctypes.c_void_p] * 2 + [ctypes.c_int64] + [ctypes.c_void_p] * 3 + [ctypes.c_int64, ctypes.c_float]
    )
    step(ctypes.byref(run.model), held[0][1], C, held[1][1], held[2][1], held[3][1], outputs, 0.1)
    np.testing.assert_allclose(run.inputs[:, :dim], expected[0], rtol=0, atol=3e-5)
    np.testing.assert_allclose(run.outputs[:, :dim], expected[1], rtol=0, atol=3e-5)
    assert not run.inputs[:, dim:].any()
    assert not run.outputs[:, dim:].any()


@EVERY_MODEL
def test_copies_of_busy_rows_lose_nothing(architecture, objective):
    """Walked by one thread, a run with copies is the run without, up to the order of additions."""
    corpus = random_corpus(N=8000)
    plain, copying = (prepared(corpus, architecture, objective, threads=t) for t in (1, 2))
    assert min(copying.model.hot_inputs, copying.model.hot_outputs) > 0
    copying.threads = 1
    for run in (plain, copying):
        run.train(lambda _: None)
    np.testing.assert_allclose(copying.inputs, plain.inputs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(copying.outputs, plain.outputs, rtol=0, atol=1e-5)
    assert plain.outputs.any()


def reference_hs_run(corpus, cbow, rate, inputs, outputs):
    """Hierarchical softmax over sentences of two words, window 1: nothing is left to chance."""
    tree, total = corpus.huffman, corpus.tokens
    for s in range(0, total, 2):
        now = rate * max(1e-4, 1 - s / total)
        for centre, context in (corpus.ids[s : s + 2], corpus.ids[s : s + 2][::-1]):
            path = slice(tree.offsets[centre], tree.offsets[centre + 1])
            ones = 1.0 - tree.codes[path]
            inputs, outputs = reference_step(
                inputs, outputs, np.array([context]), tree.nodes[path], ones, 0 * ones, now, cbow
            )
    return inputs


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_a_whole_run_of_hierarchical_softmax_is_the_reference(architecture):
    corpus = paired_corpus(pairs=6, N=400)
    run = prepared(corpus, architecture, "hs", window=1, learning_rate=0.3)
    inputs, outputs = run.inputs[:, :20].copy(), run.outputs[:, :20].copy()
    run.train(lambda _: None)
    expected = reference_hs_run(corpus, architecture == "cbow", 0.3, inputs, outputs)
    np.testing.assert_allclose(run.vectors(), expected, rtol=0, atol=1e-4)
    assert run.work() == {
        "kept_words": 400,
        "pairs": 400,
        "scored_outputs": int(corpus.huffman.lengths[corpus.ids].sum()),
        "row_visits": int((corpus.huffman.lengths[corpus.ids] + 1).sum()),
    }


def test_noise_follows_counts_to_the_three_quarters():
    corpus = random_corpus(V=40)
    run = prepared(corpus, "skipgram", "ns")
    words, pointer = array(np.zeros(200_000), np.int32)
    run.library.draw.argtypes = [ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int64, ctypes.c_void_p]
    run.library.draw(ctypes.byref(run.model), 7, len(words), pointer)
    expected = corpus.noise_probability * len(words)
    chi_square = ((np.bincount(words, minlength=40) - expected) ** 2 / expected).sum()
    assert chi_square < 39 + 5 * np.sqrt(2 * 39)  # mean and deviation of the statistic, 39 degrees


def test_work_is_what_the_law_expects():
    corpus = random_corpus(V=200, N=60_000)
    run = trained(corpus, "skipgram", "ns", subsample=1e-2, window=3, negatives=4, epochs=2)
    kept = 2 * (corpus.counts * corpus.keep_probability(1e-2)).sum()
    assert run.work()["kept_words"] == pytest.approx(kept, rel=0.02)
    wide = trained(corpus_of(corpus.ids, 200, sentence=1000), "skipgram", "ns", window=3)
    assert wide.work()["pairs"] == pytest.approx(4 * corpus.tokens, rel=0.02)  # W + 1 contexts a word
    assert wide.work()["scored_outputs"] == 6 * wide.work()["pairs"]  # K + 1


@EVERY_MODEL
def test_the_same_seed_gives_the_same_bits_on_one_thread(architecture, objective):
    corpus = random_corpus()
    one, two = (trained(corpus, architecture, objective, subsample=1e-2, seed=3).vectors() for _ in range(2))
    assert np.array_equal(one, two)
    assert not np.array_equal(one, trained(corpus, architecture, objective, subsample=1e-2, seed=4).vectors())


@pytest.mark.parametrize("threads", [1, 2])
@EVERY_MODEL
def test_words_that_stand_side_by_side_are_told_from_others(architecture, objective, threads):
    corpus = paired_corpus()
    run = prepared(corpus, architecture, objective, threads=threads, window=1, epochs=5, learning_rate=0.1)
    before = partner_loss(run, corpus)
    run.train(lambda _: None)
    assert before == pytest.approx(np.log(2), abs=0.01)  # zero output vectors: a coin a decision
    assert partner_loss(run, corpus) < 0.4


def partner_loss(run, corpus):
    """Mean negative log-likelihood of a decision when each word is asked for its partner."""
    x, u, tree = run.vectors(), run.outputs[:, :20], corpus.huffman
    losses = []
    for word in range(corpus.vocabulary_size):
        partner = word ^ 1
        if run.config.objective == "ns":
            others = np.setdiff1d(np.arange(corpus.vocabulary_size), [partner])
            losses.append(
                -np.log(sigmoid(x[word] @ u[partner])) - np.log(sigmoid(-x[word] @ u[others].T)).mean()
            )
            losses[-1] /= 2
        else:
            path = slice(tree.offsets[partner], tree.offsets[partner + 1])
            sign = 1 - 2.0 * tree.codes[path]
            losses.append(-np.log(sigmoid(sign * (u[tree.nodes[path]] @ x[word]))).mean())
    return np.mean(losses)


@EVERY_MODEL
def test_the_smallest_vocabularies_train(architecture, objective):
    for V in (1, 2):
        run = trained(corpus_of(np.arange(50) % V, V), architecture, objective, dim=3, window=2, negatives=7)
        assert run.vectors().shape == (V, 3)
        assert np.isfinite(run.vectors()).all()


def test_padding_is_counted_but_never_handed_out():
    run = trained(random_corpus(), "skipgram", "ns", dim=17)
    assert run.vectors().shape == (60, 17)
    assert run.model_bytes() == 2 * 60 * 32 * 4  # rows of 17 floats take two cache lines


def test_tick_sees_progress_and_its_exception_stops_the_threads():
    corpus = random_corpus(V=300, N=400_000)
    seen = []

    def tick(words_done):
        seen.append(words_done)
        raise TimeoutError

    run = prepared(corpus, "skipgram", "hs", threads=2, dim=100, epochs=50)
    with pytest.raises(TimeoutError):
        run.train(tick)
    assert 0 < run._words_done < 50 * corpus.tokens / 2
    ticks = []
    run = prepared(corpus, "cbow", "ns", epochs=2)
    run.train(ticks.append)
    assert ticks == sorted(ticks)
    assert ticks[-1] == 2 * corpus.tokens
