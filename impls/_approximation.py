"""How good an approximation is, measured on a trained skip-gram state and text that it never saw.

Two questions, both answered exactly, in float64, and over all V words:

    what is the state worth    -log p(context | centre) for each way to read it (`_readings`), and log Z
    what is its gradient worth bias and variance of estimators from K noise words (`_estimators`), where
                               the state has output vectors of words

Scores are held for a few centres at a time, never for all: CHUNK of them, 8 MB.
Noise is the law's, counts^0.75, whatever the objective; windows of the held-out text are drawn, and its
words subsampled, as in training, from one fixed seed: every state is asked the same questions.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from bench.contract import Approximation, Config, Corpus, GradientError, Implementation, Reading
from impls._estimators import Point, estimators
from impls._law import Stream
from impls._readings import Form, forms

CHUNK = 1 << 20
NEGATIVES = (1, 2, 5, 10, 20, 50, 100, 200, 500)  # K
POINTS = 100  # predictions at which gradients are compared
SEED = 0

Progress = Callable[[str, int, int], None]  # what is being done, how far, of how much


def measure(
    implementation: Implementation, training: Corpus, held_out: Corpus, config: Config, progress: Progress
) -> Approximation:
    """Both answers, for a state trained on `training` with `config`. Raises UserError if it cannot be read.

    The two corpora share their vocabulary; predictions with a word that `training` lacks are dropped.
    """
    seen = torch.from_numpy(np.bincount(training.ids, minlength=training.vocabulary_size) > 0)
    centre, context, dropped = predictions(held_out, config, seen)
    occurrence, place = centre.unique(return_inverse=True)  # (C,) and (P,)
    word = occurrence % training.vocabulary_size  # (C,) the centre words, by occurrence in the text
    v = torch.from_numpy(implementation.vectors()).double()  # (V, D)
    found = forms(implementation, training, config)
    readings = [read(form, v, word, place, context, progress) for form in found]
    share = frequencies(training, config)
    return Approximation(
        centre=place.numpy(),
        dropped=dropped,
        unigram=-share[context].log().numpy(),
        readings=tuple(readings),
        gradients=tuple(compare(implementation, v, word[place], context, training, progress)),
    )


def predictions(held_out: Corpus, config: Config, seen: Tensor) -> tuple[Tensor, Tensor, int]:
    """All (centre, context) pairs of one pass over the text whose words are both `seen`.

    Returns the centres (P,), as word + V * its place in the text, the context words (P,), and how many
    pairs were left out.
    """
    once = replace(config, epochs=1, seed=SEED)
    centres, contexts, position = [], [], 0
    for batch in Stream(held_out, once, "cpu", positions=4096):
        row, column = batch.inside.nonzero(as_tuple=True)  # (P,) twice
        at = batch.centres[row] + (position + row) * len(seen)
        centres, contexts = [*centres, at], [*contexts, batch.contexts[row, column]]
        position += len(batch.centres)
    centre, context = torch.cat(centres), torch.cat(contexts)
    known = seen[centre % len(seen)] & seen[context]
    return centre[known], context[known], int((~known).sum())


def frequencies(training: Corpus, config: Config) -> Tensor:
    """(V,) the share of each word in the training text, subsampled: the best guess without a centre."""
    counts = np.bincount(training.ids, minlength=training.vocabulary_size)
    kept = torch.from_numpy(counts * training.keep_probability(config.subsample))
    return kept / kept.sum()


def read(form: Form, v: Tensor, word: Tensor, place: Tensor, context: Tensor, progress: Progress) -> Reading:
    """Scores of the seen words and log Z, each distinct centre word's distribution formed once."""
    distinct, of_word = word.unique(return_inverse=True)  # (U,), (C,)
    row = of_word[place]  # (P,) which distinct centre word
    order = row.argsort(stable=True)
    ends = torch.bincount(row, minlength=len(distinct)).cumsum(0)
    log_z, scores = (
        torch.empty(len(distinct), dtype=torch.float64),
        torch.empty(len(row), dtype=torch.float64),
    )
    for first, last in chunks(len(distinct), len(v)):
        progress(f"reading {form.name}", first, len(distinct))
        all_scores = form.scores(v[distinct[first:last]])  # (chunk, V)
        log_z[first:last] = all_scores.logsumexp(1)
        own = order[(int(ends[first - 1]) if first else 0) : int(ends[last - 1])]
        scores[own] = all_scores[row[own] - first, context[own]]
    return Reading(form.name, scores.numpy(), log_z[of_word].numpy(), form.self_normalised)


def chunks(rows: int, V: int) -> Iterator[tuple[int, int]]:
    """From and to, so that a chunk times V scores stay below CHUNK."""
    step = max(1, CHUNK // V)
    for first in range(0, rows, step):
        yield first, min(first + step, rows)


def compare(
    implementation: Implementation,
    v: Tensor,
    centre: Tensor,
    context: Tensor,
    training: Corpus,
    progress: Progress,
) -> list[GradientError]:
    """Every estimator at POINTS random predictions, for each K; nothing without output vectors of words."""
    outputs = getattr(implementation, "outputs", None)
    if not isinstance(outputs, Tensor) or outputs.shape != v.shape:
        return []
    generator = torch.Generator().manual_seed(SEED)
    chosen = torch.randperm(len(centre), generator=generator)[:POINTS]
    u = outputs.detach().cpu().double()
    norms = u.square().sum(1)
    known = estimators(torch.from_numpy(training.noise_probability))
    found: dict[tuple[str, str, int, str], list[list[float]]] = defaultdict(list)
    for done, i in enumerate(chosen.tolist()):
        progress("comparing gradients", done, len(chosen))
        at = v[centre[i]]
        point = Point(u @ at, int(context[i]), u, norms)
        exact, length = point.exact, float(at.square().sum())
        all_moments = {(e, K): e.moments(point, K, generator) for e in known for K in NEGATIVES}
        errors = torch.stack([moments.error for moments in all_moments.values()])  # (n, 2, V)
        in_v, exact_in_v = errors @ u, exact @ u  # (n, 2, D), (D,)
        for ((e, K), moments), error, own_in_v in zip(all_moments.items(), errors, in_v, strict=True):
            spaces = {
                "inputs": against(exact_in_v, own_in_v, moments.of_inputs, 1.0),
                "outputs": against(exact, error, moments.of_scores, length),  # the outer product with v
            }
            for matrix, row in spaces.items():
                found[e.objective, e.name, K, matrix].append(row)
    return [GradientError(*which, *np.array(rows).T) for which, rows in found.items()]


def against(exact: Tensor, error: Tensor, variance: float, length: float) -> list[float]:
    """|g*|^2, |E g - g*|^2, E |g - E g|^2, all times `length`, and the cosine between E g and g*."""
    mean = exact + error.mean(0)
    cosine = mean @ exact / (mean.norm() * exact.norm())
    squares = [float(exact @ exact), float(error[0] @ error[1]), variance]
    return [*(length * square for square in squares), float(cosine)]
