"""Laws of cost and where they cross: planted ones are found, held by their intervals, and put in words."""

import io
import random
import re

import numpy as np
import pandas as pd
import pytest
from rich.console import Console
from scipy import stats

from bench import reporting
from bench.analysis import costs, crossover
from bench.analysis.rows import cells
from bench.contract import COST, OBJECTIVES
from bench.reporting.costs import cost_tables
from bench.reporting.figures.costs import costs as figures
from bench.reporting.figures.marks import palette
from bench.reporting.sections import tables
from tests.figures_factory import VOCABULARIES, costly
from tests.records_factory import record

V = np.array(sorted(VOCABULARIES.values()), float)


def softmax(v):
    return 0.5 + 2e-5 * v


def tree(v):
    return 0.2 + 0.05 * np.log2(v)


def flat(v):
    return 1.6 + 0 * v


ROWS = {("dense", "softmax"): softmax, ("walker", "hs"): tree, ("noisy", "ns"): flat}


def _study(records):
    (study,) = costs.studies(cells(records), "vocabulary")
    return study


def _lines(records):
    return {line.cell.implementation: line for line in _study(records).lines}


def _crossings(records):
    return {one.other.cell.implementation: one for one in crossover.crossings(_study(records))}


def test_laws_without_noise_are_found_to_the_last_digits():
    lines = _lines(costly(ROWS))
    found = {name: (line.fit.law, line.fit.a, line.fit.b) for name, line in lines.items()}
    assert found["dense"] == ("a + b V", pytest.approx(0.5), pytest.approx(2e-5))
    assert found["walker"] == ("a + b log2 V", pytest.approx(0.2), pytest.approx(0.05))
    assert found["noisy"] == ("a", pytest.approx(1.6), 0)
    assert all(abs(line.fit.worst) < 1e-9 for line in lines.values())


def test_each_point_weighs_by_its_share_not_by_its_seconds():
    """The oracle is least squares of the shares, by a general solver: no V decides alone."""
    lines = _lines(costly({("dense", "softmax"): softmax}, noise=0.2, seed=4))
    y = np.array([runs[0] for runs in lines["dense"].points.values()])
    basis = np.stack([np.ones_like(V), V], axis=1)
    by_law = y
    for _ in range(50):
        by_law = basis @ np.linalg.lstsq(basis / by_law[:, None], y / by_law, rcond=None)[0]
    assert lines["dense"].fit.seconds(V) == pytest.approx(by_law)
    assert lines["dense"].fit.worst == pytest.approx(max(y / by_law - 1, key=abs))


def test_intervals_hold_what_was_planted_about_as_often_as_they_say():
    rng = np.random.default_rng(7)
    held = np.zeros(4)
    for _ in range(400):
        steep = costs.fitted(V, (5 + 1e-4 * V) * np.exp(rng.normal(0, 0.1, len(V))), "a + b V")
        winding = costs.fitted(V, tree(V) * np.exp(rng.normal(0, 0.02, len(V))), "a + b log2 V")
        level = costs.fitted(V, flat(V) * np.exp(rng.normal(0, 0.1, len(V))), "a")
        planted = ((steep.first, 5), (steep.second, 1e-4), (winding.second, 0.05), (level.first, 1.6))
        held += [found.low <= truth <= found.high for found, truth in planted]
    assert ((held > 0.92 * 400) & (held < 0.985 * 400)).all(), held


def test_the_interval_of_a_crossing_holds_the_planted_one():
    truth = (1.6 - 0.5) / 2e-5
    found = [_crossings(costly(ROWS, noise=0.08, seed=i))["noisy"] for i in range(60)]
    held = sum((one.low or 0) <= truth <= (one.high or np.inf) for one in found)
    assert 54 <= held <= 59
    assert sum(one.where == crossover.INSIDE for one in found) > 54
    assert np.median([one.words for one in found]) == pytest.approx(truth, rel=0.03)


def test_a_planted_crossing_is_found_where_it_is():
    found = _crossings(costly(ROWS, seeds=3, device="cuda"))
    assert found["noisy"].words == pytest.approx(55_000, rel=1e-3)
    meets = found["walker"].words
    assert softmax(meets) == pytest.approx(tree(meets), rel=1e-3)
    assert {one.where for one in found.values()} == {crossover.INSIDE}
    ratio = found["noisy"].ratios[1]
    assert (found["noisy"].measured[1], ratio.value, ratio.n) == (
        219_125,
        pytest.approx(softmax(219_125) / 1.6),
        3,
    )


@pytest.mark.parametrize(
    ("exact", "other", "where"),
    [
        (lambda v: 0.01 * v, 0.4, crossover.BELOW),
        (lambda v: 0.01 + 1e-7 * v, 0.4, crossover.ABOVE),
        (lambda v: 3 + 1e-5 * v, 0.4, crossover.ALWAYS),
        (lambda v: 0.3 + 0 * v, 0.4, crossover.NEVER),
    ],
)
def test_a_crossing_outside_what_was_measured_is_said_to_be_extrapolated(exact, other, where):
    rows = {("dense", "softmax"): exact, ("noisy", "ns"): lambda v: other + 0 * v}
    assert _crossings(costly(rows))["noisy"].where == where
    rows[("dense", "softmax")] = lambda v: exact(v) * (1 + 1e-3 * np.sin(v))  # and a little noise
    assert _crossings(costly(rows))["noisy"].where == where


def test_where_the_softmax_is_always_dearer_the_ratio_says_by_how_much():
    """A hundred times as long at the smallest vocabulary; the crossing is bounded from above only."""
    rows = {("dense", "softmax"): lambda v: 0.004 * v, ("noisy", "ns"): lambda v: 0.46808 + 0 * v}
    for seed in range(10):  # in some of these the law begins above the other's: then there is no crossing
        found = _crossings(costly(rows, noise=0.1, seed=seed))["noisy"]
        assert found.where in (crossover.BELOW, crossover.ALWAYS)
        assert found.low is None
        assert (found.words or 0) < found.high < 11_702
        assert found.measured[0] == 11_702
        assert found.ratios[0].low < 100 < found.ratios[0].high


def test_a_flat_cost_is_not_called_rising_and_a_rising_one_is():
    flats = [_lines(costly({("noisy", "ns"): flat}, noise=0.1, seed=i))["noisy"] for i in range(100)]
    assert sum(line.rises for line in flats) <= 5
    rising = _lines(costly({("noisy", "ns"): lambda v: 0.1 * v**0.2}, noise=0.02))["noisy"]
    assert rising.rises
    assert rising.doubling.value == pytest.approx(2**0.2, rel=0.02)
    y = [runs[0] for runs in rising.points.values()]
    oracle = stats.linregress(np.log2(V), np.log2(y))
    half = stats.t.ppf(0.975, 4) * oracle.stderr
    assert np.log2(rising.doubling.low) == pytest.approx(oracle.slope - half)
    assert np.log2(rising.doubling.high) == pytest.approx(oracle.slope + half)


def test_runs_of_one_vocabulary_are_one_witness():
    """What the law misses at a vocabulary, all its runs miss: ten of them narrow no interval."""
    bent = {("dense", "softmax"): lambda v: softmax(v) * (1.2 if v > 1e5 else 1)}
    once, often = (_lines(costly(bent, seeds=n))["dense"].fit for n in (1, 10))
    assert often.second == once.second


def test_only_rows_measured_alike_cross():
    slow = costly({("dense", "softmax"): softmax})
    for other in (
        costly({("noisy", "ns"): flat}, threads=1),
        costly({("noisy", "ns"): flat}, device="cuda"),
        costly({("noisy", "ns"): flat}, architecture="cbow"),
    ):
        assert crossover.crossings(_study([*slow, *other])) == []
    elsewhere = costs.studies(cells([*slow, *costly(ROWS, machine={"name": "bigbox"})]), "vocabulary")
    assert [len(crossover.crossings(study)) for study in elsewhere] == [2, 0]


def test_three_vocabularies_or_two_versions_make_no_law():
    few = costly(ROWS, counts=(100, 40, 15))
    assert costs.studies(cells(few), "vocabulary") == []
    assert "Cost against" not in reporting.documents(few)["table.md"].decode()
    assert "costs.csv" not in reporting.documents(few)


def test_every_objective_has_a_law_or_is_known_to_have_none():
    assert COST.keys() == set(OBJECTIVES) - {"adaptive"}
    assert _lines(costly({**ROWS, ("clusters", "adaptive"): tree})).keys() == {"dense", "walker", "noisy"}


def _noise_words(noise=0.0, seeds=3):
    rng = np.random.default_rng(2)
    return [
        record(
            name, objective=objective, seed=i, repetition=i, config={"negatives": k, "epochs": 10},
            speed=1e6 / ((0.1 + 0.05 * k) * float(np.exp(rng.normal(0, noise)))),
        )
        for i in range(seeds)
        for k in (1, 2, 5, 10, 20)
        for name, objective in (("noisy", "ns"), ("walker", "hs"))
    ]  # fmt: skip


def test_what_a_noise_word_adds_is_found():
    (study,) = costs.studies(cells(_noise_words(noise=0.05)), "negatives")
    (line,) = study.lines  # a tree draws no noise
    assert line.fit.law == "a + b K"
    assert line.fit.second.low < 0.05 < line.fit.second.high
    assert line.fit.first.low < 0.1 < line.fit.first.high
    assert list(line.points) == [1, 2, 5, 10, 20]
    (table,) = cost_tables(tables(cells(_noise_words())))
    assert table.title == "Cost against the noise words, on wiki-slice"
    assert "K 1, 2, 5, 10, 20; dim 100" in table.settings
    assert table.laws.rows == (
        (
            "noisy, skip-gram NS",
            "a + b K",
            "0.100 [0.100, 0.100]",
            "0.0500 [0.0500, 0.0500] a noise word",
            "0 %",
        ),
    )
    assert table.crossings is None


def test_the_same_records_in_any_order_give_the_same_bytes():
    runs = [*costly(ROWS, noise=0.05, seeds=3), *_noise_words(noise=0.05)]
    shuffled = random.Random(1).sample(runs, len(runs))
    files, again = (reporting.documents(records) for records in (runs, shuffled))
    assert {"costs.csv", "crossover.csv"} <= files.keys()
    assert files == again
    first, second = (_figures(records) for records in (runs, shuffled))
    assert first.keys() == second.keys() == {"cost-vocabulary", "cost-negatives"}
    assert all(first[stem].files == second[stem].files for stem in first)


def _figures(records):
    rows = cells(records)
    return {one.stem: one for _, one in figures(tables(rows), palette(rows))}


def test_the_tables_can_be_read_aloud():
    text = reporting.documents(costly(ROWS, noise=0.03, seeds=3))["table.md"].decode().replace("\\", "")
    section = text.partition("### Cost against the vocabulary, on wiki-slice")[2]
    assert "min count 1, 2, 5, 15, 40, 100; dim 100, window 5, K 5, t 0.001, 20 epochs" in section
    assert re.search(
        r"\| dense, skip-gram softmax \| a \+ b V \| 0\.\d+ \[.*\] \| 0\.0\d+ \[.*\] a 1,000 words \|",
        section,
    )
    assert re.search(
        r"\| dense, .* \| noisy, .* \| 5\d,\d00 \[\d+,\d00, \d+,\d00\] \| inside the measured range \|",
        section,
    )
    assert re.search(
        r"\| 0\.4\d× \[0\.\d\d, 0\.\d\d\] at 11,702 \| [23]\.\d\d× \[.*\] at 219,125 \|", section
    )
    assert (
        "Shown to grow: dense, skip-gram softmax; walker, skip-gram HS. Not shown to grow: noisy" in section
    )
    assert "the median of its runs (3 runs each)" in section


def test_the_figure_marks_a_crossing_and_its_data_are_its_marks():
    figure = _figures(costly(ROWS, seeds=3))["cost-vocabulary"]
    assert re.fullmatch(
        r"Beside dense approximation pays: walker \(skip-gram HS\) from 2\d,\d00 words on, "
        r"noisy \(skip-gram NS\) from 55,000 words on",
        figure.title,
    )
    assert "Ring: the two laws cross" in figure.reading
    data = pd.read_csv(io.BytesIO(figure.csv))
    assert len(data) == 3 * 6 * 3
    assert data["seconds_a_million_words"].tolist() == pytest.approx(data["by_law"].tolist())
    far = _figures(costly({("dense", "softmax"): lambda v: 0.01 * v, ("noisy", "ns"): flat}))[
        "cost-vocabulary"
    ]
    assert far.title == "With 11,702 words already, dense takes 73× as long as noisy (skip-gram NS)"
    assert "Ring" not in far.reading
    kept = _figures(_noise_words())["cost-negatives"]
    assert kept.title == "Each noise word adds 50 % of what noisy, skip-gram NS would take without any"


@pytest.mark.parametrize("width", [60, 80, 200])
def test_the_tables_fit_the_terminal(width):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(reporting.terminal([*costly(ROWS, seeds=3), *_noise_words()]))
    section = console.file.getvalue().partition("Cost against the vocabulary")[2]
    assert max(map(len, section.splitlines())) <= width
    assert "55,000 [55,000, 55,000]" in section
    assert "Cost against the noise words" in section


def test_crossings_stand_in_every_format():
    records = costly(ROWS, seeds=3)
    files = reporting.documents(records)
    assert "inside the measured range" in files["table.tex"].decode()
    found = pd.read_csv(io.BytesIO(files["crossover.csv"])).set_index("approximation")
    assert found.loc["noisy", "pays_above_vocabulary"] == pytest.approx(55_000, rel=1e-3)
    fitted = pd.read_csv(io.BytesIO(files["costs.csv"])).set_index("implementation")
    assert fitted.loc["dense", "b_seconds_a_million_words"] == pytest.approx(2e-5)
    page = reporting.report(records)["index.html"].decode()
    assert "Where approximation pays" in page
    assert 'href="crossover.csv"' in page
