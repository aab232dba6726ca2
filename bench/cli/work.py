"""Verbs that work: run, train, report."""

import functools
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from bench import datasets
from bench.cli.app import (
    FOLDER,
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
from bench.records import approximation, store
from bench.records.schema import Record
from bench.running import plan as plan_
from bench.running import training
from bench.running.machine import cores
from bench.running.session import execute, schedule
from bench.suites import Suite, find_suite

FAILURES = ("failed", "oom", "timeout")
MONTH_S = 30 * 24 * 3600.0  # training for its own sake is not cut off

CONFIG_OPTIONS = (
    click.option("--dim", type=int, help="Dimension D of the vectors."),
    click.option("--window", type=int, help="Widest window W, to each side."),
    click.option("--negatives", type=int, help="Noise words K for each pair (ns, nce, sampled)."),
    click.option("--subsample", type=float, help="Threshold t of frequent words; 0 keeps all."),
    click.option("--epochs", type=int, help="Passes over the text."),
    click.option("--learning-rate", type=float, help="Rate at the start."),
    click.option("--min-count", type=int, help="Words seen less often are dropped."),
)


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `contract.Config` that a person sets."""
    return functools.reduce(lambda inner, option: option(inner), reversed(CONFIG_OPTIONS), command)


@main.command()
@click.option("--suite", default="main", show_default=True, help="Declared set of runs; see `suites`.")
@click.option(
    "--scale", default="", metavar="NAME", help="Size of its text; see `suites`.  [default: its own]"
)
@implementations_option("Only these implementations, whether the suite names them or not.")
@several_option("--arch", "architectures", "skipgram|cbow", "Only these architectures.")
@several_option("--objective", "objectives", "|".join(OBJECTIVES), "Only these objectives.")
@click.option("--dataset", help="A registered dataset, or the path of a UTF-8 text (.gz, .xz, .zip too).")
@config_options
@click.option("--seeds", type=click.IntRange(min=1), help="Repetitions, each a block with its own seed.")
@click.option("--first-seed", type=click.IntRange(min=0), help="Seed of the first repetition.")
@click.option(
    "--curve",
    type=click.IntRange(min=2),
    metavar="N",
    help="Score the vectors after every 1/N of training too: runs apart, for time to quality.",
)
@click.option(
    "--budget",
    "budget_s",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    help="Training time after which a run ends as over_budget; 0: none.",
)
@click.option(
    "--timeout",
    "timeout_s",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="Time after which a run is killed.",
)
@click.option(
    "--threads",
    type=click.IntRange(min=1),
    help="Threads for each run.  [default: what the suite says, else all cores]",
)
@click.option("--device", default="cpu", show_default=True, help="A torch device, such as cuda.")
@click.option("--again", is_flag=True, help="Measure finished runs anew.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@results_option
@json_option
def run(
    suite: str,
    scale: str,
    threads: int | None,
    device: str,
    again: bool,
    dry_run: bool,
    results: Path,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Run a suite, or any part or variation of it; finished runs are kept and not run again.

    \b
    Examples:
      w2vbench run --impl gensim,fused --seeds 5 --curve 10
      w2vbench run --impl negative_sampling,gensim --arch skipgram --seeds 5
      w2vbench run --dataset text8 --epochs 5 --dim 300 --budget 600
      w2vbench run --impl gensim --dry-run
      w2vbench run --suite sizes --dim 300 --dry-run
      w2vbench run --suite mikolov2013b-table1 --scale 100mb
    A setting given here takes the place of the suite's, and of all values where the suite varies it.
    Interrupt it when you like: call it again and it goes on where it stopped.
    """
    wishes["threads"] = (threads,) if threads else None
    chosen = plan_.override(find_suite(suite, scale), **wishes)
    runs = plan_.plan(chosen, Resources(device=device, threads=threads or cores()))
    if dry_run:
        _show_plan(runs, chosen.dataset, as_json)
        return
    datasets.resolve(chosen.dataset)
    with display(f"finished runs are kept in {results}, the next `w2vbench run` goes on") as shown:
        records = execute(runs, chosen.dataset, results, shown, again=again)
    if as_json:
        print_json([record.to_json() for record in records])
    else:
        _print_report(records)
    sys.exit(1 if any(record.status in FAILURES for record in records) else 0)


@main.command()
@click.argument("corpus")
@click.option(
    "--out",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="File of the vectors: .txt or .bin (word2vec's, for gensim), or .safetensors.",
)
@click.option(
    "--impl", "implementation", help="Implementation.  [default: the fastest proven equal to gensim here]"
)
@click.option("--arch", "architecture", default="skipgram", show_default=True, metavar="skipgram|cbow")
@click.option("--objective", default="ns", show_default=True, metavar="|".join(OBJECTIVES))
@config_options
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True)
@click.option("--threads", type=click.IntRange(min=1), help="Threads.  [default: all cores]")
@click.option("--device", default="cpu", show_default=True, help="A torch device, such as cuda.")
@results_option
@json_option
def train(
    corpus: str,
    out: Path,
    implementation: str | None,
    architecture: str,
    objective: str,
    seed: int,
    threads: int | None,
    device: str,
    results: Path,
    as_json: bool,
    **wishes: Any,
) -> None:
    """Train vectors on CORPUS, your own UTF-8 text (one sentence a line) or a dataset's name.

    \b
    Examples:
      w2vbench train my.txt.gz --out vectors.bin
      w2vbench train wiki-slice --out vectors.txt --arch cbow --epochs 20 --impl gensim
    Memory grows with the vocabulary, not with the text.
    """
    name = implementation or training.fastest_equivalent(store.read_all(results), architecture, objective)
    suite = Suite("train", "", corpus, (name,), (architecture,), (objective,), first_seed=seed,
                        timeout_s=MONTH_S, learning_rate={"cbow": 0.05})  # fmt: skip
    (run,) = plan_.plan(plan_.override(suite, **wishes), Resources(device=device, threads=threads or cores()))
    with display(f"{out} was not written") as shown:
        record = training.train(run, corpus, out, shown)
    if as_json:
        print_json(record.to_json())
    else:
        click.echo(out)


def _show_plan(runs: list[plan_.Run], dataset: str, as_json: bool) -> None:
    ordered = [run for run, _ in schedule(runs)]
    if as_json:
        print_json([_planned(run) for run in ordered])
        return
    rows = [(str(n), r.cell, f"{r.budget_s:g} s" if r.budget_s else "-") for n, r in enumerate(ordered, 1)]
    print_table((f"{dataset}", "run", "budget"), rows)


def _planned(run: plan_.Run) -> dict[str, Any]:
    return {
        "implementation": run.entry.spec.name,
        "config": asdict(run.config),
        "threads": run.resources.threads,
        "options": dict(run.options),
        "budget_s": run.budget_s,
    }


def _print_report(records: Sequence[Record]) -> None:
    from bench.reporting import terminal

    Console().print(terminal(records))


@main.command()
@click.option("--out", type=FOLDER, default=Path("reports"), show_default=True, help="Where reports go.")
@results_option
@json_option
def report(results: Path, out: Path, as_json: bool) -> None:
    """Print the table of all records and write tables, figures and page; trains nothing.

    \b
    Examples:
      w2vbench report
      w2vbench report --results results --out /tmp/reports --json
    """
    from bench.reporting import render

    records = store.read_all(results)
    written = render(records, out, approximation.read_all(results))
    if as_json:
        print_json({"records": len(records), "written": [str(path) for path in written]})
        return
    if records:
        _print_report(records)
    click.echo(f"\nwritten: {', '.join(str(path) for path in written)}", err=True)
