"""From a suite and the command line's wishes to the list of runs, each with its id."""

import itertools
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from bench.contract import ARCHITECTURES, OBJECTIVES, Config, Resources
from bench.discovery import Entry, find
from bench.errors import UserError, unknown_name
from bench.quality import EVALUATOR_VERSION
from bench.records import identity
from bench.running.machine import machine, versions

SUITES = Path(__file__).parents[1] / "suites"


@dataclass(frozen=True)
class Suite:
    """A declared set of runs; one TOML file with exactly these keys."""

    name: str
    description: str
    dataset: str
    implementations: tuple[str, ...]
    architectures: tuple[str, ...] = ARCHITECTURES
    objectives: tuple[str, ...] = OBJECTIVES
    first_seed: int = 1
    seeds: int = 1  # repetitions, each a block with its own seed
    timeout_s: float = 3600
    budget_s: Mapping[str, float] = field(default_factory=dict)  # by implementation; absent: none
    config: Mapping[str, Any] = field(default_factory=dict)  # of Config, where it differs from the default
    learning_rate: Mapping[str, float] = field(default_factory=dict)  # by architecture
    options: Mapping[str, Mapping[str, list[float]]] = field(default_factory=dict)
    # by implementation, then option: the values to try; several options give every combination


@dataclass(frozen=True)
class Run:
    """One process to be started."""

    entry: Entry
    config: Config
    resources: Resources
    timeout_s: float
    budget_s: float | None
    suite: str
    repetition: int
    options: Mapping[str, float] = field(default_factory=dict)  # only those that were asked for

    @property
    def cell(self) -> str:
        """How a person calls it: `gensim skipgram/ns seed 1`."""
        c = self.config
        options = "".join(f" {name}={value:g}" for name, value in self.options.items())
        return f"{self.entry.spec.name} {c.architecture}/{c.objective}{options} seed {c.seed}"


def suites() -> dict[str, Suite]:
    """All declared suites by name."""
    return {path.stem: _read_suite(path) for path in sorted(SUITES.glob("*.toml"))}


def find_suite(name: str) -> Suite:
    """The suite called `name`. Raises UserError with the closest names."""
    known = suites()
    if name not in known:
        raise unknown_name("suite", name, known)
    return known[name]


def _read_suite(path: Path) -> Suite:
    data = tomllib.loads(path.read_text("utf-8"))
    known = {f.name for f in fields(Suite)} - {"name"}
    for key in data.keys() - known:
        raise unknown_name(f"key in {path.name}", key, known)
    for key in dict(data.get("config", {})).keys() - {f.name for f in fields(Config)}:
        raise unknown_name(f"config key in {path.name}", key, (f.name for f in fields(Config)))
    lists = {k: tuple(v) for k, v in data.items() if isinstance(v, list)}
    return Suite(name=path.stem, **{**data, **lists})


def plan(suite: Suite, resources: Resources) -> list[Run]:
    """All runs of a suite: repetitions outermost, each with every model of every implementation.

    Raises UserError for unknown names, impossible configurations and an empty plan.
    """
    for kind, known, asked in (
        ("architecture", ARCHITECTURES, suite.architectures),
        ("objective", OBJECTIVES, suite.objectives),
    ):
        for name in set(asked) - set(known):
            raise unknown_name(kind, name, known)
    entries = [find(name) for name in suite.implementations]
    runs = [
        Run(
            entry,
            _config(suite, architecture, objective, suite.first_seed + repetition),
            resources,
            suite.timeout_s,
            suite.budget_s.get(entry.spec.name),
            suite.name,
            repetition,
            options,
        )
        for repetition in range(suite.seeds)
        for entry in entries
        for architecture in entry.spec.architectures
        for objective in entry.spec.objectives
        if architecture in suite.architectures and objective in suite.objectives
        for options in _grid(entry, suite.options.get(entry.spec.name, {}))
    ]
    if not runs:
        raise UserError(
            "nothing to run",
            why="no chosen implementation has any of the chosen architectures and objectives",
            remedy="see `w2vbench list`",
        )
    return runs


def _grid(entry: Entry, options: Mapping[str, list[float]]) -> list[dict[str, float]]:
    """Every combination of the values to try; one empty choice where there are none."""
    for name in options.keys() - entry.spec.options.keys():
        raise unknown_name(f"option of {entry.spec.name}", name, entry.spec.options)
    return [dict(zip(options, values, strict=True)) for values in itertools.product(*options.values())]


def _config(suite: Suite, architecture: str, objective: str, seed: int) -> Config:
    values = {"architecture": architecture, "objective": objective, "seed": seed, **suite.config}
    if architecture in suite.learning_rate:
        values["learning_rate"] = suite.learning_rate[architecture]
    return Config(**values)


def override(suite: Suite, **wishes: Any) -> Suite:
    """The suite with the wishes of the command line; None leaves a value as it is."""
    given = {k: v for k, v in wishes.items() if v is not None and v != ()}
    config = dict(suite.config)
    config |= {f.name: given.pop(f.name) for f in fields(Config) if f.name in given}
    if "learning_rate" in config:
        given["learning_rate"] = dict.fromkeys(ARCHITECTURES, config["learning_rate"])
    if "budget_s" in given:  # one figure for all; 0 takes every budget away
        names = given.get("implementations", suite.implementations)
        given["budget_s"] = dict.fromkeys(names, given["budget_s"]) if given["budget_s"] else {}
    return replace(suite, **given, config=config)


def run_id(run: Run, dataset_sha256: str) -> str:
    """16 hex digits over everything that can change the figures of a run.

    The implementation's source, the configuration, the dataset, the evaluator, the machine and
    its share, and the versions of what the implementation needs. Editing one implementation so
    makes its own runs new, and nobody else's.
    """
    spec = run.entry.spec
    return identity.run_id(
        {
            "name": spec.name,
            "options": {**spec.options, **run.options},
            "needs": spec.needs,
            "source_sha256": run.entry.source_sha256,
        },
        asdict(run.config),
        asdict(run.resources),
        dataset_sha256=dataset_sha256,
        machine=machine()["name"],
        versions=versions(),
        evaluator=EVALUATOR_VERSION,
    )
