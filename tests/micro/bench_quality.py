"""Evaluation of random vectors: similarity with its item bootstrap, and all of Google's analogies."""

import numpy as np
import pytest

from bench.quality.analogy import score_questions
from bench.quality.lexicon import Lexicon
from bench.quality.sets import PACKAGED, packaged_file, read_pairs, read_questions
from bench.quality.similarity import score_pairs

V, D = 4_000, 100


def lexicon(words):
    """Random vectors for all of `words` and others, V in all."""
    known = list(dict.fromkeys(word.upper() for word in words))
    known += [f"w{i}" for i in range(V - len(known))]
    return Lexicon.build(np.random.default_rng(0).standard_normal((V, D)).astype(np.float32), known)


@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def bench_similarity(name, measure):
    pairs, rng = read_pairs(packaged_file(PACKAGED[name])), np.random.default_rng(0)
    vectors = lexicon(pairs.words)
    measure(lambda: score_pairs(name, pairs, vectors, rng), len(pairs.ratings), unit="pairs")


def bench_analogies(measure):
    questions = read_questions(packaged_file(PACKAGED["google"]))
    vectors = lexicon(questions.words)
    asked = len(questions.words) // 4
    measure(lambda: score_questions("google", questions, vectors, V), asked, unit="questions")
