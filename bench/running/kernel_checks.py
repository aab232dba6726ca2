"""Holds what runs on a GPU to its equations there, by the tests of the checkout, before it is timed."""

import importlib.util
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from bench.errors import UserError
from bench.records.store import write_json
from bench.running.machine import cores, git, machine, versions

MOST_PROCESSES = 8  # each holds a context of half a gigabyte on the device
SAID = 2000  # characters of a failure that are kept


@dataclass(frozen=True)
class Checked:
    """What the tests said."""

    passed: int
    skipped: int
    failed: dict[str, str]  # by test: what it said
    duration_s: float

    @property
    def text(self) -> str:
        """One line."""
        bad = f": {', '.join(self.failed)}" if self.failed else ""
        counts = f"{self.passed} passed, {len(self.failed)} failed, {self.skipped} skipped"
        return f"kernels against their equations: {counts} in {self.duration_s:.0f} s{bad}"


def check(tests: Sequence[Path], timeout_s: float) -> Checked:
    """Run test files with pytest, on several processors where pytest-xdist is there.

    Tests that come to no end, or cannot begin, have failed. Raises UserError where a file is missing.
    """
    if missing := [path for path in tests if not path.exists()]:
        raise UserError(
            f"cannot check the kernels: {missing[0]} is not there",
            why="the tests are part of a checkout, not of an installed package",
            remedy="run it in a checkout, or leave the checks out with --no-check",
        )
    beside = ["-n", str(min(MOST_PROCESSES, cores()))] if importlib.util.find_spec("xdist") else []
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="w2vbench-") as folder:
        report = Path(folder) / "tests.xml"
        # other versions than the pinned ones may warn of what does not matter here
        command = [sys.executable, "-m", "pytest", "-q", "-W", "ignore", f"--junitxml={report}", *beside]
        try:
            done = subprocess.run(
                [*command, *map(str, tests)], capture_output=True, text=True, check=False, timeout=timeout_s
            )
        except subprocess.TimeoutExpired:
            return Checked(0, 0, {"pytest": f"stopped after {timeout_s:g} s"}, timeout_s)
        duration_s = time.perf_counter() - began
        if not report.exists():
            return Checked(0, 0, {"pytest": (done.stdout + done.stderr)[-SAID:].strip()}, duration_s)
        return _read(report, duration_s)


def _read(report: Path, duration_s: float) -> Checked:
    failed, skipped, cases = {}, 0, list(ET.parse(report).iter("testcase"))
    for case in cases:
        skipped += case.find("skipped") is not None
        for kind in ("failure", "error"):
            if (found := case.find(kind)) is not None:
                failed[str(case.get("name"))] = (found.text or found.get("message") or "")[-SAID:]
    return Checked(len(cases) - skipped - len(failed), skipped, failed, duration_s)


def write(checked: Checked, folder: Path) -> Path:
    """Beside the records of the machine, and deeper than they. Raises UserError if the disk refuses."""
    known = {"checked": datetime.now(UTC).isoformat(timespec="seconds"), "machine": machine()}
    data = {**known, "versions": versions(), "git": git(), **asdict(checked)}
    return write_json(folder / str(machine()["name"]) / "checks" / "gpu.json", data)
