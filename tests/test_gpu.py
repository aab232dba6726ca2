"""What is told of a GPU, by a driver that is played here; and what a results folder says of it."""
# ruff: noqa: N802 -- the driver's own names

import itertools
import sys
from dataclasses import asdict
from types import ModuleType, SimpleNamespace

import pytest

from bench.analysis.checks import alone
from bench.analysis.rows import cells
from bench.records.schema import Record
from bench.running import gpu, worker
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


def test_a_run_on_a_gpu_has_its_clocks_and_heat(driver):
    watch = gpu.watch("cuda")
    driver.processes = 1  # the run's own
    watch.look(training=False)
    for driver.clock, driver.power in ((1980, 500_000), (1700, 690_000), (1800, 600_000), (1800, 500_000)):
        watch.look(training=True)
    told = watch.told()
    assert (told.samples, told.sm_clock_mhz, told.memory_clock_mhz) == (4, 1800, 3201)
    assert (told.power_w, told.temperature_c) == (690, 60)
    assert (told.slowed, told.contended) == ([], False)
    assert (told.idle_bytes, told.setup_peak_bytes, told.peak_bytes) == (None, None, None)


def test_memory_has_a_watch_of_its_own_which_tells_training_from_what_comes_before(driver):
    timed, memory = gpu.watch("cuda"), gpu.memory_watch("cuda")
    driver.processes = 1
    for training, used in (
        (False, 900),
        (False, 5000),
        (False, 1200),
        (True, 1300),
        (True, 2000),
        (True, 1500),
    ):
        driver.used = used * MIB
        memory.look(training)
    told = timed.told(memory)
    assert (told.idle_bytes, told.setup_peak_bytes, told.peak_bytes) == (600 * MIB, 5000 * MIB, 2000 * MIB)
    assert told.contended is False
    driver.processes = 2
    memory.look(training=True)
    assert timed.told(memory).contended  # what the whole device holds is then not the run's alone


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
    watch, memory = gpu.watch("cuda"), gpu.memory_watch("cuda")
    for one in (watch, memory):
        one.look(training=True)
    told = asdict(watch.told(memory))
    assert {k for k, v in told.items() if v is None} == {
        "idle_bytes", "setup_peak_bytes", "peak_bytes", "contended",
        "sm_clock_mhz", "power_w", "temperature_c",
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
import time
from types import SimpleNamespace

class NVMLError(Exception):
    pass

NVML_CLOCK_SM, NVML_CLOCK_MEM, NVML_TEMPERATURE_GPU = 1, 2, 0
nvmlInit = lambda: None
nvmlSystemGetDriverVersion = lambda: b"580.1"
nvmlDeviceGetHandleByIndex = lambda index: index

def nvmlDeviceGetMemoryInfo(_):
    with open("asked", "a") as file:
        print(time.monotonic(), file=file)
    return SimpleNamespace(used=12345)

nvmlDeviceGetComputeRunningProcesses = lambda _: ["another", "the run's own"]
nvmlDeviceGetClockInfo = lambda _, which: 1000 * which
nvmlDeviceGetPowerUsage = lambda _: 400_000
nvmlDeviceGetTemperature = lambda _, __: 50
nvmlDeviceGetCurrentClocksThrottleReasons = lambda _: 0x20
"""


ALLOCATOR = """
import types

Tensor = type("Tensor", (), {})
manual_seed = set_num_threads = lambda _: None
held = kept = most = most_kept = 0

def hold(bytes_):
    global held, kept, most, most_kept
    held += bytes_
    kept = max(kept, held)
    most, most_kept = max(most, held), max(most_kept, kept)

def _empty():
    global kept
    kept = held

def _reset(_):
    global most, most_kept
    most, most_kept = held, kept

cuda = types.SimpleNamespace(
    synchronize=lambda _: None,
    max_memory_allocated=lambda _: most,
    max_memory_reserved=lambda _: most_kept,
    empty_cache=_empty,
    reset_peak_memory_stats=_reset,
)
"""
TELLS_ITS_TIME = """
import pathlib, time, torch
torch.hold(50)
began = time.monotonic()
for word in range({milliseconds}):
    time.sleep(0.001)
    tick(word)
torch.hold(-50)
with open("trained", "a") as file:
    print(began, time.monotonic(), file=file)
if "{dies}" and len(pathlib.Path("trained").read_text().splitlines()) == 2:
    import os
    os.kill(os.getpid(), 9)
"""


@pytest.fixture
def machine(laboratory):
    """A laboratory with a GPU that is played: what its driver and PyTorch's allocator would answer."""
    (laboratory.folder / "pynvml.py").write_text(PLAYED)
    (laboratory.folder / "torch.py").write_text(ALLOCATOR)

    def fake(milliseconds=10, dies=""):
        setup = "import torch; torch.hold(300); torch.hold(-200)"
        laboratory.fake(prepare=setup, train=TELLS_ITS_TIME.format(milliseconds=milliseconds, dies=dies))
        return laboratory

    return fake


def _lines(path):
    return [[float(x) for x in line.split()] for line in path.read_text().splitlines()]


ALLOCATED = ("cuda_setup_allocated_bytes", "cuda_setup_reserved_bytes")
TRAINING = ("cuda_peak_allocated_bytes", "cuda_peak_reserved_bytes")


def test_the_record_holds_what_the_driver_told_and_memory_is_not_asked_for_while_the_clock_runs(machine):
    laboratory = machine(milliseconds=1000)
    status, (run,), _ = laboratory.run("--impl", "fake", "--device", "cuda")
    assert status == 0
    assert run["gpu"]["samples"] >= 2
    assert {k: v for k, v in run["gpu"].items() if k != "samples"} == {
        "driver": "580.1",
        "idle_bytes": 12345,
        "setup_peak_bytes": 12345,
        "peak_bytes": 12345,
        "sm_clock_mhz": 1000,
        "memory_clock_mhz": 2000,
        "power_w": 400,
        "temperature_c": 50,
        "slowed": ["thermal, by software"],
        "contended": True,
    }
    timed, passed = _lines(laboratory.folder / "trained")
    asked = [moment for (moment,) in _lines(laboratory.folder / "asked")]
    assert min(asked) > timed[1]
    assert sum(passed[0] < moment < passed[1] for moment in asked) > 10  # of the 50 that fit
    assert [run["memory"][name] for name in ALLOCATED] == [300, 300]
    assert [run["memory"][name] for name in TRAINING] == [150, 150]  # without the 200 that were given back
    assert run["memory"]["missing"] is None


def test_one_pass_measures_the_memory_of_all_seeds_of_a_cell(machine):
    laboratory = machine()
    _, runs, _ = laboratory.run("--impl", "fake", "--device", "cuda", "--seeds", "3")
    assert [run["memory"]["cuda_peak_allocated_bytes"] for run in runs] == [150, None, None]
    assert [run["gpu"]["peak_bytes"] for run in runs] == [12345, None, None]
    assert len(_lines(laboratory.folder / "trained")) == 4
    (cell,) = cells(map(Record.from_json, laboratory.records()))
    assert (len(cell.runs), cell.cuda_peak_bytes) == (3, 150)
    _, runs, _ = laboratory.run("--impl", "fake", "--device", "cuda", "--seeds", "4")  # three are finished
    assert runs[3]["memory"]["cuda_peak_allocated_bytes"] is None


def test_a_pass_that_dies_leaves_the_timed_run_and_says_why_memory_is_missing(machine):
    laboratory = machine(dies="yes")
    status, runs, _ = laboratory.run("--impl", "fake", "--device", "cuda", "--seeds", "2")
    assert (status, [run["status"] for run in runs]) == (0, ["ok", "ok"])
    assert all(run["throughput"]["raw_words_per_s"] and run["quality"] for run in runs)
    first = runs[0]
    assert [first["memory"][name] for name in (*ALLOCATED, *TRAINING)] == [None] * 4
    assert "killed by the system in phase train" in first["memory"]["missing"]
    assert first["memory"]["host_peak_bytes"] > 0
    assert (first["gpu"]["peak_bytes"], first["gpu"]["sm_clock_mhz"]) == (None, 1000)
    assert len(_lines(laboratory.folder / "trained")) == 3  # and the next seed does not try again


def test_what_trains_on_the_host_has_no_pass(machine):
    laboratory = machine()
    _, (run,), _ = laboratory.run("--impl", "fake")
    assert run["gpu"] is None
    assert run["memory"]["cuda_peak_allocated_bytes"] is None
    assert len(_lines(laboratory.folder / "trained")) == 1
    laboratory.fake("gensim_like", train="open('host', 'a').write('trained ')")
    _, (run,), _ = laboratory.run("--impl", "gensim_like", "--device", "cuda")
    assert (run["gpu"]["driver"], run["gpu"]["peak_bytes"]) == ("580.1", None)
    assert run["memory"]["missing"] is None
    assert (laboratory.folder / "host").read_text().split() == ["trained"]


def test_a_pass_trains_no_longer_than_it_is_told(monkeypatch):
    allocator = ModuleType("torch")
    exec(ALLOCATOR, allocator.__dict__)
    monkeypatch.setitem(sys.modules, "torch", allocator)
    ticks, told = itertools.count(), {}

    def train(tick):
        allocator.hold(7)
        for word in ticks:
            tick(word)

    sender = SimpleNamespace(send=lambda *_, **__: None, facts=lambda _, **values: told.update(values))
    clock = worker.Clock(sender, "cuda")
    worker._measure_memory(clock, SimpleNamespace(train=train), training_s=0.05)
    assert next(ticks) > 10
    assert 0.05 <= told["train_s"] < 0.5
    assert (told["cuda_setup_allocated_bytes"], told["cuda_peak_allocated_bytes"]) == (0, 7)
