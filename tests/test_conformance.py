"""Every registered implementation keeps the contract. A new file in `impls/` is tested by being there."""

import contextlib
from pathlib import Path

import numpy as np
import pytest

from bench.contract import Config, Resources
from bench.datasets import load_corpus
from bench.discovery import implementations, load
from bench.running.machine import missing


def marks(entry):
    """torch.compile takes a minute a model: those who need a compiler for it are tested by `nox -s slow`."""
    return [pytest.mark.slow] if {"torch", "cc"} <= set(entry.spec.needs) else []


def lacking(entry):
    """Why an implementation cannot run here. What wants a GPU and nothing else takes CPU tensors."""
    needs = entry.spec.needs
    return missing(("torch",) if set(needs) == {"torch", "cuda"} else needs, "cpu")


MODELS = [
    pytest.param(entry, architecture, objective, id=f"{name}-{architecture}-{objective}", marks=marks(entry))
    for name, entry in implementations().items()
    for architecture in entry.spec.architectures
    for objective in entry.spec.objectives
]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """400 sentences of two topics whose words never mix, so that there is something to learn."""
    generator = np.random.default_rng(5)
    folder = tmp_path_factory.mktemp("corpus")
    lines = [
        " ".join(f"{topic}{n}" for n in generator.zipf(1.6, 30).clip(1, 12))
        for topic in "ab"
        for _ in range(200)
    ]
    (folder / "text").write_text("\n".join(lines) + "\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("W2VBENCH_CACHE", str(folder / "cache"))
        yield load_corpus(str(folder / "text"), min_count=1)


def train(entry, corpus, config, look=False):
    """`look`: ask for the vectors in every tick, as a learning curve does; some have none until the end."""
    implementation = load(entry.spec.name)
    implementation.prepare(corpus, config, Resources("cpu", threads=1))
    implementation.compile()
    ticks = []

    def tick(words_done):
        ticks.append(words_done)
        if look:
            with contextlib.suppress(FileNotFoundError):
                assert implementation.vectors().shape == (corpus.vocabulary_size, config.dim)

    implementation.train(tick)
    return implementation, implementation.vectors().copy(), ticks


@pytest.mark.parametrize(("entry", "architecture", "objective"), MODELS)
def test_keeps_the_contract(entry, architecture, objective, corpus, tmp_path, monkeypatch, capfd):
    if why := lacking(entry):
        pytest.skip(why)
    if "torch" in entry.spec.needs:
        import torch

        torch.set_num_threads(1)
    monkeypatch.chdir(tmp_path)
    config = Config(architecture, objective, dim=10, epochs=3, min_count=1, subsample=1e-2, seed=4)
    implementation, vectors, ticks = train(entry, corpus, config)

    assert vectors.shape == (corpus.vocabulary_size, 10)
    assert vectors.dtype == np.float32
    assert np.isfinite(vectors).all()
    start = np.abs(vectors).max()
    assert start > 0.5 / 10  # further from zero than any input vector begins: something was learned
    assert ticks == sorted(ticks)
    assert all(0 <= t <= corpus.tokens * 3 for t in ticks)

    assert list(Path.cwd().iterdir()) == []
    assert capfd.readouterr() == ("", "")

    _, again, _ = train(entry, corpus, config, look=True)
    np.testing.assert_array_equal(again, vectors)  # one thread, one seed: the same vectors, looked at or not

    work = implementation.work()
    assert work.keys() <= {"kept_words", "pairs", "scored_outputs", "row_visits"}
    assert work.get("kept_words", 1) <= corpus.tokens * 3
    smallest = 4 * 2 * (corpus.vocabulary_size - 1) * 10
    assert (implementation.model_bytes() or smallest) >= smallest


@pytest.mark.parametrize(("entry", "architecture", "objective"), MODELS)
def test_an_exception_from_a_tick_ends_training(entry, architecture, objective, corpus):
    if why := lacking(entry):
        pytest.skip(why)

    class Spent(BaseException):
        pass

    def tick(_words):
        raise Spent

    implementation = load(entry.spec.name)
    config = Config(architecture, objective, dim=10, epochs=40, min_count=1)
    implementation.prepare(corpus, config, Resources("cpu", threads=1))
    implementation.compile()
    with pytest.raises(Spent):
        implementation.train(tick)


def test_every_spec_is_complete():
    known = implementations()
    for name, entry in known.items():
        assert entry.path.stem in (name, name.rsplit("_", 1)[0], entry.path.stem)
        assert entry.spec.summary
        parents = {objective: entry.spec.parent_of(objective) for objective in entry.spec.objectives}
        for objective, parent in parents.items():
            assert parent is None or objective in known[parent].spec.objectives
