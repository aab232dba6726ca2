"""The page as a reader uses it, in headless Chromium from `file://`: `nox -s browser`."""

import shutil
from pathlib import Path

import pytest

from bench import reporting
from bench.analysis.rows import cells, frame
from bench.reporting.sections import model_name
from bench.reporting.tables import csv
from tests.records_factory import demo, record, unfinished

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    """The page of two tables on disk, and the rows that it shows."""
    records = [*demo(), record(machine={"name": "zbox"})]
    folder = tmp_path_factory.mktemp("report")
    reporting.render(records, folder)
    return folder / "index.html", cells(records)


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip(
        "playwright.sync_api", reason="needs the package playwright: pip install 'w2vbench[browser]'"
    )
    if CHROMIUM is None:
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, report):
    """Opens the page from its file; at the end nothing may have been complained of or fetched."""
    complaints, requests, contexts = [], [], []

    def opened(path=report[0], **settings):
        context = browser.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(path.as_uri())
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []
    assert all(url.startswith("file://") and url.endswith("/index.html") for url in requests)


def test_a_press_on_words_per_second_sorts_by_it_and_the_third_brings_the_report_back(open_page, report):
    page, rows = open_page(), _first_table(report)
    known = [cell for cell in rows if cell.speed]
    unknown = [_identity(cell) for cell in rows if not cell.speed]
    fastest_first = [_identity(c) for c in sorted(known, key=lambda c: c.speed.median, reverse=True)]
    heading = _heading(page, "speed")
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "descending"
    assert _shown(page) == fastest_first + unknown
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    assert _shown(page) == fastest_first[::-1] + unknown
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") is None
    assert _shown(page) == [_identity(cell) for cell in rows]


def test_the_keyboard_sorts_by_name(open_page, report):
    page, rows = open_page(), _first_table(report)
    heading = _heading(page, "implementation")
    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert heading.get_attribute("aria-sort") == "ascending"
    assert [name for name, *_ in _shown(page)] == sorted(cell.implementation for cell in rows)
    page.keyboard.press("Space")
    assert [name for name, *_ in _shown(page)] == sorted((c.implementation for c in rows), reverse=True)


def test_every_heading_sorts(open_page):
    page = open_page()
    for table in ("headline", "evidence"):
        _unfold(page)
        for heading in page.locator(f"table.{table}").first.locator("thead th").all():
            heading.get_by_role("button").click()
            assert heading.get_attribute("aria-sort") in ("ascending", "descending")
        assert page.locator(f"table.{table}").first.locator("th[aria-sort]").count() == 1


def test_words_narrow_all_tables_down(open_page, report):
    page, (_, rows) = open_page(), report
    page.get_by_role("searchbox").fill("softmax CBOW")
    kept = [_identity(c) for c in _first_table(report) if c.architecture == "cbow" and "softmax" in _text(c)]
    assert _shown(page) == kept
    assert 0 < len(kept) < len(rows)
    assert page.locator("form.filters output").text_content() == f"{len(kept)} of {len(rows)} rows"
    assert page.locator("section").nth(1).get_by_text("No row of this table matches").first.is_visible()
    page.get_by_role("button", name="Reset").click()
    assert page.locator("form.filters output").text_content() == f"{len(rows)} rows"
    assert _shown(page) == [_identity(cell) for cell in _first_table(report)]


@pytest.mark.parametrize(
    ("label", "choice"), [("implementation", "gensim"), ("model", "CBOW HS"), ("status", "oom")]
)
def test_a_choice_keeps_what_equals_it(open_page, report, label, choice):
    page = open_page()
    page.locator(f"select[name={label}]").select_option(choice)
    part = ["implementation", "model", "status"].index(label)
    kept = [_identity(cell) for cell in _first_table(report) if _identity(cell)[part] == choice]
    assert _shown(page) == kept != []


def test_sorting_and_filtering_go_together(open_page, report):
    page = open_page()
    page.locator("select[name=model]").select_option("skip-gram NS")
    _heading(page, "speed").get_by_role("button").click()
    rows = [cell for cell in _first_table(report) if model_name(cell) == "skip-gram NS" and cell.speed]
    rows.sort(key=lambda cell: cell.speed.median, reverse=True)
    assert _shown(page)[: len(rows)] == [_identity(cell) for cell in rows]


@pytest.mark.parametrize("settings", [PHONE, {"viewport": {"width": 1280, "height": 900}}])
def test_the_page_never_scrolls_sideways_its_tables_do(open_page, settings):
    page = open_page(**settings)
    _unfold(page)
    width = settings["viewport"]["width"]
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    grid = page.locator(".grid").first
    assert grid.evaluate("e => e.scrollWidth > e.clientWidth")
    name = grid.locator("tbody th").first
    grid.evaluate("e => { e.scrollLeft = 300; }")
    assert 0 <= name.bounding_box()["x"] - grid.bounding_box()["x"] < 2  # the name stays in sight
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_headings_stay_in_sight_where_a_table_is_long(open_page, tmp_path):
    skipped = [unfinished("skipped", f"impl{i}", "not here") for i in range(40)]
    reporting.render([record(), *skipped], tmp_path)
    page = open_page(tmp_path / "index.html")
    grid = page.locator(".grid").first
    grid.evaluate("e => { e.scrollTop = e.scrollHeight; }")
    assert grid.evaluate("e => e.scrollTop") > 100
    assert abs(_heading(page, "speed").bounding_box()["y"] - grid.bounding_box()["y"]) < 2
    assert open_page().locator(".grid").first.evaluate("e => e.scrollHeight <= e.clientHeight")


def test_dark_and_light_follow_the_system_until_the_button_is_used(open_page):
    for scheme, other in (("light", "dark"), ("dark", "light")):
        page = open_page(color_scheme=scheme)
        assert _theme(page) == scheme
        page.locator("#theme").click()
        assert _theme(page) == other
        page.reload()
        assert _theme(page) == other
        ink, paper = page.evaluate(
            "(() => { const s = e => getComputedStyle(document.querySelector(e));"
            "return [s('figure svg').fill, s('section').backgroundColor]; })()"
        )
        assert abs(_lightness(ink) - _lightness(paper)) > 0.5  # the letters of figures stand out


def test_the_data_of_a_table_is_saved_in_full_precision(open_page, report, tmp_path):
    page = open_page(accept_downloads=True)
    with page.expect_download() as waiting:
        page.get_by_text("download as CSV").first.click()
    waiting.value.save_as(tmp_path / "rows.csv")
    assert (tmp_path / "rows.csv").read_text("utf-8") == csv(frame(_first_table(report)))


def test_figures_hold_their_text_inside(open_page):
    page = open_page(viewport={"width": 1280, "height": 900})
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    for svg in page.locator("figure svg").all():
        frame_, texts = svg.bounding_box(), svg.locator("text")
        assert texts.count() > 20
        for box in texts.evaluate_all("all => all.map(t => t.getBoundingClientRect().toJSON())"):
            assert box["width"] > 0
            assert box["left"] >= frame_["x"]
            assert box["right"] <= frame_["x"] + frame_["width"] + 1


def test_files_that_the_page_names_lie_beside_it(open_page, report):
    links = open_page().locator("a[href]").evaluate_all("all => all.map(a => a.getAttribute('href'))")
    names = [link for link in links if not link.startswith(("#", "data:"))]
    assert "runs.csv" in names
    assert [name for name in names if not Path(report[0]).with_name(name).exists()] == []


def _first_table(report):
    """The rows of the first table on the page, in its order."""
    return [cell for cell in report[1] if cell.section == report[1][0].section]


def _identity(cell):
    return cell.implementation, model_name(cell), cell.status


def _text(cell):
    return " ".join((*_identity(cell), *cell.reasons))


def _shown(page):
    """(implementation, model, status) of the visible rows of the first table, top to bottom."""
    rows = page.locator("table.headline").first.locator("tbody tr:not([hidden])")
    return [
        tuple(row)
        for row in rows.evaluate_all(
            "all => all.map(r => [r.dataset.implementation, r.dataset.model, r.dataset.status])"
        )
    ]


def _heading(page, key):
    return page.locator("table.headline").first.locator(f"thead th[data-key={key}]")


def _unfold(page):
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")


def _theme(page):
    return (
        "dark"
        if _lightness(page.evaluate("getComputedStyle(document.body).backgroundColor")) < 0.5
        else "light"
    )


def _lightness(colour):
    """Mean channel of "rgb(1, 2, 3)", 0 to 1."""
    channels = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(channels) / 3 / 255
