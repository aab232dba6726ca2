"""Compiles one C or C++ source at first use into a cache, keyed by everything that shapes the binary."""

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UserError

COMPILERS = {".c": ("CC", ("cc", "gcc", "clang")), ".cpp": ("CXX", ("c++", "g++", "clang++"))}


def build(source: Path, flags: Sequence[str]) -> Path:
    """The binary of `source`, compiled now (seconds) or found in the cache.

    The key holds every macro that the compiler predefines under `-march=native`, its version and the
    processor's instruction sets among them: a cache on a shared disk never mixes two machines.
    `flags` follow the source, as libraries have to. Raises UserError where there is no compiler
    or it refuses the source; its message is kept.
    """
    compiler = find_compiler(source)
    language = "c" if source.suffix == ".c" else "c++"
    macros = run(compiler, "-march=native", "-dM", "-E", "-x", language, os.devnull)
    key = hashlib.sha256(source.read_bytes() + " ".join(flags).encode() + macros).hexdigest()[:16]
    folder = Path(os.environ.get("W2VBENCH_CACHE") or Path.home() / ".cache" / "w2vbench") / "build"
    target = folder / f"{source.stem.lstrip('_')}-{key}"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            built = Path(scratch) / target.name
            run(compiler, str(source), *flags, "-o", str(built))
            built.replace(target)  # atomic: another process sees all of it or nothing
    return target


def find_compiler(source: Path) -> str:
    """$CC or $CXX, or the first compiler for `source` that is installed."""
    variable, names = COMPILERS[source.suffix]
    for name in filter(None, (os.environ.get(variable), *names)):
        if path := shutil.which(name):
            return path
    raise UserError(
        f"no compiler for {source.name}",
        why=f"it is compiled at first use, and none of {', '.join(names)} was found",
        remedy=f"install g++ (apt install g++) or clang, or name yours in {variable}",
    )


def run(*command: str) -> bytes:
    """Standard output of a compiler call. Raises UserError with its messages where it fails."""
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise UserError(
            f"{command[0]} could not compile {Path(command[1]).name}",
            why=done.stderr.decode(errors="replace").strip()[-2000:],
            remedy="use GCC 12 or Clang 11 or newer, named in CC or CXX",
        )
    return done.stdout
