"""The machine card, what is missing, and what will make numbers unstable."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.datasets import registry, status
from bench.discovery import implementations
from bench.running.machine import cores, load_average, machine, missing, versions


@dataclass(frozen=True)
class Finding:
    """One thing to know, and what to do about it."""

    level: Literal["ok", "note", "warning"]
    what: str
    remedy: str = ""


def findings() -> list[Finding]:
    """Everything that would be missing from, or shake, a measurement here."""
    return [*_implementations(), *_data(), *_stability()]


def card() -> dict[str, Any]:
    """Machine, versions and present load."""
    return {"machine": machine(), "versions": versions(), "load_average": load_average()}


def _implementations() -> list[Finding]:
    device = "cuda" if machine()["gpu"] else "cpu"
    found = []
    for name, entry in implementations().items():
        lacking = missing(entry.spec.needs, device)
        if lacking:
            found.append(Finding("note", f"{name} will be skipped: {lacking.split(':')[0]}", lacking))
        else:
            found.append(Finding("ok", f"{name} can run"))
    return found


def _data() -> list[Finding]:
    found = []
    for dataset in registry().values():
        here = status(dataset)
        if not dataset.file:
            found.append(Finding("ok", f"data {dataset.name} needs no file"))
        elif here.path is None:
            found.append(
                Finding(
                    "note",
                    f"data {dataset.name} is not on disk",
                    dataset.remedy or f"w2vbench data fetch {dataset.name}",
                )
            )
        else:
            found.append(Finding("ok", f"data {dataset.name} at {here.path}"))
    return found


def _stability() -> list[Finding]:
    load, found = load_average(), []
    if load is not None and load > 0.3:
        found.append(
            Finding(
                "warning",
                f"load average is {load}: something else is running",
                "stop it, or compare ratios within a block only",
            )
        )
    if cores() < 2:
        found.append(Finding("warning", "one core only", "gensim and the harness will share it"))
    governor = Path("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    if governor.exists() and (name := governor.read_text().strip()) != "performance":
        found.append(
            Finding(
                "warning",
                f"the clock follows the load (governor {name})",
                "cpupower frequency-set -g performance",
            )
        )
    if "hypervisor" in _cpu_flags():
        found.append(
            Finding(
                "warning",
                "a virtual machine: neighbours make absolute times drift",
                "use five blocks or more (--seeds 5) and quote ratios with their interval",
            )
        )
    return found


def _cpu_flags() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
