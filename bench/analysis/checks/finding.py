"""The words of a check: a record with its file, a finding, and what turns the one into the other."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bench.records.schema import Record

Level = Literal["wrong", "weak"]
LEVELS: dict[Level, str] = {
    "wrong": "cannot be believed as it stands",
    "weak": "true, but carries less weight than it seems to",
}


@dataclass(frozen=True)
class Filed:
    """A record, and the file it was read from, relative to the results folder."""

    path: Path
    record: Record


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    level: Level
    check: str  # the name of the check that found it
    where: str  # a file, a block or a row
    what: str  # what is the matter, with the figures
    remedy: str


@dataclass(frozen=True)
class Check:
    """One question asked of all records at once; `find` yields (where, what) for every fault."""

    name: str
    level: Level
    find: Callable[[Sequence[Filed]], Iterable[tuple[str, str]]]
    remedy: str

    def run(self, filed: Sequence[Filed]) -> list[Finding]:
        """Every fault as a finding."""
        found = self.find(filed)
        return [Finding(self.level, self.name, where, what, self.remedy) for where, what in found]


def each(
    faults: Callable[[Record], Iterable[str]],
) -> Callable[[Sequence[Filed]], Iterator[tuple[str, str]]]:
    """A question that is asked of one record at a time, as `Check.find` wants it."""

    def find(filed: Sequence[Filed]) -> Iterator[tuple[str, str]]:
        for one in filed:
            for what in faults(one.record):
                yield str(one.path), what

    return find
