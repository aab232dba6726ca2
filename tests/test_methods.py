"""docs/methods.md and claims.md: every link is followed to its line, every measured figure to its table."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "methods.md").read_text("utf-8")
CODE = re.findall(r"\[`([^`]+)`\]\(([^)\s#]+)#L(\d+)\)", PAGE)  # what is quoted, the file, the line
TARGETS = re.findall(r"\]\(([^)\s]+)\)", PAGE)


def test_there_are_links_to_follow():
    assert len(CODE) > 15
    assert len(CODE) == sum("#L" in target for target in TARGETS)  # each quotes its line
    assert {Path(file).parts[1] for _, file, _ in CODE} >= {"impls", "bench"}


@pytest.mark.parametrize(("text", "file", "line"), CODE, ids=lambda value: str(value)[:40])
def test_a_link_leads_to_the_line_that_it_quotes(text, file, line):
    lines = (ROOT / "docs" / file).resolve().read_text("utf-8").splitlines()
    assert text in lines[int(line) - 1], f"{file}: look for {text!r} in another line than {line}"


@pytest.mark.parametrize("target", sorted({target.partition("#")[0] for target in TARGETS}))
def test_a_link_to_a_file_leads_to_one(target):
    assert (ROOT / "docs" / target).resolve().is_file()


def test_measured_speeds_stand_in_the_table_that_is_named():
    table = (ROOT / "reports" / "table.md").read_text("utf-8").partition("### wiki-slice: 478,876")[2]
    quoted = re.findall(r"^\| .*`(\w+)` \| O\(.*\| ([\d.]+ M) \|$", PAGE, re.MULTILINE)
    assert len(quoted) == 3
    for name, speed in quoted:
        row = next(line for line in table.splitlines() if f" {name} |" in line.replace("\\_", "_"))
        assert f"| {speed} |" in row, name


def test_measured_losses_and_biases_stand_in_the_report():
    report = (ROOT / "reports" / "approximation.md").read_text("utf-8")
    quoted = re.findall(r"\*\*(\+?\d[.\d]*)\*\*", PAGE)
    assert len(quoted) > 15
    assert [figure for figure in quoted if not re.search(rf"[ ]{re.escape(figure)}[ .;]", report)] == []


def test_what_is_said_of_costs_stands_in_the_report():
    """Row by row in the table: what a doubling multiplies beside the implementation and the law."""
    report = (ROOT / "reports" / "table.md").read_text("utf-8").replace("\\", "")
    table = report.partition("### Cost against the vocabulary")[2].partition("\n### ")[0]
    doubled = re.findall(r"^\| .*?(\w+), `(\w+)` \| (a.*) \| \*\*(.*)\*\* \|$", PAGE, re.MULTILINE)
    assert len(doubled) == 6
    for objective, name, law, figure in doubled:
        rows = [
            line
            for line in table.splitlines()
            if line.startswith(f"| {name}, skip-gram {objective} | {law} |")
        ]
        assert [line.endswith(f"| {figure} |") for line in rows] == [True], name
    noise_words = report.partition("### Cost against the noise words")[2].partition("\n### ")[0]
    quoted = re.findall(r"\*\*([^*]*\[[^]]+\])\*\*", PAGE)
    assert len(quoted) == 16
    shown = table + noise_words
    assert [figure for figure in quoted if not re.search(rf"\| {re.escape(figure)} (\||at |a )", shown)] == []


def test_what_is_said_of_claims_stands_in_the_report():
    table = (ROOT / "reports" / "table.md").read_text("utf-8").replace("\\", "")
    quoted = re.findall(r"\*\*(\S+ \[[^]]+\])\*\*", (ROOT / "docs" / "claims.md").read_text("utf-8"))
    assert len(quoted) > 20
    assert [figure for figure in quoted if f"| {figure} |" not in table] == []
