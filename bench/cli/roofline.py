"""The verb that asks how far the rows are from what the machine can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.app import json_option, main, print_json, print_table, results_option
from bench.errors import UserError
from bench.records import ceilings as saved
from bench.records import store
from bench.running.machine import machine

if TYPE_CHECKING:
    from bench.analysis.cells import Cell
    from bench.analysis.roofline import Roofline


@main.command()
@click.option("--measure", is_flag=True, help="Measure this machine's ceilings first, about half a minute.")
@click.option("--machine", "name", help="Whose rows, as the folders in results/ are called.  [default: this]")
@click.option("--markdown", "as_markdown", is_flag=True, help="Markdown on standard output.")
@click.option(
    "--svg",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also draw the roofline into this file.",
)
@results_option
@json_option
def roofline(
    measure: bool, name: str | None, as_markdown: bool, svg: Path | None, results: Path, as_json: bool
) -> None:
    """Set the rows of this machine beside its arithmetic and memory, and say which they run into.

    \b
    Examples:
      w2vbench roofline --measure                  while nothing else runs; kept beside the records
      w2vbench roofline --markdown > roofline.md
    Exit codes: 0 all went well, 2 no records or ceilings to set them beside.
    """
    from bench.analysis.roofline import rooflines  # statistics take a second to load; --help need not wait
    from bench.analysis.rows import cells
    from bench.reporting import roofline as text

    name = name or str(machine()["name"])
    records = [r for r in store.read_all(results) if r.machine["name"] == name]
    if not records:
        raise UserError(
            f"no records of {name} in {results}",
            remedy="run `w2vbench run` first, or name another with --machine",
        )
    measured = cells(records)
    if measure:
        _measure(measured, name, results)
    ceilings = saved.read(name, results)
    rows, left_out = rooflines(measured, ceilings)
    if svg:
        _draw(svg, rows, ceilings)
    if as_json:
        reasons = text.left_out_text(left_out)
        print_json({"ceilings": asdict(ceilings), "rows": text.plain(rows), "left_out": reasons})
    elif as_markdown:
        click.echo(text.markdown(rows, left_out, ceilings), nl=False)
    else:
        for line in text.ceilings_text(ceilings, rows):
            click.echo(line)
        for table, lines in text.sections(rows, brief=True):
            click.echo(f"\n{table.title}\n{table.settings}")
            print_table(text.header(brief=True), lines)
        click.echo("\n" + "\n".join([*text.left_out_text(left_out), *text.NOTES]))


def _draw(path: Path, rows: Sequence[Roofline], ceilings: saved.Ceilings) -> None:
    from bench.reporting.roofline_figure import draw

    try:
        path.write_bytes(draw(rows, ceilings))
    except OSError as error:
        raise UserError(f"cannot write {path}", why=str(error), remedy="name another file") from error


def _measure(rows: Sequence[Cell], name: str, results: Path) -> None:
    """Measure and save the ceilings that these rows need. Raises UserError on another machine."""
    from bench.analysis.roofline import models, threads
    from bench.running.ceilings import measure as measure_ceilings
    from bench.running.session import alone

    if name != machine()["name"]:
        raise UserError(f"this machine is {machine()['name']}, not {name}", remedy="leave --machine out")
    with alone(results):
        ceilings = measure_ceilings(models(rows, name), threads(rows, name))
    click.echo(f"written: {saved.write(ceilings, results)}", err=True)
