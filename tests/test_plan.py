"""What a suite declares, and the runs that come of it: grids, thread counts, blocks."""

import json
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from bench.analysis.rows import cells
from bench.cli import main
from bench.contract import Resources
from bench.errors import UserError
from bench.reporting.columns import ratio, ratio_to_parent
from bench.running import plan
from bench.running.session import schedule, series
from bench.suites import find_suite, reading, suites
from tests.records_factory import record, unfinished

GRID = """
description = "for tests"
dataset = "wiki-slice"
implementations = ["gensim", "ns_windowed"]
architectures = ["skipgram"]
objectives = ["ns"]
seeds = 2
threads = [1, 2]
[config]
epochs = 1
[vary]
dim = [100, 300]
negatives = [5, 15]
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Put a suite called `grid` where suites are declared, and read it."""
    monkeypatch.setattr(reading, "FOLDER", tmp_path)

    def write(text):
        (tmp_path / "grid.toml").write_text(text)
        return find_suite("grid")

    return write


def _settings(runs):
    return [
        (r.entry.spec.name, r.config.dim, r.config.negatives, r.resources.threads, r.config.seed)
        for r in runs
    ]


def test_a_grid_is_every_combination_once_in_every_block(declare):
    ordered = [run for run, _ in schedule(plan.plan(declare(GRID), Resources(threads=4)))]
    everything = {
        (name, dim, negatives, threads)
        for name in ("gensim", "ns_windowed")
        for dim in (100, 300)
        for negatives in (5, 15)
        for threads in (1, 2)
    }
    for seed, block in ((1, ordered[:16]), (2, ordered[16:])):
        assert sorted(_settings(block)) == sorted((*one, seed) for one in everything)
    assert len({run.cell for run in ordered}) == 32  # a reader can tell them apart


def test_what_is_given_takes_the_place_of_an_axis(declare):
    suite = plan.override(declare(GRID), dim=50, negatives=None, threads=(3,))
    runs = plan.plan(suite, Resources())
    assert {(r.config.dim, r.config.negatives, r.resources.threads) for r in runs} == {
        (50, 5, 3),
        (50, 15, 3),
    }
    assert (
        plan.plan(declare(GRID.replace("threads = [1, 2]", "")), Resources(threads=4))[0].resources.threads
        == 4
    )


def test_a_block_holds_one_and_two_threads_but_not_those_of_another_plan(declare):
    suite, corpus = declare(GRID), SimpleNamespace(sha256="ab" * 32)
    both = plan.plan(suite, Resources())
    one = plan.plan(plan.override(suite, threads=(1,)), Resources())
    assert series(corpus, both) == series(corpus, both[::-1])
    assert series(corpus, both) != series(corpus, one)
    assert series(corpus, one) == series(corpus, one[:1])  # part of a plan goes on in the same blocks


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("dim = [100, 300]", "dims = [100, 300]", "did you mean 'dim'"),
        ("dim = [100, 300]", "architecture = ['cbow']", "unknown vary key"),
        ("dim = [100, 300]", "dim = 100", "needs a list"),
        ("dim = [100, 300]", "dim = []", "at least one value"),
        ("threads = [1, 2]", "threads = 2", "needs a list"),
    ],
)
def test_a_grid_that_cannot_be_run_is_told_what_was_meant(declare, old, new, says):
    with pytest.raises(UserError, match=says):
        declare(GRID.replace(old, new))


@pytest.mark.parametrize("name", sorted(suites()))
def test_every_declared_suite_can_be_planned(name):
    suite = find_suite(name)
    runs = plan.plan(suite, Resources())
    assert {r.entry.spec.name for r in runs} == set(suite.named)
    assert suite.budget_s.keys() <= set(suite.named)
    assert suite.options.keys() <= set(suite.named)


def test_suites_whose_blocks_would_mix_share_no_run():
    """A finished run is not repeated, so a shared one would stand in a block measured at another time."""
    apart = ("sizes", "threads", "vocabulary", "negatives", "batch-study", "textbook")
    runs = [r for name in apart for r in plan.plan(find_suite(name), Resources(threads=2))]
    keys = [(r.entry.spec.name, r.config, r.resources, tuple(r.options.items())) for r in runs]
    assert len(keys) == len(set(keys))


def test_the_plan_shows_the_grid():
    words = ["run", "--suite", "sizes", "--dim", "64", "--seeds", "1", "--threads", "1", "--dry-run"]
    planned = json.loads(CliRunner().invoke(main, [*words, "--json"]).output)
    assert {(p["config"]["dim"], p["config"]["negatives"]) for p in planned} == {(64, 5), (64, 15)}
    assert {p["threads"] for p in planned} == {1}
    assert "negatives=15" in CliRunner().invoke(main, words).output


def test_the_ratio_to_the_parent_is_paired_within_blocks():
    """The machine halves its speed from block to block; the planted factor of 5 is found exactly."""
    runs = []
    for i, machine in enumerate((1.0, 0.5, 0.25)):
        runs += [
            unfinished(
                "over_budget", name, "spent", objective="softmax", seed=i, repetition=i,
                speed=machine * speed, parent=parent,
            )
            for name, speed, parent in (("slow", 2_000.0, None), ("quick", 10_000.0, "slow"))
        ]  # fmt: skip
    slow, quick = sorted(cells(runs), key=lambda cell: cell.implementation == "quick")
    assert ratio_to_parent(quick) == "5.00× [5.00, 5.00] slow"
    assert ratio_to_parent(slow) == "–"
    assert quick.ratio_to_parent.n == 3


def test_a_gensim_stopped_at_its_budget_still_gives_the_ratio_but_no_verdict():
    runs = [
        run
        for i in range(3)
        for run in (
            unfinished("over_budget", "gensim", "spent", seed=i, repetition=i, speed=1e5),
            record("fused", seed=i, repetition=i, speed=1.5e6),
        )
    ]
    fused, gensim = sorted(cells(runs), key=lambda cell: cell.implementation)
    assert (ratio(fused), ratio(gensim)) == ("15.00× [15.00, 15.00]", "1×")
    assert fused.verdict == "no gensim run to compare"
    assert fused.rank is None


def test_one_thread_is_compared_with_gensim_on_one_thread():
    runs = [
        record(name, seed=i, repetition=i, threads=threads, speed=speed * threads)
        for i in range(2)
        for name, speed in (("gensim", 1e5), ("fused", 1e6))
        for threads in (1, 2)
    ]
    fused = [cell for cell in cells(runs) if cell.implementation == "fused"]
    assert {cell.threads: ratio(cell) for cell in fused} == dict.fromkeys((1, 2), "10.00× [10.00, 10.00]")
