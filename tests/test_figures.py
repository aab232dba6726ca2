"""The figures: drawn where the rows are there, with their data, and the same bytes every time."""

import io
import re
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from bench.analysis.breakeven import break_evens
from bench.analysis.rows import cells
from bench.contract import ARCHITECTURES, OBJECTIVES
from bench.reporting.columns import notes
from bench.reporting.figures import drawings
from bench.reporting.figures.history import history
from bench.reporting.figures.marks import SHAPES, palette
from bench.reporting.figures.quality_throughput import front
from bench.reporting.figures.scaling import scaling
from bench.reporting.figures.sizes import sizes
from bench.reporting.sections import tables
from tests.figures_factory import changes, grown, ladder, options_study, vocabularies
from tests.records_factory import record, unfinished


@pytest.fixture(scope="module")
def drawn():
    """All figures of every planted session, by session and stem."""
    found = {session.__name__: _by_stem(session()) for session in (ladder, options_study, vocabularies)}
    (edited,), four = tables(cells(changes())), tables(cells(grown()))
    colours = palette(four[0].cells)
    ((_, of_all),) = sizes(four, colours)
    found["changes"] = {"history": history(edited, colours)}
    return found | {"grown": {"sizes": of_all, "scaling": scaling(four[0], colours)}}


def _by_stem(records):
    found = drawings(tables(cells(records)))
    return {drawing.stem: drawing for of_table in found for drawing in of_table}


def _data(drawing):
    return pd.read_csv(io.BytesIO(drawing.csv))


def test_every_model_has_a_shape_of_its_own():
    assert SHAPES.keys() == set(product(ARCHITECTURES, OBJECTIVES))
    assert len(set(SHAPES.values())) == len(SHAPES)


@pytest.mark.parametrize(
    ("session", "stems"),
    [
        ("ladder", {"quality-throughput", "ratios", "phases", "break-even"}),
        ("options_study", {"study"}),
        ("vocabularies", {"memory", "cost-vocabulary"}),  # of six tables, with the first: no memory-2
    ],
)
def test_a_table_has_the_figures_that_its_rows_allow(drawn, session, stems):
    assert set(drawn[session]) == stems


def test_every_figure_says_where_its_rows_come_from(drawn):
    for figures in drawn.values():
        for drawing in figures.values():
            assert "testbox" in drawing.caption
            assert re.search(r"\d+ runs · rows [0-9a-f]{12}$", drawing.caption)
            assert drawing.reading in drawing.caption
            assert {name.rpartition(".")[2] for name in drawing.files} == {"svg", "png", "pdf", "csv"}
            assert len(_data(drawing))


def test_files_are_what_they_are_called_and_carry_no_date(drawn):
    for drawing in drawn["ladder"].values():
        assert drawing.svg.startswith(b"<?xml")
        assert b"<dc:date>" not in drawing.svg
        assert drawing.png.startswith(b"\x89PNG")
        assert drawing.pdf.startswith(b"%PDF")
        assert b"CreationDate" not in drawing.pdf


def test_the_same_records_in_any_order_give_the_same_bytes(drawn):
    again = _by_stem(ladder()[::-1])
    assert {stem: d.files for stem, d in again.items()} == {
        stem: d.files for stem, d in drawn["ladder"].items()
    }


def test_the_title_of_a_figure_states_what_was_planted(drawn):
    def title(session, stem):
        return drawn[session][stem].title

    assert re.fullmatch(
        r"At quality shown equal, fused trains skip-gram NS 1[45]\.\d\d× as fast as gensim",
        title("ladder", "quality-throughput"),
    )
    assert re.search(
        r"quality shown equal: fused 1[45]\.\d\d× on skip-gram NS, 3\.", title("ladder", "ratios")
    )
    assert "ns_compiled" in title("ladder", "phases")
    assert "positions 256, cap 0, negatives_a_chunk 80" in title("options_study", "study")
    assert "With 219,125 words full_softmax takes" in title("vocabularies", "memory")
    assert title("changes", "history").endswith("went from 8.05× to 15.05× gensim's speed")
    assert "Over all sizes fused is" in title("grown", "sizes")


def test_data_hold_exactly_what_is_drawn(drawn):
    rows = cells(ladder())
    points = _data(drawn["ladder"]["quality-throughput"])
    assert len(points) == sum(bool(cell.speed) for cell in rows)
    forest = _data(drawn["ladder"]["ratios"])
    assert sorted(forest["implementation"]) == sorted(
        c.implementation for c in rows if c.ratio and c.implementation != "gensim"
    )
    fused = forest.query("implementation == 'fused' and objective == 'ns'").iloc[0]
    assert fused["ratio_to_gensim"] == pytest.approx(15, rel=0.02)
    assert fused["ratio_to_gensim_low_95_over_blocks"] < 15 < fused["ratio_to_gensim_high_95_over_blocks"]
    assert len(_data(drawn["options_study"]["study"])) == 21  # every setting, and gensim
    memory = _data(drawn["vocabularies"]["memory"])
    assert sorted(memory["vocabulary"].unique()) == [11_702, 20_659, 36_252, 67_929, 124_092, 219_125]
    full = memory.query("implementation == 'full_softmax'")
    assert (full["peak_less_baseline_bytes"] / full["vocabulary"]).tolist() == pytest.approx([6_400] * 6)
    assert _data(drawn["changes"]["history"])["commit"].tolist() == ["aaaaaaa", "bbbbbbb", "ccccccc"]


def test_sizes_and_threads_are_paired_within_blocks(drawn):
    sizes = _data(drawn["grown"]["sizes"]).query("threads == 2").set_index(["dim", "negatives"])
    planted = {(100, 5): 15, (100, 15): 13, (300, 5): 12, (300, 15): 10}
    for size, ratio in planted.items():
        assert sizes.loc[size, "ratio_to_gensim"] == pytest.approx(ratio, rel=0.04)
    assert _data(drawn["grown"]["scaling"])["ratio"].tolist() == pytest.approx([1.9, 1.9], rel=0.04)


def test_a_gain_that_is_not_shown_is_no_figure_of_the_title():
    noise = np.random.default_rng(5)
    runs = [
        record(name, seed=i, repetition=i, threads=threads, speed=1e5 * factor * float(noise.normal(1, sd)))
        for i in range(5)
        for name, gain, sd in (("gensim", 1.0, 0.1), ("fused", 1.9, 0.01))
        for threads, factor in ((1, 1.0), (2, gain))
    ]
    (table,) = tables(cells(runs))
    title = scaling(table, palette(table.cells)).title
    assert re.fullmatch(
        r"From 1 to 2 threads: up to 1\.[89]\d× \(fused, skip-gram NS\); "
        r"no gain is shown for gensim \(skip-gram NS\)",
        title,
    )


def test_figures_of_further_tables_are_numbered():
    names = [record(name, machine={"name": box}) for name in ("a", "b") for box in ("big", "small")]
    assert set(_by_stem(names)) == {"quality-throughput", "quality-throughput-2"}


def test_the_front_holds_what_nothing_beats():
    points = [(1.0, 0.5), (2.0, 0.4), (3.0, 0.45), (0.5, 0.5), (4.0, 0.1)]
    assert front(points) == [(1.0, 0.5), (3.0, 0.45), (4.0, 0.1)]
    for speed, quality in points:
        assert any(x >= speed and y >= quality for x, y in front(points))


def _compiled(speed, compile_s, warm_s=None, blocks=3):
    """`quick`, compiled from `eager`, which trains 100,000 words/s, in blocks of different pace."""
    runs = []
    for i in range(blocks):
        quick = record("quick", parent="eager", seed=i, repetition=i, speed=speed / (i + 1))
        times = {**quick.phases, "compile_s": compile_s, "compile_warm_s": warm_s}
        runs += [record("eager", seed=i, repetition=i, speed=1e5 / (i + 1)), replace(quick, phases=times)]
    return cells(runs)


def test_compiling_has_paid_when_its_seconds_are_won_back():
    """30 s at the eager row's median of 50,000 words/s, twice as fast: 30 s after 3 M words."""
    (found,) = break_evens(_compiled(2e5, 30.0, warm_s=3.0))
    assert found.words == pytest.approx(3e6)
    assert found.warm_words == pytest.approx(3e5)
    assert found.seconds(found.words) == pytest.approx(found.words / found.parent_speed)
    table = tables(_compiled(2e5, 30.0, warm_s=3.0))[0]
    said = "quick, skip-gram NS: compiling has paid after 3 M words [3 M, 3 M], warm after 300 k."
    assert said in notes(table)


@pytest.mark.parametrize(("speed", "compile_s", "number"), [(0.9e5, 30.0, 1), (2e5, 0.1, 0)])
def test_compiling_that_never_pays_is_said_and_what_compiles_nothing_is_not(speed, compile_s, number):
    found = break_evens(_compiled(speed, compile_s))
    assert len(found) == number
    assert all(one.words is None for one in found)
    assert any("never pays" in note for note in notes(tables(_compiled(speed, compile_s))[0])) == bool(number)


def test_rows_stopped_at_their_budget_have_no_quality_in_any_figure():
    stopped = [unfinished("over_budget", f"i{n}", "spent", speed=1e4 * (n + 1)) for n in range(5)]
    assert _by_stem(stopped) == {}
    figures = _by_stem([record(), record("other"), *stopped])
    points = _data(figures["quality-throughput"]).set_index("implementation")
    assert points.loc["i0", ["wordsim353_median", "simlex999_median"]].isna().all()
    assert points.loc["i0", "raw_words_per_s_median"] == 1e4
