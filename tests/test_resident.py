"""The resident files on CPU tensors: the same draws, bands and steps as on a GPU, without its graphs.

With a GPU the strips are recorded and replayed, and held to the same figures.
"""

import numpy as np
import pytest
import torch

from bench.contract import Resources
from bench.discovery import load
from impls import _device
from impls._device import KeptSection
from impls._law import Kept
from impls._resident import STRIP, most_kept
from tests.test_triton import paired_corpus, partner_loss
from tests.tiny import config, tiny_corpus, zipf_corpus
from tests.watching import NeverAsks, NeverCopies

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
CHUNK = 4
SMALL = {"positions": 3 * CHUNK, "chunk": CHUNK}
MODELS = [("skipgram", "ns"), ("skipgram", "hs"), ("cbow", "ns"), ("cbow", "hs")]
EVERY_MODEL = pytest.mark.parametrize(("architecture", "objective"), MODELS)
OWN = {"ns": {"negatives_a_chunk": 11}, "hs": {"top": 5, "cap": 24}}  # options
CORPUS = zipf_corpus(words=400)  # 50 words in sentences of 20


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """An epoch of `CORPUS` is three sections; steps are too small for two threads."""
    monkeypatch.setattr(_device, "SECTION_WORDS", 150)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def prepared(name, architecture, options=None, corpus=CORPUS, **changes):
    """An implementation at a random, not a zero, point."""
    objective = name[:2]
    run = load(name, SMALL | OWN[objective] | (options or {}))
    settings = {"dim": 7, "epochs": 2, "subsample": 1e-2, **changes}
    run.prepare(corpus, config(architecture, objective, **settings), Resources(DEVICE))
    generator = torch.Generator().manual_seed(3)
    for matrix in (run.inputs, run.outputs):
        matrix.copy_(torch.randn(matrix.shape, generator=generator) / 2)
    return run


def same_point(one, other):
    for name in ("inputs", "outputs"):
        torch.testing.assert_close(getattr(one, name), getattr(other, name), rtol=1e-4, atol=1e-5)


def kept_text(kept):
    """What was kept, as lists."""
    return [x[: int(kept.count)].tolist() for x in (kept.ids, kept.left, kept.right)]


def seen(run):
    """Makes a run tell the text and the noise that it draws; to be looked at after training."""
    sections, noise, draw, noise_words = [], [], run.text.draw, run.noise_words

    def drawn(section):
        sections.append((section, draw(section)))
        return sections[-1][1]

    def words(chunks, generator):
        noise.append(noise_words(chunks, generator))
        return noise[-1]

    run.text.draw, run.noise_words = drawn, words
    return sections, noise


# ---------------------------------------------------------------- bands


def bands(run, section):
    """The bands of a section, in the order of their steps, as numbers."""
    found = []

    def step(band):
        found.append([x.cpu().numpy().copy() for x in band])
        return 0

    run.step = step
    run.fill(section)
    for _ in range(run.strips[section.begin]):
        run.strip()
    return found


@pytest.mark.parametrize("words", [150, 29])  # the second ends within a chunk
def test_bands_are_the_drawn_windows_centre_by_centre(words):
    """Also at the edges of chunks, steps and strips; behind the text there is nothing."""
    random = np.random.default_rng(0)
    ids = random.integers(0, 50, words)
    left, right = (random.integers(0, 4, words) for _ in range(2))
    places = np.arange(words)
    left, right = np.minimum(left, places), np.minimum(right, places[::-1])
    run = prepared("ns_device", "skipgram", corpus=tiny_corpus([[*range(50)] * 3]), window=3, subsample=0)
    buffers = (np.append(x, [9_999] * (151 - words)) for x in (ids, left, right))  # anything behind it
    kept = KeptSection(*(torch.tensor(x, dtype=torch.int32, device=DEVICE) for x in (*buffers, [words])))
    run.text.draw = lambda _: kept
    (section, _) = run.text.sections()
    _, drawn = seen(run)
    found = bands(run, section)
    seen_places = []
    for number, (centres, halo, inside, noise, minus_rate) in enumerate(found):
        assert inside.shape == (3, CHUNK, CHUNK + 6)
        chunks = [number + lane * len(found) for lane in range(3)]  # from places far apart
        places = [chunk * CHUNK + c for chunk in chunks for c in range(CHUNK)]
        np.testing.assert_array_equal(noise, drawn[0][chunks].cpu().numpy())
        done = min(number * 3 * CHUNK, words)
        assert -minus_rate == pytest.approx(0.025 * max(1e-4, 1 - 150 * done // words / 300), rel=1e-6)
        rows = zip(places, centres.flat, inside.reshape(12, -1), halo.repeat(CHUNK, 0), strict=True)
        for at, centre, row, near in rows:
            contexts = near[row > 0].tolist()
            if at < words:
                assert centre == ids[at]
                assert contexts == [*ids[at - left[at] : at], *ids[at + 1 : at + right[at] + 1]]
            else:
                assert contexts == []
        seen_places += places
    assert set(seen_places) > set(range(words))
    assert len(seen_places) == len(set(seen_places))  # each once
    assert len(found) % STRIP == 0


def test_a_section_in_a_page_of_a_longer_one_leaves_nothing_of_it():
    """Page after page in the same buffers: the words of the long section are gone."""
    corpus = tiny_corpus([[1] * 140, [2] * 10, [3] * 20])
    run = prepared("ns_device", "skipgram", corpus=corpus, subsample=0)
    long, short, *_ = run.text.sections()
    assert long.words > short.words
    bands(run, long)
    for _, halo, inside, *_ in bands(run, short):
        assert set(np.broadcast_to(halo[:, None], inside.shape)[inside > 0].tolist()) <= {3}


def test_strips_hold_what_is_kept_and_little_more():
    """Six deviations of what a thousand draws of a section keep, above their mean."""
    random = np.random.default_rng(0)
    keep = random.random(20_000)
    most = most_kept(keep)
    counts = [(random.random(len(keep)) < keep).sum() for _ in range(1000)]
    assert (most - np.mean(counts)) / np.std(counts) == pytest.approx(6, rel=0.1)
    assert most_kept(np.ones(7)) == 7
    assert most_kept(np.full(5, 0.9)) == 5  # never more than there are
    run = prepared("ns_device", "skipgram", corpus=zipf_corpus(words=20_000), epochs=3)
    for section in run.text.sections():
        room = run.strips[section.begin] * STRIP * run.n * CHUNK
        assert int(run.text.draw(section).count) <= room


# ---------------------------------------------------------------- steps


@EVERY_MODEL
def test_training_is_the_parents_steps(architecture, objective):
    """All sections of two epochs, whose pages are not full; what is counted is what was drawn."""
    resident = prepared(f"{objective}_device", architecture)
    parent = prepared(f"{objective}_windowed", architecture)
    (sections, _), bands, step = seen(resident), [], resident.step

    def watched(band):
        bands.append(type(band)(*(x.clone() for x in band)))
        return step(band)

    resident.step = watched
    resident.train(lambda _: None)
    for band in bands:
        parent.step(band)
    same_point(resident, parent)
    assert len(sections) == 6
    scored = 0
    for section, kept in sections:
        text = (torch.tensor(x, device=DEVICE) for x in kept_text(kept))
        scored += int(parent.scored(Kept(*text, section.words_before, section.words)))
    pairs = sum(int(band.inside.sum()) for band in bands)
    work = resident.work()
    assert (work["pairs"], work["scored_outputs"]) == (pairs, scored)
    assert work["kept_words"] == sum(int(kept.count) for _, kept in sections) < 2 * CORPUS.tokens


@EVERY_MODEL
def test_recorded_training_is_the_same(architecture, objective):
    """On CPU tensors nothing is recorded, and this says that a seed gives the same vectors again."""
    once, again = (prepared(f"{objective}_device", architecture) for _ in range(2))
    again.compile()
    for run in (once, again):
        run.train(lambda _: None)
    same_point(once, again)


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_no_chunk_has_more_deep_columns_than_there_are(architecture):
    """Not even one of nothing but the word with the longest code."""
    run = prepared("hs_device", architecture)
    targets = CHUNK + 2 * run.config.window if architecture == "skipgram" else CHUNK
    deepest = int(run.deep.argmax())
    worst = torch.full((2, targets), deepest, device=DEVICE)
    assert run.columns(worst) >= int(run.deep[worst].sum(1).max()) > 0
    assert run.columns(worst) == run.columns(torch.zeros_like(worst))  # one shape


@EVERY_MODEL
def test_recording_trains_nothing(architecture, objective):
    """A blank page asks for no change: what comes before recording may be run on it."""
    run = prepared(f"{objective}_device", architecture)
    before = run.inputs.clone(), run.outputs.clone()
    with torch.no_grad():
        for _ in range(4):
            run.strip()
    run.compile()
    assert torch.equal(run.inputs, before[0])
    assert torch.equal(run.outputs, before[1])


# ---------------------------------------------------------------- whole runs


@EVERY_MODEL
def test_nothing_asks_the_device_within_training(monkeypatch, architecture, objective):
    """Two epochs of a section each, drawn and trained; a strip brings nothing from the host either."""
    monkeypatch.setattr(_device, "SECTION_WORDS", 1000)
    run = prepared(f"{objective}_device", architecture)
    strip, visits = run.strip, []

    def watched():
        with NeverCopies():
            visits.append(strip())
        return visits[-1]

    run.strip = watched
    with NeverAsks():
        run.train(lambda _: None)
    assert len(visits) == 2 * run.strips[0] > 2
    assert run.work()["row_visits"] == sum(visits)


def test_the_watch_sees_what_it_looks_for():
    with pytest.raises(AssertionError), NeverAsks():
        torch.ones(3)[torch.ones(3) > 0]
    with pytest.raises(AssertionError), NeverAsks():
        torch.ones(3).unique()
    with pytest.raises(AssertionError), NeverAsks():
        int(torch.ones(()))
    with pytest.raises(AssertionError), NeverCopies():
        torch.tensor([1.0, 2.0])


@EVERY_MODEL
def test_words_that_stand_side_by_side_are_told_from_others(architecture, objective):
    corpus, epochs = paired_corpus(), 3
    options = {"positions": 28, "chunk": 7} | ({"top": 3} if objective == "hs" else {})
    run = load(f"{objective}_device", options)
    settings = config(architecture, objective, dim=12, window=1, epochs=epochs, learning_rate=0.1)
    run.prepare(corpus, settings, Resources(DEVICE))
    run.compile()
    assert partner_loss(run, corpus) == pytest.approx(np.log(2), abs=1e-3)  # zero outputs: a coin
    ticks = []
    run.train(ticks.append)
    assert partner_loss(run, corpus) < 0.2
    assert ticks == sorted(ticks)
    assert ticks[-1] == epochs * corpus.tokens
    assert run.work()["kept_words"] == epochs * corpus.tokens


@EVERY_MODEL
def test_the_smallest_vocabularies_train(architecture, objective):
    for words in (1, 2):
        corpus = tiny_corpus([[0, words - 1, 0, 0, words - 1]] * 3)
        run = load(f"{objective}_device")
        run.prepare(corpus, config(architecture, objective, dim=3), Resources(DEVICE))
        run.compile()
        run.train(lambda _: None)
        assert np.isfinite(run.vectors()).all()


# ---------------------------------------------------------------- compiled


def test_modes_with_graphs_of_their_own_are_refused():
    run = prepared("ns_device_compiled", "skipgram", {"mode": "reduce-overhead"})
    with pytest.raises(ValueError, match="max-autotune-no-cudagraphs"):
        run.compile()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # inductor still calls torch.jit
@EVERY_MODEL
def test_compiled_is_eager_and_is_compiled_once(architecture, objective):
    """Half a minute or more each: inductor runs the C++ compiler, or Triton."""
    torch._dynamo.reset()
    eager, compiled = (prepared(f"{objective}_device{kind}", architecture) for kind in ("", "_compiled"))
    before = compiled.inputs.clone(), compiled.outputs.clone()
    compiled.compile()
    assert torch.equal(compiled.inputs, before[0])  # warmed up on throw-away state
    assert torch.equal(compiled.outputs, before[1])
    eager.compile()
    with torch._dynamo.config.patch(error_on_recompile=True):
        for run in (eager, compiled):
            run.train(lambda _: None)
    same_point(compiled, eager)
    assert not torch.equal(eager.inputs, before[0])
