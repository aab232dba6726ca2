"""The verb that measures a borrowed GPU in minutes: what matters most first, until time is up."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench import datasets
from bench.cli.app import display, main, results_option
from bench.cli.work import FAILURES
from bench.contract import Resources
from bench.records.schema import Record
from bench.running import plan as plan_
from bench.running.machine import cores
from bench.running.session import execute
from bench.suites import find_suite

# Suites in order of importance, with what makes the first of them short.
JOBS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("gpu-text8", {"dim": 100, "architectures": ("skipgram",)}),
    ("gpu-epochs", {}),
    ("gpu-compiled", {}),
    ("gpu-programs", {}),
    ("vocabulary-crossover", {}),
    ("gpu-text8", {}),
    ("gpu-negatives", {}),
    ("gpu-scale", {}),
)


@main.command()
@click.option(
    "--minutes",
    type=click.FloatRange(min=0, min_open=True),
    default=8.5,
    show_default=True,
    help="No run begins after this; the last one may take some seconds longer.",
)
@click.option("--device", default="cuda", show_default=True, help="A torch device.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@results_option
def gpu(minutes: float, device: str, dry_run: bool, results: Path) -> None:
    """Measure this GPU: its ceilings, then the gpu suites, the most important runs first.

    \b
    Examples:
      w2vbench gpu --dry-run
      w2vbench gpu --minutes 8.5 --results out
    Finished runs are kept: called again, it goes on where it stopped. Needs no network; the text is
    looked for in the folders of W2VBENCH_DATA, or drawn on the GPU where it is for speed and memory only.
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
    records = []
    with display(f"finished runs are kept in {results}, the next `w2vbench gpu` goes on") as shown:
        ceilings = gpu_ceilings.measure(device)
        click.echo(f"written: {gpu_ceilings.write(ceilings, results)}", err=True)
        for dataset, runs in planned:
            if time.monotonic() > until:
                break  # a corpus, too, takes seconds to build
            records += execute(runs, dataset, results, shown, until=until)
    if records:
        from bench.reporting import terminal

        Console().print(terminal(records))
        _print_traffic(records, ceilings["copy_bytes_per_s"])
    sys.exit(1 if any(record.status in FAILURES for record in records) else 0)


def _print_traffic(records: Sequence[Record], copy_bytes_per_s: float) -> None:
    """How much of what copying moves is rows of the two matrices; runs that count their visits only."""
    from bench.analysis.roofline import row_bytes_per_s

    click.echo(f"copying moves {copy_bytes_per_s / 1e12:.2f} TB/s; of it, rows read and written back:")
    for record in records:
        if rate := row_bytes_per_s(record):
            config = record.config
            model = f"{config['architecture']}/{config['objective']} dim {config['dim']}"
            name = f"{record.implementation['name']} {model} seed {config['seed']}"
            click.echo(f"  {name}  {rate / 1e12:.2f} TB/s  {rate / copy_bytes_per_s:.0%}")
