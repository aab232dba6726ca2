"""Subsampling, noise and the Huffman tree, against direct formulas and gensim's own tables."""

import heapq
import itertools
import math

import numpy as np
import pytest
from gensim.models import Word2Vec
from scipy import stats

from bench import vocabulary

ZIPF = (1_000_000 / np.arange(1, 2001) ** 1.1).astype(np.int64)  # (2000,) falling, with ties at the end
COUNTS = [
    np.array([7], np.int64),
    np.array([3, 3], np.int64),
    np.array([8, 4, 2, 1, 1], np.int64),  # powers of two: the most lopsided tree
    np.full(37, 5, np.int64),
    ZIPF,
]


def gensim_model(counts, **options):
    """A gensim model whose vocabulary has these counts; words are named by number."""
    model = Word2Vec(vector_size=2, min_count=1, **options)
    model.build_vocab_from_freq({str(word): int(count) for word, count in enumerate(counts)})
    return model


def least_expected_bits(counts):
    """Sum of count × code length in any Huffman code: the sum of all merged weights."""
    heap, total = counts.tolist(), 0
    heapq.heapify(heap)
    while len(heap) > 1:
        merged = heapq.heappop(heap) + heapq.heappop(heap)
        total += merged
        heapq.heappush(heap, merged)
    return total


def codes_of(tree):
    """Each word's code as a string of 0 and 1."""
    return ["".join(map(str, tree.codes[a:b])) for a, b in itertools.pairwise(tree.offsets)]


@pytest.mark.parametrize("counts", COUNTS, ids=len)
def test_the_huffman_code_is_as_short_as_any(counts):
    tree = vocabulary.huffman_tree(counts)
    assert int((counts * tree.lengths).sum()) == least_expected_bits(counts)


def test_the_huffman_code_is_as_short_as_gensims():
    tree = vocabulary.huffman_tree(ZIPF)
    model = gensim_model(ZIPF, hs=1, negative=0)
    theirs = [len(model.wv.get_vecattr(str(word), "code")) for word in range(len(ZIPF))]
    assert int((ZIPF * tree.lengths).sum()) == int((ZIPF * np.array(theirs)).sum())


@pytest.mark.parametrize("counts", COUNTS[1:], ids=len)
def test_codes_are_prefix_free_and_complete(counts):
    tree = vocabulary.huffman_tree(counts)
    assert math.fsum(2.0**-tree.lengths) == 1.0  # Kraft: complete
    codes = sorted(codes_of(tree))  # a prefix would sort right before what it begins
    assert not any(longer.startswith(code) for code, longer in itertools.pairwise(codes))


@pytest.mark.parametrize("counts", COUNTS[1:], ids=len)
def test_paths_and_codes_describe_one_tree(counts):
    tree = vocabulary.huffman_tree(counts)
    child_at = {}  # (inner node, side) -> what hangs there
    for word in range(len(counts)):
        path = tree.nodes[tree.offsets[word] : tree.offsets[word + 1]].tolist()
        sides = tree.codes[tree.offsets[word] : tree.offsets[word + 1]].tolist()
        assert path[0] == 0  # the root
        for node, side, below in zip(path, sides, [*path[1:], f"word {word}"], strict=True):
            assert child_at.setdefault((node, side), below) == below
    assert len(child_at) == 2 * (len(counts) - 1)  # V-1 inner nodes with two sides each
    assert len(set(child_at.values())) == len(child_at)


def test_inner_nodes_are_numbered_by_falling_weight():
    tree = vocabulary.huffman_tree(ZIPF)
    weight = np.zeros(len(ZIPF) - 1, np.int64)
    np.add.at(weight, tree.nodes, np.repeat(ZIPF, tree.lengths))
    assert (np.diff(weight) <= 0).all()
    assert weight[0] == ZIPF.sum()


def test_a_single_word_needs_no_decision():
    assert vocabulary.huffman_tree(np.array([9])).lengths.tolist() == [0]


def test_keep_probability_is_the_formula_of_word2vec_c():
    keep = vocabulary.keep_probability(ZIPF, 1e-3)
    total = sum(ZIPF.tolist())
    for word in (0, 1, 10, 500, 1999):
        f = ZIPF[word] / total
        assert keep[word] == pytest.approx(min(1.0, math.sqrt(1e-3 / f) + 1e-3 / f))


def test_keep_probability_equals_gensims():
    model = gensim_model(ZIPF, sample=1e-3, negative=5)
    theirs = [model.wv.get_vecattr(str(word), "sample_int") for word in range(len(ZIPF))]
    ours = vocabulary.keep_probability(ZIPF, 1e-3)
    np.testing.assert_allclose(ours, np.array(theirs) / (2**32 - 1), atol=1e-8)


def test_no_subsampling_keeps_everything():
    assert (vocabulary.keep_probability(ZIPF, 0) == 1).all()


def test_noise_is_counts_to_the_three_quarters():
    noise = vocabulary.noise_probability(ZIPF)
    weights = [count**0.75 for count in ZIPF.tolist()]
    np.testing.assert_allclose(noise, np.array(weights) / math.fsum(weights), rtol=1e-12)


def test_noise_equals_the_table_gensim_draws_from():
    model = gensim_model(ZIPF, negative=5)
    theirs = np.diff(model.cum_table.astype(np.float64), prepend=0) / model.cum_table[-1]
    np.testing.assert_allclose(vocabulary.noise_probability(ZIPF), theirs, atol=1e-9)


def test_draws_from_the_noise_distribution_fit_it():
    noise = vocabulary.noise_probability(ZIPF[:50])
    drawn = np.random.default_rng(1).choice(50, size=100_000, p=noise)
    fit = stats.chisquare(np.bincount(drawn, minlength=50), noise * 100_000)
    assert fit.pvalue > 1e-3
    uniform = stats.chisquare(np.bincount(drawn, minlength=50))
    assert uniform.pvalue < 1e-9  # the test can tell
