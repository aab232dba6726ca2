"""The softmax's Triton kernels against the equations in float64, and what a user sees of a whole run.

Without a GPU they run in Triton's interpreter, on CPU tensors; with one, compiled.
"""

import importlib.util
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import softmax

from bench.contract import Resources
from bench.discovery import load
from impls._device import KeptSection
from tests.tiny import config, zipf_corpus
from tests.watching import NeverAsks

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs the package triton: pip install 'w2vbench[gpu]'"
)
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
V, D, W = 50, 7, 2
CORPUS = zipf_corpus(words=400, vocabulary=V)


def prepared(options=None, corpus=CORPUS, **changes):
    """An implementation at a random point, with small tiles: several of places, of words, and of parts."""
    run = load("softmax_triton", {"factors": "fp32", "positions": 32, "splits": 2, **(options or {})})
    run.prepare(corpus, config("skipgram", "softmax", **{"dim": D, **changes}), Resources(DEVICE))
    return run


@pytest.fixture(autouse=True)
def small_tiles(monkeypatch):
    monkeypatch.setattr("impls.softmax_triton.HELD", 16)
    monkeypatch.setattr("impls.softmax_triton.STEPS_A_REPLAY", 3)


def at_random(run, size=1.0):
    generator = torch.Generator().manual_seed(3)
    for matrix in (run.inputs, run.outputs):
        matrix[:, :D] = size * torch.randn(len(matrix), D, generator=generator).to(DEVICE)
    run.u_rounded[: run.V, :D] = run.outputs[:, :D].to(run.u_rounded.dtype)
    run.u_rounded[: run.V, -1] = (run.outputs**2).sum(1).to(run.u_rounded.dtype)
    return run


def text(words, seed=1):
    """One sentence of words drawn anew, with their windows; the buffers go on behind it, with anything."""
    random = np.random.default_rng(seed)
    ids, width = random.integers(0, V // 2, words), random.integers(1, W + 1, words)
    left, right = np.minimum(width, np.arange(words)), np.minimum(width, np.arange(words)[::-1])
    padded = (
        torch.tensor([*x, 7, 7, 7], dtype=torch.int32, device=DEVICE)
        for x in (ids.tolist(), left.tolist(), right.tolist())
    )
    return KeptSection(*padded, torch.tensor([words], dtype=torch.int32, device=DEVICE))


def walked(run, kept, rates, calm=True):
    """The steps of one section in float64, centre by centre: new inputs and new outputs."""
    inputs, U = (m[:, :D].double().cpu().numpy().copy() for m in (run.inputs, run.outputs))
    words = int(kept.count)
    ids, left, right = (x[:words].tolist() for x in (kept.ids, kept.left, kept.right))
    for begin in range(0, words, run.P):
        step = range(begin, min(begin + run.P, words))
        pull, push = np.zeros_like(U), np.zeros_like(U)
        by_sight, by_p, moves = np.zeros(V), np.zeros(V), []
        for c in step:
            x, rate = inputs[ids[c]], rates[0] + (rates[1] - rates[0]) * c / words
            window = [ids[place] for place in range(c - left[c], c + right[c] + 1) if place != c]
            p = softmax(U @ x)
            push += rate * len(window) * np.outer(p, x)
            by_p += rate * len(window) * p * (x @ x) / 2
            for word in window:
                pull[word] += rate * x
                by_sight[word] += rate * (x @ x) / 2
            away = p @ U
            k = sum(ids[other] == ids[c] for other in step)
            bend = np.clip(rate * len(window) * (p @ (U**2).sum(1) - away @ away), 1e-4, 0.9)
            factor = (1 - (1 - bend) ** k) / (k * bend) if calm else 1.0
            moves.append((ids[c], factor * rate * (U[window].sum(0) - len(window) * away)))
        bend = np.maximum(by_p, np.minimum(by_sight, by_p * np.exp(by_sight))).clip(1e-4)
        U += (pull - push) * ((1 - np.exp(-bend)) / bend if calm else np.ones(V))[:, None]
        for word, change in moves:
            inputs[word] += change
    return inputs, U


def trained(run, kept, rates):
    run.load(kept, rates)
    run.replay()
    return (m[:, :D].double().cpu().numpy() for m in (run.inputs, run.outputs))


@pytest.mark.parametrize("splits", [1, 3])
def test_steps_are_the_equations(splits):
    """Two whole steps and a broken one; words come again within a step; the last block of words is short."""
    run, kept = prepared({"splits": splits}), text(70)
    run.compile()
    inputs, outputs = walked(at_random(run), kept, (0.1, 0.02))
    before = run.inputs.clone()
    for name, found, wanted in zip(
        ("inputs", "outputs"), trained(run, kept, (0.1, 0.02)), (inputs, outputs), strict=True
    ):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=2e-5, err_msg=name)
    assert (run.inputs - before).abs().max() > 0.05
    assert not run.inputs[:, D:].any()
    assert not run.outputs[:, D:].any()
    assert not run.pull.any()


def test_a_small_rate_is_plain_gradient_descent():
    """What holds a step back is of second order: at a hundredth of the rate, a hundredth of the change."""
    run, kept = at_random(prepared()), text(32)
    start = [m[:, :D].double().cpu().numpy().copy() for m in (run.inputs, run.outputs)]
    plain = walked(run, kept, (1e-4, 1e-4), calm=False)
    run.compile()
    for found, wanted, before in zip(trained(run, kept, (1e-4, 1e-4)), plain, start, strict=True):
        assert np.linalg.norm(found - wanted) < 0.01 * np.linalg.norm(wanted - before)


def test_rounded_factors_change_little():
    """bfloat16 has 8 bits: of a step of random vectors, one part in a hundred. (Interpreted: fp16.)"""
    half = "bf16" if DEVICE == "cuda" else "fp16"
    exact, rounded = (at_random(prepared({"factors": factors})) for factors in ("fp32", half))
    start = [m.clone() for m in (exact.inputs, exact.outputs)]
    for run in (exact, rounded):
        run.compile()
        run.load(text(32), (0.05, 0.05))
        run.replay()
    for name, before in zip(("inputs", "outputs"), start, strict=True):
        wanted = getattr(exact, name) - before
        assert (getattr(rounded, name) - getattr(exact, name)).norm() < 0.02 * wanted.norm()


def test_two_runs_differ_by_no_more_than_the_order_of_additions():
    """Rows receive some 20 additions of numbers of about 1 in a step: at most 20 x 2^-24 of each."""
    runs = [at_random(prepared()) for _ in range(2)]
    for run in runs:
        run.compile()
        run.load(text(32), (0.1, 0.1))
        run.replay()
    for name in ("inputs", "outputs"):
        torch.testing.assert_close(*(getattr(run, name) for run in runs), rtol=0, atol=20 * 2**-24)


def test_steps_of_hundreds_of_centres_do_not_overshoot():
    """50 words at a rate where plain descent from one point flies apart within a text of 1,000 words."""
    corpus = zipf_corpus(words=1000, vocabulary=V)
    run, fresh = (prepared({"positions": 256}, corpus, learning_rate=0.3) for _ in range(2))
    run.compile()
    run.train(lambda _: None)
    assert float(run.inputs.norm(dim=1).max()) < 10
    inputs, _ = walked(fresh, fresh.text.draw(next(fresh.text.sections())), (0.3, 0.0), calm=False)
    assert np.linalg.norm(inputs, axis=1).max() > 100


def test_a_word_alone_in_its_sentence_moves_nothing():
    """Not even where it alone would have probabilities beyond what a float holds."""
    run = at_random(prepared(), size=15.0)
    run.compile()
    before = [m.clone() for m in (run.inputs, run.outputs)]
    assert (before[0][7] @ before[1].T).max() > 128
    alone = [torch.tensor([x, 7], dtype=torch.int32, device=DEVICE) for x in (7, 0, 0)]
    run.load(KeptSection(*alone, torch.tensor([1], dtype=torch.int32, device=DEVICE)), (0.1, 0.1))
    run.replay()
    assert torch.equal(run.inputs, before[0])
    assert torch.equal(run.outputs, before[1])


def test_compiling_trains_nothing():
    run = prepared()
    before = [m.clone() for m in (run.inputs, run.outputs)]
    run.compile()
    assert torch.equal(run.inputs, before[0])
    assert torch.equal(run.outputs, before[1])


def test_nothing_asks_the_device_within_an_epoch():
    """Neither a number from it nor a shape that depends on one; kernels are left out, as in a replay."""

    run, told = prepared(subsample=1e-2), []
    run.replay = lambda: None
    with NeverAsks():
        run.train(told.append)
    assert told == sorted(told)
    assert told[-1] == CORPUS.tokens


WHOLE_RUN = """
import sys
from bench.contract import Resources
from bench.discovery import load
from impls import softmax_triton
from tests.tiny import config, zipf_corpus
if sys.argv[1] == "cpu":  # the interpreter takes a program at a time
    softmax_triton.STEPS_A_REPLAY = 4
corpus = zipf_corpus(words=200)
run = load("softmax_triton", {"positions": 16, "factors": sys.argv[2]})
run.prepare(corpus, config("skipgram", "softmax", learning_rate=0.5), Resources(sys.argv[1]))
run.compile()
run.train(lambda _: None)
work = run.work()
assert work["kept_words"] == corpus.tokens, work
assert work["scored_outputs"] == 50 * work["kept_words"], work
vectors = run.vectors()
assert vectors.shape == (50, 8) and abs(vectors).max() > 0.1
"""


def test_a_whole_run_as_the_worker_has_it():
    """In a process of its own; on a GPU with the tiles of a real run."""
    variables = {**os.environ} | ({"TRITON_INTERPRET": "1"} if DEVICE == "cpu" else {})
    factors = "bf16" if DEVICE == "cuda" else "fp32"
    command = [sys.executable, "-c", WHOLE_RUN, DEVICE, factors]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
