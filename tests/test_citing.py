"""`w2vbench cite`: every key has an entry, the entries are BibTeX, and the note says which rows are meant."""

import json
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench import datasets, discovery
from bench.analysis.rows import cells
from bench.cli import main
from bench.contract import ARCHITECTURES, OBJECTIVES
from bench.errors import UserError
from bench.quality.sets import OPTIONAL, PACKAGED, papers
from bench.records import store
from bench.reporting.citing import MODELS, bibtex, citation_file, find_table, keys, references, suite_entry
from bench.reporting.sections import tables
from tests.records_factory import demo, record

ROOT = Path(__file__).parents[1]


@pytest.fixture
def table():
    (found,) = tables(cells(demo()))
    return found


@pytest.mark.parametrize("entry", discovery.implementations().values(), ids=lambda e: e.spec.name)
def test_every_paper_of_an_implementation_has_an_entry(entry):
    assert entry.spec.paper in references(), "add it to bench/references.bib"


def test_every_text_and_test_set_and_model_has_entries():
    named = {key for dataset in datasets.registry().values() for key in dataset.cite}
    named |= {key for name in (*PACKAGED, *OPTIONAL) for key in papers(name)}
    named |= {key for paper in MODELS.values() for key in paper}
    assert {*ARCHITECTURES, *OBJECTIVES} == MODELS.keys()
    assert named <= references().keys()
    assert all(dataset.cite for dataset in datasets.registry().values())
    assert all(papers(name) for name in (*PACKAGED, *OPTIONAL))


def test_every_entry_is_read_and_whole():
    text = (ROOT / "bench" / "references.bib").read_text("utf-8")
    assert len(references()) == text.count("\n@")
    for key, entry in references().items():
        assert entry.count("{") == entry.count("}")
        fields = dict(re.findall(r"^  (\w+) = \{(.*)\},$", entry, re.MULTILINE))
        assert len(fields) == len(entry.splitlines()) - 2, key
        assert {"title", "author"} <= fields.keys()


def test_a_table_is_cited_with_what_its_rows_rest_on(table):
    assert keys(table) == [
        *("mikolov2013a", "mikolov2013b", "morin2005"),  # models; the demo's Specs name mikolov2013b too
        *("wikipedia", "rehurek2010"),  # wiki-slice, which gensim carries
        *("finkelstein2002", "hill2015"),
    ]
    text = bibtex(table)
    assert re.findall(r"^@\w+\{(.*),$", text, re.MULTILINE) == ["w2vbench", *keys(table)]


def test_the_suite_is_cited_as_citation_cff_says_with_hash_date_and_number_of_runs(table):
    entry = suite_entry(table)
    for line in citation_file().splitlines():
        if line.startswith(("title:", "version:")):
            assert line.partition(": ")[2].strip('"') in entry
    assert f"Table {table.hash}: {len(demo())} runs, 2026-01-01 to 2026-01-03" in entry
    assert "author = {{The w2vbench authors}}" in entry
    assert "% testbox, Imaginary CPU" in bibtex(table)


def test_people_become_authors(table, monkeypatch):
    cff = """title: "T"
authors:
  - family-names: Lovelace
    given-names: Ada
  - {family-names: Babbage, given-names: "Charles"}
  - name: "The Society"
keywords: [x]
"""
    monkeypatch.setattr("bench.reporting.citing.citation_file", lambda: cff)
    assert "author = {Lovelace, Ada and Babbage, Charles and {The Society}}" in suite_entry(table)


def test_a_paper_without_an_entry_is_said():
    run = record()
    unknown = replace(run, implementation={**run.implementation, "paper": "nobody1999"})
    (found,) = tables(cells([unknown]))
    assert "% No entry is known for 'nobody1999'" in bibtex(found)


def test_a_table_is_found_by_hash_number_and_name():
    big = record(config={"dim": 300})
    local = replace(record(seed=2), data={**record().data, "name": "file:mine"})
    found = tables(cells([record(), big, local]))
    assert find_table(found, found[2].hash) is found[2]
    assert find_table(found, found[1].hash[:5].upper()) is found[1]
    assert find_table(found, "3") is found[2]
    assert find_table(found, "file:mine") in found
    with pytest.raises(UserError, match="names 2 tables"):
        find_table(found, "wiki-slice")
    for name in ("4", found[0].hash[:3], "nothing"):
        with pytest.raises(UserError, match=found[0].hash):
            find_table(found, name)


def test_the_verb_lists_tables_and_prints_one(tmp_path):
    for one in demo():
        store.write(one, tmp_path)
    call = ["cite", "--results", str(tmp_path)]
    (listed,) = json.loads(CliRunner().invoke(main, [*call, "--json"]).output)
    assert listed["dataset"] == "wiki-slice"
    assert listed["hash"] in CliRunner().invoke(main, call, env={"COLUMNS": "200"}).output
    assert CliRunner().invoke(main, [*call, listed["hash"]]).output.count("\n@") == 8
    told = json.loads(CliRunner().invoke(main, [*call, "1", "--json"]).output)
    assert told["hash"] == listed["hash"]
    assert told["entries"]["hill2015"].startswith("@article{hill2015,")


@pytest.mark.slow
@pytest.mark.skipif(
    not (shutil.which("pdflatex") and shutil.which("bibtex")), reason="needs pdflatex and bibtex"
)
def test_latex_sets_every_entry_without_a_warning(table, tmp_path):
    text = "\n\n".join([suite_entry(table), *references().values()])
    (tmp_path / "all.bib").write_text(text, encoding="utf-8")
    (tmp_path / "page.tex").write_text(
        r"\documentclass{article}\begin{document}\nocite{*}x"
        r"\bibliographystyle{plain}\bibliography{all}\end{document}"
    )
    for command in (["pdflatex", "-interaction=nonstopmode", "page"], ["bibtex", "page"]) * 2:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout
        assert command[0] != "bibtex" or "warning" not in done.stdout.lower(), done.stdout
    assert (tmp_path / "page.bbl").read_text().count(r"\bibitem") == len(references()) + 1
    assert "undefined" not in (tmp_path / "page.log").read_text()
