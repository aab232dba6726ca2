"""One training step of each textbook file against the published equations, in float64."""

import numpy as np
import pytest
import torch

from bench.contract import Resources
from impls._law import Batch
from impls.full_softmax import FullSoftmax
from impls.hierarchical_softmax import HierarchicalSoftmax, padded_paths
from impls.negative_sampling import NegativeSampling
from tests.tiny import config, tiny_corpus

RATE = 0.05
SENTENCE = [0, 3, 1, 0, 5, 2, 1, 0, 4, 0]
# Windows by hand: the centre's place in the sentence, and the places of its contexts.
WINDOWS = {0: [1, 2], 2: [1, 3], 4: [2, 3, 5, 6], 9: [8]}


def sigma(x):
    return 1 / (1 + np.exp(-x))


def batch() -> Batch:
    """The windows above as the stream would hand them out; place -1 is outside."""
    contexts = torch.zeros(len(WINDOWS), 4, dtype=torch.int64)
    inside = torch.zeros(len(WINDOWS), 4, dtype=torch.bool)
    for row, places in enumerate(WINDOWS.values()):
        contexts[row, : len(places)] = torch.tensor([SENTENCE[p] for p in places])
        inside[row, : len(places)] = True
    return Batch(torch.tensor([SENTENCE[c] for c in WINDOWS]), contexts, inside, 10, RATE)


def predictions(architecture):
    """(input words, predicted word) of every prediction in the order of the batch."""
    for centre, places in WINDOWS.items():
        contexts = [SENTENCE[p] for p in places]
        if architecture == "cbow":
            yield contexts, SENTENCE[centre]
        else:
            yield from (([SENTENCE[centre]], context) for context in contexts)


def prepared(kind, architecture, objective):
    """An implementation at a random, not a zero, point."""
    implementation = kind()
    implementation.prepare(tiny_corpus([SENTENCE]), config(architecture, objective), Resources())
    generator = torch.Generator().manual_seed(3)
    for matrix in (implementation.inputs, implementation.outputs):
        matrix.copy_(torch.randn(matrix.shape, generator=generator))
    return implementation


def descend(implementation, architecture, gradient):
    """All predictions from the same point; `gradient(v, target, U, n)` gives (dv, dU)."""
    V, U = implementation.inputs.double().numpy().copy(), implementation.outputs.double().numpy().copy()
    dV, dU = np.zeros_like(V), np.zeros_like(U)
    for n, (words, target) in enumerate(predictions(architecture)):
        dv, du = gradient(V[words].mean(axis=0), target, U, n)
        for word in words:
            dV[word] += dv  # CBOW: undivided, once for every occurrence
        dU += du
    return V - RATE * dV, U - RATE * dU


def check(implementation, architecture, gradient):
    inputs, outputs = descend(implementation, architecture, gradient)
    implementation.step(batch())
    np.testing.assert_allclose(implementation.inputs.numpy(), inputs, rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(implementation.outputs.numpy(), outputs, rtol=2e-5, atol=2e-6)


ARCHITECTURES = pytest.mark.parametrize("architecture", ["skipgram", "cbow"])


@ARCHITECTURES
def test_negative_sampling_step(architecture):
    implementation = prepared(NegativeSampling, architecture, "ns")
    noise = np.random.default_rng(1).integers(0, 6, (20, 3))  # some equal the target: they must not count
    targets = [target for _, target in predictions(architecture)]
    assert (noise[: len(targets)] == np.array(targets)[:, None]).any()
    implementation.noise.draw = lambda P, _K: torch.from_numpy(noise[:P])

    def gradient(v, target, U, n):
        dv, dU = np.zeros_like(v), np.zeros_like(U)
        for word, label in [(target, 1), *((w, 0) for w in noise[n] if w != target)]:
            g = sigma(U[word] @ v) - label
            dv += g * U[word]
            dU[word] += g * v
        return dv, dU

    check(implementation, architecture, gradient)


@ARCHITECTURES
def test_hierarchical_softmax_step(architecture):
    implementation = prepared(HierarchicalSoftmax, architecture, "hs")
    tree = tiny_corpus([SENTENCE]).huffman

    def gradient(v, target, U, _n):
        dv, dU = np.zeros_like(v), np.zeros_like(U)
        for at in range(tree.offsets[target], tree.offsets[target + 1]):
            node, code = tree.nodes[at], tree.codes[at]
            g = sigma(U[node] @ v) - (1 - code)  # word2vec's label is 1 - code
            dv += g * U[node]
            dU[node] += g * v
        return dv, dU

    check(implementation, architecture, gradient)


@ARCHITECTURES
def test_full_softmax_step(architecture):
    implementation = prepared(FullSoftmax, architecture, "softmax")

    def gradient(v, target, U, _n):
        score = np.exp(U @ v)
        g = score / score.sum()
        g[target] -= 1
        return g @ U, np.outer(g, v)

    check(implementation, architecture, gradient)


def test_hierarchical_probabilities_sum_to_one():
    """Over the vocabulary, at any point: the two sides of every node share what reaches it."""
    counts = [90, 40, 33, 20, 11, 9, 7, 7, 6, 5, 5]
    corpus = tiny_corpus([[w for w, n in enumerate(counts) for _ in range(n)]])
    nodes, sides = padded_paths(corpus.huffman)
    generator = torch.Generator().manual_seed(0)
    v = torch.randn(8, generator=generator, dtype=torch.float64)
    U = torch.randn(len(counts) - 1, 8, generator=generator, dtype=torch.float64)
    p = torch.where(sides != 0, torch.sigmoid(sides * (U[nodes] @ v)), 1.0).prod(dim=1)
    assert float(p.sum()) == pytest.approx(1, abs=1e-12)
    assert (p > 0).all()


def test_a_word_alone_has_nothing_to_learn():
    """CBOW with an empty window must not divide by zero."""
    implementation = prepared(NegativeSampling, "cbow", "ns")
    before = implementation.inputs.clone()
    alone = Batch(torch.tensor([0]), torch.zeros(1, 4, dtype=torch.int64), torch.zeros(1, 4).bool(), 1, RATE)
    implementation.step(alone)
    assert torch.equal(implementation.inputs, before)
