"""What shakes a table's figures is said, with the rows concerned and a remedy, and only where it is so."""

from dataclasses import replace

import pytest

from bench.analysis.cautions import cautions
from bench.analysis.rows import cells
from bench.reporting import report
from bench.reporting.remarks import remarks
from bench.reporting.sections import tables
from tests.records_factory import record, unfinished
from tests.test_reporting import _printed

STEADY = (100.0, 101.0, 99.0, 100.0, 100.0)


def test_five_steady_blocks_on_an_idle_machine_need_no_caution():
    assert cautions(cells([*_row("gensim", STEADY), *_row("other", STEADY)])) == []


@pytest.mark.parametrize(
    ("speeds", "kind"),
    [
        (STEADY[:4], "blocks"),
        ((80.0, 100.0, 120.0, 100.0, 100.0), "first block"),
        ((100.0, 70.0, 130.0, 100.0, 100.0), "spread"),
    ],
)
def test_a_shaky_row_is_named_and_a_steady_one_is_not(speeds, kind):
    found = {c.kind: c for c in cautions(cells([*_row("gensim", STEADY), *_row("shaky", speeds)]))}
    assert [cell.implementation for cell in found[kind].cells] == ["shaky"]
    assert "w2vbench run" in found[kind].remedy or "ratio" in found[kind].remedy


def test_the_load_of_the_runs_themselves_is_no_contention():
    """Two threads leave a load average of 2 behind; only what is above it is somebody else's."""
    own, foreign = _row("gensim", STEADY, load=2.1), _row("other", STEADY, load=3.4)
    assert cautions(cells(own)) == []
    (found,) = cautions(cells([*own, *foreign]))
    assert (found.kind, [cell.implementation for cell in found.cells]) == ("machine", ["other"])
    assert "3.4" in found.what


def test_a_load_that_the_system_does_not_tell_is_no_contention():
    assert cautions(cells(_row("gensim", STEADY, load=None))) == []


def test_a_host_that_gives_the_processor_to_others_is_told():
    robbed = [replace(run, machine={**run.machine, "withheld_share": 0.43}) for run in _row("other", STEADY)]
    (found,) = cautions(cells([*_row("gensim", STEADY), *robbed]))
    assert (found.kind, [cell.implementation for cell in found.cells]) == ("machine", ["other"])
    assert "withheld up to 43 % of the processor" in found.what


def test_a_block_in_which_most_rows_are_slow_is_the_machine_and_not_the_rows():
    slow = (100.0, 100.0, 82.0, 100.0, 100.0)
    rows = [run for name in ("gensim", "one", "two") for run in _row(name, slow)]
    (found,) = cautions(cells([*rows, *_row("steady", STEADY)]))
    assert found.kind == "machine"
    assert "18 %" in found.what
    assert [cell.implementation for cell in found.cells] == ["gensim", "one", "two"]


def test_rows_without_a_finished_run_give_no_caution():
    lost = unfinished("failed", "other", "boom")
    stopped = unfinished("over_budget", "third", "spent", objective="softmax")
    still = replace(record("fourth"), throughput={"raw_words_per_s": None})
    assert cautions(cells([lost, stopped, still, *_row("gensim", STEADY)])) == []


def test_every_format_says_what_shakes_the_figures_and_what_to_do():
    runs = [*_row("gensim", STEADY), *_row("short", STEADY[:3])]
    (remark,) = remarks(tables(cells(runs))[0])
    assert str(remark).startswith("Fewer than 5 blocks")
    assert remark.rows == "short (skip-gram NS)"
    files = {
        name: content.decode()
        for name, content in report(runs).items()
        if not name.endswith((".png", ".pdf"))
    }
    assert f"- Caution. {remark}" in files["table.md"]
    assert f"<em>Remedy: {remark.remedy}.</em>" in files["index.html"]
    assert f"{remark.what}: {remark.rows}" in files["table.tex"]
    assert " ".join(str(remark).split()) in " ".join(_printed(runs).split())


def test_many_rows_are_counted_rather_than_listed():
    short = [run for i in range(9) for run in _row(f"impl{i}", STEADY[:3])]
    steady = _row("gensim", STEADY)
    (remark,) = remarks(tables(cells([*short, *steady]))[0])
    assert remark.rows.endswith("and 3 more rows")
    (remark,) = remarks(tables(cells(short))[0])
    assert remark.rows == "all 9 finished rows"


def _row(name, speeds, load=0.2):
    """One run a block at the given words/s."""
    return [
        record(name, seed=i + 1, repetition=i, speed=1000 * speed, machine={"load_average": load})
        for i, speed in enumerate(speeds)
    ]
