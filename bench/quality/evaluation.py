"""One call evaluates vectors on every test set that is here."""

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.quality.analogy import score_questions
from bench.quality.lexicon import Lexicon
from bench.quality.sets import ANALOGIES, find_files, read_pairs, read_questions
from bench.quality.similarity import score_pairs
from bench.records.schema import Score


def evaluate(
    vectors: npt.NDArray[np.float32],
    words: Sequence[str],
    *,
    restrict_vocabulary: int = 30_000,
    seed: int = 0,
    files: Mapping[str, Path] | None = None,
) -> list[Score]:
    """Score `vectors` (V, D), whose rows belong to `words` in falling frequency.

    Args:
        restrict_vocabulary: analogies know, and answer with, only so many of the most frequent
            words (30,000 is word2vec's `compute-accuracy`); similarity uses all of them.
        seed: of the item bootstrap; the values themselves involve no chance.
        files: set name -> file, for others than those found on this machine.

    Raises:
        ValueError: the vectors are not finite or not (V, D).
        UserError: a test set is missing from the gensim package, or damaged.
    """
    lexicon = Lexicon.build(vectors, words)
    scores: list[Score] = []
    for name, path in (find_files() if files is None else files).items():
        if name in ANALOGIES:
            scores += score_questions(name, read_questions(path), lexicon, restrict_vocabulary)
        else:
            rng = np.random.default_rng([seed, zlib.crc32(name.encode())])  # a stream for each set
            scores.append(score_pairs(name, read_pairs(path), lexicon, rng))
    return scores
