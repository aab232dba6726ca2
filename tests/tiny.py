"""A small corpus in memory, for tests of mathematics rather than of files."""

from pathlib import Path

import numpy as np

from bench.contract import Config, Corpus, Stored
from bench.vocabulary import huffman_tree


def tiny_corpus(sentences: list[list[int]], vocabulary: int | None = None) -> Corpus:
    """A corpus of the given word numbers; counts are what the text has, at least one each."""
    ids = np.array([w for s in sentences for w in s], np.int32)
    counts = np.maximum(np.bincount(ids, minlength=vocabulary or 0), 1).astype(np.int64)
    offsets = np.cumsum([0] + [len(s) for s in sentences]).astype(np.int64)
    words = [f"w{i}" for i in range(len(counts))]
    tree = huffman_tree(counts)
    text = Stored(ids, offsets, Path("nowhere"))
    return Corpus("tiny", "0" * 64, len(ids), 1, counts, words, tree, text)


def zipf_corpus(words: int = 4000, vocabulary: int = 50, seed: int = 0) -> Corpus:
    """Sentences of 20 words drawn with falling frequency: enough for statistics of the stream."""
    generator = np.random.default_rng(seed)
    weight = 1 / np.arange(1, vocabulary + 1)
    ids = generator.choice(vocabulary, size=words, p=weight / weight.sum())
    ids[:vocabulary] = np.arange(vocabulary)  # every word occurs
    order = np.argsort(-np.bincount(ids), kind="stable")
    rank = np.empty_like(order)
    rank[order] = np.arange(vocabulary)
    return tiny_corpus(rank[ids].reshape(-1, 20).tolist())


def config(architecture: str = "skipgram", objective: str = "ns", **changes) -> Config:
    """A configuration small enough for a test."""
    values = {"dim": 8, "window": 2, "negatives": 3, "subsample": 0.0, "epochs": 1, "min_count": 1}
    return Config(architecture, objective, **{**values, **changes})
