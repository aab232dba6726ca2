"""The `w2vbench` command itself: the group of verbs, and what all verbs share."""

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.table import Table

from bench import __version__
from bench.errors import UserError, unknown_name
from bench.running.display import Plain, Terminal

FOLDER = click.Path(file_okay=False, path_type=Path)


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


F = TypeVar("F", bound=Callable[..., Any])


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="w2vbench")
def main() -> None:
    """Train word embeddings by every method, and measure speed, memory and quality together.

    \b
    Examples:
      w2vbench list                                what can be run
      w2vbench suites                              whose tables can be run again
      w2vbench run                                 the main job, minutes on two cores
      w2vbench run --impl gensim --seeds 5         one implementation, five blocks
      w2vbench run --dataset my.txt.gz --epochs 3  your own text
      w2vbench report                              tables, figures, page from results/
      w2vbench check                               what in results/ cannot be believed
      w2vbench train my.txt --out vectors.bin      vectors for your own use
      w2vbench approximation                       how good the approximations themselves are
      w2vbench compare HEAD~1 results              what got worse, for continuous integration
      w2vbench doctor                              what is missing, what shakes the numbers
    """


json_option = click.option("--json", "as_json", is_flag=True, help="JSON on standard output.")
results_option = click.option(
    "--results", type=FOLDER, default=Path("results"), show_default=True, help="Folder of the records."
)


def print_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=1, sort_keys=True))


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*header, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*row)
    Console().print(table)


@contextlib.contextmanager
def display(when_interrupted: str) -> Iterator[Plain]:
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


def names(_: click.Context, __: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """`--impl a,b --impl c` means three."""
    return tuple(name for item in value for name in item.split(",") if name)


def several_option(flag: str, name: str, metavar: str, help_text: str) -> Callable[[F], F]:
    """An option that takes several names: `--impl a,b --impl c`."""
    return click.option(flag, name, multiple=True, callback=names, metavar=metavar, help=help_text)


def implementations_option(help_text: str) -> Callable[[F], F]:
    """`--impl`, the same for every verb that has it."""
    return several_option("--impl", "implementations", "NAME[,NAME]", help_text)
