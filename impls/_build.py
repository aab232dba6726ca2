"""Compiles one C or C++ source at first use into a cache, keyed by everything that shapes the binary."""

import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.errors import UserError


def cache_folder() -> Path:
    """Where binaries are kept: `W2VBENCH_CACHE`, else the user's cache folder."""
    home = os.environ.get("W2VBENCH_CACHE") or Path.home() / ".cache" / "w2vbench"
    return Path(home) / "build"


def build(source: Path, compilers: Sequence[str], flags: Sequence[str]) -> Path:
    """The binary of `source`, compiled now or found in the cache.

    Args:
        source: one self-contained C or C++ file.
        compilers: tried in this order, after the environment's `CC` or `CXX`.
        flags: passed as they are, behind the source (libraries have to follow it).

    Raises:
        UserError: no compiler, or the compiler refused the source (its message is kept).
    """
    compiler = _compiler(source, compilers)
    version = subprocess.run([compiler, "--version"], capture_output=True, text=True, check=True).stdout
    # -march=native makes the binary a matter of this processor: a cache on a shared disk must not mix them.
    parts = [source.read_bytes(), " ".join(flags).encode(), version.encode(), _processor().encode()]
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    target = cache_folder() / f"{source.stem.lstrip('_')}-{key}"
    if not target.exists():
        _compile([compiler, str(source), *flags], target)
    return target


def _compiler(source: Path, compilers: Sequence[str]) -> str:
    variable = "CC" if source.suffix == ".c" else "CXX"
    wanted = [os.environ.get(variable, ""), *compilers]
    for name in wanted:
        if name and (path := shutil.which(name)):
            return path
    raise UserError(
        f"no compiler for {source.name}",
        why=f"looked for {', '.join(filter(None, wanted))}",
        remedy=f"install gcc or clang (Debian: apt install build-essential), or set {variable}",
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line for line in lines if line.startswith("flags")), platform.processor())


def _compile(command: list[str], target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / target.name
        done = subprocess.run([*command, "-o", str(fresh)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise UserError(
                f"{Path(command[0]).name} could not compile {Path(command[1]).name}",
                why=done.stderr.strip()[-2000:],
                remedy="try another compiler through CC or CXX",
            )
        fresh.replace(target)  # atomic: another run never sees half a binary
