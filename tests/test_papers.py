"""Suites that repeat a paper's table: what is declared, what stands beside what, what becomes of claims."""

import html
import io
import json
import re
from dataclasses import replace

import pytest
from click.testing import CliRunner
from rich.console import Console
from scipy import stats

from bench import reporting
from bench.analysis import claims
from bench.analysis.papers import replications
from bench.analysis.rows import cells
from bench.cli import main
from bench.contract import Resources
from bench.errors import UserError
from bench.reporting.citing import references
from bench.reporting.page import page
from bench.reporting.papers import paper_tables
from bench.reporting.sections import tables
from bench.reporting.tables import markdown
from bench.reporting.terminal import terminal
from bench.running import plan
from bench.suites import MEASURES, find_suite, reading, suites
from tests.papers_factory import WOBBLE, planted
from tests.records_factory import record

PAPERS = [suite for suite in suites().values() if suite.paper]
SCALED = [(suite.name, scale) for suite in suites().values() for scale in suite.scale]
SMALL = """
description = "for tests"
dataset = "wiki-slice"
implementations = ["gensim"]
architectures = ["skipgram"]
default_scale = "small"
[[setting]]
name = "NEG"
objective = "ns"
negatives = 5
[[setting]]
name = "HS"
objective = "hs"
[config]
dim = 50
[scale.small]
seeds = 4
config = {epochs = 2}
[scale.large]
dataset = "text8"
[paper]
key = "mikolov2013b"
name = "Mikolov et al. 2013b"
table = "Table 1"
conditions = "News."
deviations = ["Another text."]
[[paper.cells]]
setting = {objective = "ns", negatives = 5}
figures = {minutes = 38, "total %" = 59}
tag = "S"
[[claims]]
says = "HS takes longer"
measure = "minutes"
of = {objective = "hs"}
to = {objective = "ns", negatives = 5}
figure = 1.08
tag = "S"
[[claims]]
says = "NEG is more accurate"
measure = "total %"
of = {objective = "ns", negatives = 5}
to = {objective = "hs"}
tag = "S"
"""


@pytest.fixture
def declare(tmp_path, monkeypatch):
    """Put a suite called `small` where suites are declared, and read it."""
    monkeypatch.setattr(reading, "FOLDER", tmp_path)

    def write(text=SMALL, scale=""):
        (tmp_path / "small.toml").write_text(text)
        return find_suite("small", scale)

    return write


# --- what is declared


def test_there_are_papers_and_each_says_what_differs():
    assert len(PAPERS) >= 4
    for suite in PAPERS:
        assert suite.paper.key in references()
        assert suite.paper.cells
        assert suite.claims
        subjects = {sentence.partition(":")[0] for sentence in suite.paper.deviations}
        assert {"Size", "Evaluator"} <= subjects
        assert all(sentence.endswith(".") for sentence in suite.paper.deviations)


# FACTS of the field, section 1: Table 1 of 2013b, the smallest column of Table 2 and Tables 4-5 of 2013a,
# Table 3 of Levy et al.; written out a second time so that a slip in a suite's file is seen.
KNOWN = {
    "mikolov2013b-table1": {
        ("NEG-5", 0): (38, 54, 63, 59),
        ("NEG-15", 0): (97, 58, 63, 61),
        ("HS-Huffman", 0): (41, 40, 53, 47),
        ("NCE-5", 0): (38, 45, 60, 53),
        ("NEG-5", 1e-5): (14, 58, 61, 60),
        ("NEG-15", 1e-5): (36, 61, 61, 61),
        ("HS-Huffman", 1e-5): (21, 59, 52, 55),
    },
    "mikolov2013a-table2": {50: (13.4,), 100: (19.4,), 300: (23.2,), 600: (24.0,)},
    "mikolov2013a-table4": {
        ("cbow", 300): (1, 15.5, 53.1, 36.1),
        ("skipgram", 300): (3, 50.0, 55.9, 53.3),
        ("skipgram", 600): (2.5, 56.7, 54.5, 55.5),
    },
    "levy2015-sgns": {500: (0.773, 0.623, 0.723, 0.676, 0.431, 0.423, 0.599, 0.625, 0.514, 0.546)},
}
KEYS = {
    "mikolov2013b-table1": lambda cell: (cell.name, cell.setting["subsample"]),
    "mikolov2013a-table2": lambda cell: cell.setting["dim"],
    "mikolov2013a-table4": lambda cell: (cell.setting["architecture"], cell.setting["dim"]),
    "levy2015-sgns": lambda cell: cell.setting["dim"],
}
TAGGED = {
    "mikolov2013b-table1": "S",
    "mikolov2013a-table2": "R",
    "mikolov2013a-table4": "R",
    "levy2015-sgns": "S",
}


@pytest.mark.parametrize("suite", PAPERS, ids=lambda suite: suite.name)
def test_every_published_figure_is_a_known_one_with_its_tag(suite):
    cells = {
        KEYS[suite.name](cell): tuple(cell.figures[name] for name in MEASURES if name in cell.figures)
        for cell in suite.paper.cells
    }
    assert cells == KNOWN[suite.name]
    assert {one.tag for one in (*suite.paper.cells, *suite.claims)} == {TAGGED[suite.name]}


@pytest.mark.parametrize("suite", PAPERS, ids=lambda suite: suite.name)
def test_claims_follow_from_the_published_figures(suite):
    """Each figure of a claim is the ratio or difference of two cells, as far as it is rounded."""
    for claim in suite.claims:
        pairs = list(_published_pairs(suite.paper, claim))
        assert pairs, claim.says
        for of, to in pairs:
            if MEASURES[claim.measure].is_time:
                effect, digits = of / to, 2
            else:
                effect, digits = of - to, 3
            assert (effect > claim.neutral) == claim.more
            if claim.figure is not None:
                assert claim.figure == pytest.approx(round(effect, digits), rel=0.03)


def _published_pairs(paper, claim):
    def cells(side, measure):
        known = [c for c in paper.cells if measure in c.figures]
        return [c for c in known if all(c.setting.get(key, value) == value for key, value in side.items())]

    for of in cells(claim.of, claim.measure):
        for to in cells(claim.to, claim.against or claim.measure):
            free = {*claim.of, *claim.to}
            shared = (of.setting.keys() & to.setting.keys()) - free
            if all(of.setting[key] == to.setting[key] for key in shared):
                yield of.figures[claim.measure], to.figures[claim.against or claim.measure]


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("deviations =", "deviation =", "paper key in small.toml.*did you mean 'deviations'"),
        ("figures = {minutes", "figures = {minute", "measure in small.toml.*did you mean 'minutes'"),
        ('figures = {minutes = 38, "total %" = 59}', "", "missing cell key in small.toml: 'figures'"),
        ('tag = "S"\n[[claims]]', 'tag = "X"\n[[claims]]', "unknown tag in small.toml"),
        ("of = {objective", "off = {objective", "claim key in small.toml.*did you mean 'of'"),
        (
            "of = {objective",
            "of = {objectiv",
            "setting key of a claim in small.toml.*did you mean 'objective'",
        ),
        ('measure = "minutes"', 'measure = "seconds"', "unknown measure in small.toml"),
        ("figure = 1.08", "figure = 1", "no effect"),
        ("config = {epochs", "confi = {epochs", "key of scale small in small.toml.*did you mean 'config'"),
        ("config = {epochs", "config = {epoch", "config key in small.toml.*did you mean 'epochs'"),
        ("negatives = 5\n[[setting]]", "negative = 5\n[[setting]]", "setting key in small.toml.*'negatives'"),
        ('default_scale = "small"', 'default_scale = "smal"', "default_scale in small.toml.*'small'"),
        ('dataset = "wiki-slice"\n', "", "missing key in small.toml: 'dataset'"),
    ],
)
def test_a_wrong_key_is_told_with_its_file_and_the_closest_one(declare, old, new, says):
    assert old in SMALL
    with pytest.raises(UserError, match=re.compile(says, re.DOTALL)):
        declare(SMALL.replace(old, new, 1))


# --- scales and settings


def test_a_scale_changes_what_it_names_and_merges_tables(declare):
    small, large = declare(), declare(scale="large")
    assert (small.seeds, small.dataset, small.config) == (4, "wiki-slice", {"dim": 50, "epochs": 2})
    assert (large.seeds, large.dataset, large.config) == (1, "text8", {"dim": 50})
    with pytest.raises(UserError, match="did you mean 'small'"):
        declare(scale="smal")
    with pytest.raises(UserError, match="has no scales"):
        declare(re.sub(r"default_scale.*|\[scale\.small\](.|\n)*?(?=\[paper\])", "", SMALL), scale="small")


def test_an_unknown_scale_is_bad_input_with_a_remedy():
    result = CliRunner().invoke(main, ["run", "--suite", "mikolov2013b-table1", "--scale", "slise"])
    assert result.exit_code == 2
    assert "did you mean 'slice'" in result.output


def test_each_setting_is_run_by_those_that_can_and_as_a_person_wishes(declare):
    suite = replace(declare(), vary={"dim": [20, 30]}, seeds=1)
    assert _planned(suite) == {(o, dim, 5) for o in ("ns", "hs") for dim in (20, 30)}
    assert _planned(plan.override(suite, objectives=("hs",))) == {("hs", 20, 5), ("hs", 30, 5)}
    assert _planned(plan.override(suite, negatives=7, dim=9)) == {("ns", 9, 7), ("hs", 9, 7)}
    one = replace(suite.setting[0], implementations=("fused",))
    own = replace(suite, setting=(one, suite.setting[1]))
    names = {(r.entry.spec.name, r.config.objective) for r in plan.plan(own, Resources())}
    assert names == {("fused", "ns"), ("gensim", "hs")}
    asked = plan.override(own, implementations=("hs_windowed",))
    assert {r.entry.spec.name for r in plan.plan(asked, Resources())} == {"hs_windowed"}


def test_settings_that_a_wish_makes_equal_are_run_once(declare):
    twice = SMALL.replace('objective = "hs"\n[config]', 'objective = "ns"\nnegatives = 15\n[config]')
    suite = replace(declare(twice), seeds=1)
    assert len(plan.plan(suite, Resources())) == 2
    assert len(plan.plan(plan.override(suite, negatives=7), Resources())) == 1


def _planned(suite):
    runs = plan.plan(suite, Resources())
    found = [(r.config.objective, r.config.dim, r.config.negatives) for r in runs]
    assert len(found) == len(set(found))
    return set(found)


@pytest.mark.parametrize(("name", "scale"), SCALED)
def test_every_suite_can_be_planned_at_every_scale(name, scale):
    words = ["run", "--suite", name, "--scale", scale, "--dry-run", "--json"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 0, result.output
    suite = find_suite(name, scale)
    assert {run["implementation"] for run in json.loads(result.output)} == set(suite.named)
    assert suite.takes
    if suite.paper:  # the paper's own rows are among them, except what nobody here can train
        configs = [run["config"] for run in json.loads(result.output)]
        unmatched = [
            c.name for c in suite.paper.cells if not any(c.setting.items() <= o.items() for o in configs)
        ]
        assert set(unmatched) <= {"NCE-5"}


def test_blocks_of_scaled_suites_are_their_own():
    """A finished run is not repeated, so a shared one would stand in a block measured at another time."""
    found = [find_suite(suite.name, scale) for suite in suites().values() for scale in suite.scale or ("",)]
    blocks = {suite.name: range(suite.first_seed, suite.first_seed + suite.seeds) for suite in found}
    for name in {name for name, _ in SCALED}:
        others = {seed for other, seeds in blocks.items() if other != name for seed in seeds}
        assert not others.intersection(blocks[name]), name


def test_suites_are_listed_and_shown_with_what_is_published():
    listed = CliRunner().invoke(main, ["suites"], env={"COLUMNS": "200"}).output
    assert "Mikolov et al. 2013b, Table 1" in listed
    assert "slice: " in listed
    assert {s["name"] for s in json.loads(CliRunner().invoke(main, ["suites", "--json"]).output)} == set(
        suites()
    )
    named = json.loads(CliRunner().invoke(main, ["list", "--json"]).output)["suites"]
    assert {s["name"] for s in named} == set(suites())
    for suite in PAPERS:
        shown = CliRunner().invoke(main, ["suites", suite.name], env={"COLUMNS": "300"})
        assert shown.exit_code == 0, shown.output
        assert all(sentence in shown.output for sentence in suite.paper.deviations)
        assert all(claim.says in shown.output for claim in suite.claims)
    told = CliRunner().invoke(main, ["suites", "smoke", "--json"]).output
    assert json.loads(told)["dataset"] == "wiki-slice"
    assert "w2vbench suites smoke" in CliRunner().invoke(main, ["info", "smoke"]).output


# --- ours beside the paper's


def _always(share):
    return lambda _: (share, share, share)


def _found(records, suite):
    (one,) = replications(records, {suite.name: suite})
    return one


def test_the_papers_figure_stands_beside_the_median_over_seeds(declare):
    suite = declare()
    table = _markdown(planted(suite, _always(0.4), seeds=5), suite)
    neg = next(line for line in table.splitlines() if line.startswith("| NEG"))
    shares = sorted(40 * (1 + wobble) for wobble in WOBBLE)
    assert rf"| 59 \[S\] | {shares[2]:.1f} ({shares[0]:.1f}–{shares[-1]:.1f}) |" in neg
    assert neg.startswith("| NEG | gensim | 5 |")
    assert r"38 minutes \[S\]" in neg
    hs = next(line for line in table.splitlines() if line.startswith("| HS"))
    assert "| – | " in hs  # the paper has no figure of it
    assert "Another text." in table
    assert "Asked: total % 9,772 of 19,544 (as asked)." in table


def test_what_was_not_run_or_failed_is_said(declare):
    suite = declare()
    runs = planted(suite)
    ns = [run for run in runs if run.config["objective"] == "ns"]
    hs = [run for run in runs if run.config["objective"] == "hs"]
    assert "not run" in _markdown(hs, suite)
    failed = [replace(run, status="failed", quality=[], phases={}) for run in ns]
    assert re.search(r"\| NEG .*\| failed \|", _markdown([*failed, *hs], suite))
    stopped = [replace(run, status="over_budget", quality=[]) for run in ns]
    assert re.search(r"\| NEG .*\| over\\_budget \|", _markdown([*stopped, *hs], suite))
    assert replications(stopped, {suite.name: suite}) == []


def test_rows_that_are_here_for_their_speed_leave_the_place_to_others(declare):
    suite = replace(declare(), implementations=("gensim", "fused"))
    runs = planted(suite)
    gensim = [run for run in runs if run.implementation["name"] == "gensim"]
    stopped = [replace(run, status="over_budget", quality=[]) if run in gensim else run for run in runs]
    table = _markdown(stopped, suite)
    assert "2 rows stopped at the budget" in table
    assert "gensim" not in table
    assert "gensim" in _markdown(runs, suite)


def test_texts_machines_and_other_settings_have_tables_of_their_own(declare):
    suite = declare()
    runs = planted(suite)
    elsewhere = [
        replace(runs[0], machine={**runs[0].machine, "name": "bigbox"}),
        replace(runs[0], data={**runs[0].data, "name": "text8", "sha256": "ef" * 32}),
        replace(runs[0], config={**runs[0].config, "epochs": 7}),
        replace(runs[0], resources={**runs[0].resources, "threads": 1}),
    ]
    assert len(replications([*runs, *elsewhere], {suite.name: suite})) == 5
    assert len(replications([*runs, record()], {suite.name: suite})) == 1  # of another suite


def test_of_two_versions_of_an_implementation_the_newer_counts(declare):
    suite = declare()
    old = planted(suite, _always(0.1))
    spec = {**old[0].implementation, "source_sha256": "12" * 32}
    new = planted(suite, _always(0.5), started="2026-02-01T12:00:00Z", implementation=spec)
    line = _found([*new, *old], suite).lines[0]
    assert line.ours(MEASURES["total %"]).median == pytest.approx(50, abs=2)
    assert line.ours(MEASURES["total %"]).n == 3


# --- claims


def _verdicts(records, suite):
    return [case.verdict for case in claims.tested(_found(records, suite))]


def _times(ratio):
    return lambda config: 10.0 * (ratio if config.objective == "hs" else 1.0)


@pytest.mark.parametrize(
    ("ratio", "verdict", "inside"),
    [(1.08, "holds", True), (3.0, "holds", False), (0.5, "does not hold", False)],
)
def test_a_ratio_holds_by_its_direction_and_tells_whether_the_size_is_the_papers(
    declare, ratio, verdict, inside
):
    suite = declare()
    case = claims.tested(_found(planted(suite, train_s=_times(ratio)), suite))[0]
    assert case.found.value == pytest.approx(ratio)
    assert (case.verdict, case.holds_figure) == (verdict, inside)


@pytest.mark.parametrize(
    ("lead", "verdict"),
    [(0.2, "holds"), (-0.2, "does not hold"), (0.0001, "cannot tell at this size")],
)
def test_an_order_holds_where_the_whole_interval_lies_on_its_side(declare, lead, verdict):
    suite = declare()
    runs = planted(suite, lambda c: (0, 0, 0.4 + (lead if c.objective == "ns" else 0)))
    case = claims.tested(_found(runs, suite))[1]
    sides = [[100 * (0.4 + x) * (1 + WOBBLE[i]) for i in (1, 2, 3)] for x in (lead, 0)]
    expected = stats.ttest_ind(*sides, equal_var=False).confidence_interval(0.95)
    assert (case.found.low, case.found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (case.verdict, case.holds_figure) == (verdict, None)


def test_too_few_seeds_or_blocks_tell_nothing(declare):
    suite = declare()
    assert _verdicts(planted(suite, seeds=2), suite) == [
        "cannot tell (n = 2 blocks)",
        "cannot tell (n = 2 seeds)",
    ]
    assert _verdicts(planted(suite, seeds=1), suite) == [
        "cannot tell (n = 1 block)",
        "cannot tell (n = 1 seed)",
    ]


def test_a_side_that_is_missing_is_not_run(declare):
    suite = declare()
    runs = planted(suite)
    ns = [run for run in runs if run.config["objective"] == "ns"]
    assert _verdicts(ns, suite) == ["not run", "not run"]
    unscored = [replace(run, quality=[]) if run in ns else run for run in runs]
    assert _verdicts(unscored, suite) == ["holds", "cannot tell (n = 0 seeds)"]


def test_times_are_paired_in_their_own_block_session_and_work(declare):
    """The machine halves its speed from block to block; only pairs within one give the planted ratio."""
    suite = declare()
    runs = planted(suite, train_s=_times(2.0))
    slowed = [
        replace(run, phases={**run.phases, "train_s": run.phases["train_s"] * 2 ** run.block["repetition"]})
        for run in runs
    ]
    assert claims.tested(_found(slowed, suite))[0].found.value == pytest.approx(2)

    def changed(**changes):
        other = [replace(r, **changes) if r.config["objective"] == "hs" else r for r in runs]
        return _verdicts(other, suite)[0]

    unpaired = "cannot tell (n = 0 blocks)"
    assert changed(block={"series": "tuesday", "repetition": 1, "position": 0}) == unpaired
    assert changed(started="2026-03-01T12:00:00Z") == unpaired
    assert changed(work={**runs[0].work, "raw_words": 1}) == unpaired


def test_what_a_claim_does_not_name_is_equal_on_both_sides(declare):
    suite = replace(declare(), vary={"dim": [20, 30]})
    runs = planted(suite, train_s=lambda c: c.dim * (2.0 if c.objective == "hs" else 1.0))
    cases = [case for case in claims.tested(_found(runs, suite)) if case.claim.measure == "minutes"]
    assert [case.shared for case in cases] == [(("dim", 20),), (("dim", 30),)]
    assert [case.found.value for case in cases] == [pytest.approx(2)] * 2


def test_implementations_are_compared_with_themselves_unless_a_claim_says_otherwise(declare):
    suite = replace(declare(), implementations=("gensim", "fused"))
    runs = planted(suite)
    pairs = {case.implementations for case in claims.tested(_found(runs, suite))}
    assert pairs == {("gensim", "gensim"), ("fused", "fused")}
    across = replace(suite, claims=tuple(replace(claim, across=True) for claim in suite.claims))
    assert len({case.implementations for case in claims.tested(_found(runs, across))}) == 4


def test_two_scores_of_the_same_vectors_are_paired_by_seed():
    suite = find_suite("levy2015-sgns")
    case = claims.tested(_found(planted(suite), suite))[0]
    assert case.found.value == pytest.approx(-0.02)  # as planted, whatever the seeds do
    assert case.found.high - case.found.low < 1e-9
    assert case.verdict == "does not hold"


# --- the report


def _markdown(records, suite):
    return markdown([], [], paper_tables(replications(records, {suite.name: suite})))


@pytest.fixture(scope="module")
def session():
    """Planted runs of every paper's suite."""
    return [run for suite in PAPERS for run in planted(suite)]


def test_the_same_records_in_any_order_give_the_same_bytes(session):
    files = reporting.documents(session)
    assert {"papers.csv", "claims.csv"} <= files.keys()
    assert reporting.documents(session[::-1]) == files


def test_every_format_has_every_paper_its_deviations_and_verdicts(session):
    files, found = reporting.documents(session), tables(cells(session))
    shown = page(found, [[] for _ in found], papers=paper_tables(replications(session, suites())))
    for suite in PAPERS:
        for name in ("table.md", "table.tex"):
            assert f"{suite.paper.title}, on wiki-slice" in files[name].decode()
        for name in ("papers.csv", "claims.csv"):
            assert suite.name in files[name].decode()
        (section,) = re.findall(rf'<section id="p-{suite.name}-(?s:.*?)</section>', shown)
        assert section.count("<li>") >= len(suite.paper.deviations)
        assert all(claim.says in html.unescape(section) for claim in suite.claims)
    assert shown.count('<td class="holds">holds</td>') > 5
    assert "does not hold" in files["claims.csv"].decode()
    for name in ("table.md", "table.tex"):
        assert not re.search(r"\b(nan|None)\b", files[name].decode())


@pytest.mark.parametrize("width", [80, 200])
def test_the_terminal_has_every_figure_at_any_width(session, width):
    suite = find_suite("mikolov2013a-table4")
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(terminal([], [], paper_tables(replications(session, {suite.name: suite}))))
    printed = console.file.getvalue()
    assert max(map(len, printed.splitlines())) <= width
    for cell in suite.paper.cells:
        for figure in cell.figures.values():
            assert re.search(rf" {figure}( days?)? \[R\]", printed)
    assert printed.count("+17.2 [R]") == 2  # claimed of each of two implementations


def test_a_report_without_paper_suites_has_none_of_it():
    files = reporting.documents([record()])
    assert "papers.csv" not in files
    assert "paper" not in files["table.md"].decode()
