"""`w2vbench check`: a sound folder gives no finding, and every planted fault gives its own."""

import json
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import discovery
from bench.analysis.checks import CHECKS, alone, check, provenance
from bench.cli import main
from bench.errors import UserError
from bench.quality import EVALUATOR_VERSION
from bench.records import store
from bench.records.identity import id_of
from bench.records.schema import Gpu
from tests.records_factory import record

ROOT = Path(__file__).parents[1]
GPU = Gpu(
    driver="580.1",
    idle_bytes=600_000_000,
    peak_bytes=2_000_000_000,
    samples=9,
    sm_clock_mhz=1980,
    memory_clock_mhz=3201,
    power_w=350,
    temperature_c=60,
    slowed=[],
    contended=False,
)
ENTRIES = discovery.implementations()
SOURCE = ENTRIES["gensim"].source_sha256
READ = discovery.implementations


@pytest.fixture(autouse=True)
def _working_tree_read_once(monkeypatch):
    monkeypatch.setattr(discovery, "implementations", lambda folder=None: READ(folder) if folder else ENTRIES)


def sound(name="gensim", **changes):
    """A record with which nothing is the matter."""
    one = record(name, **changes)
    one = replace(
        one,
        implementation={**one.implementation, "options": {}, "source_sha256": SOURCE},
        data={**one.data, "name": "file:text"},
        phases={**one.phases, "compile_s": 1e-5},
        duration_s=one.duration_s + 1,
    )
    return identified(one)


def identified(one, evaluator=EVALUATOR_VERSION):
    return replace(one, run_id=id_of(one, evaluator))


def session(**changes):
    """Three blocks of one implementation beside gensim."""
    return [
        sound(name, seed=i + 1, repetition=i, **changes) for i in range(3) for name in ("gensim", "other")
    ]


def put(records, folder):
    for one in records:
        store.write(one, folder)
    return folder


def found(findings):
    return {(finding.level, finding.check) for finding in findings}


def merged(one, **groups):
    """`one` with keys of its groups replaced, and the id that then belongs to it."""
    changed = replace(one, **{name: {**getattr(one, name), **keys} for name, keys in groups.items()})
    return identified(changed)


def scored(one, **changes):
    return replace(one, quality=[replace(one.quality[0], **changes), *one.quality[1:]])


def test_nothing_is_the_matter_with_a_sound_folder(tmp_path):
    assert check(put(session(), tmp_path)) == []


def test_the_committed_records_can_be_believed():
    assert [f for f in check(ROOT / "results") if f.level == "wrong"] == []


WRONG = {
    "run-id": lambda r: replace(r, config={**r.config, "window": 7}),  # edited by hand
    "status": lambda r: replace(r, quality=[]),
    "phases": lambda r: merged(r, phases={"prepare_s": -0.2}),
    "throughput": lambda r: merged(r, throughput={"raw_words_per_s": 9e9}),
    "work": lambda r: merged(
        r,
        work={"raw_words": r.work["raw_words"] // 2},
        throughput={"raw_words_per_s": r.work["raw_words"] // 2 / r.phases["train_s"]},
    ),
    "memory": lambda r: merged(r, memory={"host_peak_bytes": 5}),
    "scores": lambda r: scored(r, value=1.2),
    "text": lambda r: merged(r, data={"name": "wiki-slice"}),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_planted_fault_is_wrong_and_named(name, tmp_path):
    put(session(), tmp_path)
    bad = WRONG[name](session()[0])
    for path in tmp_path.glob("*/gensim-*.json"):
        path.unlink()
    store.write(bad, tmp_path)
    findings = [f for f in check(tmp_path) if f.level == "wrong"]
    assert {f.check for f in findings} == {name}
    assert {f.where for f in findings} == {str(store.path_of(bad, Path()))}
    assert all(f.remedy for f in findings)


@pytest.mark.parametrize(
    ("function", "bad", "says"),
    [
        (alone.wrong_status, lambda r: replace(r, status="failed", reason="boom"), "has scores"),
        (alone.wrong_status, lambda r: replace(r, reason="but"), "ok with a reason"),
        (alone.wrong_status, lambda r: merged(r, phases={"train_s": None}), "no training was timed"),
        (alone.wrong_phases, lambda r: merged(r, phases={"train_s": 0.0}), "train_s is 0"),
        (alone.wrong_phases, lambda r: replace(r, duration_s=1.0), "of a process of 1.0 s"),
        (alone.wrong_throughput, lambda r: merged(r, throughput={"raw_words_per_s": None}), "is null"),
        (alone.wrong_throughput, lambda r: merged(r, throughput={"pairs_per_s": 3.0}), "pairs_per_s is 3.0"),
        (alone.wrong_work, lambda r: merged(r, work={"kept_words": 10**9}), "more than the"),
        (
            alone.wrong_work,
            lambda r: replace(merged(r, work={"raw_words": 10**9}), status="over_budget"),
            "the whole training",
        ),
        (alone.wrong_memory, lambda r: merged(r, memory={"model_bytes": -1}), "model_bytes is -1"),
        (alone.wrong_scores, lambda r: scored(r, used=354), "354 of 353 items"),
        (alone.wrong_scores, lambda r: scored(r, low=0.7, high=0.2), "above high"),
        (alone.wrong_scores, lambda r: scored(r, metric="3cosadd", value=-0.1), "outside [0, 1]"),
        (alone.not_finite, lambda r: scored(r, value=float("nan")), "quality[0].value is nan"),
        (alone.not_finite, lambda r: merged(r, memory={"peak": float("inf")}), "memory.peak is inf"),
    ],
)
def test_every_way_to_be_wrong(function, bad, says):
    assert list(function(sound())) == []
    (sentence,) = function(bad(sound()))
    assert says in sentence


def test_nan_and_infinity_in_a_file_are_found(tmp_path):
    path = store.write(sound(), tmp_path)
    path.write_text(path.read_text().replace("0.51", "NaN", 1))
    assert ("wrong", "not-finite") in found(check(tmp_path))


WEAK = {
    "dirty": lambda rows: [merged(rows[0], git={"dirty": True}), *rows[1:]],
    "contended": lambda rows: [merged(rows[0], machine={"load_average": 5.5}), *rows[1:]],
    "withheld": lambda rows: [merged(rows[0], machine={"withheld_share": 0.4}), *rows[1:]],
    "shared-gpu": lambda rows: [replace(rows[0], gpu=replace(GPU, contended=True)), *rows[1:]],
    "slowed-gpu": lambda rows: [replace(rows[0], gpu=replace(GPU, slowed=["heat"])), *rows[1:]],
    "long-block": lambda rows: [replace(rows[0], started="2026-01-01T22:00:00Z"), *rows[1:]],
    "no-reference": lambda rows: rows[1:],
    "seeds": lambda rows: rows[:4],
}


@pytest.mark.parametrize("name", WEAK)
def test_a_planted_weakness_is_weak_and_named(name, tmp_path):
    findings = check(put(WEAK[name](session()), tmp_path))
    expected = {("weak", name)} | ({("weak", "seeds")} if name == "no-reference" else set())
    assert found(findings) == expected


def test_rows_that_are_not_compared_may_be_measured_on_another_day(tmp_path):
    later = [replace(r, started="2026-01-09T12:00:00Z") for r in session(config={"dim": 300})]
    assert check(put(session() + later, tmp_path)) == []


@pytest.mark.parametrize("objective", ["softmax", "nce", "sampled", "adaptive"])
def test_a_model_that_gensim_lacks_needs_no_reference(objective, tmp_path):
    rows = [sound("other", objective=objective, seed=i, repetition=i) for i in range(3)]
    assert check(put(rows, tmp_path)) == []


def test_scores_of_an_older_evaluator_are_told_from_a_wrong_id(tmp_path, monkeypatch):
    put(session(), tmp_path)
    monkeypatch.setattr(alone, "EVALUATOR_VERSION", "2")
    findings = check(tmp_path)
    assert found(findings) == {("weak", "evaluator")}
    assert f"evaluator {EVALUATOR_VERSION}, this is 2" in findings[0].what


def test_a_source_that_no_commit_holds_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(provenance, "committed", lambda _, wanted: wanted - {"ab" * 32})
    rows = session()
    lost = merged(rows[0], implementation={"source_sha256": "ab" * 32})
    kept = merged(rows[1], implementation={"source_sha256": "cd" * 32})
    findings = [f for f in check(put([lost, kept, *rows[2:]], tmp_path)) if f.check == "source"]
    assert [f.where for f in findings] == [str(store.path_of(lost, Path()))]


def test_sources_are_found_in_history(tmp_path):
    def git(*words):
        identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
        subprocess.run(["git", "-C", str(tmp_path), *identity, *words], check=True, capture_output=True)

    folder = tmp_path / "impls"
    folder.mkdir()
    spec = 'spec = Spec(name="one", summary="s", objectives=("ns",), architectures=("cbow",), paper="p")'
    file, hashes = folder / "one.py", []
    git("init")
    for text in ("", "# edited", "# edited, not committed"):
        file.write_text(f"from bench.contract import Spec\n\nclass One:\n    {spec}\n    {text}\n")
        hashes.append(discovery.implementations(folder)["one"].source_sha256)
        if "not committed" not in text:
            git("add", "-A")
            git("commit", "-m", "x")
    assert provenance.committed(folder, set(hashes)) == set(hashes[:2])
    assert provenance.committed(Path(tmp_path.anchor), set(hashes)) is None  # no checkout


def test_one_run_in_two_files_is_told(tmp_path):
    rows = session()
    twin = replace(rows[0], machine={**rows[0].machine, "name": "elsewhere"})
    store.write(twin, put(rows, tmp_path))
    assert {"doubles", "run-id"} <= {check for _, check in found(check(tmp_path))}


def test_one_name_for_two_texts_is_told(tmp_path):
    other = merged(sound("other"), data={"sha256": "ef" * 32})
    assert ("wrong", "mixed-texts") in found(check(put([*session(), other], tmp_path)))


@pytest.mark.parametrize("place", ["testbox/renamed.json", "elsewhere/{}", "{}", "testbox/deep/{}"])
def test_a_file_in_the_wrong_place_is_told_where_it_belongs(place, tmp_path):
    put(session()[1:], tmp_path)
    path = store.write(session()[0], tmp_path)
    target = tmp_path / place.format(path.name)
    target.parent.mkdir(exist_ok=True)
    path.rename(target)
    (finding,) = check(tmp_path)
    assert (finding.level, finding.check) == ("wrong", "place")
    assert finding.what == f"it belongs at testbox/{path.name}"


@pytest.mark.parametrize(
    ("change", "name", "says"),
    [
        (lambda _: "{ half a rec", "unreadable", "JSONDecodeError"),
        (lambda d: json.dumps(d | {"schema": 99}), "unreadable", "schema 99"),
        (lambda _: json.dumps({"schema": 1}), "unreadable", "quality"),
        (lambda d: json.dumps(d | {"status": "fine"}), "malformed", "unknown status 'fine'"),
        (lambda d: json.dumps(d | {"data": {}}), "malformed", "data.tokens is missing"),
        (lambda d: json.dumps(d | {"machine": None}), "malformed", "machine is no group"),
        (lambda d: json.dumps(d | {"config": {**d["config"], "epochs": "3"}}), "malformed", "epochs is '3'"),
        (lambda d: json.dumps(d | {"phases": {"train_s": "fast"}}), "malformed", "no number"),
        (lambda d: json.dumps(d | {"config": {**d["config"], "objective": "x"}}), "malformed", "known model"),
    ],
)
def test_a_file_that_cannot_be_checked_does_not_hide_the_others(change, name, says, tmp_path):
    path = store.write(session()[0], put(session()[1:], tmp_path))
    path.write_text(change(json.loads(path.read_text())))
    findings = [f for f in check(tmp_path) if f.level == "wrong"]
    assert {f.check for f in findings} == {name}
    assert any(says in f.what for f in findings)
    assert str(tmp_path) not in findings[0].where


def test_every_check_has_a_planted_fault():
    others = {"not-finite", "doubles", "mixed-texts", "evaluator", "source"}
    assert {one.name for one in CHECKS} == WRONG.keys() | WEAK.keys() | others


def test_the_verb_tells_levels_and_remedies_and_its_exit_code(tmp_path):
    folder = str(put(WEAK["dirty"](session()), tmp_path / "weak"))
    result = CliRunner().invoke(main, ["check", "--results", folder])
    assert result.exit_code == 0
    assert "weak  dirty: 1" in result.output
    assert "remedy: commit first" in result.output
    put([WRONG["run-id"](session()[0])], tmp_path / "weak")
    result = CliRunner().invoke(main, ["check", "--results", folder, "--json"])
    assert result.exit_code == 1
    assert {f["level"] for f in json.loads(result.output)} == {"wrong", "weak"}


def test_an_empty_folder_has_nothing_to_check(tmp_path):
    with pytest.raises(UserError, match="w2vbench run"):
        check(tmp_path)


def test_a_measured_approximation_is_no_record_and_must_be_readable(tmp_path):
    put(session(), tmp_path)
    folder = tmp_path / session()[0].machine["name"] / "approximation"
    folder.mkdir()
    (folder / "ns.json").write_text('{"run_id": "0"}')
    findings = check(tmp_path)
    assert found(findings) == {("wrong", "unreadable")}
    assert "no measured approximation" in findings[0].what
