"""The test sets: where they lie, and how their files are read.

WordSim-353, SimLex-999 and Google's analogies come inside the gensim wheel; the others are used
when the dataset registry finds them on this machine, and give no row when it does not.
"""

import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.errors import UserError

PACKAGED = {  # set -> file in gensim/test/test_data
    "wordsim353": "wordsim353.tsv",
    "simlex999": "simlex999.txt",
    "google": "questions-words.txt",
}
OPTIONAL = {  # set -> name in the dataset registry
    "wordsim353-similarity": "wordsim353-similarity",
    "wordsim353-relatedness": "wordsim353-relatedness",
    "men": "men-3000",
    "rareword": "rareword-2034",
    "msr": "msr-analogies-8000",
}
CITE = {"wordsim353": "finkelstein2002", "simlex999": "hill2015", "google": "mikolov2013a"}
# keys of bench/references.bib for the packaged sets; the registry has those of the others
ANALOGIES = ("google", "msr")  # every other set is a similarity set


@dataclass(frozen=True)
class Pairs:
    """A similarity set: N word pairs and what people said of each."""

    words: list[str]  # 2N, pair after pair
    ratings: npt.NDArray[np.float64]  # (N,)


@dataclass(frozen=True)
class Questions:
    """An analogy set: Q questions "a is to b as c is to expected"."""

    words: list[str]  # 4Q, question after question
    parts: dict[str, npt.NDArray[np.bool_]]  # part -> (Q,) which questions belong to it


def find_files() -> dict[str, Path]:
    """Path of every set that is on this machine. Raises UserError if gensim's own are not."""
    from bench.datasets import evaluation_file  # here, because reading a set needs no registry

    files = {name: packaged_file(file) for name, file in PACKAGED.items()}
    found = {name: evaluation_file(registered) for name, registered in OPTIONAL.items()}
    return files | {name: path for name, path in found.items() if path is not None}


def papers(name: str) -> tuple[str, ...]:
    """Keys of bench/references.bib for the set called `name`; none for one that is not known."""
    from bench.datasets import registry

    return (CITE[name],) if name in CITE else registry()[OPTIONAL[name]].cite if name in OPTIONAL else ()


def packaged_file(file: str) -> Path:
    """Path of a test file inside gensim, found without importing gensim (which takes seconds)."""
    spec = importlib.util.find_spec("gensim")
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        path = Path(folder) / "test" / "test_data" / file
        if path.is_file():
            return path
    raise UserError(
        f"the test set {file} is missing",
        why="it comes inside the gensim package, which is not installed completely",
        remedy="python -m pip install --force-reinstall gensim",
    )


def read_pairs(path: Path) -> Pairs:
    """Read `word word rating ...` lines; further columns are single annotators' ratings.

    Lines that start with # are comments, and a first line without a number is a header.
    """
    words: list[str] = []
    ratings: list[float] = []
    for number, fields in _lines(path):
        try:
            rating = float(fields[2])
        except (IndexError, ValueError):
            if not ratings:
                continue
            raise _malformed(path, number, "two words and a rating") from None
        words += fields[:2]
        ratings.append(rating)
    return Pairs(words, np.asarray(ratings))


def read_questions(path: Path) -> Questions:
    """Read `a b c expected` lines, in sections that `: name` lines begin, or without sections.

    Google's file has five semantic sections, then nine syntactic ones, whose names all begin
    with "gram" (Mikolov et al. 2013a, section 4.1).
    """
    words: list[str] = []
    syntactic: list[bool] = []
    section = None
    for number, fields in _lines(path):
        if fields[0] == ":":
            section = " ".join(fields[1:])
        elif len(fields) == 4:
            words += fields
            syntactic.append(section is not None and section.startswith("gram"))
        else:
            raise _malformed(path, number, "four words")
    parts = {"all": np.ones(len(syntactic), bool)}
    if section is not None:
        parts = {"semantic": ~np.asarray(syntactic, bool), "syntactic": np.asarray(syntactic, bool)} | parts
    return Questions(words, parts)


def _lines(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Numbered fields of every line that is neither blank nor a comment."""
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.startswith("#") and (fields := line.split()):
                yield number, fields


def _malformed(path: Path, number: int, expected: str) -> UserError:
    return UserError(
        f"{path}, line {number} is not {expected}",
        why="the test set is damaged or of another format",
        remedy="fetch the file anew and check its sha256",
    )
