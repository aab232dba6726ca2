"""Time to quality on curves whose truth is planted, and where reports show it."""

import html
import io
import math
import random
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench import reporting
from bench.analysis.cells import group
from bench.analysis.courses import times
from bench.analysis.curves import NEVER, Moment, arrival, curve_cells
from bench.analysis.rows import cells
from bench.records import store
from bench.records.schema import Curve, Point, Record
from bench.reporting.peers import TITLE
from tests.records_factory import demo, record

PARTS = 10
TARGET = {"wordsim353": 0.48, "simlex999": 0.24}


def curved(name, seed=1, *, at=0.8, ws353=0.5, simlex=0.26, points=PARTS, **changes) -> Record:
    """A run whose scores rise linearly to their end at the share `at` of training, then stay."""
    run = record(name, seed=seed, repetition=seed, ws353=ws353, simlex=simlex, **changes)
    taken = []
    for share in (n / points for n in range(1, points)):
        reached = min(1.0, share / at)
        scores = [replace(s, value=(s.value or 0) * reached) for s in run.quality]
        words = round(run.work["raw_words"] * share)
        taken.append(Point(words, run.phases["train_s"] * share, 0.001, scores))
    return replace(run, run_id=f"c{run.run_id[1:]}", curve=Curve(points, taken))


def row(runs, name):
    return next(cell for cell in curve_cells(runs) if cell.implementation == name)


def seeds(name, n=3, ws353=0.5, simlex=0.26, **changes):
    """Seeds 1 to n, whose ends differ by .001; the second has just the scores given."""
    return [
        curved(name, seed, ws353=ws353 + 0.001 * (seed - 2), simlex=simlex + 0.001 * (seed - 2), **changes)
        for seed in range(1, n + 1)
    ]


def test_planted_time_is_found_in_seconds_and_in_words():
    """WS353 is .48 (.5 less the margin) after .96 of its rise, SimLex .24 after .923: WS353 comes last."""
    runs = [*seeds("gensim", speed=100e3), *seeds("quick", at=0.4, speed=400e3)]
    total = runs[0].work["raw_words"]
    gensim, quick = row(runs, "gensim").reached, row(runs, "quick").reached
    assert gensim.target == pytest.approx(TARGET)
    assert gensim.words.median == pytest.approx(0.96 * 0.8 * total)
    assert gensim.seconds.median == pytest.approx(0.96 * 0.8 * total / 100e3)
    assert quick.words.median == pytest.approx(0.96 * 0.4 * total)
    assert quick.seconds.median == pytest.approx(0.96 * 0.4 * total / 400e3)
    assert (quick.arrived, quick.seconds.n, quick.at_most) == (3, 3, False)
    assert quick.ratio.value == pytest.approx(8)  # half the words at four times the speed
    assert row(runs, "quick").rank == 1


def test_ratio_is_paired_within_blocks():
    """The machine halves its speed from block to block; gensim is always twice as late."""
    runs = [curved(n, s, speed=v * 2**-s) for n, v in (("gensim", 1e6), ("quick", 2e6)) for s in (1, 2, 3)]
    ratio = row(runs, "quick").reached.ratio
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((2, 2, 2))


def test_arrival_agrees_with_a_search_on_a_fine_grid():
    rng = np.random.default_rng(0)
    grid = np.linspace(0, 9, 90_001)
    found = 0
    for _ in range(200):
        scores = {name: rng.normal(value - 0.02, 0.05, 10) for name, value in TARGET.items()}
        moments = [
            Moment(100 * n, float(n), 0.0, {k: float(v[n]) for k, v in scores.items()}) for n in range(10)
        ]
        together = np.all([np.interp(grid, range(10), scores[k]) >= v for k, v in TARGET.items()], axis=0)
        theirs = grid[together.argmax()] if together.any() else math.inf
        ours = arrival(moments, TARGET)
        assert ours.at_most == bool(together[0])
        if math.isinf(theirs) != math.isinf(ours.seconds):  # a touch narrower than the grid
            assert not together.any()
            continue
        assert ours.seconds == pytest.approx(theirs, abs=2e-4)
        assert ours.words == pytest.approx(100 * ours.seconds)
        found += math.isfinite(ours.seconds)
    assert 50 < found < 200


def test_sets_reached_one_after_the_other_are_not_reached_together():
    up, down = [0.0, 0.6, 0.0, 0.0], [0.0, 0.0, 0.0, 0.3]
    moments = [
        Moment(n, float(n), 0.0, {"wordsim353": a, "simlex999": b})
        for n, (a, b) in enumerate(zip(up, down, strict=True))
    ]
    assert arrival(moments, TARGET) == NEVER


def test_a_row_that_is_there_at_its_first_point_has_an_upper_bound_only():
    """As the C program, whose vectors exist at the end alone."""
    only_end = [
        replace(run, curve=Curve(PARTS, [], "FileNotFoundError: none yet")) for run in seeds("c_program")
    ]
    runs = [*seeds("gensim"), *only_end]
    reached = row(runs, "c_program").reached
    assert reached.at_most
    assert reached.seconds.median == only_end[0].phases["train_s"]
    printed = _printed(runs)
    assert "≤ " in printed
    assert "only the end is known: c_program" in printed


def test_seeds_that_never_arrive_count_and_take_the_ratio_away():
    good, bad = seeds("quick", 2), [curved("quick", 3, ws353=0.40)]
    runs = [*seeds("gensim"), *good, *bad]
    some = row(runs, "quick").reached
    assert (some.arrived, some.seconds.high) == (2, math.inf)
    assert math.isfinite(some.seconds.median)
    assert some.ratio is None
    assert "never)" in _printed(runs)
    most = row([*seeds("gensim"), good[0], curved("quick", 2, ws353=0.4), *bad], "quick").reached
    assert math.isinf(most.seconds.median)
    table = times(curve_cells(runs)).set_index("implementation")
    assert table.loc["quick", "runs_that_reach_it"] == 2
    assert math.isnan(table.loc["quick", "seconds_to_quality_max_over_runs"])


def test_the_fastest_to_arrive_does_not_rank_if_it_ends_worse():
    """It passes the target on its way and is below it at the end."""
    fallen = [
        replace(run, quality=[replace(s, value=s.value - 0.1) for s in run.quality])
        for run in seeds("overfits", at=0.1)
    ]
    first, last = curve_cells([*seeds("gensim"), *fallen])
    assert (first.implementation, first.rank) == ("gensim", 1)
    assert (last.implementation, last.rank, last.verdict) == ("overfits", None, "below")
    assert last.reached.seconds.median < first.reached.seconds.median


def test_without_gensim_there_is_nothing_to_reach():
    runs = seeds("full_softmax", objective="softmax")
    assert curve_cells(runs)[0].reached is None
    files = reporting.report(runs)
    assert "learning-curves-skipgram-softmax.svg" in files
    assert "time-to-quality.csv" in files
    assert "To be reached" not in files["table.md"].decode()


def test_curve_runs_leave_the_main_tables_as_they_were():
    runs = [record("gensim"), record("quick")]
    plain, both = reporting.report(runs), reporting.report([*runs, *seeds("gensim"), *seeds("quick")])
    for name in plain:
        if name.startswith(("table.csv", "quality-")):
            assert both[name] == plain[name]
    main, _, others = plain["table.md"].decode().partition(f"### {TITLE}")
    assert others  # last in both
    assert both["table.md"].decode().startswith(main)
    assert cells([*demo(), *seeds("gensim"), *seeds("windowed")]) == cells(demo())
    assert len(group([*runs, *seeds("gensim")])) == 3  # nor are they of one cell with others
    listed = pd.read_csv(io.BytesIO(both["runs.csv"]))["curve.parts"]
    assert listed.notna().sum() == 6


def test_every_format_shows_the_time_and_the_same_records_give_the_same_bytes():
    runs = [*seeds("gensim", speed=100e3), *seeds("quick", at=0.4, speed=400e3)]
    files = reporting.report(runs)
    seconds = f"{row(runs, 'quick').reached.seconds.median:.1f}"
    for name in ("table.md", "table.tex", "index.html"):
        text = files[name].decode()
        assert "Time to quality on" in text
        assert f"{seconds} (" in text
        assert "WS353 .480, SimLex .240" in text
    assert f"{seconds} (" in _printed(runs)
    assert "quick reaches gensim's skip-gram NS quality in" in html.unescape(files["index.html"].decode())
    figure = {name for name in files if name.startswith("learning-curves")}
    assert figure == {f"learning-curves-skipgram-ns.{kind}" for kind in ("svg", "png", "pdf", "csv")}
    drawn = pd.read_csv(io.BytesIO(files["learning-curves-skipgram-ns.csv"]))
    assert len(drawn) == 6 * PARTS
    assert drawn["words"].max() == runs[0].work["raw_words"]  # the end is a point like any
    random.Random(1).shuffle(runs)
    assert dict(reporting.report(runs)) == dict(files)


def test_a_record_with_a_curve_is_read_back_equal(tmp_path):
    one = curved("gensim")
    assert store.read(store.write(one, tmp_path)) == one


def _printed(records, width=200):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(reporting.terminal(records))
    return console.file.getvalue()
