"""What `compare` compares: a folder of records, a git revision of it, or a name inside it."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.errors import UserError, unknown_name
from bench.records import store
from bench.records.schema import Record
from bench.revisions import GitError, ask, unpack


@dataclass(frozen=True)
class Side:
    """One side of a comparison."""

    label: str  # what it was taken for: "folder new-results", "revision cf4075a1b2c3", ...
    records: tuple[Record, ...]
    implementation: str | None = None  # set: only its rows are compared


def find_side(name: str, results: Path) -> Side:
    """The side called `name`; the first of these that exists:

    1. a folder of results, or one machine's folder inside such a folder
    2. the name of a machine in `results`
    3. the name of an implementation that has records in `results`
    4. a git revision, of which `results` as committed there is read

    Raises UserError for anything else.
    """
    if Path(name).is_dir():
        return Side(f"folder {name}", tuple(_folder(Path(name))))
    here = store.read_all(results)
    if machine := tuple(r for r in here if r.machine["name"] == name):
        return Side(f"machine {name}", machine)
    if any(r.implementation["name"] == name for r in here):
        return Side(f"implementation {name}", tuple(here), name)
    if commit := _commit(name, results.absolute().parent):
        return Side(f"revision {name} ({commit[:12]})", tuple(_committed(commit, results.absolute())))
    known = {r.machine["name"] for r in here} | {r.implementation["name"] for r in here}
    raise unknown_name("folder, git revision, machine or implementation", name, map(str, known))


def _folder(folder: Path) -> list[Record]:
    """The records of a results folder or of a machine's folder."""
    inside = [store.read(path) for path in sorted(folder.glob("*.json"))]
    return inside or store.read_all(folder)


def _commit(name: str, where: Path) -> str | None:
    """The full hash of a revision of the repository around `where`; None if there is none so called."""
    try:
        found = ask(where, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    except GitError:
        return None
    return found.decode().strip()


def _committed(commit: str, results: Path) -> list[Record]:
    """The records of `results` at `commit`, read without touching the working tree."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            unpack(results.parent, commit, results.name, Path(scratch))
        except GitError as refused:
            raise UserError(
                f"revision {commit[:12]} has no folder {results.name}",
                why=str(refused),
                remedy="name a later revision, or the committed folder with --results",
            ) from refused
        return store.read_all(Path(scratch) / results.name)
