"""What to cite for a table, as BibTeX: the suite with the rows that are meant, the methods, the data."""

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bench import datasets
from bench.errors import UserError
from bench.quality.sets import papers
from bench.reporting.latex import escape_latex
from bench.reporting.sections import Table

REFERENCES = Path(__file__).parents[1] / "references.bib"
SUITE = "w2vbench"  # the key of the suite's own entry
MODELS = {  # by architecture and by objective: who introduced them
    "skipgram": ("mikolov2013a",),
    "cbow": ("mikolov2013a",),
    "softmax": ("mikolov2013b",),
    "ns": ("mikolov2013b",),
    "hs": ("morin2005", "mikolov2013b"),
    "nce": ("gutmann2010", "mnih2012"),
    "sampled": ("bengio2008", "jean2015"),
    "adaptive": ("grave2017",),
}


@cache
def references() -> MappingProxyType[str, str]:
    """The entries of references.bib by key, as they stand there."""
    entries = re.findall(
        r"^(@\w+\{([^,\s]+),\n.*?^\})$", REFERENCES.read_text("utf-8"), re.DOTALL | re.MULTILINE
    )
    return MappingProxyType({key: text for text, key in entries})


def keys(table: Table) -> list[str]:
    """Keys of what the rows of `table` rest on, each once: models, implementations, text, test sets."""
    return list(dict.fromkeys(_keys(table)))


def _keys(table: Table) -> Iterator[str]:
    for cell in table.cells:
        yield from (*MODELS[cell.architecture], *MODELS[cell.objective])
    for cell in table.cells:
        yield str(cell.runs[0].implementation["paper"])
    if text := datasets.registry().get(table.section.dataset):
        yield from text.cite
    sets = dict.fromkeys(score.set for cell in table.cells for run in cell.runs for score in run.quality)
    for name in sets:
        yield from papers(name)


def bibtex(table: Table) -> str:
    """A .bib file: first which rows are quoted, as a comment, then every entry."""
    known, named = references(), keys(table)
    lines = [
        f"% Table {table.hash} of w2vbench: {table.title}; {table.settings}.",
        f"% {table.machine}; {table.dates}; {table.run_count} runs.",
        "% Print the hash beside the figures that you quote: it names exactly these rows, and",
        f"% `w2vbench reproduce {table.hash}` runs them again.",
        *(
            f"% No entry is known for {key!r}: it belongs in bench/references.bib."
            for key in named
            if key not in known
        ),
    ]
    return "\n\n".join(["\n".join(lines), suite_entry(table), *(known[key] for key in named if key in known)])


def suite_entry(table: Table) -> str:
    """The suite from CITATION.cff, with the table's hash and date as a note."""
    cff = citation_file()
    released = _value(cff, "date-released")
    note = f"Version {_value(cff, 'version')}. Table {table.hash}: {table.run_count} runs, {table.dates}"
    values = {
        "title": f"{{{escape_latex(_value(cff, 'title'))}}}",  # braced: its capitals stay
        "author": " and ".join(_authors(cff)),
        "year": released[:4],
        "howpublished": _value(cff, "url") or _value(cff, "repository-code"),
        "note": escape_latex(note),
    }
    body = "\n".join(f"  {key} = {{{value}}}," for key, value in values.items() if value)
    return f"@misc{{{SUITE},\n{body}\n}}"


def citation_file() -> str:
    """The text of CITATION.cff, from the checkout or from where the package is installed."""
    path = REFERENCES.parents[1] / "CITATION.cff"
    if path.is_file():
        return path.read_text("utf-8")
    for file in importlib.metadata.files("w2vbench") or ():
        if file.name == path.name:
            return file.read_text("utf-8")
    raise UserError("CITATION.cff is missing", remedy="install the project again, or work in its checkout")


def _value(cff: str, key: str) -> str:
    """The plain value of a key at the top of the file; empty if it is not there."""
    found = re.search(rf'^{key}:\s*"?(.*?)"?\s*$', cff, re.MULTILINE)
    return found[1] if found else ""


def _authors(cff: str) -> list[str]:
    """Authors as BibTeX writes them; a group in braces, so that it is not cut into names."""
    block = re.search(r"^authors:\n((?:[ -].*\n)+)", cff, re.MULTILINE)
    people = re.split(r"^\s*- ", block[1] if block else "", flags=re.MULTILINE)[1:]
    return [_author(person) for person in people]


def _author(person: str) -> str:
    found = dict(re.findall(r'([a-z-]+):\s*"?([^",}\n]+)"?', person))
    return (
        "{family-names}, {given-names}".format_map(found)
        if "family-names" in found
        else f"{{{found['name']}}}"
    )


def find_table(tables: Sequence[Table], name: str) -> Table:
    """The table called `name`: its hash or four digits or more of it, its number, or its dataset.

    Raises UserError where that is none or several.
    """
    if name.isdecimal() and 0 < int(name) <= len(tables):
        return tables[int(name) - 1]
    found = [t for t in tables if len(name) >= 4 and t.hash.startswith(name.lower())]
    found = found or [t for t in tables if t.section.dataset == name]
    if len(found) > 1:
        raise UserError(
            f"{name!r} names {len(found)} tables", remedy=f"give the hash of one: {_hashes(found)}"
        )
    if not found:
        raise UserError(
            f"no table is called {name!r}",
            why="a hash names the runs of a table, and changes when a run is added to it",
            remedy=f"known here: {_hashes(tables)}; for an older one check out the commit that published it",
        )
    return found[0]


def _hashes(tables: Iterable[Table]) -> str:
    return ", ".join(f"{t.hash} ({t.section.dataset})" for t in tables)
