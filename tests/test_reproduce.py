"""`w2vbench reproduce`: the same runs again, old against new, and what contradicts a table."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from bench import discovery
from bench.analysis.reproduction import compare
from bench.analysis.rows import cells
from bench.cli import main
from bench.datasets import load_corpus
from bench.errors import UserError
from bench.records import store
from bench.running import again
from bench.running.machine import versions
from tests.records_factory import record, unfinished

ENTRIES = discovery.implementations()


def published(name="gensim", **changes):
    """A record as `run` writes it for an implementation of this checkout."""
    entry = ENTRIES[name]
    one = record(name, **changes)
    own = {"options": dict(entry.spec.options), "source_sha256": entry.source_sha256}
    return replace(one, implementation={**one.implementation, **own}, versions=versions())


def test_a_record_becomes_the_run_that_it_came_from():
    one = published("fused", seed=3, repetition=2, threads=1, config={"epochs": 7, "dim": 50})
    (plan,) = again.again([one])
    run = plan.run
    assert (plan.note, run.entry.spec.name, run.suite, run.repetition) == ("", "fused", "main", 2)
    assert {k: getattr(run.config, k) for k in one.config} == one.config
    assert (run.resources.device, run.resources.threads) == ("cpu", 1)
    assert (run.budget_s, run.timeout_s) == (60, 600)
    assert run.options == {}


def test_options_of_a_study_are_kept_and_edits_are_told():
    entry = next(entry for entry in ENTRIES.values() if entry.spec.options)
    name, value = next(iter(entry.spec.options.items()))
    one = published(entry.spec.name)
    changed = {
        **one.implementation,
        "options": {**entry.spec.options, name: value + 1},
        "source_sha256": "ab" * 32,
    }
    (plan,) = again.again([replace(one, implementation=changed)])
    assert plan.run.options == {name: value + 1}
    assert plan.note == "source changed since"


def test_other_versions_of_what_it_needs_are_told_and_no_others():
    one = published()
    (plan,) = again.again([replace(one, versions={**one.versions, "gensim": "4.0.0", "torch": "1.0"})])
    assert plan.note == f"gensim 4.0.0 → {one.versions['gensim']}"


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (
            lambda r: replace(r, implementation={**r.implementation, "name": "old"}),
            "the implementation is gone",
        ),
        (lambda r: replace(r, status="withdrawn", reason="a bug"), "withdrawn: a bug"),
        (
            lambda r: replace(r, implementation={**r.implementation, "options": {"x": 1}}),
            "its option x is gone",
        ),
        (lambda r: replace(r, config={**r.config, "magic": 1}), "configuration is no longer understood"),
    ],
)
def test_what_cannot_be_run_again_says_why(change, note, tmp_path):
    (plan,) = again.again([change(published())])
    assert plan.run is None
    assert note in plan.note
    with pytest.raises(UserError, match="nothing of this table"):
        again.check_target(tmp_path, tmp_path / "results", [plan])


def test_versions_of_one_implementation_are_run_once():
    edited = published("fused")
    edited = replace(edited, implementation={**edited.implementation, "source_sha256": "ab" * 32})
    assert len(again.runs(again.again([published("fused"), edited]))) == 1


def test_gensim_comes_along_for_the_ratio_and_blocks_are_counted():
    rows = [
        record(name, objective=objective, seed=i, repetition=i)
        for i in (4, 5, 6)
        for name in ("gensim", "a", "b")
        for objective in ("ns", "hs")
        if (name, objective) != ("a", "hs")
    ]
    chosen = again.choose(rows, ("a",), 2)
    assert {(r.implementation["name"], r.config["objective"]) for r in chosen} == {
        ("gensim", "ns"),
        ("a", "ns"),
    }
    assert {r.block["repetition"] for r in chosen} == {4, 5}
    assert again.choose(rows, (), None) == rows
    with pytest.raises(UserError, match="'c'"):
        again.choose(rows, ("c",), None)


def session(ratio=2.0, ws353=0.51, blocks=4, seed=0, **changes):
    """gensim and one other, with noise of a few percent in speed and .004 in WS353."""
    noise, rows = np.random.default_rng(seed), []
    for i in range(blocks):
        machine = float(noise.uniform(1e5, 4e5))
        for name, factor, quality in (("gensim", 1.0, 0.51), ("other", ratio, ws353)):
            rows.append(
                record(
                    name,
                    seed=i,
                    repetition=i,
                    speed=machine * factor * float(noise.normal(1, 0.02)),
                    ws353=quality + float(noise.normal(0, 0.004)),
                    simlex=0.26 + float(noise.normal(0, 0.004)),
                    google=0.15 + float(noise.normal(0, 0.002)),
                    **changes,
                )
            )
    return rows


def verdict(old, new):
    """The pair of the implementation that is not gensim."""
    return next(p for p in compare(cells(old), new, {}) if p.old.implementation == "other")


def test_the_same_again_agrees_on_another_machine():
    pair = verdict(session(), session(seed=1, machine={"name": "elsewhere"}))
    assert pair.agrees
    assert pair.verdict == "quality inside the seed spread; ratios overlap"


def test_another_ratio_and_another_quality_contradict():
    pair = verdict(session(), session(ratio=1.5, seed=1))
    assert (pair.agrees, pair.speed) == (False, "ratios apart")
    pair = verdict(session(), session(ws353=0.55, seed=1))
    assert (pair.agrees, pair.quality) == (False, "outside the seed spread on WS353")
    assert pair.speed == "ratios overlap"


def test_one_new_block_can_tell_quality_but_no_ratio():
    pair = verdict(session(), session(blocks=1, seed=1))
    assert pair.agrees
    assert pair.verdict == "quality inside the seed spread; ratio cannot be told from one block"
    assert not verdict(session(), session(blocks=1, ws353=0.58, seed=1)).agrees


def test_too_few_published_seeds_tell_nothing():
    pair = verdict(session(blocks=1), session(ws353=0.1, seed=1))
    assert pair.agrees
    assert "cannot tell: seeds published 1, needed 3" in pair.quality


def test_a_row_that_ends_otherwise_contradicts():
    old = [record("gensim"), unfinished("over_budget", "other", "spent", speed=1e3)]
    same = verdict(old, [record("gensim"), unfinished("over_budget", "other", "spent", speed=2e3)])
    assert (same.agrees, same.quality) == (True, "")
    other = verdict(old, [record("gensim"), unfinished("failed", "other", "boom")])
    assert not other.agrees
    assert "was over_budget, now failed" in other.verdict


def test_a_row_that_was_not_run_again_is_named_and_contradicts_nothing():
    old = session()
    notes = {r.run_id: "the implementation is gone" for r in old if r.implementation["name"] == "other"}
    pairs = compare(cells(old), [r for r in session(seed=1) if r.implementation["name"] == "gensim"], notes)
    pair = next(p for p in pairs if p.old.implementation == "other")
    assert (pair.new, pair.agrees) == (None, True)
    assert pair.verdict == "not run again: the implementation is gone"


def test_false_alarms_of_a_whole_table_are_rare():
    """20 tables of 10 comparisons of quality each, nothing changed: Holm keeps alarms near 5 %."""
    alarms = 0
    for seed in range(20):
        old, new = session(seed=2 * seed), session(seed=2 * seed + 1)
        alarms += any("outside" in pair.quality for pair in compare(cells(old), new, {}))
    assert alarms <= 4  # 1 expected; P(more than 4) is 0.3 %


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A results folder with a table of a local file; what is run again comes out as `session` says."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    Path("text.txt").write_text("one two three two one\n" * 50)
    corpus = load_corpus("text.txt", min_count=5)
    text = {"data": {**record().data, "name": corpus.name, "sha256": corpus.sha256}}
    for one in session(blocks=3, **text):
        name = "gensim" if one.implementation["name"] == "gensim" else "fused"
        spec = published(name).implementation
        store.write(replace(one, implementation=spec), Path("results"))

    def call(*words, ratio=2.0):
        asked = []

        def execute(runs, dataset, results, _display):
            asked.append((runs, dataset, results))
            again_ = session(blocks=3, seed=1, ratio=ratio, **text)
            spec = {"gensim": published().implementation, "other": published("fused").implementation}
            return [replace(r, implementation=spec[r.implementation["name"]]) for r in again_]

        monkeypatch.setattr("bench.cli.evidence.execute", execute)
        result = CliRunner().invoke(main, ["reproduce", *words], env={"COLUMNS": "200"})
        return result.exit_code, result.output, asked

    return call


def test_the_verb_runs_the_rows_and_prints_old_against_new(shop):
    status, out, ((runs, dataset, folder),) = shop("1", "--dataset", "text.txt")
    assert (status, dataset) == (0, "text.txt")
    assert folder.parent == Path("reproduced")
    assert [(r.entry.spec.name, r.config.seed) for r in runs] == [
        (name, seed) for name in ("fused", "gensim") for seed in range(3)
    ]
    assert "quality inside the seed spread; ratios overlap" in out
    status, out, _ = shop("1", "--dataset", "text.txt", "--json", ratio=1.0)
    rows = {row["implementation"]: row for row in json.loads(out)["rows"]}
    assert (status, rows["fused"]["agrees"], rows["gensim"]["agrees"]) == (1, False, True)
    assert rows["fused"]["old"]["ratio_to_gensim"] == pytest.approx(2, rel=0.1)
    assert rows["fused"]["new"]["ratio_to_gensim"] == pytest.approx(1, rel=0.1)


def test_a_dry_run_runs_nothing(shop):
    status, out, asked = shop("1", "--dry-run", "--impl", "fused", "--blocks", "1")
    assert (status, asked) == (0, [])
    assert "fused skipgram/ns seed 0" in out
    assert "gensim skipgram/ns seed 0" in out
    assert "seed 1" not in out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("1",), "give its path with --dataset"),
        (("1", "--dataset", "else.txt"), "not the text of the table"),
        (("1", "--dataset", "text.txt", "--out", "results"), "holds the published records"),
        (("ffffffffffff",), "no table is called"),
        (("1", "--impl", "fuse"), "did you mean 'fused'"),
    ],
)
def test_bad_input_stops_before_anything_runs(shop, words, says):
    Path("else.txt").write_text("another text " * 20)
    status, out, asked = shop(*words)
    assert (status, asked) == (2, [])
    assert says in out


@pytest.mark.slow
def test_a_table_is_trained_again_and_goes_on_where_it_stopped(laboratory):
    laboratory.fake("gensim", train="import time; time.sleep(0.1)")
    laboratory.fake("other", train="import time; time.sleep(0.05)")
    laboratory.fake("gone")
    _, old, _ = laboratory.run("--impl", "gensim,other,gone")
    laboratory.fake("other", train="import time; time.sleep(0.05)  # edited")
    (laboratory.folder / "impls" / "gone.py").unlink()
    words = ("reproduce", "1", "--dataset", "text.txt", "--json")
    status, out, err = laboratory.call(*words)
    told = json.loads(out)
    rows = {row["implementation"]: row for row in told["rows"]}
    assert status == 0, err
    assert "the implementation is gone" in rows["gone"]["verdict"]
    assert "source changed since" in rows["other"]["verdict"]
    assert rows["other"]["new"]["ratio_to_gensim"] > 1
    assert len(laboratory.records()) == len(old)  # nothing was added to the published records
    assert len(list((laboratory.folder / told["out"]).glob("*/*.json"))) == 2
    assert laboratory.call(*words)[2].count("already finished") == 2
