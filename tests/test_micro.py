"""The micro-benchmarks' comparison: it finds what became slower, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from tests.micro import ratios

ROOT = Path(__file__).parents[1]


def session(seed, level=1.0, spread=0.05):
    """Ratios of 20 rounds around `level`, as noisy as a shared machine makes them."""
    noise = np.random.default_rng(seed).normal(0, spread, 20)
    return {"step": (level * np.exp(noise)).tolist()}


def test_a_step_that_takes_half_again_as_long_is_an_alarm():
    (change,) = ratios.compare(session(1, 1.5), session(2))
    assert change.verdict == "slower"
    assert change.low < change.value < change.high
    assert change.value == pytest.approx(1.5, rel=0.1)
    (back,) = ratios.compare(session(2), session(1, 1.5))
    assert back.verdict == "faster"


@pytest.mark.parametrize(("level", "spread"), [(1.0, 0.05), (1.1, 0.05), (1.3, 0.3)])
def test_small_or_uncertain_changes_are_none(level, spread):
    """10 % is within the margin; 30 % is beyond it, but not when rounds differ by 30 % themselves."""
    (change,) = ratios.compare(session(1, level, spread), session(2, spread=spread))
    assert change.verdict == ""


def test_a_slower_machine_raises_no_alarm():
    """Both the step and the reference take three times as long, and drift apart from round to round."""
    drift = np.exp(np.random.default_rng(5).normal(0, 0.4, 20))
    quiet = ratios.extra_info([0.01] * 10 + [0.0101] * 10, [0.002] * 20, 256, "words")
    busy = ratios.extra_info((0.03 * drift).tolist(), (0.006 * drift).tolist(), 256, "words")
    assert busy["ratio"] == pytest.approx(5)
    assert quiet["words_per_s"] == pytest.approx(256 / 0.01, rel=0.01)
    (change,) = ratios.compare({"step": busy["ratios"]}, {"step": quiet["ratios"]})
    assert change.verdict == ""


def test_only_what_both_sessions_have_is_compared(tmp_path):
    assert ratios.compare({"new": [1.0, 1.1]}, {"gone": [1.0, 1.1]}) == []
    (tmp_path / "other.json").write_text('{"benchmarks": [{"name": "x", "extra_info": {}}]}')
    with pytest.raises(ValueError, match="no micro-benchmarks"):
        ratios.read(tmp_path / "other.json")


@pytest.mark.slow
def test_a_session_is_saved_and_compared(tmp_path):
    """Three sessions of one benchmark: exit 1 beside a faster past, 0 beside a slower one."""

    def run(*words):
        folder = ROOT / "tests/micro"
        command = [sys.executable, "-m", "pytest", "-c", str(folder / "pytest.ini"), str(folder)]
        command += ["-k", "huffman", *words]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    first = run()
    assert first.returncode == 0, first.stdout + first.stderr
    (path,) = (tmp_path / ".benchmarks").rglob("*.json")
    saved = json.loads(path.read_text())
    (one,) = saved["benchmarks"]
    assert one["extra_info"]["words_per_step"] == 10_000
    assert one["extra_info"]["words_per_s"] > 0
    for factor, status, says in ((0.2, 1, "slower"), (5.0, 0, "faster")):
        one["extra_info"]["ratios"] = [factor * x for x in ratios.read(path)["bench_huffman_tree"]]
        (tmp_path / "then.json").write_text(json.dumps(saved))
        done = run("--compare", "then.json")
        assert done.returncode == status, done.stdout + done.stderr
        assert says in done.stdout
    assert run("--compare", "nowhere.json").returncode == 4  # pytest's status for bad usage
