"""What the tables show, once for every format: two lists of columns, each a heading and a text.

The first list is the headline: speed, memory and quality of the same runs. The second is the
evidence on quality, with its two error bars apart: over seeds, and over the items of a test set.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from bench.analysis.breakeven import BreakEven, break_evens
from bench.analysis.cells import QUALITY_SETS, Cell
from bench.analysis.statistics import Estimate, ratio_text
from bench.analysis.verdicts import EQUAL, MARGIN, MARGINS, REFERENCE, REFERRED, SUSPICIOUS
from bench.reporting import units
from bench.reporting.sections import MODEL_NAMES, Table, model_name, row_name


@dataclass(frozen=True)
class Column:
    """One column: how to head it, how to write a cell, how to sort by it."""

    key: str
    head: str
    text: Callable[[Cell, Table], str]
    number: Callable[[Cell], float | None] | None = None  # set: right-aligned, sorted by this
    keep: int = 9  # narrow terminals drop the lowest first
    group: str = ""  # what several columns share, for a heading above theirs

    def sort_key(self, cell: Cell, table: Table) -> str:
        """For a page that sorts: the number in full, or the text; empty sorts last."""
        if self.number is None:
            return self.text(cell, table)
        value = self.number(cell)
        return "" if value is None else repr(float(value))


def ratio(cell: Cell) -> str:
    """The paired ratio to gensim: 1 for gensim itself, a dash without a common block."""
    if cell.ratio is None:
        return units.DASH
    return "1×" if cell.implementation == REFERENCE and cell.ratio.value == 1 else ratio_text(cell.ratio)


def multiple(ratio: Estimate) -> str:
    """The figure of a ratio without its interval: "15.57×"."""
    return ratio_text(replace(ratio, low=None, high=None))


def ratio_to_parent(cell: Cell, _: Table | None = None) -> str:
    """ "2.1× [2.0, 2.2] ns_windowed": the paired ratio to the implementation it was made from."""
    if cell.ratio_to_parent is None:
        return units.DASH
    return f"{ratio_text(cell.ratio_to_parent)} {cell.parent}"


def outcome(cell: Cell, _: Table | None = None) -> str:
    """Quality beside gensim for a finished row; how it ended and why for any other."""
    if cell.status == "ok":
        return cell.verdict
    reasons = "; ".join(" ".join(reason.split()) for reason in cell.reasons)
    return f"{cell.status}: {reasons}" if reasons else cell.status


def rank(cell: Cell) -> str:
    """The rank within the model; "·" marks a finished row whose quality is not shown to be equal."""
    if cell.rank is not None:
        return str(cell.rank)
    return "·" if cell.status == "ok" and cell.tier != EQUAL else ""


def place(cell: Cell) -> str:
    """What it ran on: "cpu, 2 threads", "cuda"."""
    if cell.on_gpu:
        return cell.device
    return f"cpu, {cell.threads} thread{'s' if cell.threads != 1 else ''}"


def _phase(name: str, head: str, keep: int) -> Column:
    return Column(
        name,
        head,
        lambda cell, _: units.seconds(cell.phases[name]),
        lambda cell: cell.phases[name],
        keep,
    )


def _score(name: str, head: str, keep: int, key: str | None = None) -> Column:
    """A test set, by its median over seeds."""
    return Column(
        key or name,
        head,
        lambda cell, _: units.score(cell.score(name)),
        lambda cell: cell.score(name),
        keep,
    )


def break_even_text(found: BreakEven) -> str:
    """ "ns_compiled, skip-gram NS: compiling has paid after 12 M words [9 M, 20 M]"."""
    name = f"{found.cell.implementation}, {model_name(found.cell)}"
    if found.words is None:
        return f"{name}: compiling ({units.seconds(found.cold_s)} s) never pays, it is not faster"
    text = f"{name}: compiling {'has paid' if found.shown else 'breaks even, if it does,'} after "
    text += f"{units.words(found.words)} words"
    if found.low is not None and found.high is not None:
        text += f" {units.interval(found.low, found.high, units.words)}"
    return text if found.warm_words is None else f"{text}, warm after {units.words(found.warm_words)}"


_NAME = Column("implementation", "implementation", lambda cell, table: row_name(cell, table.cells), keep=10)
_MODEL = Column("model", "model", lambda cell, _: model_name(cell), keep=10)

HEADLINE: tuple[Column, ...] = (
    Column("rank", "#", lambda cell, _: rank(cell), lambda cell: cell.rank, 8),
    _NAME,
    _MODEL,
    Column(
        "speed",
        "words/s",
        lambda cell, _: units.speed(cell.speed.median if cell.speed else None),
        lambda cell: cell.speed.median if cell.speed else None,
    ),
    Column(
        "ratio",
        "× gensim",
        lambda cell, _: ratio(cell),
        lambda cell: cell.ratio.value if cell.ratio else None,
        8,
    ),
    Column(
        "memory",
        "peak memory",
        lambda cell, _: units.memory(cell.host_peak_bytes),
        lambda cell: cell.host_peak_bytes,
        6,
    ),
    _score("wordsim353", "WS353", 7),
    _score("simlex999", "SimLex", 6),
    _score("google", "analogies", 6),
    Column("outcome", "quality beside gensim, or status", outcome),
    Column(
        "parent",
        "× parent",
        ratio_to_parent,
        lambda cell: cell.ratio_to_parent.value if cell.ratio_to_parent else None,
        3,
    ),
    _phase("import_s", "import s", 0),
    _phase("prepare_s", "prepare s", 2),
    _phase("compile_s", "compile s", 3),
    _phase("train_s", "train s", 5),
    _phase("evaluate_s", "evaluate s", 0),
    Column("runs", "runs", lambda cell, _: str(len(cell.runs)), lambda cell: float(len(cell.runs)), 4),
    Column("place", "run on", lambda cell, _: place(cell), keep=1),
)


def _evidence(name: str) -> tuple[Column, ...]:
    label = QUALITY_SETS[name].label.removesuffix(" add")
    shown = (
        _score(name, label, 9, key=f"{name}_value"),
        _part(name, "seeds", "min–max over seeds", _seed_range),
        _part(name, "items", "95 % over items", _item_interval),
        _part(name, "used", "items used", _used),
    )
    return (*shown, _part(name, "versus", "− gensim, 95 % over seeds", versus)) if name in MARGINS else shown


def _part(name: str, part: str, head: str, text: Callable[[Cell, str], str]) -> Column:
    group = QUALITY_SETS[name].label.removesuffix(" add")
    return Column(f"{name}_{part}", head, lambda cell, _: text(cell, name), group=group)


def _seed_range(cell: Cell, name: str) -> str:
    quality = cell.quality.get(name)
    if quality is None or quality.seeds.n < 2:
        return units.DASH
    return f"{units.score(quality.seeds.low)}–{units.score(quality.seeds.high)}"


def _item_interval(cell: Cell, name: str) -> str:
    quality = cell.quality.get(name)
    return units.interval(quality.item_low, quality.item_high) if quality else units.DASH


def _used(cell: Cell, name: str) -> str:
    quality = cell.quality.get(name)
    return f"{quality.used:,}/{quality.total:,}" if quality else units.DASH


def versus(cell: Cell, name: str) -> str:
    """ "+.004 [−.006, +.014] equivalent", or a dash where seeds are too few."""
    found = cell.versus.get(name)
    if found is None:
        return units.DASH
    bar = units.interval(found.low, found.high, units.difference)
    return f"{units.difference(found.difference)} {bar} {found.verdict}"


EVIDENCE: tuple[Column, ...] = (
    _NAME,
    _MODEL,
    Column("seeds", "seeds", lambda cell, _: str(cell.seeds), lambda cell: float(cell.seeds)),
    *(column for name in QUALITY_SETS for column in _evidence(name)),
)


def evaluated(table: Table) -> Table:
    """Only the rows that have quality to show."""
    return Table(table.section, tuple(cell for cell in table.cells if cell.quality))


def notes(table: Table) -> list[str]:
    """What a reader must know to read the tables, one sentence an item; only what applies here."""
    lines = [
        "Words/s counts the in-vocabulary words of the text, before subsampling, per second of training "
        "alone; figures are medians over runs.",
        "× gensim: the speed over gensim's with the same model in the same block, with the 95 % interval "
        "of the paired ratio over blocks; n.s.: p > 5 % after Holm; gensim has no full softmax, hence "
        "the dash.",
        "× parent: the same against the implementation whose mathematics a row reproduces, made faster.",
        "#: the rank by words/s within a model, only for rows whose quality is shown to equal gensim's; "
        "a dot marks a finished row for which it is not shown.",
        f"Equivalent: two one-sided tests over seeds put the difference of means inside ±{MARGIN:g} on WS353 "
        "and on SimLex (5 % level); within seed spread: Welch's 95 % interval of the difference holds 0, "
        "which is weaker; cannot tell: fewer than 3 seeds on either side.",
        "WS353 and SimLex are Spearman correlations, analogies the share right by 3CosAdd on Google's "
        "questions. Peak memory is the host's, the Python process and its libraries included.",
    ]
    if others := sorted({cell.objective for cell in table.cells} - {*REFERRED, "softmax"}):
        names = " and no ".join(MODEL_NAMES[name] for name in others)
        lines.append(f"gensim has no {names} either: such rows have no ratio to it, no verdict, no rank.")
    if any(SUSPICIOUS in cell.verdict for cell in table.cells):
        lines.append(
            f"Suspiciously above: shown to be better than gensim by more than {MARGIN:g}, which the same "
            "model cannot honestly be; not ranked."
        )
    lines += [f"{break_even_text(found)}." for found in break_evens(table.cells)]
    if any(cell.division == "open" for cell in table.cells):
        lines.append("† open division: departs from the rules, see the implementation's own page.")
    return lines
