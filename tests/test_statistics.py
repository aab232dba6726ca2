"""Statistics: intervals cover a simulated truth as often as they say, and degenerate cases are said."""

import numpy as np
import pytest
from scipy import stats

from bench.analysis.statistics import (
    Estimate,
    equivalence,
    geometric_mean_ratio,
    holm,
    mean_interval,
    median_interval,
    paired_log_ratio,
    paired_p_value,
    ratio_text,
    same_mean_p_value,
)

REPEATS = 600


def coverage(intervals, truth):
    return np.mean([low <= truth <= high for low, high in intervals])


def simulate(estimate, draw, seed=0):
    """(low, high) of `estimate` on each of REPEATS samples that `draw(rng)` makes."""
    rng = np.random.default_rng(seed)
    results = [estimate(draw(rng)) for _ in range(REPEATS)]
    return [(result.low, result.high) for result in results]


@pytest.mark.parametrize(("n", "expected"), [(5, 0.94), (9, 0.95), (25, 0.95)])
def test_median_interval_covers_the_median_of_a_skewed_distribution(n, expected):
    intervals = simulate(median_interval, lambda rng: rng.exponential(size=n))
    assert coverage(intervals, np.log(2)) == pytest.approx(expected, abs=0.03)


@pytest.mark.parametrize("n", [2, 5, 20])
def test_mean_interval_covers_the_mean(n):
    intervals = simulate(mean_interval, lambda rng: rng.normal(3, 2, size=n))
    assert coverage(intervals, 3) == pytest.approx(0.95, abs=0.025)


def blocks(rng, ratio, n=6):
    """(new, base) words/s of n blocks on a machine whose speed changes twofold from block to block."""
    machine = np.exp(rng.normal(12, 0.7, size=n))
    return ratio * machine * np.exp(rng.normal(0, 0.05, size=n)), machine * np.exp(
        rng.normal(0, 0.05, size=n)
    )


def test_paired_log_ratio_covers_the_ratio_whatever_the_machine_does():
    intervals = simulate(lambda pair: paired_log_ratio(*pair), lambda rng: blocks(rng, 1.3))
    assert coverage(intervals, 1.3) == pytest.approx(0.95, abs=0.025)
    width = np.mean([high - low for low, high in intervals])
    assert width < 0.3  # the pairing removed the machine's twofold changes


def test_paired_p_value_is_false_five_times_in_a_hundred_and_agrees_with_scipy():
    rng = np.random.default_rng(1)
    pairs = [blocks(rng, 1.0) for _ in range(REPEATS)]
    p = [paired_p_value(*pair) for pair in pairs]
    assert np.mean(np.asarray(p) < 0.05) == pytest.approx(0.05, abs=0.025)
    theirs = [stats.ttest_rel(np.log(new), np.log(base)).pvalue for new, base in pairs[:20]]
    assert p[:20] == pytest.approx(theirs)


def test_the_p_value_of_a_ratio_comes_with_it():
    new, base = blocks(np.random.default_rng(6), 1.3)
    assert paired_log_ratio(new, base).p == paired_p_value(new, base)


@pytest.mark.parametrize(("n", "m"), [(3, 1), (5, 2), (9, 9)])
def test_equal_means_are_called_different_five_times_in_a_hundred(n, m):
    rng = np.random.default_rng(7)
    pairs = [(rng.normal(3, 2, m), rng.normal(3, 2, n)) for _ in range(3 * REPEATS)]
    p = [same_mean_p_value(*pair) for pair in pairs]
    assert np.mean(np.asarray(p) < 0.05) == pytest.approx(0.05, abs=0.015)
    if m > 1:
        assert p[:20] == pytest.approx([stats.ttest_ind(*pair).pvalue for pair in pairs[:20]])
    apart = [same_mean_p_value(new + 20, old) for new, old in pairs]
    assert np.median(apart) < 0.05


@pytest.mark.parametrize(
    ("difference", "low", "high"), [(0.0, 0.92, 1.0), (0.02, 0.02, 0.08), (0.04, 0, 0.01)]
)
def test_equivalence_is_declared_within_the_margin_and_at_most_5_percent_at_it(difference, low, high):
    rng = np.random.default_rng(2)
    declared = [
        equivalence(rng.normal(0.5 + difference, 0.012, 8), rng.normal(0.5, 0.009, 12), 0.02).equivalent
        for _ in range(REPEATS)
    ]
    assert low <= np.mean(declared) <= high


def test_the_equivalence_interval_is_scipys_and_decides():
    rng = np.random.default_rng(3)
    for margin in (0.5, 1.0, 1.5):
        x, y = rng.normal(0.3, 1, 9), rng.normal(0, 2, 14)
        got = equivalence(x, y, margin)
        welch = stats.ttest_ind(x, y, equal_var=False)
        interval = welch.confidence_interval(0.90)
        assert (got.low, got.high) == pytest.approx((interval.low, interval.high))
        above = stats.ttest_ind(x, y + margin, equal_var=False, alternative="less").pvalue
        below = stats.ttest_ind(x, y - margin, equal_var=False, alternative="greater").pvalue
        assert got.p == pytest.approx(max(above, below))
        assert got.equivalent == (-margin < got.low and got.high < margin)


def test_holm_on_a_worked_example_and_its_error_rate():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []
    rng = np.random.default_rng(4)
    tables = rng.uniform(size=(2_000, 10))  # nothing is different in any of them
    assert np.mean([min(holm(p)) <= 0.05 for p in tables]) == pytest.approx(0.05, abs=0.015)


def test_geometric_mean_does_not_depend_on_the_base():
    ratios = [2.0, 0.5, 8.0]
    assert geometric_mean_ratio(ratios) == pytest.approx(2.0)
    assert geometric_mean_ratio([1 / r for r in ratios]) == pytest.approx(0.5)


def test_too_few_runs_give_a_value_without_an_interval():
    assert median_interval([4.0, 2.0]) == Estimate(3.0, None, None, 2)
    assert mean_interval([4.0]) == Estimate(4.0, None, None, 1)
    assert paired_log_ratio([3.0], [2.0]) == Estimate(pytest.approx(1.5), None, None, 1)
    assert paired_p_value([3.0], [2.0]) is None
    assert same_mean_p_value([3.0], [2.0]) is None
    verdict = equivalence([0.5], [0.5, 0.51], 0.1)
    assert (verdict.low, verdict.high, verdict.p, verdict.equivalent) == (None, None, None, None)


def test_runs_that_do_not_vary_give_a_point():
    assert median_interval([0.1] * 5) == Estimate(0.1, 0.1, 0.1, 5)
    assert mean_interval([0.1] * 7).low == mean_interval([0.1] * 7).high == pytest.approx(0.1)
    assert paired_log_ratio([2.0, 4.0], [1.0, 2.0]) == Estimate(*[pytest.approx(2.0)] * 3, 2, 0.0)
    assert same_mean_p_value([0.5], [0.5, 0.5]) == 1.0
    assert same_mean_p_value([0.25], [0.5, 0.5]) == 0.0
    assert paired_p_value([2.0, 4.0], [1.0, 2.0]) == 0.0
    assert paired_p_value([2.0, 4.0], [2.0, 4.0]) == 1.0
    assert equivalence([0.5] * 3, [0.5] * 3, 0.01).equivalent is True
    assert equivalence([0.75] * 3, [0.5] * 3, 0.25).equivalent is False


def test_the_same_values_give_the_same_interval():
    values = np.random.default_rng(5).exponential(size=12)
    assert median_interval(values) == median_interval(values)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: mean_interval([]), "at least one value"),
        (lambda: median_interval([1.0, float("nan"), 2.0]), "finite"),
        (lambda: paired_log_ratio([1.0, 2.0], [1.0]), "2 values against 1"),
        (lambda: paired_log_ratio([1.0, 0.0], [1.0, 1.0]), "positive"),
        (lambda: geometric_mean_ratio([1.0, -1.0]), "positive"),
        (lambda: equivalence([1, 2], [1, 2], 0), "margin is 0"),
    ],
)
def test_what_cannot_be_computed_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize(
    ("estimate", "text"),
    [
        (Estimate(1.312, 1.268, 1.357, 5), "1.31× [1.27, 1.36]"),
        (Estimate(1.02, 0.98, 1.06, 5), "n.s."),
        (Estimate(0.5, 0.45, 0.55, 5), "0.50× [0.45, 0.55]"),
        (Estimate(1.31, 1.02, 1.68, 5, 0.04), "1.31× [1.02, 1.68]"),
        (Estimate(1.31, 1.02, 1.68, 5, 0.20), "n.s."),  # one of several comparisons
        (Estimate(1.31, None, None, 1), "1.31×"),
        (Estimate(0.0042, 0.0031, 0.0057, 5), "0.0042× [0.0031, 0.0057]"),
        (Estimate(1234.5, 1100.2, 1400.0, 5), "1,234× [1,100, 1,400]"),
    ],
)
def test_ratio_text(estimate, text):
    assert ratio_text(estimate) == text
