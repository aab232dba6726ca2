"""`w2vbench gpu`: ceilings, what comes first, and that it ends in time. No GPU is used here."""

import io
import time
from dataclasses import replace

from click.testing import CliRunner
from rich.console import Console

from bench.analysis.roofline import row_bytes_per_s
from bench.cli import main
from bench.contract import Resources
from bench.records import store
from bench.running import gpu_ceilings, plan
from bench.running.display import Plain
from bench.running.session import execute
from bench.suites import find_suite
from tests.records_factory import record


def test_ceilings_are_rates_and_lie_beside_the_records(tmp_path):
    rates = gpu_ceilings.rates("cpu", gpu_ceilings.Sizes(copy_bytes=1 << 16, matrix=32))
    assert rates.keys() == {"copy_bytes_per_s", "bf16_flops_per_s"}
    assert min(rates.values()) > 1e5
    path = gpu_ceilings.write({"machine": {"name": "box"}, **rates}, tmp_path)
    assert path == tmp_path / "box" / "roofline" / "gpu.json"
    assert list(store.read_all(tmp_path)) == []  # it is no record


def test_the_traffic_of_a_run_is_its_rows_there_and_back():
    run = record()
    counted = replace(run, work={**run.work, "row_visits": 1000})
    assert row_bytes_per_s(counted) == 8 * run.config["dim"] * 1000 / run.phases["train_s"]
    assert row_bytes_per_s(replace(run, work={**run.work, "row_visits": None})) is None


def test_the_plan_begins_with_what_matters_most():
    """Skip-gram at dimension 100 beside gensim in three blocks; everything else later."""
    result = CliRunner().invoke(main, ["gpu", "--dry-run"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    first = [line for line in lines[:15] if "skipgram" in line and "dim" not in line]
    assert {line.split()[2] for line in first} >= {"gensim", "ns_triton", "hs_triton"}
    assert any("softmax_triton" in line for line in lines[15:35])
    assert any("programs=1024" in line for line in lines)
    suites = list(dict.fromkeys(line.split()[0] for line in lines))
    assert suites[:3] == ["gpu-text8", "gpu-epochs", "gpu-compiled"]
    assert suites.index("vocabulary-crossover") == suites.index("gpu-programs") + 1
    assert lines[-1].startswith("gpu-scale  zipf-1g")


def test_no_corpus_is_built_after_time_is_up(tmp_path, monkeypatch):
    """One with 2 M words takes ten seconds, and the machine is borrowed."""
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gpu_ceilings, "measure", lambda _: {"copy_bytes_per_s": 1.0})
    monkeypatch.setattr(gpu_ceilings, "write", lambda _, results: results)
    result = CliRunner().invoke(main, ["gpu", "--minutes", "1e-9", "--results", str(tmp_path / "results")])
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "cache").exists()


def test_what_is_compiled_has_the_eager_steps_beside_it_in_every_block():
    runs = plan.plan(find_suite("gpu-compiled"), Resources("cuda"))
    blocks = {
        run.repetition: {r.entry.spec.name for r in runs if r.repetition == run.repetition} for run in runs
    }
    assert len(blocks) == 3
    for names in blocks.values():
        for objective in ("ns", "hs"):
            assert {f"{objective}_device", f"{objective}_device_compiled"} <= names


def test_no_run_begins_after_time_is_up(tmp_path, monkeypatch):
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    text = tmp_path / "text.txt"
    text.write_text("one two three two one\n" * 50)
    suite = plan.override(find_suite("main"), dataset=str(text), implementations=("gensim",), min_count=1)
    runs = plan.plan(suite, Resources())
    shown = Plain(Console(file=io.StringIO()))
    assert execute(runs, str(text), tmp_path / "results", shown, until=time.monotonic() - 1) == []
    assert list(store.read_all(tmp_path / "results")) == []
