"""The windowed files against their textbook parents and the equations, on the same windows and noise."""

import numpy as np
import pytest
import torch
from scipy.special import expit, log_softmax

from bench.contract import Resources
from impls import _law
from impls._compiled import MODES
from impls._law import Batch
from impls.full_softmax import FullSoftmax
from impls.hierarchical_softmax import HierarchicalSoftmax
from impls.hs_compiled import HierarchicalSoftmaxCompiled
from impls.hs_windowed import HierarchicalSoftmaxWindowed, top_paths
from impls.negative_sampling import NegativeSampling
from impls.ns_compiled import NegativeSamplingCompiled
from impls.ns_windowed import NegativeSamplingWindowed
from impls.softmax_compiled import FullSoftmaxCompiled
from impls.softmax_windowed import FullSoftmaxWindowed
from tests.tiny import config, tiny_corpus, zipf_corpus

CHUNK = 4
SMALL = {"positions": 3 * CHUNK, "chunk": CHUNK}
ARCHITECTURES = pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
CORPUS = zipf_corpus(words=400)  # 50 words, a dimension of 7: a multiple of nothing


def prepared(kind, architecture, objective, options=None, corpus=CORPUS, **changes):
    """An implementation at a random, not a zero, point."""
    implementation = kind(options)
    implementation.prepare(corpus, config(architecture, objective, dim=7, epochs=2, **changes), Resources())
    generator = torch.Generator().manual_seed(3)
    for matrix in (implementation.inputs, implementation.outputs):
        matrix.copy_(torch.randn(matrix.shape, generator=generator))
    return implementation


def bands(implementation):
    """All bands of the first epoch's text; of two, so that the rate is still high at its end."""
    generator = torch.Generator().manual_seed(5)
    kept = implementation.text.subsample(next(implementation.text.segments()), generator)
    return list(implementation.bands(kept, generator))


def as_batch(band) -> Batch:
    """The same centres and windows as the textbook takes them."""
    n, C, H = band.inside.shape
    contexts = band.halo[:, None].expand(n, C, H).reshape(n * C, H)
    inside = band.inside.reshape(n * C, H).bool()
    return Batch(band.centres.reshape(-1), contexts, inside, 0, -float(band.step))


def same_point(windowed, parent):
    for name in ("inputs", "outputs"):
        torch.testing.assert_close(getattr(windowed, name), getattr(parent, name), rtol=2e-5, atol=2e-6)


@ARCHITECTURES
@pytest.mark.parametrize(
    ("kind", "parent", "objective", "options"),
    [
        (HierarchicalSoftmaxWindowed, HierarchicalSoftmax, "hs", {"top": 5, "cap": 0, "repeats": 0}),
        (HierarchicalSoftmaxWindowed, HierarchicalSoftmax, "hs", {"top": 1000, "cap": 0, "repeats": 0}),
        (FullSoftmaxWindowed, FullSoftmax, "softmax", {"block": 16}),  # 50 words: the last block is short
    ],
)
def test_a_step_is_the_parents(kind, parent, objective, architecture, options):
    windowed = prepared(kind, architecture, objective, SMALL | options)
    textbook = prepared(parent, architecture, objective)
    for band in bands(windowed)[-3:]:  # the last one is padded
        windowed.step(band)
        textbook.step(as_batch(band))
    same_point(windowed, textbook)


@ARCHITECTURES
def test_negative_sampling_is_the_parents_with_the_chunks_noise(architecture):
    """With K = K', every pair has exactly the noise words of its chunk."""
    shared = {"positions": CHUNK, "chunk": CHUNK, "negatives_a_chunk": 9}  # one chunk a step
    windowed = prepared(NegativeSamplingWindowed, architecture, "ns", shared, negatives=9)
    textbook = prepared(NegativeSampling, architecture, "ns", negatives=9)
    coincidences = 0
    for band in bands(windowed)[-4:]:
        textbook.noise.draw = lambda P, K, noise=band.noise: noise.expand(P, K)
        coincidences += int((band.noise == band.halo[..., None]).sum())
        windowed.step(band)
        textbook.step(as_batch(band))
    assert coincidences > 0  # noise that equals the predicted word was met
    same_point(windowed, textbook)


def ns_oracle(V, U, band, K, architecture):
    """Loss and gradients of one step in float64, pair by pair: noise counts K / K' times."""
    loss, dV, dU = 0.0, np.zeros_like(V), np.zeros_like(U)
    for centres, halo, inside, noise in zip(*(x.numpy() for x in band[:4]), strict=True):
        for c, row in zip(centres, inside, strict=True):
            window = halo[row > 0]
            pairs = (
                [([c], x) for x in window] if architecture == "skipgram" else [(window, c)] * int(row.any())
            )
            for words, target in pairs:
                v = V[words].mean(axis=0)
                outcomes = [(target, 1, 1.0), *((w, 0, K / len(noise)) for w in noise if w != target)]
                for w, label, weight in outcomes:
                    score = U[w] @ v
                    loss -= weight * np.log(expit(score if label else -score))
                    g = weight * (expit(score) - label)
                    dU[w] += g * v
                    np.add.at(dV, words, g * U[w])
    return loss, dV, dU


@ARCHITECTURES
def test_negative_sampling_weighs_shared_noise(architecture):
    """K' of 11 for K of 3: against the equation, and the gradient against differences of its loss."""
    options = SMALL | {"negatives_a_chunk": 11}
    windowed = prepared(NegativeSamplingWindowed, architecture, "ns", options, negatives=3)
    V, U = windowed.inputs.double().numpy().copy(), windowed.outputs.double().numpy().copy()
    band = bands(windowed)[-1]
    loss, dV, dU = ns_oracle(V, U, band, 3, architecture)
    windowed.step(band)
    rate = -float(band.step)
    np.testing.assert_allclose(windowed.inputs.numpy(), V - rate * dV, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(windowed.outputs.numpy(), U - rate * dU, rtol=2e-5, atol=2e-6)
    nearby = ns_oracle(V, U - 1e-6 * dU, band, 3, architecture)[0]
    assert (loss - nearby) / 1e-6 == pytest.approx((dU**2).sum(), rel=1e-4)


def test_bands_hold_every_kept_word_once_with_its_own_window():
    """Also where the last chunk is partial and sentences are short."""
    corpus = tiny_corpus([list(range(10 * s, 10 * s + length)) for s, length in enumerate([7, 1, 10, 2, 9])])
    windowed = prepared(NegativeSamplingWindowed, "skipgram", "ns", SMALL, corpus=corpus, window=3)
    generator = torch.Generator().manual_seed(0)
    segment = next(windowed.text.segments())
    kept = windowed.text.subsample(segment, generator)
    found = []
    for band in windowed.bands(kept, generator):
        assert band.inside.shape == (3, CHUNK, CHUNK + 6)
        batch = as_batch(band)
        for centre, contexts, inside in zip(batch.centres, batch.contexts, batch.inside, strict=True):
            found += [(int(centre), x) for x in contexts[inside].tolist()]
    wanted = []
    for at, (word, left, right) in enumerate(zip(kept.ids, kept.left, kept.right, strict=True)):
        near = [*range(at - left, at), *range(at + 1, at + int(right) + 1)]
        wanted += [(int(word), int(kept.ids[x])) for x in near]
    assert sorted(found) == sorted(wanted)
    assert len(kept.ids) == 29
    assert all(a // 10 == b // 10 for a, b in found)  # words of sentence s are 10 s and more


@pytest.mark.parametrize("kind", [NegativeSamplingWindowed, HierarchicalSoftmaxWindowed])
def test_the_cap_bounds_what_a_frequent_row_receives(kind):
    """A tiny cap scales a row by cap / expected; an enormous one changes nothing."""
    objective = "ns" if kind is NegativeSamplingWindowed else "hs"
    moved = {}
    for cap in (0, 1e9, 0.5, 0.25):
        windowed = prepared(kind, "skipgram", objective, SMALL | {"cap": cap})
        before = windowed.outputs.clone()
        windowed.step(bands(windowed)[0])
        moved[cap] = windowed.outputs - before
    torch.testing.assert_close(moved[1e9], moved[0])
    torch.testing.assert_close(moved[0.25][0], moved[0.5][0] / 2, rtol=1e-3, atol=1e-5)  # word 0, or the root
    assert moved[0.5][0].norm() < moved[0][0].norm()


@ARCHITECTURES
def test_a_word_that_comes_often_in_a_step_moves_as_if_it_came_twice(architecture):
    """Hierarchical softmax; words that come once or twice move as they would have."""
    moved = {}
    for repeats in (0, 2):
        windowed = prepared(
            HierarchicalSoftmaxWindowed, architecture, "hs", SMALL | {"positions": 60, "repeats": repeats}
        )
        before, band = windowed.inputs.clone(), bands(windowed)[0]
        windowed.step(band)
        moved[repeats] = windowed.inputs - before
    rows = band.centres if architecture == "skipgram" else band.halo
    times = torch.bincount(rows.flatten(), minlength=50)
    assert (times > 2).any()
    assert ((times > 0) & (times <= 2)).any()
    factor = (2 / times.clamp(min=1)).clamp(max=1)[:, None]
    torch.testing.assert_close(moved[2], factor * moved[0], rtol=1e-3, atol=1e-5)


@ARCHITECTURES
@pytest.mark.parametrize(
    ("kind", "objective"),
    [
        (NegativeSamplingWindowed, "ns"),
        (HierarchicalSoftmaxWindowed, "hs"),
        (FullSoftmaxWindowed, "softmax"),
    ],
)
def test_training_learns_counts_and_repeats(monkeypatch, kind, objective, architecture):
    """Two training runs on one thread are the same; the counts are the text's; the loss falls."""
    monkeypatch.setattr(_law, "SEGMENT_WORDS", 150)
    results, words = [], []
    for _ in range(2):
        windowed = kind(SMALL)
        windowed.prepare(CORPUS, config(architecture, objective, epochs=3, dim=7), Resources())
        windowed.train(words.append)
        results.append(windowed.vectors())
    assert np.array_equal(*results)
    assert words[-1] == 3 * CORPUS.tokens
    work = windowed.work()
    assert work["kept_words"] == 3 * CORPUS.tokens
    assert work["pairs"] / work["kept_words"] == pytest.approx(2.7, rel=0.05)  # W + 1, less at sentence ends
    p = log_softmax(results[0] @ windowed.outputs[:49].numpy().T, axis=1)
    assert np.isfinite(p).all()
    assert np.abs(windowed.outputs.numpy()).max() > 1e-3


def test_two_threads_share_the_text(monkeypatch):
    monkeypatch.setattr(_law, "SEGMENT_WORDS", 40)
    windowed = NegativeSamplingWindowed(SMALL)
    windowed.prepare(CORPUS, config(epochs=2), Resources(threads=2))
    threads = torch.get_num_threads()
    windowed.train(lambda _: None)
    assert windowed.work()["kept_words"] == 2 * CORPUS.tokens
    assert torch.get_num_threads() == threads


def test_a_spent_budget_ends_all_threads():
    class Spent(BaseException):
        pass

    def tick(_words):
        raise Spent

    windowed = NegativeSamplingWindowed(SMALL)
    windowed.prepare(CORPUS, config(epochs=100_000), Resources(threads=2))
    threads = torch.get_num_threads()
    with pytest.raises(Spent):
        windowed.train(tick)
    assert torch.get_num_threads() == threads


def test_top_paths_are_the_trees():
    tree = CORPUS.huffman
    way, table = top_paths(tree, 6)
    for word in range(CORPUS.vocabulary_size):
        passes, high = np.zeros(6), np.zeros(6)
        for at in range(tree.offsets[word], tree.offsets[word + 1]):
            if tree.nodes[at] < 6:
                passes[tree.nodes[at]], high[tree.nodes[at]] = 1, 1 - tree.codes[at]
        np.testing.assert_array_equal(table[way[word]], [*passes, *high])


def test_softmax_memory_knows_nothing_of_the_batch_times_the_vocabulary():
    """No tensor of a step is larger than predictions × block."""
    windowed = prepared(
        FullSoftmaxWindowed, "skipgram", "softmax", {"positions": 64, "chunk": 16, "block": 8}
    )
    band = bands(windowed)[0]
    largest = 0

    class Watch(torch.utils._python_dispatch.TorchDispatchMode):
        def __torch_dispatch__(self, function, _types, arguments=(), keywords=None):
            nonlocal largest
            result = function(*arguments, **(keywords or {}))
            if isinstance(result, torch.Tensor) and result.shape[-1] != 7:
                largest = max(largest, result.numel())
            return result

    with Watch():
        windowed.step(band)
    assert largest <= 64 * max(8, 16 + 4)  # scores of a block, or the windows: never 64 × 50


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inductor still calls torch.jit
@pytest.mark.filterwarnings(
    "ignore:TypedStorage is deprecated:UserWarning"
)  # and copies storages when it tunes
@ARCHITECTURES
@pytest.mark.parametrize(
    ("kind", "parent", "objective", "options"),
    [
        (NegativeSamplingCompiled, NegativeSamplingWindowed, "ns", {"negatives_a_chunk": 11}),
        (HierarchicalSoftmaxCompiled, HierarchicalSoftmaxWindowed, "hs", {"top": 15}),
        (FullSoftmaxCompiled, FullSoftmaxWindowed, "softmax", {"block": 16}),
    ],
)
@pytest.mark.parametrize("mode", MODES)
def test_compiled_is_eager_and_is_compiled_once(kind, parent, objective, options, mode, architecture):
    """Half a minute or more each: inductor runs the C++ compiler."""
    torch._dynamo.reset()
    eager = prepared(parent, architecture, objective, SMALL | options)
    compiled = prepared(kind, architecture, objective, SMALL | options | {"mode": mode})
    before = compiled.inputs.clone(), compiled.outputs.clone()
    compiled.compile()
    assert torch.equal(compiled.inputs, before[0])  # warmed up on throw-away state
    assert torch.equal(compiled.outputs, before[1])
    with torch.no_grad(), torch._dynamo.config.patch(error_on_recompile=True):
        for one, other in zip(bands(eager), bands(compiled), strict=True):
            eager.step(one)
            compiled.step(other)
        same_point(compiled, eager)
        compiled.train(lambda _: None)  # in a thread of its own
    assert np.isfinite(compiled.vectors()).all()
