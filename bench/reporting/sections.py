"""The rows of one table with their heading: what was trained on what, where, when, how often."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from bench.analysis.cells import Cell, Section
from bench.analysis.rows import rows_hash
from bench.contract import option_text
from bench.records.schema import Record
from bench.reporting import units

MODEL_NAMES = {
    "skipgram": "skip-gram",
    "cbow": "CBOW",
    "softmax": "softmax",
    "ns": "NS",
    "hs": "HS",
    "nce": "NCE",
    "sampled": "sampled softmax",
    "adaptive": "adaptive softmax",
}
_SETTINGS = {  # in the order of reading; settings not named here follow, as name = value
    "dim": "dim {}",
    "window": "window {}",
    "negatives": "K {}",
    "subsample": "t {:g}",
    "epochs": "{} epochs",
    "min_count": "min count {}",
}


@dataclass(frozen=True)
class Table:
    """The cells of one section, in table order, and the lines that identify them."""

    section: Section
    cells: tuple[Cell, ...]

    @property
    def title(self) -> str:
        """The data set and its size."""
        return data_text(self.cells[0].runs[0].data)

    @property
    def settings(self) -> str:
        """Everything the rows have in common besides the data."""
        values = dict(self.section.settings)
        known = [setting_text(key, values.pop(key)) for key in _SETTINGS if key in values]
        return ", ".join([*known, self._rates, *(f"{k} = {v}" for k, v in sorted(values.items()))])

    @property
    def _rates(self) -> str:
        """ "rate 0.025 skip-gram, 0.05 CBOW", or the one rate of all rows."""
        rates = sorted({(c.architecture != "skipgram", c.learning_rate, c.architecture) for c in self.cells})
        if len({rate for _, rate, _ in rates}) == 1:
            return f"rate {rates[0][1]:g}"
        return "rate " + ", ".join(f"{rate:g} {MODEL_NAMES[name]}" for _, rate, name in rates)

    @property
    def machine(self) -> str:
        """Name, processor, cores, GPU."""
        return machine_text(self.section.machine)

    @property
    def dates(self) -> str:
        """The day of the first run, and of the last where it differs."""
        return dates(run for cell in self.cells for run in cell.runs)

    @property
    def run_count(self) -> int:
        """All runs of the table, finished or not."""
        return sum(len(cell.runs) for cell in self.cells)

    @property
    def hash(self) -> str:
        """12 hex digits over the run ids of all rows."""
        return rows_hash(self.cells)

    @property
    def provenance(self) -> str:
        """One line for under the table."""
        return f"{self.machine} · {self.dates} · {self.run_count} runs · rows {self.hash}"


def data_text(data: Mapping[str, Any]) -> str:
    """ "text8: 16,718,844 words, vocabulary 71,290" of `Record.data`; the name where no more is known."""
    if not data.get("tokens"):
        return str(data["name"])
    return f"{data['name']}: {data['tokens']:,} words, vocabulary {data.get('vocabulary') or 0:,}"


def setting_text(key: str, value: Any) -> str:
    """One setting of `Config` as it is read: "dim 300", "t 0.001", "1 epoch"."""
    return "1 epoch" if (key, value) == ("epochs", 1) else _SETTINGS[key].format(value)


def machine_text(machine: Iterable[tuple[str, str]]) -> str:
    """ "name, processor, cores, GPU" of `Section.machine`, as far as known."""
    known = dict(machine)
    cores = f"{known['cores']} cores" if known["cores"] else ""
    return ", ".join(part for part in (known["name"], known["cpu"], cores, known["gpu"]) if part)


def dates(runs: Iterable[Record]) -> str:
    """The day of the first run, and of the last where it differs."""
    days = sorted({units.day(run.started) for run in runs})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def tables(cells: Iterable[Cell]) -> list[Table]:
    """One table a section, the order of `cells` kept within each."""
    ordered = sorted(cells, key=lambda cell: cell.section)
    return [Table(key, tuple(rows)) for key, rows in groupby(ordered, key=lambda cell: cell.section)]


def whole(tables: Sequence[Table], cells: Iterable[Cell]) -> Table:
    """`cells` of several tables as one, under the settings that all of them share."""
    settings = set.intersection(*(set(table.section.settings) for table in tables))
    return Table(replace(tables[0].section, settings=tuple(sorted(settings))), tuple(cells))


def model_name(cell: Cell) -> str:
    """ "skip-gram NS"."""
    return f"{MODEL_NAMES[cell.architecture]} {MODEL_NAMES[cell.objective]}"


def row_name(cell: Cell, table: Sequence[Cell]) -> str:
    """The implementation; with what tells its rows apart where the table holds several of them.

    That is part of its source's hash for versions, the options that differ for a study, the rate, and
    the threads. A dagger marks the open division, whose rows depart from the rules.
    """
    same = [c for c in table if c.implementation == cell.implementation]
    version = f"@{cell.source_sha256[:7] or 'unknown'}" if len({c.source_sha256 for c in same}) > 1 else ""
    varied = {key for c in same for key, value in c.options if dict(cell.options).get(key) != value}
    options = "".join(f" {key}={option_text(value)}" for key, value in cell.options if key in varied)
    rates = {c.learning_rate for c in same if c.architecture == cell.architecture}
    rate = f" rate={cell.learning_rate:g}" if len(rates) > 1 else ""
    counts = {c.threads for c in same if c.model == cell.model}
    threads = f" {cell.threads} thread{'s' if cell.threads != 1 else ''}" if len(counts) > 1 else ""
    return cell.implementation + version + options + rate + threads + ("†" if cell.division == "open" else "")
