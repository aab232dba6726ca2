"""The regression gate as a person or a program meets it: what it compares, what fails, what it says."""

import json
import math
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats

from bench.analysis.comparison import DEFAULT_MARGINS, compare
from bench.analysis.margins import LEVEL, paired, unpaired
from bench.analysis.statistics import holm
from bench.cli import main
from bench.records import store
from bench.records.schema import Curve
from bench.records.sides import Side
from bench.reporting import changes
from tests.records_factory import record, unfinished
from tests.simulate_gate import PLANTED, RESULTS, alarms, measured_noise, runs_needed


def session(name="fused", blocks=6, *, seed=0, drift=None, memory=1.0, ws353=0.4, spread=0.004, **changes):
    """One run a block, each a little different; `drift` multiplies the speed of each block."""
    noise = np.random.default_rng(seed)
    speed = changes.pop("speed", 3e6)
    runs = []
    for block in range(blocks):
        one = record(
            name,
            repetition=block,
            seed=block + 1,
            speed=speed * (drift[block] if drift else 1) * math.exp(noise.normal(0, spread)),
            ws353=ws353 + noise.normal(0, spread),
            simlex=0.23 + noise.normal(0, spread),
            **changes,
        )
        one.memory["host_peak_bytes"] = int(56e6 * memory * math.exp(noise.normal(0, spread)))
        runs.append(one)
    return runs


def later(runs, hours=30):
    """The same runs measured in another session."""
    return [replace(r, started=r.started.replace("2026-01", f"2026-0{1 + hours // 24}")) for r in runs]


def found(base, new, margins=DEFAULT_MARGINS):
    return compare(Side("base", tuple(base)), Side("new", tuple(new)), margins)


def verdicts(base, new, margins=DEFAULT_MARGINS):
    """Verdict by metric's label, of the only row."""
    return {c.metric.label: c.verdict for c in found(base, new, margins).changes}


@pytest.fixture
def call(tmp_path, monkeypatch):
    """`w2vbench compare` in an empty folder; lists of records become folders."""
    monkeypatch.chdir(tmp_path)

    def call(base, new, *words):
        names = []
        for name, side in (("base", base), ("new", new)):
            if not isinstance(side, str):
                shutil.rmtree(tmp_path / name, ignore_errors=True)
                (tmp_path / name).mkdir()
                for one in side:
                    store.write(one, tmp_path / name)
                side = name
            names.append(side)
        return CliRunner().invoke(main, ["compare", *names, *words])

    return call


@pytest.mark.parametrize(
    ("new", "words", "code"),
    [
        (session(seed=1), (), 0),
        (session(seed=1, speed=2.5e6), (), 1),
        (session(seed=1, speed=2.5e6), ("--fail", "memory:2%"), 0),  # speed is shown, not judged
        (session(seed=1, speed=2.5e6), ("--fail", "throughput:30%"), 0),
        (session(seed=1, speed=2.9e6), ("--fail", "throughput:0.01"), 1),
        (session(seed=1, memory=1.05), (), 1),
        (session(seed=1, ws353=0.37), (), 1),
        (session(seed=1, speed=4e6, memory=0.5, ws353=0.45), (), 0),  # better is no regression
        (session(seed=1, threads=1), (), 2),
        ([], (), 2),
        (session(seed=1), ("--fail", "speed:5%"), 3),
        (session(seed=1), ("--fail", "throughput:fast"), 3),
        (session(seed=1), ("--fail", "throughput:-5%"), 3),
        (session(seed=1), ("--fail",), 3),
        (session(seed=1), ("--fial", "memory:1%"), 3),
        ("no-such-name", (), 3),
    ],
)
def test_exit_codes(call, new, words, code):
    result = call(session(), new, *words)
    assert result.exit_code == code, result.output
    if code == 3:
        assert "Traceback" not in result.output


def test_a_damaged_record_is_bad_input(call, tmp_path):
    (tmp_path / "broken" / "box").mkdir(parents=True)
    (tmp_path / "broken" / "box" / "x.json").write_text("{")
    result = call(session(), "broken")
    assert result.exit_code == 3
    assert "not a record" in result.output


def test_speeds_are_paired_by_block_whatever_the_machine_does():
    drift = [1, 0.5, 2, 0.7, 1.4, 0.9]
    base = session(drift=drift)
    assert verdicts(base, session(seed=1, drift=drift))["words/s"] == "fine"
    assert verdicts(base, session(seed=1, drift=drift, speed=2.6e6))["words/s"] == "regression"


def test_speeds_of_two_sessions_are_compared_beside_gensim_or_not_at_all():
    base = session() + session("gensim", speed=2e5, seed=2)
    slow_day = later(session(seed=3, speed=1.5e6)), later(session("gensim", speed=1e5, seed=4))
    alone, beside = found(base, slow_day[0]), found(base, slow_day[0] + slow_day[1])
    speed = next(c for c in alone.changes if c.kind == "throughput")
    assert speed.verdict == "cannot tell (no common session)"  # half the speed, and no alarm
    by_name = {c.implementations[1]: c for c in beside.changes if c.kind == "throughput"}
    assert by_name["fused"].verdict == "fine"
    assert by_name["fused"].how == "beside gensim of the block"
    assert by_name["gensim"].verdict == "cannot tell (no common session)"
    worse = later(session(seed=3, speed=1.2e6)) + slow_day[1]
    change = next(c for c in found(base, worse).changes if c.implementations[1] == "fused")
    assert change.verdict == "regression"
    assert change.estimate[0] == pytest.approx(1.2 / 1.5, rel=0.02)


@pytest.mark.parametrize("n", [1, 2])
def test_too_few_runs_tell_nothing_and_do_not_fail(call, n):
    result = call(session(blocks=n), session(blocks=n, seed=1, speed=1e6, memory=2, ws353=0.1), "--json")
    assert result.exit_code == 0
    assert {c["verdict"] for c in json.loads(result.stdout)["changes"]} == {f"cannot tell (n = {n})"}


def test_noise_wider_than_the_margin_is_told_with_the_runs_it_would_take():
    said = verdicts(session(), session(seed=1, drift=[1.1, 1 / 1.1] * 3))["words/s"]
    assert said.startswith("cannot tell (n = 6, about ")
    assert 35 < int(said.split()[-2]) < 60  # sd 0.1 of a ratio, 5 % to tell apart: (3.3 × 0.1 / 0.05)²


def test_only_like_is_compared_with_like(call):
    base = session()
    for other in (
        {"config": {"epochs": 3}},
        {"threads": 1},
        {"objective": "hs"},
        {"machine": {"cpu": "Another CPU"}},
        {"machine": {"gpu": "A GPU"}},
    ):
        assert not found(base, session(seed=1, **other)).comparable
    curves = [replace(run, curve=Curve(10)) for run in session(seed=1)]
    assert not found(base, curves).comparable  # their copies of the vectors are on the clock
    twin = session(seed=1, machine={"name": "testbox-2"})
    assert found(base, twin).comparable  # another box of the same class
    result = call(base, session("other"))
    assert "fused skip-gram NS on wiki-slice only in base" in result.output
    assert "other skip-gram NS on wiki-slice only in new" in result.output


def test_rows_that_differ_by_a_named_option_are_told_apart():
    def modes(seed):
        return [
            replace(run, implementation={**run.implementation, "options": {"mode": mode, "positions": 256}})
            for mode in ("default", "max-autotune")
            for run in session(seed=seed)
        ]

    sides = Side("base", tuple(modes(0))), Side("new", tuple(modes(1)))
    text = changes.markdown(*sides, compare(*sides, DEFAULT_MARGINS))
    assert text.count("mode=default positions=256") == text.count("mode=max-autotune positions=256") == 4


def test_a_row_that_crashes_now_is_a_regression(call):
    crashed = [unfinished("failed", "fused", "RuntimeError: sky fell", repetition=b) for b in range(3)]
    result = call(session(), crashed)
    assert result.exit_code == 1
    assert "regression: fused" in result.output
    assert "sky fell" in result.output
    assert call(crashed, session(seed=1)).exit_code == 2
    sometimes = call(session(), [*session(seed=1)[:5], replace(crashed[0], run_id="5" * 16)])
    assert sometimes.exit_code == 1
    assert "crashes in new; failed: RuntimeError: sky fell" in sometimes.output
    assert call(crashed, crashed + session(seed=1)).exit_code == 2  # it crashed before, too
    missing = [unfinished("skipped", "fused", "needs a compiler")]
    assert call(session(), missing).exit_code == 2


def test_the_same_runs_on_both_sides_are_counted_and_not_compared(call):
    result = call(session() + session("other"), session() + session("other", seed=5), "--json")
    assert json.loads(result.stdout)["unchanged_rows"] == 1
    assert call(session(), session()).exit_code == 0


def test_of_several_versions_the_newest_counts():
    old = session(speed=1e6)
    new = [
        replace(
            r,
            implementation={**r.implementation, "source_sha256": "new"},
            started=r.started.replace("T12", "T13"),
        )
        for r in session(seed=1)
    ]
    assert verdicts(session(seed=2), [*new, *old])["words/s"] == "fine"


def test_a_table_where_nothing_changed_seldom_alarms():
    """With no margin and wide noise, every row alone would alarm 5 times in 100."""
    rng = np.random.default_rng(6)
    drafts, corrected = 0, 0
    for _ in range(150):
        shifts = [paired(rng.normal(0, 0.1, 4), rng.normal(0, 0.1, 4)) for _ in range(40)]
        drafts += any(s.interval[1] < 0 for s in shifts)
        corrected += any(p <= LEVEL for p in holm([s.p_drop() for s in shifts]))
    assert drafts > 100
    assert corrected <= 15


def test_shifts_are_scipys():
    rng = np.random.default_rng(7)
    for _ in range(5):
        x, y = rng.normal(0, 1, 6), rng.normal(0.5, 2, 6)
        theirs = stats.ttest_ind(x, y, equal_var=False)
        assert unpaired(x, y).interval == pytest.approx(tuple(theirs.confidence_interval(0.90)))
        less = stats.ttest_ind(x, y, equal_var=False, alternative="less").pvalue
        assert unpaired(x, y).p_drop() == pytest.approx(less)
        theirs = stats.ttest_rel(x, y)
        assert paired(x, y).interval == pytest.approx(tuple(theirs.confidence_interval(0.90)))
        assert paired(x, y).p_drop() == pytest.approx(stats.ttest_rel(x, y, alternative="less").pvalue)
    assert unpaired([2.0] * 3, [1.0] * 4).interval == (1.0, 1.0)
    assert (paired([1.0] * 3, [1.0] * 3).p_drop(), paired([0.5] * 3, [1.0] * 3).p_drop()) == (1.0, 0.0)


@pytest.mark.parametrize("shift", [paired, unpaired])
def test_the_runs_said_to_be_needed_give_the_power_promised(shift):
    rng = np.random.default_rng(8)
    pilot = shift(rng.normal(0, 0.05, 200), rng.normal(0, 0.05, 200))
    n = pilot.runs_needed(0.06)
    clear = [shift(rng.normal(0, 0.05, n), rng.normal(0.06, 0.05, n)).interval[1] < 0 for _ in range(600)]
    assert np.mean(clear) == pytest.approx(0.95, abs=0.03)


def test_json_has_everything_in_numbers(call):
    result = call(session(), session(seed=1, speed=2.4e6), "--json")
    data = json.loads(result.stdout)
    (speed,) = [c for c in data["changes"] if c["kind"] == "throughput"]
    assert speed["change"] == pytest.approx(0.8, rel=0.01)
    assert speed["low_90"] < speed["change"] < speed["high_90"] < 0.95
    assert (speed["n"], speed["margin"], speed["compared"]) == (6, 0.05, "paired by block")
    assert speed["p_holm"] < 0.05
    assert data["regressions"] == 1


def test_markdown_is_a_table_for_a_pull_request(call):
    result = call(session("the_one"), session("the_one", seed=1, speed=2e6), "--markdown")
    lines = result.stdout.splitlines()
    rows = [line for line in lines if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in rows}) == 1
    assert sum(line.startswith("| the\\_one | skip-gram NS |") and "regression" in line for line in rows) == 1
    assert lines[-1] == "- 1 regression in 4 comparisons"


def git(folder, *words):
    identity = ["-c", "user.name=t", "-c", "user.email=t@t"]
    subprocess.run(["git", "-C", str(folder), *identity, *words], check=True, capture_output=True)


def test_git_revisions_are_read_beside_the_working_tree(call, tmp_path):
    git(tmp_path, "init", "-q")
    for speed in (3e6, 2e6):
        for one in session(seed=int(speed), speed=speed):
            store.write(one, tmp_path / "results")
        git(tmp_path, "add", "results")
        git(tmp_path, "commit", "-qm", "results")
    before = {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.json")}
    assert call("HEAD~1", "HEAD").exit_code == 1
    assert call("HEAD", "HEAD~1").exit_code == 0
    assert call("HEAD~1", "results").exit_code == 1
    assert {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.json")} == before
    result = call("HEAD~7", "results")
    assert result.exit_code == 3
    assert "git revision" in result.output
    result = call("HEAD", "results", "--results", "elsewhere")
    assert result.exit_code == 3
    assert "has no folder elsewhere" in result.output


def test_names_of_machines_and_implementations_are_found_in_the_results(call, tmp_path):
    for one in session("gensim", seed=1, speed=2e5) + session("quick", seed=2, speed=9e5):
        store.write(one, tmp_path / "results")
    assert call("quick", "gensim").exit_code == 1
    result = call("gensim", "quick", "--json")
    assert result.exit_code == 0
    (speed,) = [c for c in json.loads(result.stdout)["changes"] if c["kind"] == "throughput"]
    assert speed["change"] == pytest.approx(4.5, rel=0.02)
    assert (speed["base_implementation"], speed["implementation"]) == ("gensim", "quick")
    assert call("testbox", "results/testbox").exit_code == 0
    assert "did you mean 'quick'" in call("quack", "results").output


@pytest.fixture(scope="module")
def noise():
    records = store.read_all(RESULTS)
    if not records:
        pytest.skip("no published results in this checkout")
    return measured_noise(records)


@pytest.mark.parametrize("planted", [name for name in PLANTED if name != "nothing"])
def test_planted_losses_are_caught_at_the_machines_noise(noise, planted):
    """95 of 100 is what `python -m tests.simulate_gate` shows; fewer repetitions need some room."""
    assert alarms(noise, planted, runs_needed(noise, planted), 40) >= 36


@pytest.mark.parametrize("blocks", [3, 5, 40])
def test_nothing_planted_nothing_found(noise, blocks):
    assert alarms(noise, "nothing", blocks, 40) <= 4


@pytest.fixture
def repository(laboratory):
    """A laboratory under git whose `fake` is committed."""
    laboratory.fake(train="import time; time.sleep(0.05)")
    git(laboratory.folder, "init", "-q")
    git(laboratory.folder, "add", "impls")
    git(laboratory.folder, "commit", "-qm", "base")
    return laboratory


def test_there_is_nothing_to_race_where_nothing_changed(repository):
    status, out, err = repository.call("regress", "--base", "HEAD")
    assert (status, out) == (0, "")
    assert "nothing to race" in err
    status, _, err = repository.call("regress", "--base", "HEAD", "--impl", "fale")
    assert status == 3
    assert "did you mean 'fake'" in err
    status, _, err = repository.call("regress", "--base", "nowhere")
    assert status == 3
    assert "--base" in err


@pytest.mark.slow
@pytest.mark.parametrize(("sleep", "code"), [(0.05, 0), (0.3, 1)])
def test_a_slower_implementation_loses_the_race(repository, sleep, code):
    repository.fake(train=f"import time; time.sleep({sleep})  # changed")
    text = str(repository.folder / "text.txt")
    small = ["--dataset", text, "--min-count", "1", "--dim", "4", "--epochs", "1"]
    words = ["--base", "HEAD", "--impl", "fake", "--blocks", "3", "--fail", "throughput:20%", "--json"]
    status, out, err = repository.call("regress", *words, "--", *small)
    assert status == code, err
    (speed,) = [c for c in json.loads(out)["changes"] if c["kind"] == "throughput"]
    assert speed["n"] == 3
    assert not repository.records()  # nothing is left in the results
