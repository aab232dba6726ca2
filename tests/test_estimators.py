"""Other ways to the softmax, NCE, sampled and adaptive, and the corrected CBOW: against their equations.

What each estimates is tested too: the expected gradient beside the full softmax's as K grows.
"""

from itertools import pairwise, product

import numpy as np
import pytest
import torch
from scipy.special import log_softmax, softmax

from bench.contract import Resources
from bench.errors import UserError
from impls._clusters import cutoffs, expected_scores, kept_share
from impls.adaptive_softmax import AdaptiveSoftmax
from impls.adaptive_windowed import AdaptiveSoftmaxWindowed
from impls.cbow_corrected import CorrectedCbow
from impls.cbow_corrected_windowed import CorrectedCbowWindowed
from impls.hierarchical_softmax import HierarchicalSoftmax
from impls.nce import NoiseContrastive
from impls.nce_windowed import NoiseContrastiveWindowed
from impls.negative_sampling import NegativeSampling
from impls.sampled_softmax import SampledSoftmax
from impls.sampled_windowed import SampledSoftmaxWindowed
from tests import test_equations as textbook
from tests import test_windowed as windowed
from tests.test_equations import ARCHITECTURES, RATE, SENTENCE, predictions, sigma
from tests.test_windowed import CHUNK, CORPUS, SMALL, as_batch, bands, same_point
from tests.tiny import config, tiny_corpus, zipf_corpus

K = 3  # of tests.tiny.config
NOISE = np.random.default_rng(1).integers(0, 6, (20, K))  # some of it equals the target


def with_noise(kind, architecture, objective):
    """A textbook implementation that draws NOISE, and the distribution it believes to draw from (V,)."""
    implementation = textbook.prepared(kind, architecture, objective)
    targets = np.array([target for _, target in predictions(architecture)])
    assert (NOISE[: len(targets)] == targets[:, None]).any()
    implementation.noise.draw = lambda P, _K: torch.from_numpy(NOISE[:P])
    return implementation, tiny_corpus([SENTENCE]).noise_probability


# ---- one step of the textbook files against the papers, in float64


@ARCHITECTURES
def test_nce_step(architecture):
    """Noise that equals the target counts."""
    implementation, q = with_noise(NoiseContrastive, architecture, "nce")

    def gradient(v, target, U, n):
        dv, dU = np.zeros_like(v), np.zeros_like(U)
        for word, label in [(target, 1), *((w, 0) for w in NOISE[n])]:
            log_p = U[word] @ v + np.log(q[word])  # the bias is log q
            g = sigma(log_p - np.log(K * q[word])) - label
            dv += g * U[word]
            dU[word] += g * v
        return dv, dU

    textbook.check(implementation, architecture, gradient)


@ARCHITECTURES
def test_sampled_softmax_step(architecture):
    """The target as it is, noise corrected by how often it is expected, accidental hits left out."""
    implementation, q = with_noise(SampledSoftmax, architecture, "sampled")

    def gradient(v, target, U, n):
        words = [target, *(w for w in NOISE[n] if w != target)]
        expected = np.array([1, *(K * q[w] for w in words[1:])])
        g = softmax(U[words] @ v - np.log(expected))
        g[0] -= 1
        dU = np.zeros_like(U)
        np.add.at(dU, words, np.outer(g, v))
        return g @ U[words], dU

    textbook.check(implementation, architecture, gradient)


def adaptive_log_p(v, U, cut, V):
    """(..., V) the adaptive softmax as the paper writes it, a word's probability at a time."""
    h, J = cut[0], len(cut)
    head = torch.log_softmax(v @ U[: h + J].T, dim=-1)
    parts = [head[..., :h]]
    for j, (start, end) in enumerate(pairwise([*cut, V])):
        inside = torch.log_softmax(v @ U[start + J : end + J].T, dim=-1)
        parts.append(head[..., h + j, None] + inside)
    return torch.cat(parts, dim=-1)


def explicit_step(implementation, architecture, log_p):
    """What autograd makes of -log p (P, V) in float64: the point after one step from here."""
    V, U = (x.double().clone().requires_grad_() for x in (implementation.inputs, implementation.outputs))
    means, dV = [], torch.zeros_like(V)
    for words, _ in predictions(architecture):
        means.append(V[words].mean(0).detach().requires_grad_())
    targets = [target for _, target in predictions(architecture)]
    loss = -log_p(torch.stack(means), U)[torch.arange(len(targets)), targets].sum()
    loss.backward()
    for (words, _), mean in zip(predictions(architecture), means, strict=True):
        for word in words:
            dV[word] += mean.grad  # CBOW: undivided
    return (V - RATE * dV).detach(), (U - RATE * U.grad).detach()


def check_explicit(implementation, architecture, log_p):
    inputs, outputs = explicit_step(implementation, architecture, log_p)
    implementation.step(textbook.batch())
    torch.testing.assert_close(implementation.inputs.double(), inputs, rtol=2e-5, atol=2e-6)
    torch.testing.assert_close(implementation.outputs.double(), outputs, rtol=2e-5, atol=2e-6)


@ARCHITECTURES
def test_adaptive_softmax_step(architecture):
    implementation = textbook.prepared(AdaptiveSoftmax, architecture, "adaptive")
    cut = cutoffs(tiny_corpus([SENTENCE]), config())
    check_explicit(implementation, architecture, lambda v, U: adaptive_log_p(v, U, cut, 6))


@ARCHITECTURES
def test_hierarchical_softmax_descends_the_product_of_its_nodes(architecture):
    """-log p, p the product over a word's path of the probability of each turn."""
    implementation = textbook.prepared(HierarchicalSoftmax, architecture, "hs")
    tree = tiny_corpus([SENTENCE]).huffman

    def log_p(v, U):
        words = []
        for word in range(6):
            path = slice(tree.offsets[word], tree.offsets[word + 1])
            nodes, codes = (
                torch.from_numpy(tree.nodes[path].copy()).long(),
                torch.from_numpy(tree.codes[path].copy()),
            )
            left = torch.sigmoid(v @ U[nodes].T)  # (P, L) of code 0
            words.append(torch.where(codes == 0, left, 1 - left).prod(dim=1).log())
        return torch.stack(words, dim=1)

    check_explicit(implementation, architecture, log_p)


def test_corrected_cbow_descends_the_loss_itself():
    """The step is the derivative of the loss by every input vector, found by differences."""
    implementation, _ = with_noise(CorrectedCbow, "cbow", "ns")
    V, U = (x.double().numpy().copy() for x in (implementation.inputs, implementation.outputs))

    def loss(V, U):
        total = 0.0
        for n, (words, target) in enumerate(predictions("cbow")):
            v = V[words].mean(axis=0)
            total -= np.log(sigma(U[target] @ v))
            total -= sum(np.log(sigma(-U[w] @ v)) for w in NOISE[n] if w != target)
        return total

    rate = RATE * implementation.options["rate"]
    slopes = np.zeros_like(V), np.zeros_like(U)
    for at, slope in enumerate(slopes):
        for i in np.ndindex(slope.shape):
            ends = []
            for step in (1e-5, -1e-5):
                moved = [V.copy(), U.copy()]
                moved[at][i] += step
                ends.append(loss(*moved))
            slope[i] = (ends[0] - ends[1]) / 2e-5
    implementation.step(textbook.batch())
    np.testing.assert_allclose(implementation.inputs.numpy(), V - rate * slopes[0], rtol=2e-5, atol=2e-6)
    np.testing.assert_allclose(implementation.outputs.numpy(), U - rate * slopes[1], rtol=2e-5, atol=2e-6)


# ---- one step of the windowed files against the textbook


@pytest.mark.parametrize(
    ("kind", "parent", "architecture", "objective", "options", "negatives"),
    [
        (NoiseContrastiveWindowed, NoiseContrastive, "skipgram", "nce", {"negatives_a_chunk": 9}, 9),
        (NoiseContrastiveWindowed, NoiseContrastive, "cbow", "nce", {"negatives_a_chunk": 9}, 9),
        (SampledSoftmaxWindowed, SampledSoftmax, "skipgram", "sampled", {}, 2),
        (SampledSoftmaxWindowed, SampledSoftmax, "cbow", "sampled", {}, 2),
        (CorrectedCbowWindowed, CorrectedCbow, "cbow", "ns", {"negatives_a_chunk": 9, "rate": 3}, 9),
    ],
)
def test_a_windowed_step_is_the_parents_with_the_chunks_noise(
    kind, parent, architecture, objective, options, negatives
):
    """One chunk a step; the parent has as many noise words as the chunk, and the same ones."""
    one = windowed.prepared(
        kind, architecture, objective, {"positions": CHUNK, "chunk": CHUNK, **options}, negatives=negatives
    )
    shared = {k: v for k, v in options.items() if k in parent.spec.options}
    other = windowed.prepared(parent, architecture, objective, shared, negatives=one.shared)
    coincidences = 0
    for band in bands(one)[-4:]:  # the last one is padded
        assert band.noise.shape == (1, one.shared)
        other.noise.draw = lambda P, _K, noise=band.noise: noise.expand(P, -1)
        coincidences += int((band.noise == band.halo[..., None]).sum())
        one.step(band)
        other.step(as_batch(band))
    assert coincidences > 0  # noise that equals the predicted word was met
    same_point(one, other)


@ARCHITECTURES
def test_nce_weighs_shared_noise(architecture):
    """Every noise word three times in the chunk, each for a third: the parent has it once."""
    options = {"positions": CHUNK, "chunk": CHUNK, "negatives_a_chunk": 12}
    one = windowed.prepared(NoiseContrastiveWindowed, architecture, "nce", options, negatives=4)
    other = windowed.prepared(NoiseContrastive, architecture, "nce", negatives=4)
    for band in bands(one)[-4:]:
        noise = band.noise[:, :4]
        other.noise.draw = lambda P, _K, noise=noise: noise.expand(P, -1)
        one.step(band._replace(noise=noise.repeat(1, 3)))
        other.step(as_batch(band))
    same_point(one, other)


@ARCHITECTURES
def test_a_windowed_adaptive_step_is_the_parents(architecture):
    one = windowed.prepared(AdaptiveSoftmaxWindowed, architecture, "adaptive", SMALL)
    other = windowed.prepared(AdaptiveSoftmax, architecture, "adaptive")
    assert len(one.blocks) > 2
    for band in bands(one)[-3:]:  # the last one is padded
        one.step(band)
        other.step(as_batch(band))
    same_point(one, other)


@ARCHITECTURES
def test_windowed_adaptive_scores_no_more_than_the_textbook(architecture):
    """Centres share their softmaxes in skip-gram; in CBOW there is nothing to share."""
    scores = {}
    for kind in (AdaptiveSoftmax, AdaptiveSoftmaxWindowed):
        implementation = kind(SMALL if kind is AdaptiveSoftmaxWindowed else None)
        implementation.prepare(CORPUS, config(architecture, "adaptive"), Resources())
        implementation.train(lambda _: None)
        scores[kind] = implementation.work()["scored_outputs"]
    shared = scores[AdaptiveSoftmaxWindowed] / scores[AdaptiveSoftmax]
    assert shared == pytest.approx(1) if architecture == "cbow" else 0.3 < shared < 0.9


# ---- what is estimated

V, D = 4, 5
UNIFORM = tiny_corpus([list(range(V)) * 5])  # every word is as likely as noise
TARGET = 2


def point(normalised: bool):
    """An input vector (D,) and output vectors (V, D); where normalised, q exp(u . v) sums to 1."""
    generator = torch.Generator().manual_seed(2)
    v, U = torch.randn(D, generator=generator), torch.randn(V, D, generator=generator)
    v[-1], U[:, -1] = 1, 0
    if normalised:
        U[:, -1] = np.log(V) - torch.logsumexp(U @ v, dim=0)  # q is 1 / V
    return v, U


def expected_gradient(kind, objective, noise, v, U):
    """(D + V D,) the mean over the rows of `noise` (P, K) of what predicting TARGET changes."""
    implementation = kind()
    P, negatives = noise.shape
    implementation.prepare(UNIFORM, config(objective=objective, dim=D, negatives=negatives), Resources())
    implementation.outputs.copy_(U)
    implementation.noise.draw = lambda _P, _K: noise
    vs = v.repeat(P, 1).requires_grad_()
    implementation.predict(vs, torch.full((P,), TARGET), 1 / P)
    return torch.cat([vs.grad.mean(0), (U - implementation.outputs).flatten()]).numpy()


def softmax_gradient(v, U):
    """(D + V D,) the full softmax's, in float64."""
    v, U = v.double().numpy(), U.double().numpy()
    g = np.exp(log_softmax(U @ v))
    g[TARGET] -= 1
    return np.concatenate([g @ U, np.outer(g, v).ravel()])


def distances(kind, objective, noises, normalised):
    v, U = point(normalised)
    exact = softmax_gradient(v, U)
    found = [expected_gradient(kind, objective, noise, v, U) for noise in noises]
    return [np.linalg.norm(one - exact) / np.linalg.norm(exact) for one in found]


def every_word(times):
    """(1, times V) noise with each word equally often: a sum over noise words has its expectation."""
    return torch.arange(V).repeat(times)[None]


def test_nce_tends_to_the_softmax_where_the_model_is_normalised():
    """Twice the noise, half the distance: 1/K."""
    d = distances(NoiseContrastive, "nce", [every_word(n) for n in (8, 16, 32, 64)], normalised=True)
    assert d[0] < 0.2
    assert [later / former for former, later in pairwise(d)] == pytest.approx([0.5] * 3, abs=0.05)


def test_nce_tends_elsewhere_where_it_is_not():
    d = distances(NoiseContrastive, "nce", [every_word(n) for n in (64, 128, 256)], normalised=False)
    assert min(d) > 0.3
    assert d[2] == pytest.approx(d[1], rel=0.05)


@pytest.mark.parametrize("normalised", [True, False])
def test_sampled_softmax_tends_to_the_softmax_everywhere(normalised):
    """Over every sample there is of K words of 4. The distance falls at least as 1/K."""
    samples = [torch.tensor(list(product(range(V), repeat=n))) for n in (1, 2, 4, 8)]
    d = distances(SampledSoftmax, "sampled", samples, normalised)
    assert all(later < former for former, later in pairwise(d))
    assert d[3] / d[2] == pytest.approx(0.5, abs=0.1)


def test_sampled_softmax_does_not_depend_on_the_normaliser():
    """A constant added to all scores: NCE would take it for probability."""
    noise = torch.randint(V, (7, 3), generator=torch.Generator().manual_seed(0))
    v, U = point(normalised=True)
    moved = U.clone()
    moved[:, -1] += 2
    gradients = [expected_gradient(SampledSoftmax, "sampled", noise, v, point)[D:] for point in (U, moved)]
    np.testing.assert_allclose(*gradients, rtol=1e-4, atol=1e-6)


def test_nce_with_one_noise_word_is_negative_sampling():
    """But for noise that equals the target, of which there is none here."""
    others = torch.tensor([[w] for w in range(V) if w != TARGET])
    v, U = point(normalised=False)
    gradients = [
        expected_gradient(kind, objective, others, v, U)
        for kind, objective in ((NoiseContrastive, "nce"), (NegativeSampling, "ns"))
    ]
    np.testing.assert_allclose(*gradients, rtol=1e-5)


# ---- the adaptive softmax's clusters


def test_adaptive_probabilities_sum_to_one():
    """PyTorch's, as the file sets it up, over all words; and they are the paper's."""
    implementation = windowed.prepared(AdaptiveSoftmax, "skipgram", "adaptive")
    v = implementation.inputs[:9]
    log_p = implementation.softmax.log_prob(v)  # (9, 50)
    torch.testing.assert_close(log_p.exp().sum(1), torch.ones(9))
    cut = cutoffs(CORPUS, config())
    torch.testing.assert_close(
        log_p, adaptive_log_p(v, implementation.outputs, cut, 50), rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("kind", [AdaptiveSoftmax, AdaptiveSoftmaxWindowed])
def test_a_trained_adaptive_softmax_tells_its_probabilities(kind):
    implementation = windowed.prepared(kind, "skipgram", "adaptive")
    v, U = implementation.inputs[:9].double(), implementation.outputs.double()
    expected = adaptive_log_p(v, U, cutoffs(CORPUS, config()), 50)
    np.testing.assert_allclose(implementation.log_scores(v.numpy()), expected, atol=1e-9)


def test_cutoffs_cost_the_fewest_scores():
    """Against a count word by word, and against every other choice of two."""
    corpus = zipf_corpus(words=20_000, vocabulary=700)
    share = kept_share(corpus, config())

    def counted(cut):
        bounds = [*cut, 700]
        sizes = [
            0 if w < cut[0] else next(b - a for a, b in pairwise(bounds) if a <= w < b) for w in range(700)
        ]
        return cut[0] + len(cut) + float(share @ sizes)

    best = cutoffs(corpus, config())
    assert expected_scores(share, best) == pytest.approx(counted(best))
    powers = [2**n for n in range(10)]
    assert counted(best) <= min(counted([a, b]) for a in powers for b in powers if a < b)
    assert counted(best) < 700 / 2


def test_one_word_has_no_clusters():
    with pytest.raises(UserError, match="one word"):
        cutoffs(tiny_corpus([[0, 0]]), config())


@pytest.mark.parametrize("objective", ["nce", "sampled"])
def test_objectives_with_noise_need_some(objective):
    with pytest.raises(UserError, match=f"negatives is 0 with objective {objective}"):
        config(objective=objective, negatives=0)
    assert config(objective="adaptive", negatives=0).negatives == 0
