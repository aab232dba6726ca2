"""Verbs for those who must trust a number: check, cite, reproduce."""

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from bench.cli.app import json_option, main, print_json, results_option

if TYPE_CHECKING:  # statistics take a second to load, and the other verbs do without
    from bench.analysis.checks import Finding

_SHOWN = 3  # places named of each kind of finding; --json has them all


@main.command()
@results_option
@json_option
def check(results: Path, as_json: bool) -> None:
    """Say what in the records cannot be believed, and what to do about it.

    \b
    wrong: cannot be believed as it stands; exit code 1
    weak:  true, but carries less weight than it seems to; exit code 0
    \b
    Examples:
      w2vbench check
      w2vbench check --results other/results --json
    Exit codes: 0 nothing is wrong, 1 something is, 2 there are no records to check.
    """
    from bench.analysis.checks import check as check_

    findings = check_(results)
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        _print_findings(findings)
    sys.exit(1 if any(finding.level == "wrong" for finding in findings) else 0)


def _print_findings(findings: Sequence["Finding"]) -> None:
    from bench.analysis.checks import LEVELS

    for (level, name), same in groupby(findings, key=lambda finding: (finding.level, finding.check)):
        alike = list(same)
        click.echo(f"{level}  {name}: {len(alike)}")
        for finding in alike[:_SHOWN]:
            click.echo(f"      {finding.where}: {finding.what}")
        if len(alike) > _SHOWN:
            click.echo(f"      and {len(alike) - _SHOWN} more (--json has them all)")
        click.echo(f"      remedy: {alike[0].remedy}")
    counts = {level: sum(finding.level == level for finding in findings) for level in LEVELS}
    told = (f"{counts[level]} {level} ({meaning})" for level, meaning in LEVELS.items())
    click.echo(f"{'; '.join(told)}")
