"""What the GPU did while a run used it, as its driver tells: clocks, power, heat, neighbours, memory.

Asked through nvidia-ml-py (extra `gpu`) by the parent process, which holds no memory of the device itself.
PyTorch counts what its allocator handed out; the driver counts everything, the CUDA context and
compiled kernels included. Memory is asked for in a pass of its own (`MemoryWatch`), never of a process
whose training is timed: to know a peak the driver must be asked fifty times a second.
"""

import importlib
import os
from collections.abc import Callable
from typing import Any, TypeVar

from bench.records.schema import Gpu

SLOWED = {  # bits of the driver's reasons why the clock is below its most; idling is not one
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "thermal, by software",
    0x40: "thermal, by hardware",
    0x80: "power brake",
}


class Device:
    """One GPU whose driver is asked while a run uses it."""

    def __init__(self, nvml: Any, index: int):
        self.nvml = nvml
        nvml.nvmlInit()
        self.handle = _handle(nvml, index)
        self.shared: bool | None = False

    def look_around(self) -> None:
        """Remembers a neighbour beside the run's process, if there is one at this moment."""
        if self._neighbours(own=1):
            self.shared = True

    def _ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        try:
            return question(self.handle, *arguments)
        except self.nvml.NVMLError:  # not every device answers everything
            return None

    def _neighbours(self, own: int) -> bool | None:
        """Whether more processes compute there than our own; process ids may be those of a host."""
        running = self._ask(self.nvml.nvmlDeviceGetComputeRunningProcesses)
        return None if running is None else len(running) > own


class MemoryWatch(Device):
    """What is in use on the whole device: before the process began, until it was ready to train, and then."""

    def __init__(self, nvml: Any, index: int):
        super().__init__(
            nvml, index
        )  # no look for neighbours yet: the process that was timed has only just left
        self.idle_bytes = self._used()
        self.setup_peak_bytes: int | None = None
        self.peak_bytes: int | None = None

    def look(self, training: bool) -> None:
        """A sample of memory and neighbours."""
        self.look_around()
        if (used := self._used()) is None:
            return
        if training:
            self.peak_bytes = max(used, self.peak_bytes or 0)
        else:
            self.setup_peak_bytes = max(used, self.setup_peak_bytes or 0)

    def _used(self) -> int | None:
        memory = self._ask(self.nvml.nvmlDeviceGetMemoryInfo)
        return None if memory is None else int(memory.used)


class Watch(Device):
    """All but memory, of a run that is timed. `look` takes a sample, `told` is what they come to."""

    def __init__(self, nvml: Any, index: int):
        super().__init__(nvml, index)
        self.shared = self._neighbours(own=0)
        self.clocks_mhz: list[float] = []
        self.memory_clocks_mhz: list[float] = []
        self.power_w: list[float] = []
        self.temperature_c: list[float] = []
        self.slowed = 0

    def look(self, training: bool) -> None:
        """A sample: neighbours at any time, all else while training."""
        self.look_around()
        if training:
            nvml = self.nvml
            self._add(self.clocks_mhz, nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_SM)
            self._add(self.memory_clocks_mhz, nvml.nvmlDeviceGetClockInfo, nvml.NVML_CLOCK_MEM)
            self._add(self.power_w, nvml.nvmlDeviceGetPowerUsage, scale=1e-3)  # milliwatts
            self._add(self.temperature_c, nvml.nvmlDeviceGetTemperature, nvml.NVML_TEMPERATURE_GPU)
            self.slowed |= self._ask(nvml.nvmlDeviceGetCurrentClocksThrottleReasons) or 0

    def told(self, memory: MemoryWatch | None = None) -> Gpu:
        """The record's group, with what a pass for its memory found. What the driver does not say is None."""
        return Gpu(
            driver=_text(self.nvml.nvmlSystemGetDriverVersion()),
            idle_bytes=memory.idle_bytes if memory else None,
            peak_bytes=memory.peak_bytes if memory else None,
            samples=len(self.clocks_mhz),
            sm_clock_mhz=_middle(self.clocks_mhz),
            memory_clock_mhz=_middle(self.memory_clocks_mhz),
            power_w=max(self.power_w, default=None),
            temperature_c=max(self.temperature_c, default=None),
            slowed=[name for bit, name in SLOWED.items() if self.slowed & bit],
            contended=bool(memory and memory.shared) or self.shared,
            setup_peak_bytes=memory.setup_peak_bytes if memory else None,
        )

    def _add(
        self, samples: list[float], question: Callable[..., Any], *arguments: Any, scale: float = 1
    ) -> None:
        if (answer := self._ask(question, *arguments)) is not None:
            samples.append(answer * scale)


def watch(device: str) -> Watch | None:
    """A watch on a torch device; None where it is no GPU, or package or driver are missing."""
    return _open(Watch, device)


def memory_watch(device: str) -> MemoryWatch | None:
    """A watch on the memory of a torch device; None as for `watch`."""
    return _open(MemoryWatch, device)


D = TypeVar("D", bound=Device)


def _open(kind: type[D], device: str) -> D | None:
    if not device.startswith("cuda"):
        return None
    try:
        nvml = importlib.import_module("pynvml")
    except ImportError:
        return None
    try:
        return kind(nvml, int(device.partition(":")[2] or 0))
    except nvml.NVMLError:
        return None


def _handle(nvml: Any, index: int) -> Any:
    """The driver counts all GPUs, CUDA those that CUDA_VISIBLE_DEVICES names, in its order."""
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    name = named[index] if index < len(named) else str(index)
    return (
        nvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else nvml.nvmlDeviceGetHandleByUUID(name)
    )


def _middle(samples: list[float]) -> float | None:
    return sorted(samples)[len(samples) // 2] if samples else None


def _text(version: str | bytes) -> str:
    return version.decode() if isinstance(version, bytes) else version
