"""Verbs that only look: list, info, doctor, data."""

import ast
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from bench import datasets, discovery
from bench.cli.app import json_option, main, print_json, print_table
from bench.errors import unknown_name
from bench.running import doctor as doctor_
from bench.suites import suites

_NESTED = ("setting", "scale", "paper", "claims")  # of a suite: `w2vbench suites` has the room for them


@main.command("list")
@json_option
def list_(as_json: bool) -> None:
    """List implementations, suites and datasets.

    \b
    Example:  w2vbench list --json | python3 -m json.tool
    """
    specs = [entry.spec for entry in discovery.implementations().values()]
    sets = suites().values()
    texts = [d for d in datasets.registry().values() if d.kind != "evaluation"]
    if as_json:
        print_json(
            {
                "implementations": [asdict(spec) for spec in specs],
                "suites": [{"name": s.name, "description": s.summary} for s in sets],
                "datasets": [{"name": d.name, "description": d.description} for d in texts],
            }
        )
        return
    print_table(
        ("implementation", "models", "what it is"),
        [(s.name, f"{' '.join(s.architectures)} × {' '.join(s.objectives)}", s.summary) for s in specs],
    )
    click.echo()
    print_table(("suite", "what it runs"), [(s.name, s.summary) for s in sets])
    click.echo()
    print_table(("dataset", "what it is"), [(d.name, d.description) for d in texts])


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
        **{k: asdict(s) for k, s in suites().items()},
        **{k: asdict(d) for k, d in datasets.registry().items()},
    }
    if name not in known:
        raise unknown_name("name", name, known)
    if as_json:
        print_json(known[name])
        return
    told = {k: v for k, v in known[name].items() if k not in _NESTED and v not in (None, "", (), {})}
    print_table(("", name), [(key, _plain(value)) for key, value in told.items()])
    if name in suites():
        click.echo(f"\nsettings, scales, paper: w2vbench suites {name}")
    if entry := discovery.implementations().get(name):
        click.echo(f"\n{_docstring(entry.path)}")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _docstring(path: Path) -> str:
    return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""


@main.command()
@json_option
def doctor(as_json: bool) -> None:
    """Show the machine card, what is missing, and what will make numbers unstable."""
    card, found = doctor_.card(), doctor_.findings()
    if as_json:
        print_json({**card, "findings": [asdict(f) for f in found]})
        return
    rows = [(k, str(v)) for k, v in {**card["machine"], **card["versions"]}.items() if v is not None]
    print_table(("", "machine"), [*rows, ("load_average", str(card["load_average"]))])
    click.echo()
    marks = {"ok": "[green]ok[/]", "note": "[cyan]note[/]", "warning": "[yellow]warning[/]"}
    print_table(("", "finding", "what to do"), [(marks[f.level], f.what, f.remedy) for f in found])


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
        print_json([asdict(dataset) | {"found": str(s.path) if s.path else None} for dataset, s in found])
        return
    rows = [(d.name, d.kind, _where(d, s.path), d.licence) for d, s in found]
    print_table(("name", "kind", "where", "licence"), rows)


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
        click.echo(f"{name}: {'ok, ' if path else ''}{_where(_dataset(name), path)}")


def _where(dataset: datasets.Dataset, path: Path | None) -> str:
    return str(path or ("not on disk" if dataset.file else "needs no file"))


def _dataset(name: str) -> datasets.Dataset:
    if name not in datasets.registry():
        raise unknown_name("dataset", name, datasets.registry())
    return datasets.registry()[name]
