"""Rows and reports: what is compared with what, what ranks, and that the files are safe and stable."""

import base64
import hashlib
import html
import io
import os
import random
import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from bench import reporting
from bench.analysis.overall import over_datasets
from bench.analysis.rows import cells, frame, runs
from bench.errors import UserError
from bench.records.schema import STATUSES
from bench.reporting import units
from bench.reporting.columns import notes
from bench.reporting.figures import Drawing
from bench.reporting.inline import inline
from bench.reporting.latex import escape_latex
from bench.reporting.page import page as page_of
from bench.reporting.sections import model_name, tables
from bench.reporting.tables import markdown
from tests.records_factory import demo, record, unfinished

HOSTILE = '<script>alert(1)</script> | $x_1$ 100% & \\input{secret} #{} ~^ "quoted"\nsecond line'


@pytest.fixture(scope="module")
def files():
    """The report of a whole session, by file name."""
    return reporting.report(demo())


def test_same_records_in_any_order_give_the_same_bytes(files, tmp_path):
    shuffled = demo()
    random.Random(3).shuffle(shuffled)
    written = reporting.render(shuffled, tmp_path / "reports")
    assert {path.name for path in written} == set(files)
    assert {path.name: path.read_bytes() for path in written} == dict(files)


def test_every_status_is_a_row_in_every_format(files):
    printed = _printed(demo(), width=200)
    for status in STATUSES:
        if status == "ok":
            continue
        assert f"{status}:" in printed
        assert status.replace("_", r"\_") + ":" in files["table.md"].decode()
        assert status.replace("_", r"\_") + ":" in files["table.tex"].decode()
        assert f'data-status="{status}"' in files["index.html"].decode()
    table = pd.read_csv(io.BytesIO(files["table.csv"]))
    assert set(table["status"]) == set(STATUSES)
    assert len(table) == len(cells(demo()))


def test_ratio_is_taken_within_blocks_only():
    # The machine is twice as fast in the second block: across blocks the ratio would not be 2.
    paired = [
        record("gensim", speed=100.0, repetition=0),
        record("gensim", speed=200.0, repetition=1),
        record("quick", speed=200.0, repetition=0),
        record("quick", speed=400.0, repetition=1),
    ]
    assert _cell(paired, "quick").ratio.value == pytest.approx(2)
    assert _cell(paired, "quick").ratio.n == 2
    stray = [record("gensim", series="monday"), record("quick", series="tuesday")]
    assert _cell(stray, "quick").ratio is None


def test_ratio_needs_the_same_model_and_machine():
    runs = [
        record("gensim", objective="hs"),
        record("gensim", machine={"name": "other"}),
        record("quick"),
        record("full", objective="softmax"),
    ]
    assert _cell(runs, "quick").ratio is None
    assert _cell(runs, "full").ratio is None


def test_a_model_that_gensim_lacks_is_named_and_explained():
    (table,) = tables(
        cells([record("gensim"), record("n", objective="nce"), record("a", objective="adaptive")])
    )
    assert model_name(table.cells[-1]) == "skip-gram adaptive softmax"
    said = [note for note in notes(table) if "gensim has no adaptive softmax and no NCE either" in note]
    assert len(said) == 1
    assert not any("no ratio to it" in note for note in notes(tables(cells([record("gensim")]))[0]))


def test_ratio_prefers_the_same_number_of_threads():
    runs = [
        record("gensim", threads=1, speed=100.0),
        record("gensim", threads=2, speed=180.0),
        record("quick", threads=1, speed=200.0),
    ]
    assert _cell(runs, "quick").ratio.value == pytest.approx(2)


def test_a_doubtful_ratio_does_not_survive_many_comparisons():
    """p = .045 alone; beside nine rows that differ in nothing ten times that."""

    def session(others):
        speeds = {"doubtful": (1.04, 1.12, 1.20, 1.05, 1.03)}
        speeds |= {f"same{i}": (0.9, 1.1, 1.0, 1.1, 0.9) for i in range(others)}
        return [
            record(name, seed=i, repetition=i, speed=1e5 * factors[i])
            for name, factors in (("gensim", (1.0,) * 5), *speeds.items())
            for i in range(5)
        ]

    alone, beside = (_cell(session(n), "doubtful").ratio for n in (0, 9))
    assert alone.p < 0.05
    assert beside.p == pytest.approx(10 * alone.p)
    assert (beside.low, beside.high) == (alone.low, alone.high)
    assert "n.s." in _printed(session(9), 200)
    assert frame(cells(session(9)))["ratio_to_gensim_p_holm"].notna().any()


def test_rows_on_several_datasets_have_a_geometric_mean():
    def on(dataset, speeds, dim=100):
        data = {**record().data, "name": dataset, "sha256": dataset}
        return [record(name, speed=s, data=data, config={"dim": dim}) for name, s in speeds.items()]

    rows = [
        *on("small", {"gensim": 1e5, "quick": 4e5, "once": 9e5}),
        *on("large", {"gensim": 1e5, "quick": 1e5}),
        *on("large", {"gensim": 1e5, "quick": 16e5}, dim=300),  # stands for "large" with the row before
    ]
    (found,) = over_datasets(cells(rows))
    assert found.ratios == {"large": pytest.approx(4), "small": pytest.approx(4)}
    assert found.ratio == pytest.approx(4)
    assert found.equal == 0
    section = markdown(tables(cells(rows))).partition("### Over data sets")[2]
    assert (
        "| quick | skip-gram NS | cpu, 2 threads | 4.00× | large 4.00×, small 4.00× | on 0 of 2 |" in section
    )
    assert "Over data sets" not in markdown(tables(cells(rows[:3])))


@pytest.mark.parametrize(
    ("ws353", "simlex", "spread", "verdict"),
    [
        (0.51, 0.26, 0.002, "equivalent"),
        (0.51, 0.26, 0.030, "within seed spread"),
        (0.44, 0.26, 0.002, "below on WS353"),
        (0.44, 0.20, 0.002, "below"),
        (0.51, 0.281, 0.002, "above on SimLex"),
        (0.51, 0.32, 0.002, "suspiciously above on SimLex"),
        (0.44, 0.32, 0.002, "below on WS353, suspiciously above on SimLex"),
        (0.57, 0.32, 0.002, "suspiciously above"),
    ],
)
def test_verdict_on_quality(ws353, simlex, spread, verdict):
    runs = _seeds("gensim", 0.51, 0.26, spread) + _seeds("other", ws353, simlex, spread)
    assert _cell(runs, "other").verdict == verdict


def _trained(name, truth, n, rng):
    """`n` seeds of a row whose mean scores are .40 and .23, and `truth` more."""
    return [
        record(
            name,
            seed=i,
            repetition=i,
            speed=9e6 if name != "gensim" else 2e5,
            ws353=0.40 + truth + rng.normal(0, 0.012),
            simlex=0.23 + truth + rng.normal(0, 0.008),
        )
        for i in range(n)
    ]


@pytest.mark.parametrize(("truth", "low", "high"), [(0.0, 0, 0.01), (0.02, 0, 0.08), (0.06, 0.95, 1)])
def test_much_better_than_ten_seeds_of_gensim_is_suspicious(truth, low, high):
    rng = np.random.default_rng(9)
    marked = 0
    for _ in range(100):
        cell = _cell(_trained("gensim", 0, 10, rng) + _trained("other", truth, 5, rng), "other")
        marked += "suspiciously above" in cell.verdict
        assert cell.rank is None or "suspicious" not in cell.verdict
    assert low <= marked / 100 <= high


def test_a_suspicious_row_is_marked_in_every_table_and_never_ranks(files):
    rng = np.random.default_rng(10)
    runs = (
        _trained("gensim", 0, 10, rng) + _trained("miracle", 0.1, 5, rng) + _trained("fasttext", 0.1, 5, rng)
    )
    assert _cell(runs, "miracle").rank is None
    assert _cell(runs, "fasttext").verdict == "above"  # the open division may be better
    marked = reporting.report(runs)
    for name in ("table.md", "table.tex", "table.csv", "index.html"):
        assert "suspiciously above" in marked[name].decode(), name
    assert "suspiciously above" in _printed(runs, width=200)
    assert "Suspiciously above: " in marked["table.md"].decode()
    assert "Suspiciously above: " not in files["table.md"].decode()


def test_too_few_seeds_tell_nothing():
    runs = [*_seeds("gensim", 0.51, 0.26, 0.002), record("other")]
    assert _cell(runs, "other").verdict == "cannot tell (n = 1)"
    assert _cell(runs, "other").rank is None


def test_repetitions_of_one_seed_are_not_more_seeds():
    runs = [record(name, repetition=i) for i in range(5) for name in ("gensim", "other")]
    assert _cell(runs, "other").verdict == "cannot tell (n = 1)"


def test_no_row_of_unequal_quality_stands_above_an_equal_one():
    noise = np.random.default_rng(5)
    runs = _seeds("gensim", 0.51, 0.26, 0.003)
    for i in range(12):
        quality, speed = 0.51 - 0.02 * float(noise.integers(0, 4)), float(noise.uniform(1e5, 1e7))
        runs += _seeds(f"impl{i}", quality, 0.26, 0.003, speed=speed)
    rows = cells(runs)
    equal = [cell.rank is not None for cell in rows]
    assert 1 < sum(equal) < len(rows)
    assert equal == sorted(equal, reverse=True)
    speeds = [cell.speed.median for cell in rows if cell.rank]
    assert speeds == sorted(speeds, reverse=True)


def test_an_unfinished_run_is_a_row_of_its_own_and_never_ranks():
    runs = [record("gensim"), replace(record("gensim", seed=2), status="failed", reason="boom", quality=[])]
    ok, failed = cells(runs)
    assert (ok.status, ok.rank, len(ok.runs)) == ("ok", 1, 1)
    assert (failed.status, failed.rank, failed.reasons) == ("failed", None, ("boom",))


def test_machines_datasets_and_settings_get_tables_of_their_own(tmp_path):
    runs = [
        record(),
        record(machine={"name": "bigbox"}),
        record(config={"dim": 300}),
        replace(record(), data={**record().data, "name": "text8", "sha256": "ef" * 32}),
    ]
    assert [cell.rank for cell in cells(runs)] == [1, 1, 1, 1]
    beside = [record("other"), record("other", machine={"name": "bigbox"})]
    names = {path.name for path in reporting.render([*runs[:2], *beside], tmp_path)}
    assert {"quality-throughput.svg", "quality-throughput-2.png"} <= names


def test_edited_source_is_another_row_with_the_hash_in_its_name():
    edited = record("other", seed=2)
    edited = replace(edited, implementation={**edited.implementation, "source_sha256": "12345678" * 8})
    assert "other@1234567" in _printed([record("other"), edited])
    assert "other@" not in _printed([record("other")])


def test_hostile_text_stays_text():
    bad = replace(unfinished("failed", "evil", HOSTILE), traceback=HOSTILE)
    files = reporting.report([record(), bad])
    page = files["index.html"].decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert HOSTILE.replace("\n", " ").split(" |")[0] not in files["table.md"].decode()
    row = next(line for line in files["table.md"].decode().splitlines() if "evil" in line)
    assert len(re.findall(r"(?<!\\)\|", row)) == 19  # 18 columns, none added by the reason
    assert pd.read_csv(io.BytesIO(files["runs.csv"]))["reason"].tolist()[-1] == HOSTILE


def test_latex_special_characters_are_escaped():
    escaped = escape_latex(HOSTILE)
    assert escape_latex("50% of a_b & $c #1 {x} ~^ \\y") == (
        r"50\% of a\_b \& \$c \#1 \{x\} \textasciitilde{}\textasciicircum{} \textbackslash{}y"
    )
    assert escape_latex("95 % of it") == r"95\,\% of it"
    assert "\n" not in escaped
    assert r"\input" not in escaped


def test_latex_rows_have_one_field_a_column(files):
    text = files["table.tex"].decode()
    for one in text.split(r"\begin{table*}")[1:]:
        width = len(re.search(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}", one)[1])
        rows = [line for line in one.splitlines() if line.endswith(r"\\") and "multicolumn" not in line]
        assert {len(re.findall(r"(?<!\\)&", row)) + 1 for row in rows} == {width}
    assert text.count(r"\begin{table*}") == 4  # the headline, and one a test set


def test_missing_figures_are_dashes_and_nan_is_nowhere():
    bare = replace(record("bare", repetition=1), memory={}, phases={}, throughput={}, quality=[])
    broken = record("broken", ws353=float("nan"), speed=1.0)
    broken = replace(broken, throughput={"raw_words_per_s": float("nan")})
    for name, content in reporting.report([record(), bare, broken]).items():
        if not name.endswith((".png", ".pdf")) and name != "runs.csv":
            assert not re.search(r"\bnan\b", re.sub(r"Number\.isNaN", "", content.decode()), re.IGNORECASE)


def test_tables_name_machine_dates_runs_and_the_hash_of_their_rows(files):
    digest = re.search(r"rows ([0-9a-f]{12})", files["table.md"].decode())[1]
    for name in ("table.md", "table.tex", "index.html"):
        text = files[name].decode()
        assert "testbox" in text
        assert "2026-01-01 to 2026-01-03" in text
        assert f"{len(demo())} runs" in text
        assert digest in text
    assert digest in _printed(demo())
    assert digest not in _printed([*demo(), record("late", repetition=4)])


def test_page_is_self_contained_small_and_has_what_sorting_and_filtering_need(files):
    page = files["index.html"].decode()
    assert len(files["index.html"]) < 3_000_000
    tags = _Tags(page)
    assert {link for link in tags.links if not link.startswith(("#", "data:text/csv;"))} <= set(files)
    assert {link[1:] for link in tags.links if link.startswith("#")} <= set(tags.ids)
    assert "@import" not in page
    assert not re.search(r"url\((?!#)", page)
    assert len(tags.ids) == len(set(tags.ids))
    headings = re.findall(r'<th scope="col" class="[^"]+" data-key="[^"]+"><button type="button">', page)
    assert len(headings) == re.sub(r'<table class="plain">.*?</table>', "", page, flags=re.S).count(
        '<th scope="col"'
    )
    assert "aria-sort" in page
    assert 'type="search"' in page
    assert "prefers-color-scheme: dark" in page
    assert "<option>over_budget</option>" in page


def test_the_data_under_each_table_of_the_page_is_the_table_in_full_precision(files):
    encoded = re.search(r'href="data:text/csv;charset=utf-8;base64,([^"]+)"', files["index.html"].decode())[1]
    assert base64.b64decode(encoded) == files["table.csv"]


def test_text_of_the_figures_is_text_on_the_page(files):
    shown = files["index.html"].decode()
    texts = {html.unescape(text) for text in re.findall(r"<text [^>]*>([^<]*)</text>", shown)}
    assert {"hierarchical_softmax", "skip-gram NS"} <= texts
    outlines = set(re.findall(r'<use href="#([^"]+)"', shown))
    assert outlines <= set(_Tags(shown).ids)  # what is left of outlines is there
    assert not [name for name in outlines if name.startswith("DejaVuSans")]


def test_seven_figures_a_table_leave_the_page_small_with_all_but_the_first_folded(files):
    found = tables(cells([*demo(), record(machine={"name": "bigbox"})]))
    svg = files["quality-throughput.svg"]
    figures = [
        Drawing(f"figure-{i}", f"Figure {i}", "What it shows", "", svg, b"", b"", b"") for i in range(7)
    ]
    shown = page_of(found, [figures, figures])
    assert len(shown.encode()) < 3_000_000 / 2  # half the room, for more tables
    assert shown.count("<figure>") == 14
    assert shown.count("<summary>6 more figures: figure 1, figure 2,") == 2
    assert shown.count(found[0].provenance) >= 9  # under the table, its evidence, and every figure
    ids = _Tags(shown).ids
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'(?:url\(|href=")#([^")]+)', shown)) <= set(ids)


def test_figures_on_the_page_keep_their_colours_but_for_greys_which_follow_the_theme():
    svg = b"""<?xml version="1.0"?>
<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><!-- note --><defs><style>*{}</style></defs>
 <g id="unused"><path id="p1" d="M 1.23456 2
L 3 4" style="fill: #0173b2; stroke: #1f2933"/></g><use xlink:href="#p1" style="fill: #ffffff"/></svg>"""
    drawn = inline(svg, "f1", 'label "quoted"')
    assert drawn.startswith('<svg role="img" aria-label="label &#34;quoted&#34;"')
    assert 'id="f1-p1" d="M 1.23 2 L 3 4"' in drawn
    assert 'href="#f1-p1"' in drawn
    assert "#0173b2" in drawn
    assert "--g0:color-mix(in srgb,var(--ink) 0%,var(--paper));" in drawn
    assert "stroke: var(--g100)" in drawn
    assert "unused" not in drawn
    assert "note" not in drawn
    assert "{}" not in drawn


@pytest.mark.parametrize("seed", ["1", pytest.param("4242", marks=pytest.mark.slow)])
def test_another_process_with_another_hash_seed_and_order_gives_the_same_bytes(files, seed):
    script = (
        "import hashlib, random; from bench import reporting; from tests.records_factory import demo\n"
        f"runs = demo(); random.Random({seed}).shuffle(runs)\n"
        "for name, content in reporting.report(runs).items():\n"
        "    print(name, hashlib.sha256(content).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    here = [f"{name} {hashlib.sha256(content).hexdigest()}" for name, content in files.items()]
    assert done.stdout.splitlines() == here


def test_both_error_bars_are_named_and_kept_apart(files):
    head = next(line for line in files["table.md"].decode().splitlines() if "over seeds" in line)
    assert "min–max over seeds" in head
    assert "95 % over items" in head
    columns = frame(cells(demo())).columns
    assert {"wordsim353_min_over_seeds", "wordsim353_low_95_over_items"} <= set(columns)
    assert "wordsim353_median_low_95_over_seeds" in columns


def test_csv_keeps_full_precision():
    table = frame(cells([record(speed=123456.789012345)]))
    assert table["raw_words_per_s_median"].tolist() == [123456.789012345]
    assert runs([record()])["quality.google.all.3cosadd.value"].tolist() == [0.15]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_terminal_table_fits_and_says_what_it_left_out(width):
    printed = _printed(demo(), width)
    assert max(map(len, printed.splitlines())) <= width
    assert "hierarchical_softmax" in printed
    assert "equivalent" in printed
    assert ("not shown at this width" in printed) == (width < 200)


@pytest.mark.parametrize(
    ("value", "text"),
    [(412_000, "0.41 M"), (2_100, "0.0021 M"), (99_900, "0.10 M"), (4_930_000, "4.93 M"), (None, "–")],
)
def test_speed_reads_in_millions(value, text):
    assert units.speed(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0"), (0.01, "<0.1"), (9.96, "10"), (1234.5, "1,234")])
def test_seconds_have_digits_that_mean_something(value, text):
    assert units.seconds(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.5123, ".512"), (-0.02, "\u2212.020"), (1.0, "1.000")])
def test_scores_read_as_the_field_prints_them(value, text):
    assert units.score(value) == text


def test_no_records_names_the_remedy(tmp_path):
    with pytest.raises(UserError, match="w2vbench run"):
        reporting.render([], tmp_path)


def test_unwritable_folder_is_a_clear_error_and_leaves_nothing(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    with pytest.raises(UserError, match="cannot write the report"):
        reporting.render([record()], blocked / "reports")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


class _Tags(HTMLParser):
    """Ids, and everything that a browser would load or follow."""

    def __init__(self, page: str):
        super().__init__()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "action") and tag != "svg":
                self.links.append(value)
            if name == "id":
                self.ids.append(value)


def _cell(runs, name):
    return next(cell for cell in cells(runs) if cell.implementation == name)


def _seeds(name, ws353, simlex, spread, **changes):
    """Five seeds, evenly spread around the means."""
    steps = (-1, -0.5, 0, 0.5, 1)
    return [
        record(name, seed=i, repetition=i, ws353=ws353 + spread * s, simlex=simlex + spread * s, **changes)
        for i, s in enumerate(steps)
    ]


def _printed(records, width=120):
    console = Console(width=width, file=io.StringIO(), color_system=None)
    console.print(reporting.terminal(records))
    return console.file.getvalue()
