"""The LaTeX tables compile in a paper, on one column or two, and stay inside the text."""

import re
import shutil
import subprocess

import pytest

from bench.analysis.papers import replications
from bench.analysis.rows import cells
from bench.reporting.latex import latex
from bench.reporting.papers import paper_tables
from bench.reporting.sections import tables
from bench.suites import find_suite, suites
from tests.papers_factory import planted
from tests.records_factory import demo, record, unfinished
from tests.test_reporting import HOSTILE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not shutil.which("pdflatex"), reason="needs pdflatex: apt-get install texlive-latex-recommended"
    ),
]
PAPER = r"""\documentclass[%s]{article}
\usepackage[utf8]{inputenc}\usepackage[T1]{fontenc}
%s
\begin{document}
Before.
\input{table.tex}
After.
\end{document}
"""


@pytest.mark.parametrize("options", ["a4paper", "a4paper,twocolumn", "letterpaper,12pt"])
def test_tables_compile_and_fit_the_page(options, tmp_path):
    log = _compiled([*demo(), record(machine={"name": "bigbox"})], options, tmp_path)
    assert not re.search(r"Overfull|too large|undefined|multiply defined", log)


def test_hostile_text_compiles_as_text(tmp_path):
    name = "evil_100%"
    _compiled([*demo(), unfinished("failed", name, HOSTILE), record(name)], "a4paper", tmp_path)


@pytest.mark.parametrize("options", ["a4paper", "a4paper,twocolumn"])
def test_papers_beside_ours_compile_and_fit_the_page(options, tmp_path):
    declared = {name: suite for name, suite in suites().items() if suite.paper}
    runs = [run for name in declared for run in planted(find_suite(name, "slice"))]
    log = _compiled([record()], options, tmp_path, paper_tables(replications(runs, declared)))
    assert not re.search(r"Overfull|too large|undefined|multiply defined", log)


def test_a_table_of_many_rows_goes_on_in_further_floats(tmp_path):
    runs = [record(f"impl_{i}", objective=("ns", "hs")[i % 2]) for i in range(95)]
    log = _compiled(runs, "a4paper", tmp_path)
    assert not re.search(r"Overfull|too large|undefined|multiply defined", log)
    text = (tmp_path / "table.tex").read_text("utf-8")
    assert "(part 2 of " in text
    assert text.count(r"impl\_94 ") == 4  # the last row as the first: in the headline and each test set


def _compiled(runs, options, folder, papers=()):
    """The log of the second pass over a paper that needs nothing but what the first line names."""
    text = latex(tables(cells(runs)), papers=papers)
    needed = re.search(r"\\usepackage\{[^}]*\}", text.splitlines()[0])[0]
    (folder / "table.tex").write_text(text, "utf-8")
    (folder / "paper.tex").write_text(PAPER % (options, needed), "utf-8")
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "paper.tex"]
    for _ in range(2):
        done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
        assert done.returncode == 0, done.stdout.decode("latin-1")[-2000:]
    assert (folder / "paper.pdf").stat().st_size > 10_000
    return done.stdout.decode("latin-1")
