"""`w2vbench gpu`: ceilings, what comes first, and that it ends in time. No GPU is used here."""

import io
import json
import time

import pytest
from click.testing import CliRunner
from rich.console import Console

from bench.cli import main
from bench.cli.gpu import CHECKS
from bench.contract import Resources
from bench.errors import UserError
from bench.records import store
from bench.running import gpu_ceilings, kernel_checks, plan
from bench.running.display import Plain
from bench.running.session import execute
from bench.suites import find_suite


def test_ceilings_are_rates_and_lie_beside_the_records(tmp_path):
    rates = gpu_ceilings.rates("cpu", gpu_ceilings.Sizes(copy_bytes=1 << 16, matrix=32))
    assert rates.keys() == {"copy_bytes_per_s", "bf16_flops_per_s"}
    assert min(rates.values()) > 1e5
    path = gpu_ceilings.write({"machine": {"name": "box"}, **rates}, tmp_path)
    assert path == tmp_path / "box" / "roofline" / "gpu.json"
    assert list(store.read_all(tmp_path)) == []  # it is no record


def test_checks_tell_what_passed_and_what_did_not(tmp_path):
    """Of one file: what passed, what was skipped, what failed and what it said."""
    file = tmp_path / "test_it.py"
    file.write_text(
        "import pytest\n"
        "def test_right(): pass\n"
        "@pytest.mark.skip(reason='so that one is skipped')\ndef test_left_out(): pass\n"
        "def test_wrong(): assert 1 + 1 == 3, 'arithmetic'\n"
    )
    found = kernel_checks.check([file], timeout_s=60)
    assert (found.passed, found.skipped, list(found.failed)) == (1, 1, ["test_wrong"])
    assert "arithmetic" in found.failed["test_wrong"]
    assert "1 passed, 1 failed, 1 skipped" in found.text
    path = kernel_checks.write(found, tmp_path / "results")
    assert json.loads(path.read_text("utf-8"))["failed"] == found.failed
    assert list(store.read_all(tmp_path / "results")) == []  # it is no record


def test_checks_that_cannot_begin_or_end_have_failed(tmp_path):
    endless, broken = tmp_path / "test_endless.py", tmp_path / "test_broken.py"
    endless.write_text("import time\ndef test_it(): time.sleep(60)\n")
    broken.write_text("import nothing_of_this_name\n")
    assert "stopped after 1 s" in kernel_checks.check([endless], timeout_s=1).failed["pytest"]
    assert "nothing_of_this_name" in str(kernel_checks.check([broken], timeout_s=60).failed)
    with pytest.raises(UserError, match="is not there"):
        kernel_checks.check([tmp_path / "missing.py"], timeout_s=1)


def test_the_checks_are_there():
    assert all(path.exists() for path in CHECKS)


def test_the_plan_begins_with_what_matters_most():
    """What is claimed: NS beside gensim in three blocks, five epochs of all, dimension 300, compiling."""
    result = CliRunner().invoke(main, ["gpu", "--dry-run"])
    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    first = [line.split("  ", 2)[2] for line in lines[:19]]
    assert [
        sum(line.startswith(f"{name} skipgram/ns") for line in first[:6]) for name in ("gensim", "ns_triton")
    ] == [3, 3]
    assert {line.split()[0] for line in first[6:10]} == {
        "ns_triton",
        "hs_triton",
        "softmax_triton",
        "full_softmax",
    }
    assert all(line.startswith("ns_triton skipgram/ns") for line in first[10:13])
    assert {line.split()[0] for line in first[13:]} == {"ns_device", "ns_device_compiled"}
    assert any("programs=1024" in line for line in lines)
    suites = list(dict.fromkeys(line.split()[0] for line in lines))
    assert suites[:3] == ["gpu-text8", "gpu-epochs", "gpu-compiled"]
    assert lines[-1].startswith("gpu-scale  zipf-1g")


def test_no_corpus_is_built_after_time_is_up(tmp_path, monkeypatch):
    """One with 2 M words takes ten seconds, and the machine is borrowed."""
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(gpu_ceilings, "measure", lambda _: {})
    monkeypatch.setattr(gpu_ceilings, "write", lambda _, results: results)
    result = CliRunner().invoke(
        main, ["gpu", "--no-check", "--minutes", "1e-9", "--results", str(tmp_path / "results")]
    )
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
