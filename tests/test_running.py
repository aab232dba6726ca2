"""What happens to a run, whatever the implementation does: driven through the command line."""

import json
import signal
import time

import psutil
import pytest

from bench.running import machine


def test_phases_come_in_order_and_are_timed_apart(laboratory):
    trace = 'open(__file__ + ".trace", "a").write("{}\\n")'
    sleep = "import time; time.sleep({})"
    laboratory.fake(
        prepare=trace.format("prepare") + "\n" + sleep.format(0.2),
        train=trace.format("train") + "\n" + sleep.format(0.5),
        vectors=trace.format("vectors") + "\n" + sleep.format(0.4),
    )
    path = laboratory.folder / "impls" / "fake.py"
    path.write_text(path.read_text() + f"\n    def compile(self):\n        {trace.format('compile')}\n")
    status, (record,), _ = laboratory.run("--impl", "fake")
    assert status == 0
    assert path.with_suffix(".py.trace").read_text().split() == ["prepare", "compile", "train", "vectors"]
    phases = record["phases"]
    assert 0.2 <= phases["prepare_s"] < 0.5
    assert 0.5 <= phases["train_s"] < 0.85  # handing over the vectors is not training
    assert phases["compile_s"] < 0.2
    assert record["status"] == "ok"
    assert record["throughput"]["raw_words_per_s"] == pytest.approx(
        record["data"]["tokens"] / phases["train_s"]
    )


def test_what_the_host_withheld_while_training_is_recorded(laboratory, monkeypatch):
    laboratory.fake()
    _, (record,), _ = laboratory.run("--impl", "fake")
    assert 0 <= record["machine"]["withheld_share"] <= 1

    stat = "cpu  {} 10 20 500 5 3 2 {} 0 0\ncpu0 1 2 3 4 5 6 7 8 0 0\n"  # busy 35 more, idle 505, steal
    times = iter([stat.format(100, 40), stat.format(190, 70), stat.format(190, 70), "cpu  1 2 3 4\n"])
    monkeypatch.setattr(machine, "_read", lambda _: next(times))
    host = machine.Withheld()
    assert host.share() == 0.25  # 30 of 120
    assert host.share() == 0  # idle
    assert host.share() is None  # an old system does not count it


def test_the_worker_gets_seed_threads_and_a_fresh_process(laboratory):
    laboratory.fake(
        train="""
        import os, random, numpy, sys
        assert os.environ["OMP_NUM_THREADS"] == "1" and os.environ["PYTHONHASHSEED"] == "7"
        print(os.getpid(), random.random(), numpy.random.rand(), "torch" in sys.modules)
        """
    )
    said = []
    for _ in range(2):
        laboratory.run("--impl", "fake", "--threads", "1", "--first-seed", "7", "--again")
        (log,) = (laboratory.folder / "results" / ".logs").glob("*.log")
        said.append(log.read_text().split())
    assert said[0][0] != said[1][0]  # another process
    assert said[0][1:] == said[1][1:]  # the same draws
    assert said[0][3] == "False"


def test_a_crash_is_a_row_with_its_traceback_and_the_rest_goes_on(laboratory):
    laboratory.fake("breaks", train="raise RuntimeError('the sky fell')")
    laboratory.fake("works")
    status, records, err = laboratory.run("--impl", "breaks,works")
    assert status == 1
    by_name = {r["implementation"]["name"]: r for r in records}
    assert by_name["breaks"]["status"] == "failed"
    assert "the sky fell" in by_name["breaks"]["reason"]
    assert "Traceback" in by_name["breaks"]["traceback"]
    assert by_name["works"]["status"] == "ok"
    assert len(laboratory.records()) == 2
    assert "the sky fell" in err


@pytest.mark.parametrize(
    ("train", "status", "reason"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "failed", "signal 11"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "oom", "memory"),
        ("raise MemoryError('no room')", "oom", "no room"),
        ("import sys; sys.exit(3)", "failed", "SystemExit"),
    ],
)
def test_every_end_has_its_status(laboratory, train, status, reason):
    laboratory.fake(train=train)
    exit_status, (record,), _ = laboratory.run("--impl", "fake")
    assert (exit_status, record["status"]) == (1, status)
    assert reason in record["reason"]
    assert record["quality"] == []


def test_a_run_that_hangs_is_killed_with_its_children(laboratory):
    laboratory.fake(
        train="""
        import signal, subprocess, time
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen(["sleep", "60"])
        open("child", "w").write(str(child.pid))
        time.sleep(60)
        """
    )
    began = time.monotonic()
    status, (record,), _ = laboratory.run("--impl", "fake", "--timeout", "3")
    assert time.monotonic() - began < 30
    assert (status, record["status"]) == (1, "timeout")
    child = int((laboratory.folder / "child").read_text())
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == psutil.STATUS_ZOMBIE


def test_the_budget_ends_training_and_claims_no_quality(laboratory):
    laboratory.fake(
        train="""
        import time
        for words in range(0, 1000, 10):
            time.sleep(0.05)
            try:
                tick(words)
            except Exception:
                pass  # an implementation cannot swallow the end of its budget
        """
    )
    status, (record,), _ = laboratory.run("--impl", "fake", "--budget", "0.5")
    assert (status, record["status"]) == (0, "over_budget")
    assert record["quality"] == []
    assert 50 < record["throughput"]["raw_words_per_s"] < 250  # about 200 by construction
    status, (kept,), _ = laboratory.run("--impl", "fake", "--budget", "0.4")
    assert kept["started"] == record["started"]  # a smaller budget has nothing to add
    _, (longer,), _ = laboratory.run("--impl", "fake", "--budget", "60")
    assert longer["status"] == "ok"


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        ("return np.full((self.corpus.vocabulary_size, 4), np.nan, np.float32)", "not finite"),
        ("return np.zeros((3, 4), np.float32)", "contract"),
        ("return np.zeros((self.corpus.vocabulary_size, 4))", "float64"),
    ],
)
def test_vectors_that_break_the_contract_are_a_failure(laboratory, vectors, reason):
    laboratory.fake(vectors=vectors)
    status, (record,), _ = laboratory.run("--impl", "fake")
    assert (status, record["status"]) == (1, "failed")
    assert reason in record["reason"]


def test_what_is_missing_is_skipped_with_the_reason(laboratory):
    laboratory.fake("wants", needs=("no_such_package",))
    laboratory.fake("gpu", needs=("cuda",))
    status, records, _ = laboratory.run("--impl", "wants,gpu")
    assert status == 0
    reasons = {r["implementation"]["name"]: r["reason"] for r in records}
    assert "pip install" in reasons["wants"]
    assert "GPU" in reasons["gpu"]
    assert {r["status"] for r in records} == {"skipped"}


def test_a_killed_benchmark_goes_on_where_it_stopped(laboratory):
    for name in ("one", "two", "three"):
        laboratory.fake(name, train="import time; time.sleep(1)")
    words = ("run", "--dataset", "text.txt", "--min-count", "1", "--dim", "4", "--epochs", "1")
    process = laboratory.start(*words, "--impl", "one,two,three")
    deadline = time.monotonic() + 60
    while not laboratory.records() and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()  # not even a chance to clean up
    process.communicate()
    first = laboratory.records()
    assert 1 <= len(first) < 3
    status, records, err = laboratory.run("--impl", "one,two,three")
    assert status == 0
    assert len(records) == 3
    assert err.count("already finished") >= len(first)
    again = {r["run_id"]: r for r in laboratory.records()}
    assert all(again[r["run_id"]] == r for r in first)  # what was finished was not touched


def test_interrupting_keeps_what_is_finished(laboratory):
    laboratory.fake("fast")
    laboratory.fake("hangs", train="import time; time.sleep(60)")
    words = ("run", "--dataset", "text.txt", "--min-count", "1", "--dim", "4", "--epochs", "1")
    laboratory.run("--impl", "fast")
    process = laboratory.start(*words, "--impl", "fast,hangs")
    for line in process.stderr:
        if "hangs" in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "goes on" in err
    assert [r["implementation"]["name"] for r in laboratory.records()] == ["fast"]


def test_editing_an_implementation_makes_only_its_own_runs_new(laboratory):
    laboratory.fake("one")
    laboratory.fake("two")
    _, before, _ = laboratory.run("--impl", "one,two")
    laboratory.fake("two", train="x = 1")
    _, after, err = laboratory.run("--impl", "one,two")
    ids = [{r["implementation"]["name"]: r["run_id"] for r in records} for records in (before, after)]
    assert ids[0]["one"] == ids[1]["one"]
    assert ids[0]["two"] != ids[1]["two"]
    assert err.count("already finished") == 1


def test_failed_runs_are_tried_again_and_finished_ones_are_not(laboratory):
    laboratory.fake(
        train="""
        import pathlib
        flag = pathlib.Path("flag")
        if not flag.exists():
            flag.touch()
            raise RuntimeError("only once")
        """
    )
    assert laboratory.run("--impl", "fake")[1][0]["status"] == "failed"
    assert laboratory.run("--impl", "fake")[1][0]["status"] == "ok"
    assert "already finished" in laboratory.run("--impl", "fake")[2]
    assert "already finished" not in laboratory.run("--impl", "fake", "--again")[2]


def test_blocks_hold_everybody_once_in_a_seeded_order(laboratory):
    for name in ("a", "b", "c", "d"):
        laboratory.fake(name)
    plans = [
        json.loads(laboratory.call("run", "--impl", "a,b,c,d", "--seeds", "3", "--dry-run", "--json")[1])
        for _ in range(2)
    ]
    assert plans[0] == plans[1]
    blocks = [plans[0][i : i + 4] for i in (0, 4, 8)]
    assert all(sorted(r["implementation"] for r in block) == ["a", "b", "c", "d"] for block in blocks)
    assert len({tuple(r["implementation"] for r in block) for block in blocks}) > 1
    assert [{r["config"]["seed"] for r in block} for block in blocks] == [{0}, {1}, {2}]


def test_memory_of_children_counts_and_that_of_the_parent_does_not(laboratory):
    hungry = 'b = bytearray(200_000_000); b[::4096] = b"x" * len(b[::4096]); import time; time.sleep(1)'
    laboratory.fake("lean")
    laboratory.fake("own", train=hungry)
    laboratory.fake(
        "child", train=f"import subprocess, sys; subprocess.run([sys.executable, '-c', {hungry!r}])"
    )
    _, records, _ = laboratory.run("--impl", "lean,own,child")
    peak = {r["implementation"]["name"]: r["memory"]["host_peak_bytes"] for r in records}
    assert peak["lean"] < 150e6
    assert peak["own"] - peak["lean"] > 180e6
    assert peak["child"] - peak["lean"] > 180e6
