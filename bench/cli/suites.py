"""The verb that shows declared sets of runs: suites."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from bench.cli.app import json_option, main, print_json, print_table
from bench.contract import option_text
from bench.suites import MEASURES, Paper, Suite, find_suite, suites


@main.command("suites")
@click.argument("name", required=False)
@json_option
def suites_(name: str | None, as_json: bool) -> None:
    """List the declared sets of runs, or tell all about the one called NAME.

    Of a suite that repeats a paper's table: the published figures with how they are known ([R] read in the
    paper, [S] transcribed), every known deviation, and the claims that the report tests.

    \b
    Examples:
      w2vbench suites
      w2vbench suites mikolov2013b-table1
      w2vbench run --suite mikolov2013b-table1 --scale slice
    """
    if name is None:
        _list(as_json)
    elif as_json:
        print_json(asdict(find_suite(name)))
    else:
        _show(find_suite(name))


def _list(as_json: bool) -> None:
    found = suites().values()
    if as_json:
        print_json([_summary(suite) for suite in found])
        return
    rows = [(s.name, ", ".join(_sizes(s)), s.summary) for s in found]
    print_table(("suite", "scale: time on 2 cores", "what it runs"), rows)


def _summary(suite: Suite) -> dict[str, Any]:
    return {
        "name": suite.name,
        "description": suite.description,
        "paper": suite.paper.key if suite.paper else None,
        "table": suite.paper.table if suite.paper else None,
        "default_scale": suite.default_scale or None,
        "takes": {scale: find_suite(suite.name, scale).takes for scale in suite.scale} or suite.takes or None,
    }


def _sizes(suite: Suite) -> list[str]:
    """ "slice: 20 min" of each scale, the default first; of a suite without scales its time alone."""
    if not suite.scale:
        return [suite.takes] if suite.takes else []
    ordered = sorted(suite.scale, key=lambda scale: scale != suite.default_scale)
    return [f"{scale}: {find_suite(suite.name, scale).takes}" for scale in ordered]


def _show(suite: Suite) -> None:
    click.echo(f"{suite.name}: {suite.summary}\n")
    scales = [_scale_row(find_suite(suite.name, scale), scale) for scale in suite.scale or ("",)]
    print_table(("scale", "text", "runs", "in the settings", "seeds", "on 2 cores"), scales)
    if suite.paper:
        _show_paper(suite.paper)
    if suite.claims:
        click.echo()
        rows = [
            (c.says, "more" if c.figure is None else f"{c.figure:g}", c.measure, c.tag) for c in suite.claims
        ]
        print_table(("claim", "figure", "of", "known"), rows)


def _scale_row(suite: Suite, scale: str) -> tuple[str, ...]:
    settings = [one.name or _plain(one.config) for one in suite.setting]
    axes = [f"{key} {', '.join(f'{value:g}' for value in values)}" for key, values in suite.vary.items()]
    names = ", ".join(suite.named)
    return scale, suite.dataset, names, "; ".join([*settings, *axes]), str(suite.seeds), suite.takes


def _show_paper(paper: Paper) -> None:
    click.echo(f"\n{paper.key}, {paper.table}. {paper.conditions}\n")
    measures = [name for name in MEASURES if any(name in cell.figures for cell in paper.cells)]
    rows = [
        (cell.name, _plain(cell.setting), *(f"{cell.figures.get(m, '')}" for m in measures), cell.tag)
        for cell in paper.cells
    ]
    print_table(("published", "setting", *measures, "known"), rows)
    click.echo("\nWhat differs:")
    for deviation in paper.deviations:
        click.echo(f"- {deviation}")


def _plain(setting: Mapping[str, Any]) -> str:
    return " ".join(f"{key}={option_text(value)}" for key, value in setting.items())
