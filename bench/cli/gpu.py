"""The verb that measures a borrowed GPU in minutes: what matters most first, until time is up."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench import datasets
from bench.cli.app import display, main, print_table, results_option
from bench.cli.work import FAILURES
from bench.contract import Resources
from bench.records import ceilings
from bench.records.ceilings import Ceilings
from bench.records.schema import Record
from bench.running import plan as plan_
from bench.running.machine import cores
from bench.running.session import execute
from bench.suites import find_suite

# Suites in order of importance; the first ones cut down to what is claimed, the rest of them follows.
_CLAIMED = {"architectures": ("skipgram",), "objectives": ("ns",)}
JOBS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gpu-text8", {**_CLAIMED, "dim": 100, "implementations": ("gensim", "ns_triton")}),
    ("gpu-epochs", {}),
    ("gpu-text8", {**_CLAIMED, "dim": 300, "implementations": ("ns_triton",)}),
    ("gpu-compiled", {**_CLAIMED, "implementations": ("ns_device", "ns_device_compiled")}),
    ("gpu-text8", {"architectures": ("skipgram",), "dim": 100}),
    ("vocabulary-crossover", {}),
    ("gpu-programs", {}),
    ("gpu-compiled", {}),
    ("gpu-text8", {}),
    ("gpu-negatives", {}),
    ("gpu-scale", {}),
)
CHECKS = tuple(
    Path(__file__).parents[2] / "tests" / f"test_{name}.py"
    for name in ("triton", "softmax_triton", "resident")
)
CHECKED_S = 120.0  # at most


@main.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=8.5,
    show_default=True,
    help="No run begins after this; the last one may take some seconds longer.",
)
@click.option("--device", default="cuda", show_default=True, help="A torch device.")
@click.option("--check/--no-check", default=True, help="Hold the kernels to their equations first.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@results_option
def gpu(minutes: float, device: str, check: bool, dry_run: bool, results: Path) -> None:
    """Measure this GPU: kernels against equations, its ceilings, then the gpu suites, what is claimed first.

    \b
    Examples:
      w2vbench gpu --dry-run
      w2vbench gpu --minutes 8.5 --results out
    Finished runs are kept: called again, it goes on where it stopped. Needs no network; the text is
    looked for in the folders of W2VBENCH_DATA, or drawn on the GPU where it is for speed and memory only.
    Exit codes: 0 all went well, 1 a run or a check failed (the rest was measured nevertheless), 2 bad input.
    """
    from bench.running import gpu_ceilings

    until = time.monotonic() + 60 * minutes
    resources = Resources(device=device, threads=cores())
    jobs = [plan_.override(find_suite(name), **wishes) for name, wishes in JOBS]
    planned = [(suite.dataset, plan_.plan(suite, resources)) for suite in jobs]
    if dry_run:
        for dataset, runs in planned:
            for run in runs:
                click.echo(f"{run.suite}  {dataset}  {run.cell}")
        return
    for dataset, _ in planned:
        datasets.resolve(dataset)
    right = _check(results) if check else True
    records: dict[str, Record] = {}  # by run: some are planned twice, where a suite is cut down first
    with display(f"finished runs are kept in {results}, the next `w2vbench gpu` goes on") as shown:
        found = gpu_ceilings.measure(device)
        click.echo(f"written: {gpu_ceilings.write(found, results)}", err=True)
        for dataset, runs in planned:
            if time.monotonic() > until:
                break  # a corpus, too, takes seconds to build
            done = execute(runs, dataset, results, shown, until=until)
            records |= {record.run_id: record for record in done}
    if records:
        _print(list(records.values()), ceilings.read(str(found["machine"]["name"]), results))
    sys.exit(1 if not right or any(record.status in FAILURES for record in records.values()) else 0)


def _check(results: Path) -> bool:
    """Whether the kernels are what their equations say."""
    from bench.running import kernel_checks

    checked = kernel_checks.check(CHECKS, CHECKED_S)
    click.echo(f"{checked.text}; written: {kernel_checks.write(checked, results)}", err=True)
    return not checked.failed


def _print(records: Sequence[Record], known: Ceilings) -> None:
    """The tables, and how much of the GPU's bandwidth and arithmetic each row uses."""
    from bench.analysis.roofline import rooflines
    from bench.analysis.rows import cells
    from bench.reporting import roofline, terminal

    Console().print(terminal(records))
    rows, left_out = rooflines(cells(records), known)
    for line in roofline.ceilings_text(known, rows):
        click.echo(line)
    for table, lines in roofline.sections(rows):
        click.echo(f"\n{table.title}\n{table.settings}")
        print_table(roofline.header(), lines)
    click.echo("\n" + "\n".join([*roofline.left_out_text(left_out), *roofline.NOTES]))
