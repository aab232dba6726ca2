"""The verb that asks how good the approximations themselves are."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench import datasets
from bench.cli.app import (
    display,
    implementations_option,
    json_option,
    main,
    print_json,
    print_table,
    results_option,
    several_option,
)
from bench.contract import OBJECTIVES, Resources
from bench.records.approximation import Measured
from bench.running import plan as plan_
from bench.running.machine import cores
from bench.suites import Suite


@main.command()
@click.option("--dataset", default="wiki-slice", show_default=True, help="A dataset, or the path of a text.")
@several_option("--objective", "objectives", "NAME[,NAME]", "Only these objectives.  [default: all]")
@implementations_option("Train with these.  [default: for each objective the fastest in plain torch]")
@click.option("--dim", type=int, default=50, show_default=True, help="Dimension D of the vectors.")
@click.option("--epochs", type=int, default=3, show_default=True, help="Passes over the text.")
@click.option("--window", type=int, help="Widest window W, to each side.")
@click.option("--negatives", type=int, help="Noise words K for each pair, in training.")
@click.option("--subsample", type=float, help="Threshold t of frequent words; 0 keeps all.")
@click.option("--learning-rate", type=float, help="Rate at the start.")
@click.option(
    "--min-count",
    type=int,
    default=20,
    show_default=True,
    help="Words seen less often are dropped; the full softmax takes time by their number.",
)
@click.option("--seeds", type=click.IntRange(min=1), default=1, show_default=True, help="Trainings of each.")
@click.option("--threads", type=click.IntRange(min=1), help="Threads.  [default: all cores]")
@click.option("--again", is_flag=True, help="Measure anew what is there already.")
@click.option("--dry-run", is_flag=True, help="Print what would be trained and stop.")
@results_option
@json_option
def approximation(
    dataset: str,
    objectives: tuple[str, ...],
    implementations: tuple[str, ...],
    threads: int | None,
    again: bool,
    dry_run: bool,
    results: Path,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Measure how good the approximations are: loss on text never seen, log Z, bias of gradients.

    Trains skip-gram with each objective on all but the last 2 % of the sentences, then asks exactly, over
    the whole vocabulary: what is -log p(context | centre) on those 2 %? Do the scores sum to one? And how
    far are gradients from K noise words (1 to 500) off the full softmax's, by bias and by variance?
    `w2vbench report` then draws it. Most of the time goes
    into the full softmax's training.

    \b
    Examples:
      w2vbench approximation
      w2vbench approximation --objective ns,hs --epochs 20
      w2vbench approximation --seeds 3 --dry-run
    Finished ones are kept and not trained again; interrupt it when you like.
    Exit codes: 0 all went well, 1 a training failed or its state cannot be read, 2 bad input, 130
    interrupted.
    """
    from bench.running import approximation as running

    names = implementations or running.choose([o for o in OBJECTIVES if not objectives or o in objectives])
    suite = Suite("approximation", "", dataset, names, (running.ARCHITECTURE,), objectives or OBJECTIVES)
    runs = plan_.plan(plan_.override(suite, **wishes), Resources(threads=threads or cores()))
    if dry_run:
        _show(runs, dataset, as_json)
        return
    datasets.resolve(dataset)
    with display(f"finished ones are kept in {results}, the same command goes on") as shown:
        found, errors = running.execute(runs, dataset, results, shown, again=again)
    if as_json:
        print_json([asdict(measured) for measured in found])
    else:
        _print(found)
    for error in errors:
        click.echo(f"error: {error}", err=True)
    sys.exit(1 if errors else 0)


def _print(found: Sequence[Measured]) -> None:
    from bench.reporting.approximation import brief  # pandas takes a second to load

    for heading, header, rows in brief(found):
        click.echo(f"\n{heading}")
        print_table(header, rows)


def _show(runs: list[plan_.Run], dataset: str, as_json: bool) -> None:
    if as_json:
        print_json([{"implementation": run.entry.spec.name, "config": asdict(run.config)} for run in runs])
        return
    rows = [
        (str(n), run.cell, f"dim {run.config.dim}, epochs {run.config.epochs}")
        for n, run in enumerate(runs, 1)
    ]
    print_table((dataset, "run", "with"), rows)
