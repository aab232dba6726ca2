"""What the documents say is so: README commands run, its table is rendered, every key is explained."""

import gzip
import re
import shlex
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.analysis.rows import cells
from bench.cli import main
from bench.records import store
from bench.records.schema import STATUSES, Record, Score
from bench.reporting import documents
from tests.records_factory import record

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
    if words[0] == "run" and "--dry-run" not in words:
        words.append("--dry-run")
    if words[0] == "train":
        (tmp_path / words[1]).write_bytes(gzip.compress(b"one two three two one\n" * 50))
        words += ["--impl", "gensim", "--epochs", "1"]
    if words[0] == "report":
        if not store.read_all(ROOT / "results"):
            pytest.skip("no published results in this checkout")
        words += ["--results", str(ROOT / "results")]
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


@pytest.mark.parametrize("name", ["table.md", "table.csv", "table.tex", "runs.csv"])
def test_committed_reports_are_what_the_committed_records_give(published, name):
    assert (ROOT / "reports" / name).read_bytes() == documents(published)[name]


def test_committed_records_are_whole(published):
    for one in published:
        assert store.path_of(one, ROOT / "results").exists()  # it lies where its content says
        assert one.status in STATUSES
        assert one.git["commit"]
        assert (one.status == "ok") == bool(one.quality)
    assert cells(published)


def test_every_key_of_a_record_is_documented():
    page = (ROOT / "results" / "SCHEMA.md").read_text("utf-8")
    example = record()
    for field in fields(Record):
        assert f"`{field.name}`" in page
        group = getattr(example, field.name)
        for key in group if isinstance(group, dict) and field.name != "versions" else ():
            if field.name in ("memory", "data", "machine", "resources", "block"):
                assert f"`.{key}`" in page or f"`{key}`" in page, f"{field.name}.{key}"
    for field in fields(Score):
        assert f"`.{field.name}`" in page
    for status in STATUSES:
        assert f"`{status}`" in page
