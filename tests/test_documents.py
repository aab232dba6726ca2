"""What the documents say is so: README commands run, its table is rendered, every key is explained."""

import gzip
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.analysis.rows import cells
from bench.cli import main
from bench.records import store
from bench.records.schema import STATUSES
from bench.reporting import documents
from tests.simulate_gate import measured_noise, runs_needed

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
COMMANDS = re.findall(r"^(w2vbench .*?)(?:\s+#.*)?$", README, re.MULTILINE)


@pytest.fixture
def published():
    """The committed records."""
    records = store.read_all(ROOT / "results")
    if not records:
        pytest.skip("no published results in this checkout")
    return records


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_of_the_readme_is_understood(command, tmp_path, monkeypatch):
    """Trainings are planned, everything else is done; the slow test trains."""
    monkeypatch.chdir(tmp_path)
    words = shlex.split(command)[1:]
    if words[0] in ("run", "reproduce", "approximation", "gpu") and "--dry-run" not in words:
        words.append("--dry-run")
    if words[0] == "train":
        (tmp_path / words[1]).write_bytes(gzip.compress(b"one two three two one\n" * 50))
        words += ["--impl", "gensim", "--epochs", "1"]
    if words[0] in ("report", "check", "cite", "reproduce"):
        if not store.read_all(ROOT / "results"):
            pytest.skip("no published results in this checkout")
        words += ["--results", str(ROOT / "results")]
    if words[0] == "compare":
        words[1:3] = [str(ROOT / "results")] * 2
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    assert result.output


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [c for c in COMMANDS if c.startswith("w2vbench run") and "text8" not in c]
)
def test_every_training_of_the_readme_trains(command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    words = [*shlex.split(command)[1:], "--epochs", "1", "--budget", "1", "--seeds", "1"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output


def test_there_are_commands_to_test():
    assert len(COMMANDS) >= 8
    assert any(command.startswith("w2vbench run") for command in COMMANDS)


def test_the_readme_shows_the_table_that_the_records_give(published):
    """Every line of it stands in the rendered table, with its machine and date."""
    shown = re.search(r"<!-- table:.*?-->\n(.*?)<!-- end of table -->", README, re.DOTALL)[1]
    rendered = set(documents(published)["table.md"].decode().splitlines())
    lines = [line for line in shown.splitlines() if line]
    assert len(lines) > 10
    assert [line for line in lines if line not in rendered] == []


def test_the_readme_says_how_many_blocks_the_gate_needs(published):
    noise = measured_noise(published)
    said = " ".join(README.split())
    assert f"a 10 % slowdown takes {runs_needed(noise, '10 % slower')} blocks" in said
    assert f"5 % more memory {runs_needed(noise, '5 % more memory')} runs" in said


@pytest.mark.parametrize(
    "name", ["table.md", "table.csv", "table.tex", "runs.csv", "costs.csv", "crossover.csv", "peers.csv"]
)
def test_committed_reports_are_what_the_committed_records_give(published, name):
    assert (ROOT / "reports" / name).read_bytes() == documents(published)[name]


def test_committed_records_are_whole(published):
    for one in published:
        assert store.path_of(one, ROOT / "results").exists()  # it lies where its content says
        assert one.status in STATUSES
        assert one.git["commit"]
        assert (one.status == "ok") == bool(one.quality)
    assert cells(published)
