"""The `w2vbench` command: verbs only. Data on standard output, progress and errors on standard error.

Exit codes: 0 all went well, 1 a run failed, 2 bad input or surroundings, 130 interrupted.
"""

import contextlib
import functools
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from bench import __version__, datasets, discovery
from bench.contract import Resources
from bench.errors import UserError, unknown_name
from bench.records import store
from bench.records.schema import Record
from bench.running import doctor as doctor_
from bench.running import plan as plan_
from bench.running.display import Plain, Terminal
from bench.running.machine import cores
from bench.running.session import execute, schedule

MONTH_S = 30 * 24 * 3600.0  # training for its own sake is not cut off
FAILURES = ("failed", "oom", "timeout")
RESULTS = click.Path(file_okay=False, path_type=Path)


class Verbs(click.Group):
    """Offers the closest verb for an unknown one, and turns a UserError into exit code 2."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise unknown_name("command", name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def main(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return super().main(*args, **kwargs)
        except UserError as error:
            click.echo(f"error: {error}", err=True)
            sys.exit(error.exit_code)


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="w2vbench")
def main() -> None:
    """Train word embeddings by every method, and measure speed, memory and quality together.

    \b
    Examples:
      w2vbench list                                what can be run
      w2vbench run                                 the main job, minutes on two cores
      w2vbench run --impl gensim --seeds 5         one implementation, five blocks
      w2vbench run --dataset my.txt.gz --epochs 3  your own text
      w2vbench report                              tables, figure and page from results/
      w2vbench train my.txt --out vectors.bin      vectors for your own use
      w2vbench doctor                              what is missing, what shakes the numbers
    """


json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
results_option = click.option(
    "--results", type=RESULTS, default=Path("results"), show_default=True, help="Folder of the records."
)


def _print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=1, sort_keys=True))


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@main.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List implementations, suites and datasets.

    \b
    Example:  w2vbench list --json | python3 -m json.tool
    """
    specs = [entry.spec for entry in discovery.implementations().values()]
    suites = plan_.suites().values()
    texts = [d for d in datasets.registry().values() if d.kind == "text"]
    if as_json:
        _print_json(
            {
                "implementations": [asdict(spec) for spec in specs],
                "suites": [{"name": s.name, "description": s.description} for s in suites],
                "datasets": [{"name": d.name, "description": d.description} for d in texts],
            }
        )
        return
    _print_table(
        ("implementation", "models", "what it is"),
        [(s.name, f"{' '.join(s.architectures)} × {' '.join(s.objectives)}", s.summary) for s in specs],
    )
    click.echo()
    _print_table(("suite", "what it runs"), [(s.name, s.description) for s in suites])
    click.echo()
    _print_table(("dataset", "what it is"), [(d.name, d.description) for d in texts])


@main.command()
@click.argument("name")
@json_option
def info(name: str, as_json: bool) -> None:
    """Tell all about an implementation, a suite or a dataset called NAME.

    \b
    Examples:
      w2vbench info negative_sampling
      w2vbench info wiki-slice --json
    """
    known = {
        **{k: asdict(e.spec) | {"file": str(e.path)} for k, e in discovery.implementations().items()},
        **{k: asdict(s) for k, s in plan_.suites().items()},
        **{k: asdict(d) for k, d in datasets.registry().items()},
    }
    if name not in known:
        raise unknown_name("name", name, known)
    if as_json:
        _print_json(known[name])
        return
    rows = [(key, _plain(value)) for key, value in known[name].items() if value not in (None, "", (), {})]
    _print_table(("", name), rows)
    if entry := discovery.implementations().get(name):
        click.echo(f"\n{_docstring(entry.path)}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _docstring(path: Path) -> str:
    import ast

    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


CONFIG_OPTIONS = (
    click.option("--dim", type=int, help="Dimension D of the vectors."),
    click.option("--window", type=int, help="Widest window W, to each side."),
    click.option("--negatives", type=int, help="Noise words K for each pair (negative sampling)."),
    click.option("--subsample", type=float, help="Threshold t of frequent words; 0 keeps all."),
    click.option("--epochs", type=int, help="Passes over the text."),
    click.option("--learning-rate", type=float, help="Rate at the start."),
    click.option("--min-count", type=int, help="Words seen less often are dropped."),
)


def config_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of `contract.Config` that a person sets."""
    return functools.reduce(lambda inner, option: option(inner), reversed(CONFIG_OPTIONS), command)


def _names(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """`--impl a,b --impl c` means three."""
    return tuple(name for item in value for name in item.split(",") if name)


@main.command()
@click.option("--suite", default="main", show_default=True, help="Declared set of runs; see `list`.")
@click.option(
    "--impl",
    "implementations",
    multiple=True,
    callback=_names,
    metavar="NAME[,NAME]",
    help="Only these implementations, whether the suite names them or not.",
)
@click.option(
    "--arch",
    "architectures",
    multiple=True,
    callback=_names,
    metavar="skipgram|cbow",
    help="Only these architectures.",
)
@click.option(
    "--objective",
    "objectives",
    multiple=True,
    callback=_names,
    metavar="ns|hs|softmax",
    help="Only these objectives.",
)
@click.option("--dataset", help="A registered dataset, or the path of a UTF-8 text (.gz, .xz, .zip too).")
@config_options
@click.option("--seeds", type=click.IntRange(min=1), help="Repetitions, each a block with its own seed.")
@click.option("--first-seed", type=click.IntRange(min=0), help="Seed of the first repetition.")
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
@click.option("--threads", type=click.IntRange(min=1), help="Threads for each run.  [default: all cores]")
@click.option("--device", default="cpu", show_default=True, help="A torch device, such as cuda.")
@click.option("--again", is_flag=True, help="Measure finished runs anew.")
@click.option("--dry-run", is_flag=True, help="Print the plan and stop.")
@results_option
@json_option
def run(
    suite: str,
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
      w2vbench run --impl negative_sampling,gensim --arch skipgram --seeds 5
      w2vbench run --dataset text8 --epochs 5 --dim 300 --budget 600
      w2vbench run --impl gensim --dry-run
    Interrupt it when you like: call it again and it goes on where it stopped.
    """
    chosen = plan_.override(plan_.find_suite(suite), **wishes)
    runs = plan_.plan(chosen, Resources(device=device, threads=threads or cores()))
    if dry_run:
        _show_plan(runs, chosen.dataset, as_json)
        return
    datasets.resolve(chosen.dataset)
    with _display(f"finished runs are kept in {results}, the next `w2vbench run` goes on") as display:
        records = execute(runs, chosen.dataset, results, display, again=again)
    if as_json:
        _print_json([record.to_json() for record in records])
    else:
        _print_report(records)
    sys.exit(1 if any(record.status in FAILURES for record in records) else 0)


@contextlib.contextmanager
def _display(when_interrupted: str) -> Iterator[Plain]:
    """A live table on a terminal, plain lines elsewhere; Ctrl-C ends with exit code 130."""
    console = Console(stderr=True)
    try:
        if console.is_terminal:
            with Terminal(console) as live:
                yield live
        else:
            yield Plain(console)
    except KeyboardInterrupt:
        console.print(f"interrupted; {when_interrupted}")
        sys.exit(130)


def _show_plan(runs: list[plan_.Run], dataset: str, as_json: bool) -> None:
    ordered = [run for run, _ in schedule(runs)]
    if as_json:
        _print_json([{"implementation": r.entry.spec.name, "config": asdict(r.config)} for r in ordered])
        return
    rows = [(str(n), r.cell, f"{r.budget_s:g} s" if r.budget_s else "-") for n, r in enumerate(ordered, 1)]
    _print_table((f"{dataset}", "run", "budget"), rows)


def _print_report(records: Sequence[Record]) -> None:
    from bench.reporting import terminal

    Console().print(terminal(records))


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
@click.option("--objective", default="ns", show_default=True, metavar="ns|hs|softmax")
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
    from bench.running import training

    name = implementation or training.fastest_equivalent(store.read_all(results), architecture, objective)
    suite = plan_.Suite("train", "", corpus, (name,), (architecture,), (objective,), first_seed=seed,
                        timeout_s=MONTH_S, learning_rate={"cbow": 0.05})  # fmt: skip
    (run,) = plan_.plan(plan_.override(suite, **wishes), Resources(device=device, threads=threads or cores()))
    with _display(f"{out} was not written") as display:
        record = training.train(run, corpus, out, display)
    if as_json:
        _print_json(record.to_json())
    else:
        click.echo(out)


@main.command()
@click.option("--out", type=RESULTS, default=Path("reports"), show_default=True, help="Where reports go.")
@results_option
@json_option
def report(results: Path, out: Path, as_json: bool) -> None:
    """Print the table of all records and write tables, figure and page; trains nothing.

    \b
    Examples:
      w2vbench report
      w2vbench report --results results --out /tmp/reports --json
    """
    from bench.reporting import render

    records = store.read_all(results)
    written = render(records, out)
    if as_json:
        _print_json({"records": len(records), "written": [str(path) for path in written]})
        return
    _print_report(records)
    click.echo(f"\nwritten: {', '.join(str(path) for path in written)}", err=True)


@main.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show the machine card, what is missing, and what will make numbers unstable."""
    card, found = doctor_.card(), doctor_.findings()
    if as_json:
        _print_json({**card, "findings": [asdict(f) for f in found]})
        return
    rows = [(k, str(v)) for k, v in {**card["machine"], **card["versions"]}.items() if v is not None]
    _print_table(("", "machine"), [*rows, ("load_average", str(card["load_average"]))])
    click.echo()
    marks = {"ok": "[green]ok[/]", "note": "[cyan]note[/]", "warning": "[yellow]warning[/]"}
    _print_table(("", "finding", "what to do"), [(marks[f.level], f.what, f.remedy) for f in found])


@main.group()
def data() -> None:
    """See, fetch and verify the datasets and test sets."""


@data.command("ls")
@json_option
def data_ls(as_json: bool) -> None:
    """List every registered file and where it was found.

    \b
    Example:  W2VBENCH_DATA=~/corpora w2vbench data ls
    """
    found = [(dataset, datasets.status(dataset)) for dataset in datasets.registry().values()]
    if as_json:
        _print_json([asdict(dataset) | {"found": str(s.path) if s.path else None} for dataset, s in found])
        return
    rows = [(d.name, d.kind, str(s.path or "not on disk"), d.licence) for d, s in found]
    _print_table(("name", "kind", "where", "licence"), rows)


@data.command("fetch")
@click.argument("names", nargs=-1, required=True)
def data_fetch(names: tuple[str, ...]) -> None:
    """Download the datasets NAMES, checked by sha256, or find them on disk.

    \b
    Example:  w2vbench data fetch text8
    """
    for name in names:
        click.echo(datasets.fetch(_dataset(name)))


@data.command("verify")
@click.argument("names", nargs=-1)
def data_verify(names: tuple[str, ...]) -> None:
    """Check files on disk against their sha256; all of them without NAMES."""
    for name in names or datasets.registry():
        path = datasets.locate(_dataset(name))
        click.echo(f"{name}: {f'ok, {path}' if path else 'not on disk'}")


def _dataset(name: str) -> datasets.Dataset:
    if name not in datasets.registry():
        raise unknown_name("dataset", name, datasets.registry())
    return datasets.registry()[name]
