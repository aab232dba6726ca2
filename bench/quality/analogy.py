"""Analogies: "a is to b as c is to ?", answered by 3CosAdd and by 3CosMul.

    3CosAdd   argmax_x  cos(x, b) - cos(x, a) + cos(x, c)                 (Mikolov et al. 2013c)
    3CosMul   argmax_x  s(x, b) s(x, c) / (s(x, a) + e),  s = (1 + cos)/2   (Levy & Goldberg 2014, eq. 4)

The paper's e is 0.001; gensim's `most_similar_cosmul`, followed here, uses 1e-6. x runs over the
most frequent words only, and never over a, b, c themselves, in any spelling.

In logarithms 3CosMul is a signed sum of three rows as 3CosAdd is, so one routine serves both. A row is
computed once per distinct word, and b - a once per distinct pair: Google's 19,544 questions have 905
words and 550 pairs, which leaves one addition and one argmax a question. The vocabulary is walked in
blocks, so that memory does not grow with it.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.stats import binomtest

from bench.quality.lexicon import UNKNOWN, Lexicon, unit_rows
from bench.quality.sets import Questions
from bench.records.schema import Score

METRICS = ("3cosadd", "3cosmul")
LABELS = {"3cosadd": "3CosAdd", "3cosmul": "3CosMul"}
EPSILON = 1e-6
BLOCK = 8_192  # words scored at once: 905 rows x 8,192 x 4 bytes = 30 MB an array
FEWEST = 3  # questions; with fewer, any figure is chance

Floats = npt.NDArray[np.float32]
Integers = npt.NDArray[np.int64]


def score_questions(name: str, questions: Questions, lexicon: Lexicon, restrict: int) -> list[Score]:
    """Scores of one analogy set, for each metric and part; unknown questions are skipped."""
    rows = lexicon.rows(questions.words).reshape(-1, 4)  # (Q, 4)
    known = ((rows != UNKNOWN) & (rows < restrict)).all(axis=1)
    asked = rows[known]
    unit = unit_rows(lexicon.vectors[:restrict])
    predicted = answers(unit, lexicon.canonical[:restrict], asked[:, :3])
    scores = []
    for metric in METRICS:
        right = predicted[metric] == asked[:, 3]
        rule = f"vocabulary {restrict:,}; unknown skipped; {LABELS[metric]}"
        for part, members in questions.parts.items():
            hits = right[members[known]]
            scores.append(_accuracy(name, part, metric, hits, int(members.sum()), rule))
    return scores


def _accuracy(
    name: str, part: str, metric: str, right: npt.NDArray[np.bool_], total: int, rule: str
) -> Score:
    used = len(right)
    if used < FEWEST:
        return Score(name, part, metric, None, None, None, used, total, rule)
    # Wilson's interval, the closed form of resampling the questions; unlike the bootstrap it does not
    # collapse to a point at 0 % and 100 %. Questions share words, so it is if anything too narrow.
    interval = binomtest(int(right.sum()), used).proportion_ci(method="wilson")
    low, high = float(interval.low), float(interval.high)
    return Score(name, part, metric, float(right.mean()), low, high, used, total, rule)


def answers(unit: Floats, canonical: Integers, abc: Integers) -> dict[str, Integers]:
    """Each metric's answer to every question.

    Args:
        unit: (R, D) vectors of length 1 (or 0) of the words that can be answers.
        canonical: (R,) row that stands for each word in all its spellings.
        abc: (Q, 3) rows of the question words.

    Returns:
        metric -> (Q,) canonical row of the answer; the most frequent of equally good ones.
    """
    best = {metric: np.full(len(abc), -np.inf, np.float32) for metric in METRICS}
    answer = {metric: np.full(len(abc), UNKNOWN, np.int64) for metric in METRICS}
    if len(abc) == 0:
        return answer
    words, slots = np.unique(abc, return_inverse=True)  # (A,), position of each question word in it
    a, b, c = slots.reshape(-1, 3).T
    for start in range(0, len(unit), BLOCK):
        block = slice(start, start + BLOCK)
        cosine = unit[words] @ unit[block].T  # (A, block)
        for metric, plus, minus in _terms(cosine, words, canonical[block]):
            top, column = _best(plus, minus, a, b, c)
            better = top > best[metric]
            best[metric][better] = top[better]
            answer[metric][better] = canonical[start + column[better]]
    return answer


def _terms(cosine: Floats, words: Integers, canonical: Integers) -> Iterator[tuple[str, Floats, Floats]]:
    """Yield (metric, plus, minus), (A, block) each: a question's scores are plus[b] + plus[c] - minus[a].

    Where a column is the row's own word, plus is -inf and minus +inf: whichever part a word plays
    in a question, it is never its answer. No other entry is infinite, so no sum is NaN.
    """
    slot = np.minimum(np.searchsorted(words, canonical), len(words) - 1)  # (block,)
    (column,) = np.nonzero(words[slot] == canonical)
    own = slot[column], column
    shifted = np.clip((1 + cosine) / 2, 0, 1)
    tiny = np.finfo(np.float32).tiny  # for a vector exactly opposite, whose logarithm would be -inf
    for metric, plus, minus in (
        ("3cosadd", cosine, cosine.copy()),
        ("3cosmul", np.log(np.maximum(shifted, tiny)), np.log(shifted + np.float32(EPSILON))),
    ):
        plus[own], minus[own] = -np.inf, np.inf
        yield metric, plus, minus


def _best(plus: Floats, minus: Floats, a: Integers, b: Integers, c: Integers) -> tuple[Floats, Integers]:
    """(Q,) highest score of each question within the block, and its column."""
    top = np.empty(len(a), np.float32)
    column = np.empty(len(a), np.int64)
    for same in _same_pair(a, b):
        scores = plus[c[same]]  # (questions that share a and b, block)
        scores += plus[b[same[0]]] - minus[a[same[0]]]
        column[same] = scores.argmax(axis=1)
        top[same] = scores[np.arange(len(same)), column[same]]
    return top, column


def _same_pair(a: Integers, b: Integers) -> list[Integers]:
    """The questions (indices) of each distinct pair (a, b)."""
    order = np.lexsort((b, a))
    changes = (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)
    return np.split(order, np.nonzero(changes)[0] + 1)
