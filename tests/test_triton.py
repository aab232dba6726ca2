"""The Triton kernel against the equations in float64, and what a user sees of a whole run.

Without a GPU it runs in Triton's interpreter, on CPU tensors and program after program: all but the races
is tested there. With one, the compiled kernel is held to the same figures.
"""

import importlib.util
import math
import os
import re
import subprocess
import sys
import tempfile

import numpy as np
import pytest
import torch
from scipy.special import expit

from bench.contract import Resources
from bench.discovery import load
from impls import _device
from impls._device import DeviceText, KeptSection
from tests.tiny import config, tiny_corpus, zipf_corpus
from tests.watching import NeverAsks

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs the package triton: pip install 'w2vbench[gpu]'"
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
MODELS = [("skipgram", "ns"), ("skipgram", "hs"), ("cbow", "ns"), ("cbow", "hs")]
EVERY_MODEL = pytest.mark.parametrize(("architecture", "objective"), MODELS)
EXACT = {"precision": "ieee"}  # for the compiled kernel; the interpreter knows float32 only
V = 30


def prepared(architecture, objective, options=None, corpus=None, **changes):
    """An implementation at a random, not a zero, point."""
    run = load(f"{objective}_triton", EXACT | (options or {}))
    settings = config(architecture, objective, **{"dim": 7, **changes})
    run.prepare(corpus or zipf_corpus(words=200, vocabulary=V), settings, Resources(DEVICE))
    generator = torch.Generator().manual_seed(3)
    for matrix in (run.inputs, run.outputs):
        drawn = torch.randn(len(matrix), settings.dim, generator=generator)
        matrix[:, : settings.dim] = drawn.to(DEVICE)
    return run


def text_of(sentences, window, seed=0):
    """Sentences as kept text, widths drawn; the buffers go on behind the text, with anything."""
    random = np.random.default_rng(seed)
    left, right = [], []
    for sentence in sentences:
        width = random.integers(1, window + 1, len(sentence))
        left += np.minimum(width, np.arange(len(sentence))).tolist()
        right += np.minimum(width, np.arange(len(sentence))[::-1]).tolist()
    ids = [word for sentence in sentences for word in sentence]
    padded = (torch.tensor([*x, 7, 7, 7], dtype=torch.int32, device=DEVICE) for x in (ids, left, right))
    return KeptSection(*padded, torch.tensor([len(ids)], dtype=torch.int32, device=DEVICE))


def random_text(window, words=range(V), lengths=(6, 1, 5, 2)):
    random = np.random.default_rng(1)
    return text_of([random.choice(words, length).tolist() for length in lengths], window)


def random_noise(run, words=range(V), groups=40):
    shape = (groups, getattr(run, "shared", 1))
    drawn = np.random.default_rng(2).choice(words, shape)
    return torch.tensor(drawn, dtype=torch.int32, device=DEVICE)


def outcomes(run, corpus, target, noise):
    """(output row, wanted, how often it counts) of one prediction."""
    if run.config.objective == "hs":
        path = slice(corpus.huffman.offsets[target], corpus.huffman.offsets[target + 1])
        return [
            (n, 1 - int(c), 1.0)
            for n, c in zip(corpus.huffman.nodes[path], corpus.huffman.codes[path], strict=True)
        ]
    share = run.config.negatives / len(noise)
    return [(target, 1, 1.0), *((w, 0, share) for w in noise if w != target)]


def step(run, corpus, held, U, text, centres, noise, rate):
    """One group in float64, prediction by prediction, all of them from the same point."""
    ids, left, right = text
    dV, dU = dict.fromkeys(held, 0.0), np.zeros_like(U)
    for c in centres:
        window = [place for place in range(c - left[c], c + right[c] + 1) if place != c]
        predictors = [[place] for place in window] if run.config.architecture == "skipgram" else [window]
        for places in predictors if window else ():
            x = np.mean([held[place][0] for place in places], axis=0)
            for row, label, weight in outcomes(run, corpus, ids[c], noise):
                g = rate * weight * (label - expit(U[row] @ x))
                dU[row] += g * x
                for place in places:
                    dV[place] += g * U[row]
    for place, (row, gained) in held.items():
        held[place] = (row + dV[place], gained + dV[place])
    calm = run.tables["calm"].double().cpu().numpy()[:, None] if run.config.objective == "hs" else 1.0
    U += calm * dU


def walked(run, corpus, kept, noise, rates):
    """What the kernel's docstring says, in float64: new inputs and new outputs."""
    D, W, G = run.config.dim, run.config.window, run.group
    inputs, U = (m[:, :D].double().cpu().numpy().copy() for m in (run.inputs, run.outputs))
    words = int(kept.count)
    text = [x[:words].tolist() for x in (kept.ids, kept.left, kept.right)]
    groups_each = math.ceil(math.ceil(words / G) / run.programs)
    for begin in range(0, words, groups_each * G):
        end, held = min(begin + groups_each * G, words), {}
        starts = range(begin, end, G)
        for number, first in enumerate(starts):
            near = range(max(first - W, 0), min(first + G + W, words))
            for place in [p for p in held if p not in near]:
                inputs[text[0][place]] += held.pop(place)[1]
            for place in [p for p in near if p not in held]:
                held[place] = (inputs[text[0][place]].copy(), 0.0)
            rate = rates[0] + (rates[1] - rates[0]) * number / len(starts)
            centres, drawn = range(first, min(first + G, end)), noise[first // G].tolist()
            step(run, corpus, held, U, text, centres, drawn, rate)
        for place, (_, gained) in held.items():
            inputs[text[0][place]] += gained
    return inputs, U


def check(run, corpus, kept, noise, rates=(0.1, 0.02)):
    inputs, outputs = walked(run, corpus, kept, noise, rates)
    before = run.inputs.clone()
    run.launch(kept, noise, *rates)
    D = run.config.dim
    np.testing.assert_allclose(run.inputs[:, :D].cpu().numpy(), inputs, rtol=0, atol=1e-5)
    np.testing.assert_allclose(run.outputs[:, :D].cpu().numpy(), outputs, rtol=0, atol=1e-5)
    assert not run.inputs[:, D:].any()
    assert not run.outputs[:, D:].any()
    assert (run.inputs - before).abs().max() > 0.05


@EVERY_MODEL
@pytest.mark.parametrize(("group", "window", "dim"), [(1, 2, 7), (3, 4, 20), (6, 5, 7)])
def test_one_program_is_the_equations(architecture, objective, group, window, dim):
    """Words come again within a window, noise equals targets, windows end where sentences do."""
    corpus = zipf_corpus(words=200, vocabulary=V)
    options = {"programs": 1, "group": group}
    if objective == "ns":
        options |= {"negatives_a_group": 9, "updates": 0}
    run = prepared(architecture, objective, options, corpus, window=window, dim=dim)
    few = range(6)
    kept, noise = random_text(window, few), random_noise(run, few)
    check(run, corpus, kept, noise)


@EVERY_MODEL
def test_programs_that_share_no_row_do_not_disturb_each_other(architecture, objective):
    """Three programs of ten words each; hierarchical softmax shares its root, so one learns at a time."""
    corpus = zipf_corpus(words=200, vocabulary=V)
    options = {"programs": 3, "group": 2}
    if objective == "ns":
        options |= {"negatives_a_group": 5, "updates": 0}
    run = prepared(architecture, objective, options, corpus)
    random = np.random.default_rng(4)
    own = [random.choice(range(10 * p, 10 * p + 10), 8).tolist() for p in range(3)]
    if objective == "hs":
        own[0], own[2] = [[[word] for word in sentence] for sentence in (own[0], own[2])]  # alone: no context
        sentences = [*own[0], own[1], *own[2]]
    else:
        sentences = own
    noise = torch.cat([random_noise(run, range(10 * p, 10 * p + 10), 4) for p in range(3)])
    check(run, corpus, text_of(sentences, window=2), noise)


@EVERY_MODEL
def test_two_runs_differ_by_no_more_than_the_order_of_additions(architecture, objective):
    """One program, some 40 additions to a row of numbers of about 1: at most 40 × 2^-24 of each."""
    options = {"programs": 1, "group": 6} | ({"updates": 0} if objective == "ns" else {})
    runs = [prepared(architecture, objective, options) for _ in range(2)]
    for run in runs:
        run.launch(random_text(2), random_noise(run), 0.1, 0.1)
    for name in ("inputs", "outputs"):
        one, two = (getattr(run, name) for run in runs)
        torch.testing.assert_close(one, two, rtol=0, atol=40 * 2**-24)


def test_a_node_on_many_paths_is_held_back():
    """The root is on all of them: with 8 × 2 centres of 3 contexts in flight, a cap of 12 is a quarter."""
    run = prepared("skipgram", "hs", {"programs": 8, "group": 2, "cap": 12})
    calm = run.tables["calm"]
    assert float(calm[0]) == pytest.approx(12 / 48)
    assert float(calm[-1]) == 1  # the least of all nodes
    assert (prepared("skipgram", "hs", {"cap": 0}).tables["calm"] == 1).all()


def test_few_words_take_few_programs():
    """So that no output row receives more than the bound allows from one point."""
    assert prepared("skipgram", "ns", {"updates": 0}).programs == 96
    assert 1 <= prepared("skipgram", "ns").programs < 30
    assert prepared("cbow", "ns").programs > prepared("skipgram", "ns").programs


# ---------------------------------------------------------------- the text on the device


def sentences_corpus():
    """Words of sentence s are 10 s and more, in order: a place in the text can be read off a word."""
    return tiny_corpus([list(range(10 * s, 10 * s + n)) for s, n in enumerate([7, 1, 10, 2, 9])])


def test_sections_are_whole_sentences_and_all_of_them(monkeypatch):
    monkeypatch.setattr(_device, "SECTION_WORDS", 8)
    text = DeviceText(sentences_corpus(), config(epochs=2, window=3), DEVICE)
    sections = list(text.sections())
    assert len(sections) > 4
    assert sum(section.words for section in sections) == 2 * 29
    before = 0
    for section in sections:
        assert section.words_before == before
        before += section.words
        kept = text.draw(section)
        ids, left, right = (x[: int(kept.count)].tolist() for x in (kept.ids, kept.left, kept.right))
        assert len(ids) == section.words  # nothing is subsampled here
        for at, word in enumerate(ids):
            window = ids[at - left[at] : at + right[at] + 1]
            assert {w // 10 for w in window} == {word // 10}
            assert max(left[at], right[at]) <= 3
            alone = [w // 10 for w in ids].count(word // 10) == 1
            assert (len(window) > 1) != alone


def test_subsampling_and_windows_follow_the_law():
    corpus = zipf_corpus(words=20_000)
    text = DeviceText(corpus, config(subsample=1e-2, window=3), DEVICE)
    (section,) = text.sections()
    kept = text.draw(section)
    count = int(kept.count)
    expected = corpus.counts * corpus.keep_probability(1e-2)
    found = np.bincount(kept.ids[:count].cpu().numpy(), minlength=len(expected))
    assert count == pytest.approx(expected.sum(), rel=0.03)
    assert found[0] == pytest.approx(expected[0], abs=5 * np.sqrt(expected[0]))
    again = text.draw(section)
    assert not torch.equal(again.ids, kept.ids)  # another epoch, other words
    whole = DeviceText(tiny_corpus([list(range(40)) * 100]), config(window=3), DEVICE)
    reach = whole.draw(next(whole.sections()))
    assert float((reach.left + reach.right)[:4000].float().mean()) == pytest.approx(4, rel=0.05)  # W + 1


@EVERY_MODEL
def test_nothing_asks_the_device_within_an_epoch(architecture, objective):
    """Neither a number from it nor a shape that depends on one."""

    run = prepared(architecture, objective, subsample=1e-2)
    section = next(run.text.sections())
    with NeverAsks():
        kept = run.text.draw(section)
        run.noise_of(section)
        run._count(kept)


# ---------------------------------------------------------------- whole runs


def paired_corpus(pairs=4, words=640):
    """Words 2i and 2i + 1 always stand side by side, alone in their sentence."""
    random = np.random.default_rng(0)
    first = 2 * np.sort(random.integers(0, pairs, words // 2) * random.random(words // 2)).astype(int)
    random.shuffle(first)
    order = np.argsort(-np.bincount(first, minlength=2 * pairs)[::2], kind="stable")
    rank = np.empty(pairs, int)
    rank[order] = np.arange(pairs)
    return tiny_corpus([[2 * p, 2 * p + 1] for p in rank[first // 2]])


def partner_loss(run, corpus):
    """Mean negative log-likelihood of a decision when each word is asked for its partner."""
    x, u, tree = run.vectors(), run.outputs[:, : run.config.dim].cpu().numpy(), corpus.huffman
    losses = []
    for word in range(corpus.vocabulary_size):
        partner = word ^ 1
        if run.config.objective == "ns":
            others = np.delete(np.arange(corpus.vocabulary_size), partner)
            yes, no = expit(x[word] @ u[partner]), expit(-x[word] @ u[others].T)
            losses.append(-(np.log(yes) + np.log(no).mean()) / 2)
        else:
            path = slice(tree.offsets[partner], tree.offsets[partner + 1])
            sign = 1 - 2.0 * tree.codes[path]
            losses.append(-np.log(expit(sign * (u[tree.nodes[path]] @ x[word]))).mean())
    return np.mean(losses)


SECONDS = pytest.mark.slow  # some ten a model, in the interpreter


@pytest.mark.parametrize(
    ("architecture", "objective"),
    [
        ("skipgram", "ns"),
        ("cbow", "hs"),
        pytest.param("skipgram", "hs", marks=SECONDS),
        pytest.param("cbow", "ns", marks=SECONDS),
    ],
)
def test_words_that_stand_side_by_side_are_told_from_others(architecture, objective):
    """Also where a run starts, what it ticks and what it counts."""
    corpus, epochs = paired_corpus(), 3
    options = {"programs": 2, "group": 14} | ({"cap": 12} if objective == "hs" else {"negatives_a_group": 18})
    run = load(f"{objective}_triton", options)
    settings = config(architecture, objective, dim=12, window=1, epochs=epochs, learning_rate=0.5)
    run.prepare(corpus, settings, Resources(DEVICE))
    run.compile()
    assert partner_loss(run, corpus) == pytest.approx(np.log(2), abs=1e-3)  # zero outputs: a coin
    ticks = []
    run.train(ticks.append)
    assert partner_loss(run, corpus) < 0.5
    assert ticks[-1] == epochs * corpus.tokens
    work = run.work()
    assert (work["kept_words"], work["pairs"]) == (epochs * corpus.tokens, epochs * corpus.tokens)
    if objective == "hs":
        lengths = corpus.huffman.lengths[corpus.ids].sum()
        assert work["scored_outputs"] == epochs * lengths
        assert work["row_visits"] == epochs * (lengths + corpus.tokens)
    else:  # every word has a context, so that each is predicted once; noise meets each slot, or each mean
        slots = corpus.tokens * 16 // 14 if architecture == "skipgram" else corpus.tokens
        assert work["scored_outputs"] == pytest.approx(epochs * (corpus.tokens + 18 * slots), rel=1e-3)
    assert run.vectors().shape == (corpus.vocabulary_size, 12)
    assert run.model_bytes() == 4 * 16 * (len(run.inputs) + len(run.outputs))  # 12 floats padded to 16


@EVERY_MODEL
def test_the_smallest_vocabularies_train(architecture, objective):
    for words in (1, 2):
        corpus = tiny_corpus([[0, words - 1, 0, 0, words - 1]] * 3)
        run = load(f"{objective}_triton", {"programs": 4})
        run.prepare(corpus, config(architecture, objective, dim=3), Resources(DEVICE))
        run.train(lambda _: None)
        assert np.isfinite(run.vectors()).all()


def test_an_exception_from_a_tick_ends_training(monkeypatch):
    monkeypatch.setattr(_device, "SECTION_WORDS", 8)
    seen = []

    def tick(words_done):
        seen.append(words_done)
        raise TimeoutError

    run = load("ns_triton")
    run.prepare(sentences_corpus(), config(epochs=5), Resources(DEVICE))
    with pytest.raises(TimeoutError):
        run.train(tick)
    assert len(seen) == 1


@pytest.mark.slow
def test_every_model_compiles_for_a_gpu_that_is_not_here():
    """In a process that is not in interpreter mode, from scratch."""
    with tempfile.TemporaryDirectory() as cache:
        environment = {k: v for k, v in os.environ.items() if k != "TRITON_INTERPRET"}
        done = subprocess.run(
            [sys.executable, "-m", "tests.compile_triton"],
            env={**environment, "TRITON_CACHE_DIR": cache},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 16
    spilled = [int(re.search(r"STACK:(\d+)", line)[1]) for line in lines if "dim 100" in line]
    assert max(spilled) <= 16  # bytes a thread: a few, outside the loops
    assert "SERIALISED" not in done.stdout
