"""Verbs for those who must trust a number: check, cite, reproduce."""

# What loads statistics or pandas is imported inside the verbs: it takes a second that the others spare.

import sys
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from bench.cli.app import (
    FOLDER,
    display,
    implementations_option,
    json_option,
    main,
    print_json,
    print_table,
    results_option,
)
from bench.errors import UserError
from bench.records import store
from bench.running import again
from bench.running.session import execute

if TYPE_CHECKING:
    from bench.analysis.checks import Finding
    from bench.reporting.sections import Table

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


@main.command()
@click.argument("table", required=False)
@results_option
@json_option
def cite(table: str | None, results: Path, as_json: bool) -> None:
    """Print BibTeX for TABLE: the suite, the papers of its methods, its text and its test sets.

    TABLE is the hash printed under a table (or how it begins), its number, or its dataset where that
    has one table only. Without TABLE, list the tables.

    \b
    Examples:
      w2vbench cite
      w2vbench cite wiki-slice > w2vbench.bib
    """
    from bench.reporting.citing import bibtex, find_table, keys, references, suite_entry

    found = _tables(results)
    if table is None:
        _list_tables(found, as_json)
        return
    chosen = find_table(found, table)
    if as_json:
        entries = {key: references().get(key) for key in keys(chosen)}
        print_json({**_facts(chosen), "suite": suite_entry(chosen), "entries": entries})
    else:
        click.echo(bibtex(chosen))


def _tables(results: Path) -> "list[Table]":
    """The tables of the report, in its order. Raises UserError without records."""
    from bench.analysis.rows import cells
    from bench.reporting.sections import tables

    records = store.read_all(results)
    if not records:
        raise UserError(f"there are no tables in {results}", remedy="run `w2vbench run` first")
    return tables(cells(records))


def _facts(table: "Table") -> dict[str, str | int]:
    return {
        "hash": table.hash,
        "dataset": table.section.dataset,
        "settings": table.settings,
        "machine": table.machine,
        "dates": table.dates,
        "runs": table.run_count,
    }


def _list_tables(found: "Sequence[Table]", as_json: bool) -> None:
    listed = [_facts(table) for table in found]
    if as_json:
        print_json(listed)
        return
    columns = ("hash", "dataset", "settings", "runs", "dates")
    rows = [(str(i), *(str(facts[key]) for key in columns)) for i, facts in enumerate(listed, 1)]
    print_table(("#", *columns), rows)


@main.command()
@click.argument("table")
@implementations_option("Only these rows, and gensim's of the same models, which the ratio needs.")
@click.option("--blocks", type=click.IntRange(min=1), help="Only the first so many repetitions.")
@click.option("--dataset", help="Path of the text, for a table of a local file (file:...).")
@click.option(
    "--out", type=FOLDER, help="Folder of the new records.  [default: reproduced/HASH beside --results]"
)
@click.option("--dry-run", is_flag=True, help="Print what would be run, and what cannot be, and stop.")
@results_option
@json_option
def reproduce(
    table: str,
    implementations: tuple[str, ...],
    blocks: int | None,
    dataset: str | None,
    out: Path | None,
    dry_run: bool,
    results: Path,
    as_json: bool,
) -> None:
    """Run the rows of TABLE again and print old against new; TABLE as for `cite`.

    Same configuration, options, seeds, threads, budgets and text; today's code, and what is installed
    today. What must come out again is the ratio to gensim and the quality; words/s belong to a machine.

    \b
    Examples:
      w2vbench reproduce wiki-slice --dry-run
      w2vbench reproduce 2b3b78e70f97 --impl fused --blocks 1
    Interrupt it when you like: call it again and it goes on where it stopped.
    Exit codes: 0 nothing contradicts the table, 1 a row does or ended otherwise, 2 bad input or nothing
    can be run again, 130 interrupted.
    """
    from bench.analysis.reproduction import compare
    from bench.reporting import reproduction
    from bench.reporting.citing import find_table

    chosen = find_table(_tables(results), table)
    runs = [run for cell in chosen.cells for run in cell.runs]
    planned = again.again(again.choose(runs, implementations, blocks))
    if dry_run:
        _show_again(planned, as_json)
        return
    target = out or results.parent / "reproduced" / chosen.hash
    again.check_target(target, results, planned)
    with display(f"finished runs are kept in {target}, the same command goes on") as shown:
        where = chosen.section
        min_count = dict(where.settings)["min_count"]
        text = again.text_of(where.dataset, where.data_sha256, dataset, min_count, shown.building)
        records = execute(again.runs(planned), text, target, shown)
    notes = {one.record.run_id: one.note for one in planned}
    rows = [cell for cell in chosen.cells if any(run.run_id in notes for run in cell.runs)]
    pairs = compare(rows, records, notes)
    if as_json:
        print_json({"table": chosen.hash, "out": str(target), "rows": reproduction.data(pairs)})
    else:
        Console().print(reproduction.terminal(pairs))
    sys.exit(0 if all(pair.agrees for pair in pairs) else 1)


def _show_again(planned: Sequence[again.Again], as_json: bool) -> None:
    rows = [(one.name, one.budget, "cannot be run" if one.run is None else "", one.note) for one in planned]
    if as_json:
        print_json([dict(zip(("run", "budget", "problem", "note"), row, strict=True)) for row in rows])
        return
    print_table(("run", "budget", "", "note"), rows)
