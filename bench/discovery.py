"""Finds the implementations in `impls/` without importing them.

A `Spec` is written in literals, so it can be read from the source. The parent process so never
imports torch, and a file that fails to import still has its row.
"""

import ast
import hashlib
import importlib
import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from bench.contract import Implementation, Option, Spec
from bench.errors import UserError, unknown_name

PACKAGE = "impls"
MEASURING = "_approximation"  # the helper that measures how good approximations are


@dataclass(frozen=True)
class Entry:
    """One implementation as found on disk."""

    spec: Spec
    class_name: str
    path: Path
    source_sha256: str  # of the file and of every shared helper that it reaches


def implementations(where: Path | None = None) -> dict[str, Entry]:
    """All implementations by name, sorted. Raises UserError for a malformed or doubled spec."""
    files = sorted((where or folder()).glob("*.*"))
    return dict(_read(tuple((path, path.stat().st_mtime_ns) for path in files)))


@lru_cache(maxsize=4)  # parsing all files takes a tenth of a second, and a plan asks for each of its runs
def _read(files: tuple[tuple[Path, int], ...]) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in (path for path, _ in files if path.match("[!_]*.py")):
        for entry in _entries(path):
            if entry.spec.name in found:
                raise UserError(
                    f"two implementations are called {entry.spec.name!r}",
                    why=f"{found[entry.spec.name].path.name} and {path.name} both say so",
                    remedy="rename one in its Spec",
                )
            found[entry.spec.name] = entry
    return found


def find(name: str) -> Entry:
    """The implementation called `name`. Raises UserError with the closest names."""
    known = implementations()
    if name not in known:
        raise unknown_name("implementation", name, known)
    return known[name]


def load(name: str, options: Mapping[str, Option] | None = None) -> Implementation:
    """A fresh object of the implementation. Imports its file, so only a worker calls this."""
    entry = find(name)
    module = importlib.import_module(f"{PACKAGE}.{entry.path.stem}")
    implementation: Implementation = getattr(module, entry.class_name)(options)
    return implementation


def load_measure() -> Any:
    """The function that gives a `bench.contract.Approximation`. Imports torch: for workers only."""
    return importlib.import_module(f"{PACKAGE}.{MEASURING}").measure


def measuring_source() -> str:
    """sha256 of the mathematics behind `w2vbench approximation`."""
    return source_hash(folder() / f"{MEASURING}.py")


def folder() -> Path:
    """Where the implementations are: the package `impls` that comes first on the path."""
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise UserError("the package 'impls' is missing", remedy="install the project: pip install -e .")
    return Path(spec.submodule_search_locations[0])


def _entries(path: Path) -> list[Entry]:
    tree = ast.parse(path.read_text("utf-8"), filename=str(path))
    entries = []
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and (call := _spec_call(node)) is not None:
            entries.append(Entry(_read_spec(call, path), node.name, path, source_hash(path)))
    return entries


def _spec_call(node: ast.ClassDef) -> ast.Call | None:
    for statement in node.body:
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            names = [t.id for t in statement.targets if isinstance(t, ast.Name)]
            if names == ["spec"]:
                return statement.value
    return None


def _read_spec(call: ast.Call, path: Path) -> Spec:
    try:
        return Spec(**{k.arg: ast.literal_eval(k.value) for k in call.keywords if k.arg})
    except (ValueError, TypeError) as error:
        raise UserError(
            f"cannot read the Spec in {path.name}, line {call.lineno}",
            why=str(error),
            remedy="write every field as a plain literal; the fields are in bench/contract.py",
        ) from error


def source_hash(path: Path) -> str:
    """sha256 over `path`, the helpers it imports from its own folder (transitively) and their C++.

    Editing one implementation so invalidates its own results only.
    """
    digest = hashlib.sha256()
    for file in sorted(_reached(path, set())):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def _reached(path: Path, seen: set[Path]) -> set[Path]:
    if path in seen or not path.exists():
        return seen
    seen.add(path)
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith(f"{PACKAGE}."):
            _reached(path.parent / f"{node.module.split('.')[1]}.py", seen)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.endswith(".cpp"):
            seen.add(path.parent / node.value)
    return {p for p in seen if p.exists()}
