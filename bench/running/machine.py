"""What a number was measured on: the machine, the versions, the commit. Reads, never changes."""

import hashlib
import importlib.metadata
import importlib.util
import os
import platform
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

from bench.revisions import GitError, ask

EXTRAS = {"word2vec": "reference", "triton": "gpu"}  # package -> the extra that brings it
PACKAGES = ("torch", "numpy", "scipy", "gensim", "word2vec", "triton", "w2vbench")


def _read(path: str) -> str:
    try:
        return Path(path).read_text("utf-8", "replace")
    except OSError:
        return ""


def cores() -> int:
    """Cores this process may use; a container's share, not the whole host."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _cpu() -> str:
    names = re.findall(r"^model name\s*:\s*(.+)$", _read("/proc/cpuinfo"), re.MULTILINE)
    return names[0].strip() if names else platform.processor() or platform.machine()


def _memory_bytes() -> int | None:
    total = re.search(r"^MemTotal:\s+(\d+) kB", _read("/proc/meminfo"), re.MULTILINE)
    return int(total[1]) * 1024 if total else None


@cache
def gpus() -> list[str]:
    """Names of the NVIDIA GPUs, by nvidia-smi: asking torch would mean importing it."""
    if not (tool := shutil.which("nvidia-smi")):
        return []
    query = [tool, "--query-gpu=name", "--format=csv,noheader"]
    done = subprocess.run(query, capture_output=True, text=True, timeout=30, check=False)
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if not done.returncode else []


def machine() -> dict[str, Any]:
    """The card that goes into every record; `name` groups results and never mixes two machines."""
    cpu, gpu = _cpu(), ", ".join(gpus()) or None
    words = re.sub(r"\((r|tm)\)|\bcpu\b|\bprocessor\b|@.*", " ", cpu.lower())
    slug = "-".join(re.findall(r"[a-z0-9]+", f"{words} {gpu or ''}"))
    identity = _read("/etc/machine-id").strip() or platform.node()
    return {
        "name": f"{slug}-{cores()}c-{hashlib.sha256(identity.encode()).hexdigest()[:4]}",
        "cpu": cpu,
        "cores": cores(),
        "memory_bytes": _memory_bytes(),
        "gpu": gpu,
        "os": platform.platform(),
    }


def load_average() -> float | None:
    """Runnable processes over the last minute, all users."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


class Withheld:
    """What the host of a virtual machine withholds from it, since this was made or `share` last asked."""

    def __init__(self) -> None:
        self._counted = self._count()

    def share(self) -> float | None:
        """Of the processor time wanted here, the share given to others; null: the system does not say."""
        before, self._counted = self._counted, self._count()
        if before is None or self._counted is None:
            return None
        worked, withheld = (now - then for now, then in zip(self._counted, before, strict=True))
        return round(withheld / (worked + withheld), 3) if worked + withheld > 0 else 0.0

    @staticmethod
    def _count() -> tuple[int, int] | None:
        """Ticks that all processors have worked and were kept from working, since the system started."""
        counts = [int(count) for count in _read("/proc/stat").partition("\n")[0].split()[1:9]]
        if len(counts) < 8:
            return None
        user, nice, system, _, _, interrupts, soft_interrupts, steal = counts
        return user + nice + system + interrupts + soft_interrupts, steal


@cache
def versions() -> dict[str, str]:
    """Python and the installed packages that a run can depend on."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


@cache
def git() -> dict[str, Any]:
    """Commit of the checkout that the harness runs from, and whether its code was changed since."""
    here = Path(__file__).resolve().parents[2]

    code = ("bench", "impls", "pyproject.toml", "constraints.txt")
    try:
        commit = ask(here, "rev-parse", "HEAD").decode().strip()
        changed = ask(here, "status", "--porcelain", "--", *code).strip()
    except GitError:
        return {"commit": None, "dirty": None}
    return {"commit": commit, "dirty": bool(changed)}


def c_compiler() -> str | None:
    """The path of $CC, or of the first C compiler that is installed."""
    names = (os.environ.get("CC") or "cc", "gcc", "clang")
    return next((path for name in names if (path := shutil.which(name))), None)


def missing(needs: tuple[str, ...], device: str) -> str | None:
    """Why an implementation with these needs cannot run here; None if it can."""
    for need in needs:
        if need == "cc":
            if c_compiler() is None:
                return "needs a C compiler: install gcc or clang, or set CC"
        elif need == "cuda":
            if not device.startswith("cuda"):
                return "needs a GPU: give --device cuda"
        elif importlib.util.find_spec(need) is None:
            extra = f"'w2vbench[{EXTRAS[need]}]' or pip install " if need in EXTRAS else ""
            return f"needs the package {need!r}: pip install {extra}{need}"
    return None
