"""A text that is drawn where it is trained on: its corpus, its words, and what a run makes of it."""

import dataclasses
import importlib.util
import io
import json
from fractions import Fraction

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from rich.console import Console
from scipy.stats import chisquare

from bench import datasets, discovery
from bench.analysis.checks.alone import other_text
from bench.cli import main
from bench.contract import Resources
from bench.datasets import catalogue
from bench.datasets.drawn import Zipf
from bench.datasets.holding_out import hold_out
from bench.errors import UserError
from bench.reporting import terminal
from bench.running import plan, session, supervise
from bench.running.display import Plain
from bench.suites import Suite, find_suite
from impls import _device
from impls._device import DeviceText
from tests.records_factory import record
from tests.tiny import config

DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
LAW = Zipf(exponent=1.0, types=40, tokens=50_500, sentence_words=1000)
NAME, SHORT = "tiny-zipf", "short-zipf"


@pytest.fixture(autouse=True)
def tiny(tmp_path, monkeypatch):
    """A drawn text of 50,000 words is registered, and one of 5,000."""
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    known = catalogue.Dataset(NAME, "drawn", "words drawn from 40", "none", zipf=LAW)
    short = dataclasses.replace(known, name=SHORT, zipf=dataclasses.replace(LAW, tokens=5_000))
    every = {**datasets.registry(), NAME: known, SHORT: short}
    for module in (datasets, catalogue):
        monkeypatch.setattr(module, "registry", lambda: every)
    return known


def plain_counts(law: Zipf) -> list[int]:
    """Each word's share of the tokens in exact fractions, for an exponent of one."""
    total = sum(Fraction(1, r) for r in range(1, law.types + 1))
    return [round(law.tokens * Fraction(1, r) / total) for r in range(1, law.types + 1)]


# --- the corpus ---------------------------------------------------------------------------------------


def test_counts_follow_the_law_and_the_minimum_count_cuts_them():
    counts = plain_counts(LAW)
    whole = datasets.load_corpus(NAME, min_count=1)
    assert whole.counts.tolist() == counts
    assert whole.raw_tokens == whole.tokens == sum(counts)
    cut = datasets.load_corpus(NAME, min_count=counts[9])
    assert cut.counts.tolist() == counts[:10]
    assert (cut.raw_tokens, cut.tokens, cut.vocabulary_size) == (sum(counts), sum(counts[:10]), 10)
    assert cut.words == [f"w{rank}" for rank in range(1, 11)]
    assert cut.drawn.sentence_words == 1000
    with pytest.raises(UserError, match="no word reaches min count"):
        datasets.load_corpus(NAME, min_count=counts[0] + 1)


def test_an_exponent_makes_it_steeper():
    steep = dataclasses.replace(LAW, exponent=1.5).counts()
    assert steep[0] / steep[3] == pytest.approx(4**1.5, rel=1e-3)


def test_it_is_built_once_and_holds_no_text():
    folder = datasets.prepare_corpus(NAME, min_count=1)
    assert datasets.prepare_corpus(NAME, min_count=1) == folder
    files = {path.name for path in folder.iterdir()}
    assert files == {"meta.json", "words.txt", "counts.npy"} | {
        f"huffman_{part}.npy" for part in ("offsets", "nodes", "codes")
    }
    assert isinstance(datasets.open_corpus(folder).counts, np.memmap)


def test_its_hash_tells_one_law_from_another():
    hashes = {LAW.sha256}
    for change in ({"exponent": 1.1}, {"types": 41}, {"tokens": 50_501}, {"sentence_words": 999}):
        hashes.add(dataclasses.replace(LAW, **change).sha256)
    assert len(hashes) == 5
    assert dataclasses.replace(LAW, exponent=1).sha256 == LAW.sha256  # however the registry writes it
    assert datasets.load_corpus(NAME).sha256 == LAW.sha256


def test_a_record_of_another_law_is_found(tiny):
    run = record()
    right, wrong = (
        dataclasses.replace(run, data={**run.data, "name": NAME, "sha256": sha256})
        for sha256 in (tiny.known_sha256, "0" * 64)
    )
    assert list(other_text(right)) == []
    assert len(list(other_text(wrong))) == 1


@pytest.mark.parametrize("part", ["ids", "offsets", "text_path"])
def test_who_asks_for_the_text_hears_why_there_is_none(part):
    corpus = datasets.load_corpus(NAME)
    with pytest.raises(UserError, match=f"text of {NAME} cannot be read") as caught:
        getattr(corpus, part)
    assert "drawn" in caught.value.why
    assert "implementation" in caught.value.remedy


def test_nothing_can_be_held_out_of_it():
    with pytest.raises(UserError, match="cannot be read"):
        hold_out(datasets.load_corpus(NAME))


@pytest.mark.parametrize(
    "change", [{"types": 0}, {"tokens": 0}, {"sentence_words": 0}, {"sentence_words": 1001}]
)
def test_a_law_that_draws_nothing_is_refused(change):
    with pytest.raises(ValueError, match="draws no text"):
        dataclasses.replace(LAW, **change)


def test_a_kind_and_what_belongs_to_it_go_together(tiny):
    for change in ({"kind": "text"}, {"zipf": None}, {"file": "text.txt"}):
        with pytest.raises(ValueError, match=NAME):
            dataclasses.replace(tiny, **change)


# --- what a user is told of it ------------------------------------------------------------------------


def said(*words: str, status: int = 0) -> str:
    result = CliRunner().invoke(main, words)
    assert result.exit_code == status, result.output
    return result.output


def test_it_needs_no_file_and_says_so():
    assert NAME in said("list")
    assert "types 40" in said("info", NAME)
    (entry,) = [one for one in json.loads(said("data", "ls", "--json")) if one["name"] == NAME]
    assert (entry["kind"], entry["found"]) == ("drawn", None)
    assert f"{NAME}: needs no file" in said("data", "verify", NAME)
    with pytest.raises(UserError, match="has no file"):
        datasets.fetch(datasets.resolve(NAME))


# --- the text on the device ---------------------------------------------------------------------------


def text_of(seed=1, min_count=1, **changes) -> DeviceText:
    corpus = datasets.load_corpus(NAME, min_count=min_count)
    return DeviceText(corpus, config(seed=seed, **changes), DEVICE)


def test_words_come_with_the_odds_of_the_counts():
    counts, text = np.array(plain_counts(LAW)), text_of()
    assert (text.ids.dtype, len(text.ids)) == (torch.int32, counts.sum())
    found = np.bincount(text.ids.cpu().numpy(), minlength=len(counts))
    assert chisquare(found, counts).pvalue > 1e-4
    ids = text.ids.cpu().numpy()
    pairs = np.bincount(5 * ids[:-1].clip(max=4) + ids[1:].clip(max=4), minlength=25)
    odds = np.append(counts[:4], counts[4:].sum()) / counts.sum()
    assert (
        chisquare(pairs, np.outer(odds, odds).ravel() * (len(ids) - 1)).pvalue > 1e-4
    )  # none by its neighbour


def test_the_seed_decides_the_text():
    one, again, other = (text_of(seed).ids for seed in (1, 1, 2))
    assert torch.equal(one, again)
    assert (one != other).float().mean() > 0.5


def test_it_is_drawn_in_parts(monkeypatch):
    """Of any length, the last one shorter: every word is drawn."""
    monkeypatch.setattr(_device, "SECTION_WORDS", 999)
    monkeypatch.setattr(torch, "empty", lambda *shape, **options: torch.full(shape, -1, **options))
    ids = text_of(min_count=2000).ids
    assert int(ids.min()) == 0
    assert int(ids.max()) == len(datasets.load_corpus(NAME, min_count=2000).counts) - 1


def test_sentences_are_as_long_as_the_law_says(monkeypatch):
    """Windows end where they do, and reach as far as they may within them."""
    monkeypatch.setattr(_device, "SECTION_WORDS", 4500)
    text = text_of(window=4)
    total = sum(plain_counts(LAW))
    left, right = [], []
    for section in text.sections():
        assert section.begin % 1000 == 0
        kept = text.draw(section)
        count = int(kept.count)
        assert count == section.words  # nothing is subsampled here
        assert torch.equal(kept.ids[:count], text.ids[section.begin : section.end])
        left += kept.left[:count].tolist()
        right += kept.right[:count].tolist()
    at = np.arange(total) % 1000
    length = np.minimum(1000, total - np.arange(total) // 1000 * 1000)
    assert total == len(left) > 50_000
    assert [at[i] for i in range(total) if left[i] == 0] == [0] * 51
    assert [length[i] - 1 - at[i] for i in range(total) if right[i] == 0] == [0] * 51
    inner = (at >= 4) & (at < length - 4)
    assert (np.array(left) == np.array(right))[inner].all()
    assert np.bincount(np.array(left)[inner])[1:].min() > 12_000  # each width, 1 to 4


# --- whole runs ---------------------------------------------------------------------------------------


def runs_of(*names: str, budget_s: float | None = None, **options: float) -> list[plan.Run]:
    settings = {"dim": 8, "epochs": 1, "min_count": 50, "subsample": 1e-2, "window": 2}
    budgets = dict.fromkeys(names, budget_s) if budget_s else {}
    values = {name: {option: [value] for option, value in options.items()} for name in names}
    suite = Suite(
        "tiny", "", SHORT, names, ("skipgram",), ("ns",), budget_s=budgets, config=settings, options=values
    )
    return plan.plan(suite, Resources(DEVICE))


@pytest.mark.skipif(importlib.util.find_spec("triton") is None, reason="needs the package triton")
@pytest.mark.parametrize(("budget_s", "status"), [(None, "ok"), (1e-9, "over_budget")])
def test_a_run_has_speed_and_memory_and_no_quality(tmp_path, budget_s, status):
    """In a process of its own, in Triton's interpreter where there is no GPU."""
    (run,) = runs_of("ns_triton", budget_s=budget_s, programs=1, group=32, negatives_a_group=32, updates=0)
    folder = datasets.prepare_corpus(SHORT, min_count=50)
    corpus, block = datasets.open_corpus(folder), {"series": "0" * 8, "repetition": 1, "position": 0}
    done = supervise.supervise(run, corpus, folder, block, tmp_path / "log", lambda _: None)
    assert (done.status, done.traceback) == (status, None), done.reason
    assert (done.data["sha256"], done.data["tokens"]) == (corpus.sha256, corpus.tokens)
    assert done.work["raw_words"] == corpus.tokens  # all of it is one section
    assert done.throughput["raw_words_per_s"] > 0
    assert done.memory["model_bytes"] == 2 * 4 * 16 * corpus.vocabulary_size
    assert [score for score in done.quality if score.used or score.value is not None] == []
    shown = Console(file=io.StringIO(), width=300)
    shown.print(terminal([done]))
    assert "ns_triton" in shown.file.getvalue()


@pytest.mark.parametrize("name", ["gensim", "ns_windowed", "fused"])
def test_who_reads_a_text_fails_with_the_reason(tmp_path, name):
    shown = Plain(Console(file=io.StringIO()))
    (failed,) = session.execute(runs_of(name), SHORT, tmp_path / "results", shown)
    assert (failed.status, failed.traceback) == ("failed", None)
    assert f"the text of {SHORT} cannot be read" in failed.reason
    assert "choose an implementation" in failed.reason


@pytest.mark.parametrize("name", ["vocabulary-crossover", "gpu-scale"])
def test_suites_on_a_drawn_text_ask_for_no_quality(name):
    """Every implementation of theirs has a budget, and trains on the device."""
    suite = find_suite(name)
    assert datasets.resolve(suite.dataset).kind == "drawn"
    assert suite.budget_s.keys() == set(suite.implementations)
    assert all("cuda" in discovery.find(one).spec.needs for one in suite.implementations)
