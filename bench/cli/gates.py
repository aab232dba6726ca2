"""Verbs that guard: compare, regress."""

import sys
import tempfile
from pathlib import Path
from typing import Any

import click

from bench import discovery
from bench.cli.app import implementations_option, json_option, main, print_json, print_table, results_option
from bench.errors import UserError, unknown_name
from bench.records import store
from bench.records.sides import Side, find_side
from bench.running import duel
from bench.suites import find_suite

REGRESSION, NOTHING, BAD_INPUT = 1, 2, 3  # exit codes


class Gate(click.Command):
    """A verb whose exit code 2 has a meaning of its own, so that bad input exits with 3."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            error.show()
            sys.exit(BAD_INPUT)
        except UserError as error:
            error.exit_code = BAD_INPUT
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except UserError as error:
            error.exit_code = BAD_INPUT
            raise


def _margins(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> dict[str, float]:
    """`throughput:5%` or `throughput:0.05`; the defaults where none is given."""
    from bench.analysis.comparison import DEFAULT_MARGINS

    margins = {}
    for item in given:
        kind, text = item.split(":", 1) if ":" in item else (item, "")
        if kind not in DEFAULT_MARGINS:
            raise unknown_name("kind of margin", kind, DEFAULT_MARGINS)
        margins[kind] = _fraction(item, text)
    return margins or dict(DEFAULT_MARGINS)


def _fraction(item: str, text: str) -> float:
    try:
        value = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        value = -1.0
    if not 0 <= value < 1:
        raise UserError(
            f"no margin in {item!r}", remedy="write KIND:MARGIN, such as throughput:5% or quality:0.01"
        )
    return value


fail_option = click.option(
    "--fail",
    "margins",
    multiple=True,
    callback=_margins,
    metavar="KIND:MARGIN",
    help="Judge this kind, throughput, memory or quality, by this margin; several may be given, the "
    "kinds not named are only shown.  [default: throughput:5% memory:2% quality:0.01]",
)
markdown_option = click.option("--markdown", "as_markdown", is_flag=True, help="Markdown for a pull request.")


@main.command(cls=Gate)
@click.argument("base")
@click.argument("new")
@fail_option
@results_option
@json_option
@markdown_option
def compare(
    base: str, new: str, margins: dict[str, float], results: Path, as_json: bool, as_markdown: bool
) -> None:
    """Tell what changed from BASE to NEW, and fail where it got worse by more than a margin.

    BASE and NEW are each a folder of records, a machine's name or an implementation's name in the
    results, or a git revision, whose committed results are read; the first that exists counts. With
    two implementations, the rows of the one are held against the other's.

    \b
    Examples:
      w2vbench compare HEAD~1 results
      w2vbench compare v0.1.0 HEAD --fail throughput:10% --markdown
      w2vbench compare gensim fused --json

    Speeds are compared within a block where both sides ran within two hours, else beside the gensim
    of each side's block, else not at all. A change is a regression when its 90 % interval clears
    the margin and it stands after Holm's correction over all comparisons; a row that crashes now
    is one too. With too few runs the verdict is "cannot tell", which does not fail.

    \b
    Exit codes: 0 fine, 1 regression, 2 nothing comparable, 3 bad input.
    """
    sides = find_side(base, results), find_side(new, results)
    sys.exit(_compare(*sides, margins, as_json, as_markdown))


def _compare(base: Side, new: Side, margins: dict[str, float], as_json: bool, as_markdown: bool) -> int:
    """Print the comparison; returns the exit code."""
    from bench.analysis.comparison import compare as compare_
    from bench.reporting import changes

    found = compare_(base, new, margins)
    if as_json:
        print_json(changes.as_json(base, new, found))
    elif as_markdown:
        click.echo(changes.markdown(base, new, found))
    else:
        click.echo(f"{new.label} against {base.label}")
        for title, lines in changes.sections(found):
            click.echo(f"\n{title}")
            print_table(changes.HEADER, lines)
        click.echo("\n" + "\n".join(changes.notes(found)))
    if found.regressions:
        return REGRESSION
    if not found.comparable:
        click.echo("nothing comparable", err=True)
        return NOTHING
    return 0


@main.command(cls=Gate)
@click.option("--base", "revision", help="A git revision.  [default: the last that changed results/]")
@implementations_option("Race these, changed or not.  [default: those of the suite `regress` that changed]")
@click.option("--blocks", type=click.IntRange(min=1), help="Blocks to run.  [default: what fits]")
@click.option(
    "--minutes",
    type=click.FloatRange(min=0),
    default=3,
    show_default=True,
    help="Room for blocks, 5 at least.",
)
@fail_option
@json_option
@markdown_option
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def regress(
    revision: str | None,
    implementations: tuple[str, ...],
    blocks: int | None,
    minutes: float,
    margins: dict[str, float],
    words: tuple[str, ...],
    as_json: bool,
    as_markdown: bool,
) -> None:
    """Race this tree's implementations against a base revision's, block by block, and compare.

    \b
    Examples:
      w2vbench regress
      w2vbench regress --base origin/main --impl fused --blocks 40 --markdown
      w2vbench regress --impl fused -- --epochs 10 --threads 1

    Both run here and now, in turns, under this tree's harness, so that any machine will do. WORDS
    after `--` are options of `run`, paths in full. Nothing is written to the results.

    \b
    Exit codes: 0 fine or nothing to race, 1 regression, 2 nothing comparable, 3 bad input.
    """
    with tempfile.TemporaryDirectory(prefix="w2vbench-") as scratch:
        base, new = duel.corners(revision, Path(scratch))
        wanted = implementations or find_suite("regress").implementations
        for name in implementations:
            discovery.find(name)
        racing = duel.in_both(base, new, wanted, only_changed=not implementations)
        if not racing:
            click.echo(f"nothing to race: {base.label} has no other {' or '.join(wanted)}", err=True)
            return
        run = ["--suite", "regress", "--impl", ",".join(racing), *words]
        try:
            duel.fight(base, new, run, blocks=blocks, budget_s=minutes * 60, tell=_tell)
        except KeyboardInterrupt:
            sys.exit(130)
        sides = [Side(c.label, tuple(store.read_all(c.results))) for c in (base, new)]
        sys.exit(_compare(sides[0], sides[1], margins, as_json, as_markdown))


def _tell(line: str) -> None:
    click.echo(line, err=True)
