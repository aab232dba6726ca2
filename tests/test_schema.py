"""results/SCHEMA.md says all of what records hold, nothing else, and what null means where it occurs."""

import dataclasses
import json
import re
import typing
from pathlib import Path

import pytest

from bench.contract import Implementation, Resources
from bench.discovery import find
from bench.records.schema import STATUSES, Record
from bench.running.plan import Run
from bench.running.supervise import empty_record
from tests.tiny import config, tiny_corpus

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "results" / "SCHEMA.md").read_text("utf-8").partition("\n## ")[0]
FREE = ("options", "environment", "versions")  # their keys are names of options, variables, packages
NULL = re.compile(r"null, (n/a|not measured)\b")


def documented():
    """(group, key) -> the row of the page; groups themselves stand under ("", name)."""
    rows, group = {}, ""
    for line in PAGE.splitlines():
        if not line.startswith("| ") or line.startswith("| key"):
            continue
        head = line.split(" | ")[0]
        if bold := re.search(r"\*\*`(\w+)`\*\*", head):
            group = bold[1]
            rows["", group] = line
        for key in re.findall(r"`(\w+)`", head) if not bold and "`." not in head else ():
            group = ""
            rows["", key] = line
        for key in re.findall(r"`\.(\w+)`", head):
            rows[group, key] = line
    return rows


ROWS = documented()


def occurring(record):
    """((group, key), value) of all that a record in JSON holds."""
    for name, value in record.items():
        yield ("", name), value
        if name not in FREE:
            yield from (((name, key), inner) for key, inner in nested(value))


def nested(value):
    """(key, value) of everything inside; scores inside a group are documented as `quality`."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key, inner
            if key not in (*FREE, "quality"):
                yield from nested(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from nested(inner)


def typed(kind, group=""):
    """(group, key) that the types declare: dataclasses inside dataclasses."""
    for name, hint in typing.get_type_hints(kind).items():
        yield group, name
        for inner in (hint, *parts(hint)):
            if dataclasses.is_dataclass(inner):
                yield from typed(inner, group or name)


def parts(hint):
    for inner in typing.get_args(hint):
        yield inner
        yield from parts(inner)


@pytest.fixture(scope="module")
def records():
    """A run of now that has not begun, and all committed ones."""
    run = Run(find("gensim"), config(), Resources(), 60, None, "main", 0)
    block = {"series": "s", "repetition": 0, "position": 0}
    fresh = empty_record(run, tiny_corpus([[0, 1]]), block, status="skipped", reason="no", duration_s=0.0)
    files = sorted((ROOT / "results").glob("*/*.json"))
    return [json.loads(json.dumps(fresh.to_json())), *(json.loads(file.read_text("utf-8")) for file in files)]


def test_every_key_is_documented(records):
    keys = {key for record in records for key, _ in occurring(record)}
    assert len(keys) > 60
    assert sorted(keys - ROWS.keys()) == []
    for status in STATUSES:
        assert f"`{status}`" in PAGE


def test_every_documented_key_exists(records):
    keys = {key for record in records for key, _ in occurring(record)} | set(typed(Record))
    keys |= {("work", name) for name in re.findall(r"`(\w+)`", Implementation.work.__doc__)}  # each optional
    assert sorted(ROWS.keys() - keys) == []


def test_null_is_explained_where_it_occurs_and_nowhere_else(records):
    nulls = {key for record in records for key, value in occurring(record) if value is None}
    assert ("memory", "cuda_peak_allocated_bytes") in nulls
    assert sorted(key for key in nulls if not NULL.search(ROWS[key])) == []


def test_null_is_either_not_measured_or_not_applicable():
    unclear = [line for line in ROWS.values() if re.search(r"\bnull\b", line) and not NULL.search(line)]
    assert unclear == []
