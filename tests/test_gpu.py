"""What is told of a GPU, by a driver that is played here; and what a results folder says of it."""
# ruff: noqa: N802 -- the driver's own names

import sys
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from bench.analysis.checks import alone
from bench.records.schema import Record
from bench.running import gpu
from bench.running.machine import missing
from tests.records_factory import record

MIB = 1 << 20


class Driver(SimpleNamespace):
    """A GPU that another process may use too, and whose clock falls while it is hot."""

    NVMLError = type("NVMLError", (Exception,), {})
    NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0

    def __init__(self, **state):
        usual = {"used": 600 * MIB, "processes": 0, "clock": 1980, "power": 350_000, "heat": 60, "reasons": 1}
        super().__init__(**usual, opened=None)
        self.__dict__.update(state)

    def nvmlInit(self):
        pass

    def nvmlSystemGetDriverVersion(self):
        return "580.1"

    def nvmlDeviceGetHandleByIndex(self, index):
        self.opened = index
        return "handle"

    def nvmlDeviceGetHandleByUUID(self, name):
        self.opened = name
        return "handle"

    def answer(self, value):
        if value is None:
            raise self.NVMLError
        return value

    def nvmlDeviceGetMemoryInfo(self, _):
        return SimpleNamespace(used=self.answer(self.used))

    def nvmlDeviceGetComputeRunningProcesses(self, _):
        return [None] * self.answer(self.processes)

    def nvmlDeviceGetClockInfo(self, _, which):
        return self.answer(self.clock if which == self.NVML_CLOCK_SM else 3201)

    def nvmlDeviceGetPowerUsage(self, _):
        return self.answer(self.power)

    def nvmlDeviceGetTemperature(self, _, __):
        return self.answer(self.heat)

    def nvmlDeviceGetCurrentClocksThrottleReasons(self, _):
        return self.answer(self.reasons)


@pytest.fixture
def driver(monkeypatch):
    played = Driver()
    monkeypatch.setitem(sys.modules, "pynvml", played)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    return played


def test_a_run_on_a_gpu_has_its_memory_clocks_and_heat(driver):
    watch = gpu.watch("cuda")
    driver.used, driver.processes = 2000 * MIB, 1  # the run's own process
    watch.look(training=False)
    for driver.clock, driver.power in ((1980, 500_000), (1700, 690_000), (1800, 600_000)):
        watch.look(training=True)
    driver.used = 1500 * MIB
    watch.look(training=True)
    told = watch.told()
    assert (told.idle_bytes, told.peak_bytes) == (600 * MIB, 2000 * MIB)
    assert (told.samples, told.sm_clock_mhz, told.memory_clock_mhz) == (4, 1800, 3201)
    assert (told.power_w, told.temperature_c) == (690, 60)
    assert (told.slowed, told.contended) == ([], False)


def test_heat_and_neighbours_are_found_afterwards(driver):
    watch = gpu.watch("cuda:0")
    driver.processes, driver.reasons = 2, 0x44
    watch.look(training=True)
    driver.processes, driver.reasons = 1, 0
    watch.look(training=True)
    run = record(gpu=watch.told())
    assert run.gpu.slowed == ["power cap", "thermal, by hardware"]
    assert list(alone.shared_gpu(run))
    assert "power cap" in next(alone.slowed_gpu(run))
    assert Record.from_json(run.to_json()) == run


def test_a_process_that_was_there_before_counts(driver):
    driver.processes = 1
    assert gpu.watch("cuda").told().contended


def test_what_the_driver_does_not_say_is_null(driver):
    driver.__dict__.update(dict.fromkeys(("used", "processes", "clock", "power", "heat", "reasons")))
    watch = gpu.watch("cuda")
    watch.look(training=True)
    told = asdict(watch.told())
    assert {k for k, v in told.items() if v is None} == {
        "idle_bytes", "peak_bytes", "sm_clock_mhz", "power_w", "temperature_c", "contended"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("visible", "device", "opened"),
    [("", "cuda:2", 2), ("3,1", "cuda:1", 1), ("GPU-abc", "cuda", "GPU-abc"), ("3", "cuda", 3)],
)
def test_the_gpu_that_is_watched_is_the_one_that_torch_uses(driver, monkeypatch, visible, device, opened):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    gpu.watch(device)
    assert driver.opened == opened


def test_without_gpu_package_or_driver_nothing_is_watched(driver, monkeypatch):
    assert gpu.watch("cpu") is None
    monkeypatch.setattr(driver, "nvmlInit", lambda: driver.answer(None), raising=False)
    assert gpu.watch("cuda") is None
    monkeypatch.setitem(sys.modules, "pynvml", None)
    assert gpu.watch("cuda") is None


def test_what_the_triton_files_need_is_named_with_its_extra(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name == "triton" else object())
    assert missing(("torch", "cuda", "triton"), "cpu") == "needs a GPU: give --device cuda"
    assert "w2vbench[gpu]" in missing(("torch", "cuda", "triton"), "cuda")


PLAYED = """
from types import SimpleNamespace

class NVMLError(Exception):
    pass

NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
nvmlInit = lambda: None
nvmlSystemGetDriverVersion = lambda: b"580.1"
nvmlDeviceGetHandleByIndex = lambda index: index
nvmlDeviceGetMemoryInfo = lambda _: SimpleNamespace(used=12345)
nvmlDeviceGetComputeRunningProcesses = lambda _: ["another", "the run's own"]
nvmlDeviceGetClockInfo = lambda _, which: 1000 * which
nvmlDeviceGetPowerUsage = lambda _: 400_000
nvmlDeviceGetTemperature = lambda _, __: 50
nvmlDeviceGetCurrentClocksThrottleReasons = lambda _: 0x20
"""


def test_the_record_holds_what_the_driver_told(laboratory):
    (laboratory.folder / "pynvml.py").write_text(PLAYED)
    laboratory.fake(train="import time; time.sleep(1)")
    status, (run,), _ = laboratory.run("--impl", "fake", "--device", "cuda")
    assert status == 0
    assert run["gpu"]["samples"] >= 2
    assert {k: v for k, v in run["gpu"].items() if k != "samples"} == {
        "driver": "580.1",
        "idle_bytes": 12345,
        "peak_bytes": 12345,
        "sm_clock_mhz": 1000,
        "memory_clock_mhz": 2000,
        "power_w": 400,
        "temperature_c": 50,
        "slowed": ["thermal, by software"],
        "contended": True,
    }
    _, (plain,), _ = laboratory.run("--impl", "fake")
    assert plain["gpu"] is None
