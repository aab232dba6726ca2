"""How good approximations are: distributions and estimators against NumPy, the verb as a user calls it."""

import io
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from click.testing import CliRunner
from scipy.special import expit, log_softmax, logsumexp

from bench.analysis.rows import cells
from bench.cli import main
from bench.contract import OBJECTIVES, Resources
from bench.datasets.holding_out import hold_out
from bench.discovery import load
from bench.errors import UserError
from bench.quality.held_out import ratio, summary
from bench.records import approximation as saved
from bench.records import store
from bench.reporting import report
from bench.reporting.approximation import documents, groups
from bench.reporting.page import page
from bench.reporting.sections import tables
from bench.running.approximation import choose
from impls import _approximation
from impls._approximation import measure, predictions, read
from impls._estimators import (
    NegativeSampling,
    NoiseContrastive,
    Normalised,
    Point,
    SampledSoftmax,
    sampled_softmax,
)
from impls._readings import Form, forms
from tests.records_factory import MACHINE, record
from tests.tiny import config, tiny_corpus, zipf_corpus

CORPUS = zipf_corpus(words=2000)  # 50 words
V, D = 50, 8
IMPLEMENTATIONS = {"softmax": "softmax_windowed", "ns": "ns_windowed", "hs": "hs_windowed"}


def at_random(objective, corpus=CORPUS, **changes):
    """An implementation at a random point, and its configuration."""
    own = config(objective=objective, **changes)
    implementation = load(IMPLEMENTATIONS[objective])
    implementation.prepare(corpus, own, Resources())
    generator = torch.Generator().manual_seed(3)
    for matrix in (implementation.inputs, implementation.outputs):
        matrix.copy_(torch.randn(matrix.shape, generator=generator))
    return implementation, own


def probabilities(form, v):
    return form.scores(torch.from_numpy(v)).log_softmax(1).exp().numpy()


@pytest.mark.parametrize("objective", IMPLEMENTATIONS)
def test_every_reading_is_a_distribution(objective):
    implementation, own = at_random(objective)
    v = np.random.default_rng(0).standard_normal((7, D))
    for form in forms(implementation, CORPUS, own):
        np.testing.assert_allclose(probabilities(form, v).sum(1), 1, atol=1e-12)


def test_the_full_softmax_is_its_equation():
    implementation, own = at_random("softmax")
    v = np.random.default_rng(0).standard_normal((7, D))
    (form,) = forms(implementation, CORPUS, own)
    wanted = log_softmax(v @ implementation.outputs.double().numpy().T, axis=1)
    np.testing.assert_allclose(np.log(probabilities(form, v)), wanted, atol=1e-12)


def test_the_tree_gives_the_product_along_the_path_and_needs_no_normalising():
    implementation, own = at_random("hs")
    v = np.random.default_rng(0).standard_normal((3, D))
    (form,) = forms(implementation, CORPUS, own)
    scores = form.scores(torch.from_numpy(v)).numpy()
    np.testing.assert_allclose(logsumexp(scores, axis=1), 0, atol=1e-12)
    tree, u = CORPUS.huffman, implementation.outputs.double().numpy()
    for w in range(V):
        path = slice(tree.offsets[w], tree.offsets[w + 1])
        signs = 1 - 2.0 * tree.codes[path]
        wanted = expit(signs * (v @ u[tree.nodes[path]].T)).prod(1)
        np.testing.assert_allclose(np.exp(scores[:, w]), wanted, rtol=1e-10)


def test_negative_sampling_reads_as_the_true_distribution_at_its_optimum():
    """Where u.v = log p - log q - log K, which is the shifted PMI, and there Z is 1 (Levy, Goldberg 2014)."""
    implementation, own = at_random("ns", dim=V)
    p = np.random.default_rng(0).dirichlet(np.ones(V), size=V)  # one distribution a centre
    implementation.inputs.copy_(torch.eye(V))
    shifted = np.log(p) - np.log(CORPUS.noise_probability) - np.log(own.negatives)
    implementation.outputs.copy_(torch.from_numpy(shifted.T))
    shifted_form, plain = forms(implementation, CORPUS, own)
    scores = shifted_form.scores(torch.eye(V, dtype=torch.float64)).numpy()
    assert shifted_form.self_normalised
    np.testing.assert_allclose(scores, np.log(p), atol=1e-5)  # the state is float32
    assert np.abs(np.log(probabilities(plain, np.eye(V))) - np.log(p)).max() > 0.5


class Clusters:
    """What an objective with a layout of its own offers: only `log_scores`."""

    inputs = outputs = None
    table = torch.randn(V, D, generator=torch.Generator().manual_seed(1), dtype=torch.float64).numpy()

    def log_scores(self, v):
        return log_softmax(v @ self.table.T, axis=1)


def test_an_objective_with_its_own_layout_answers_for_itself():
    (form,) = forms(Clusters(), CORPUS, config(objective="ns"))
    v = np.random.default_rng(0).standard_normal((3, D))
    np.testing.assert_allclose(probabilities(form, v).sum(1), 1)


def test_a_state_that_cannot_be_read_is_refused():
    with pytest.raises(UserError, match="gensim cannot be read"):
        forms(load("gensim"), CORPUS, config())


# ---------------------------------------------------------------- held-out text


def test_the_end_of_the_text_is_held_out():
    corpus = tiny_corpus([[0, 1], [2, 3, 4], [0], [1, 0]] * 25)
    training, held_out = hold_out(corpus)
    assert (len(training.offsets) - 1, len(held_out.offsets) - 1) == (98, 2)
    assert held_out.ids.tolist() == [0, 1, 0]
    assert held_out.offsets.tolist() == [0, 1, 3]
    assert np.concatenate([training.ids, held_out.ids]).tolist() == corpus.ids.tolist()
    assert training.vocabulary_size == held_out.vocabulary_size == 5
    with pytest.raises(UserError, match="1 sentence"):
        hold_out(tiny_corpus([[0, 1]]))


def test_words_that_training_lacks_are_not_asked_for():
    held_out = tiny_corpus([[0, 1, 2, 3]] * 30)
    seen = torch.tensor([True, True, False, True])
    centre, context, dropped = predictions(held_out, config(window=1), seen)
    assert dropped == 30 * 4  # 1-2, 2-1, 2-3, 3-2
    assert sorted({(int(c) % 4, int(w)) for c, w in zip(centre, context, strict=True)}) == [(0, 1), (1, 0)]
    assert len(centre.unique()) == 60  # occurrences, not words


def test_chunks_do_not_show(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    v, u = (torch.randn(V, D, generator=generator, dtype=torch.float64) for _ in range(2))
    word = torch.randint(V, (40,), generator=generator)  # (C,)
    place, context = (torch.randint(n, (300,), generator=generator) for n in (40, V))
    form = Form("", lambda x: x @ u.T)
    found = []
    for size in (1, 7 * V, 1 << 20):
        monkeypatch.setattr(_approximation, "CHUNK", size)
        found.append(read(form, v, word, place, context, lambda *_: None))
    scores = v[word] @ u.T
    for one in found:
        np.testing.assert_allclose(one.log_z, scores.logsumexp(1))
        np.testing.assert_allclose(one.log_scores, scores[place, context])


# ---------------------------------------------------------------- estimators against drawn gradients


def point(seed=0, normalised=False):
    """A prediction, its noise distribution, and output vectors."""
    generator = torch.Generator().manual_seed(seed)
    u = torch.randn(V, D, generator=generator, dtype=torch.float64)
    s = 0.5 * u @ torch.randn(D, generator=generator, dtype=torch.float64)
    s = s.log_softmax(0) if normalised else s
    return Point(s, 3, u, u.square().sum(1)), torch.from_numpy(CORPUS.noise_probability)


def drawn(at, q, K, sigma_shift, counts_target, draws=40_000):
    """(draws, V) gradients of the scores, written from the equations alone, in NumPy."""
    random = np.random.default_rng(1)
    s, q = at.s.numpy(), q.numpy()
    noise = random.choice(V, size=(draws, K), p=q)
    counts = np.stack([np.bincount(row, minlength=V) for row in noise]).astype(float)
    if not counts_target:
        counts[:, at.target] = 0
    yes = expit(s - np.log(K * q)) if sigma_shift else expit(s)
    g = counts * yes
    g[:, at.target] += yes[at.target] - 1
    return g


@pytest.mark.parametrize("K", [1, 5, 20])
@pytest.mark.parametrize(
    ("kind", "shift", "counts_target"), [(NegativeSampling, False, False), (NoiseContrastive, True, True)]
)
def test_closed_forms_are_what_drawing_comes_to(kind, shift, counts_target, K):
    at, q = point()
    exact = at.exact.numpy()
    moments = kind(q).moments(at, K, torch.Generator())
    g = drawn(at, q, K, shift, counts_target)
    for space, of in ((np.eye(V), moments.of_scores), (at.u.numpy(), moments.of_inputs)):
        found, wanted = g @ space, (exact + moments.error[0].numpy()) @ space
        error = found.std(0) / np.sqrt(len(g)) + 1e-12
        assert (np.abs(found.mean(0) - wanted) < 5 * error).all()
        assert of == pytest.approx(found.var(0).sum(), rel=0.03)


def test_the_sampled_softmax_is_what_plain_drawing_comes_to():
    at, q = point()
    K, draws, p = 10, 40_000, at.s.softmax(0).numpy()
    noise = np.random.default_rng(1).choice(V, size=(draws, K), p=q.numpy())
    weights = np.stack([np.bincount(row, minlength=V) for row in noise]) / (K * q.numpy())
    weights[:, at.target] = 1
    terms = weights * np.exp(at.s.numpy())
    off = terms / terms.sum(1, keepdims=True) - p
    many = SampledSoftmax(q)
    many.draws = 20_000
    moments = many.moments(at, K, torch.Generator().manual_seed(0))
    error = moments.error.mean(0).numpy()
    assert np.linalg.norm(error - off.mean(0)) < 0.1 * np.linalg.norm(off.mean(0))
    assert moments.of_scores == pytest.approx(off.var(0).sum(), rel=0.05)
    assert moments.of_inputs == pytest.approx((off @ at.u.numpy()).var(0).sum(), rel=0.05)


def test_the_sampled_softmax_is_exact_once_all_words_are_drawn():
    """Every word once, each expected once: Z is complete and nothing is left to be estimated."""
    at, _ = point()
    uniform = torch.full((V,), 1 / V, dtype=torch.float64)
    estimated, z = sampled_softmax(at, torch.arange(V)[None], uniform)
    np.testing.assert_allclose(estimated[0], at.s.softmax(0))
    assert float(z) == pytest.approx(1)


def bias(estimator, at, K):
    first, second = estimator.moments(at, K, torch.Generator().manual_seed(0)).error
    return float(first @ second / (at.exact @ at.exact)) ** 0.5


def test_the_sampled_softmax_loses_its_bias_with_more_noise():
    at, q = point()
    estimator = SampledSoftmax(q)
    estimator.draws = 2_000
    found = [bias(estimator, at, K) for K in (10, 100, 1_000)]
    assert found[0] > 5 * found[1] > 25 * found[2]


def test_negative_sampling_does_not_it_estimates_another_quantity():
    """PMI - log K: with more noise its gradient is further from the softmax's, not nearer."""
    at, q = point()
    found = [bias(NegativeSampling(q), at, K) for K in (5, 50, 500)]
    assert found[0] < found[1] < found[2]
    assert found[0] > 0.3


def test_noise_contrastive_estimation_loses_its_bias_only_where_z_is_one():
    at, q = point(normalised=True)
    found = [bias(NoiseContrastive(q), at, K) for K in (10, 100, 1_000, 10_000)]
    assert found == sorted(found, reverse=True)
    assert found[-1] < 0.01
    elsewhere = at._replace(s=at.s + 1)
    assert bias(NoiseContrastive(q), elsewhere, 10_000) > 0.1
    assert bias(Normalised(q), elsewhere, 100) == pytest.approx(found[1])


def test_an_interval_covers_its_ratio():
    random = np.random.default_rng(2)
    below = random.uniform(1, 2, 2_000)
    found = ratio(below * 3 + random.normal(0, 0.5, 2_000), below)
    assert found.low < 3 < found.high
    assert found.high - found.low < 0.1


# ---------------------------------------------------------------- the whole of it


@pytest.fixture(scope="module")
def measured():
    """Trained on a text whose words come in two topics, so that a centre says something of its context."""
    random = np.random.default_rng(0)
    text = np.stack([2 * random.zipf(1.5, 20).clip(1, 20) - 2 + i % 2 for i in range(400)])  # odd, even
    rank = np.argsort(np.argsort(-np.bincount(text.ravel(), minlength=40), kind="stable"))
    corpus = tiny_corpus(rank[text].tolist())
    training, held_out = hold_out(corpus)
    found = {}
    monkeypatch = pytest.MonkeyPatch()
    monkeypatch.setattr(_approximation, "POINTS", 12)
    for objective, name in IMPLEMENTATIONS.items():
        own = config(objective=objective, epochs=10)
        implementation = load(name, {"positions": 32, "chunk": 4})
        implementation.prepare(training, own, Resources())
        implementation.train(lambda _: None)
        outcome = measure(implementation, training, held_out, own, lambda *_: None)
        found[objective] = summary(outcome, corpus.vocabulary_size)
    monkeypatch.undo()
    return found


def test_training_lowers_the_held_out_loss(measured):
    for objective, one in measured.items():
        loss = one["readings"][0]["loss"]
        assert loss["low"] < loss["value"] < loss["high"]
        assert loss["value"] < one["unigram_loss"]["value"] < one["uniform_loss"], objective


def test_only_hierarchical_softmax_sums_to_one_and_has_no_word_vectors(measured):
    (tree,) = measured["hs"]["readings"]
    assert tree["log_z"]["mean"] == pytest.approx(0, abs=1e-9)
    assert measured["hs"]["gradients"] == []
    assert measured["softmax"]["readings"][0]["log_z"]["mean"] > 1
    assert measured["softmax"]["readings"][0]["loss_as_is"] is None
    assert measured["ns"]["readings"][0]["loss_as_is"]["value"] > 0


def test_every_estimator_is_measured_for_every_number_of_noise_words(measured):
    rows = measured["softmax"]["gradients"]
    assert len(rows) == 4 * len(_approximation.NEGATIVES) * 2
    for row in rows:
        assert row["bias"]["value"] >= 0
        assert row["variance"]["value"] > 0
        assert -1 <= row["cosine"]["low"] <= row["cosine"]["high"] <= 1 + 1e-12


# ---------------------------------------------------------------- the report of synthetic results


def result(objective, seed=1, **changes):
    """As the verb writes it: round figures."""
    loss = {"softmax": 6.9, "ns": 7.2, "hs": 7.0}[objective] + 0.01 * seed
    interval = saved.Interval
    gradients = [
        saved.Gradient(
            which, name, K, matrix, interval(b, 0.9 * b, 1.1 * b), interval(v, 0.8 * v, 1.3 * v), cosine
        )
        for which, name, b, v in (("ns", "NS", 0.5, 2.0), ("sampled", "sampled softmax", 0.3, 4.0))
        for K in (1, 5, 500)
        for matrix in ("inputs", "outputs")
        for cosine in [interval(0.9, 0.8, 0.95)]
    ]
    claims = interval(loss + 0.2, loss, loss + 0.4) if objective == "ns" else None
    reading = saved.Reread(
        "exp(u·v)", interval(loss, loss - 0.1, loss + 0.1), claims, saved.LogZ(1.0, 0.2, 0.7, 1.3)
    )
    values = {
        "run_id": f"{objective}{seed:04}",
        "implementation": {"name": IMPLEMENTATIONS[objective], "source_sha256": "0" * 64},
        "measure_sha256": "1" * 64,
        "config": {**vars(config(objective=objective)), "seed": seed},
        "data": {
            "name": "wiki-slice",
            "sha256": "2" * 64,
            "vocabulary": 9071,
            "training_tokens": 467_404,
            "held_out_sentences": 13,
            "held_out_tokens": 11_472,
        },
        "resources": {"device": "cpu", "threads": 2},
        "started": f"2026-01-0{seed}T00:00:00+00:00",
        "train_s": 10.0,
        "measure_s": 5.0,
        "machine": {**MACHINE},
        "versions": {"python": "3.11"},
        "git": {"commit": "a" * 40, "dirty": False},
        "predictions": 34_000,
        "dropped": 12,
        "centres": 8_000,
        "uniform_loss": 9.11,
        "unigram_loss": interval(7.6, 7.5, 7.7),
        "points": 200 if objective != "hs" else 0,
        "readings": (reading,),
        "gradients": tuple(gradients) if objective != "hs" else (),
    }
    return saved.Measured(**{**values, **changes})


SEVERAL = [result(objective, seed) for objective in IMPLEMENTATIONS for seed in (1, 2, 3)]


def test_a_result_is_read_back_and_is_no_record(tmp_path):
    for one in SEVERAL:
        path = saved.write(one, tmp_path)
    assert saved.read_all(tmp_path) == sorted(SEVERAL, key=lambda one: one.config["objective"])
    assert store.read_all(tmp_path) == []
    path.write_text("{}")
    with pytest.raises(UserError, match="holds no measured approximation"):
        saved.read_all(tmp_path)


@pytest.fixture(scope="module")
def files():
    return report([], SEVERAL)


def test_the_same_results_in_any_order_give_the_same_bytes(files):
    assert report([], SEVERAL[::-1]) == files
    stems = {name.partition(".")[0] for name in files}
    assert stems == {"approximation", "approximation-loss", "approximation-gradients"}
    for kind in ("svg", "png", "pdf", "csv"):
        assert f"approximation-loss.{kind}" in files


def test_the_table_shows_the_seed_in_the_middle_and_the_spread_over_seeds(files):
    lines = files["approximation.md"].decode().splitlines()
    (row,) = [line for line in lines if line.startswith("| NS | exp")]
    fields = [field.strip() for field in row.split("|")[1:-1]]
    assert fields[2:5] == ["7.220", "7.210–7.230", "\\[7.120, 7.320\\]"]
    assert fields[5] == "7.420"
    assert sum(line.startswith("| softmax | sampled softmax |") for line in lines) == 5
    assert not any(line.startswith("| HS | NS |") for line in lines)


def test_figures_hold_what_they_draw(files):
    losses = pd.read_csv(io.BytesIO(files["approximation-loss.csv"]))
    assert sorted(losses["objective"].value_counts().items()) == [("hs", 3), ("ns", 3), ("softmax", 3)]
    gradients = pd.read_csv(io.BytesIO(files["approximation-gradients.csv"]))
    assert set(gradients["state"]) == {"softmax"}
    assert len(gradients) == 3 * 2 * 3 * 2


def test_only_the_latest_of_a_training_is_shown():
    newer = replace(SEVERAL[0], run_id="newer", started="2026-02-01T00:00:00+00:00")
    (group,) = groups([newer, *SEVERAL])
    assert len(group.results) == len(SEVERAL)
    assert newer in group.results


def test_other_settings_stand_apart():
    other = replace(SEVERAL[0], config={**SEVERAL[0].config, "dim": 300})
    assert len(groups([*SEVERAL, other])) == 2


def test_the_page_has_a_section_for_them():
    found, (group,) = tables(cells([record()])), groups(SEVERAL)
    with_it, without = page(found, [[]], (), [(group, [])]), page(found, [[]])
    assert "How good the approximations are" in with_it
    assert group.hash in with_it
    assert "7.210–7.230" in with_it
    assert "How good the approximations are" not in without


# ---------------------------------------------------------------- the verb


def call(*words):
    return CliRunner().invoke(main, ["approximation", *words])


def test_the_fastest_in_plain_torch_is_chosen_for_each_objective():
    chosen = choose(OBJECTIVES)
    assert set(IMPLEMENTATIONS.values()) <= set(chosen)
    assert not any(name.endswith("compiled") or name in ("gensim", "fused") for name in chosen)
    planned = json.loads(call("--objective", "ns", "--seeds", "2", "--dry-run", "--json").output)
    assert [run["implementation"] for run in planned] == ["ns_windowed"] * 2
    assert [run["config"]["seed"] for run in planned] == [1, 2]


def test_what_cannot_be_done_is_said():
    unknown = call("--objective", "nz")
    assert (unknown.exit_code, "did you mean 'ns'?" in unknown.output) == (2, True)
    assert call("--dataset", "nowhere.txt").exit_code == 2
    assert call("--seeds", "0").exit_code == 2


def test_the_verb_trains_measures_and_goes_on_where_it_stopped(tmp_path, monkeypatch):
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    random = np.random.default_rng(0)
    text = "\n".join(" ".join(f"w{n}" for n in random.zipf(1.5, 20).clip(1, 20)) for _ in range(60))
    (tmp_path / "text").write_text(text + "\n")
    words = ["--dataset", str(tmp_path / "text"), "--min-count", "1", "--dim", "4", "--epochs", "1"]
    words += ["--objective", "hs", "--threads", "1", "--results", str(tmp_path / "results")]
    first = call(*words, "--json")
    assert first.exit_code == 0, first.output
    (found,) = saved.read_all(tmp_path / "results")
    assert found.data["held_out_sentences"] == 1
    assert found.readings[0].log_z.mean == pytest.approx(0, abs=1e-9)
    again = call(*words)
    assert "already finished" in again.output
    assert "HS" in again.output
    assert saved.read_all(tmp_path / "results") == [found]


def test_the_committed_report_is_what_the_committed_results_give():
    root = Path(__file__).parents[1]
    for name, content in documents(saved.read_all(root / "results")).items():
        assert (root / "reports" / name).read_bytes() == content
