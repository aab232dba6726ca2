"""From a suite and the command line's wishes to the list of runs, each with its id."""

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from bench.contract import ARCHITECTURES, OBJECTIVES, Config, Option, Resources, option_text
from bench.discovery import Entry, find
from bench.errors import UserError, unknown_name
from bench.quality import EVALUATOR_VERSION
from bench.records import identity
from bench.running.machine import machine, versions
from bench.suites import Setting, Suite

_CONFIG = tuple(f.name for f in fields(Config))


@dataclass(frozen=True)
class Run:
    """One process to be started."""

    entry: Entry
    config: Config
    resources: Resources
    timeout_s: float
    budget_s: float | None
    suite: str
    repetition: int  # the seed: runs with other seeds, whenever they ran, are of other blocks
    curve: int = 0  # parts of a learning curve; 0: none
    options: Mapping[str, Option] = field(default_factory=dict)  # only those that were asked for
    varied: Mapping[str, Any] = field(default_factory=dict)  # settings that not all runs of the plan share

    @property
    def cell(self) -> str:
        """How a person calls it: `gensim skipgram/ns dim=300 seed 1`, `... curve` where one is taken."""
        c, choices = self.config, {**self.options, **self.varied}
        apart = "".join(f" {name}={option_text(value)}" for name, value in choices.items())
        curve = " curve" if self.curve else ""
        return f"{self.entry.spec.name} {c.architecture}/{c.objective}{apart} seed {c.seed}{curve}"


def plan(suite: Suite, resources: Resources) -> list[Run]:
    """All runs of a suite: repetitions outermost, each with every model of every implementation.

    A repetition holds every combination of `suite.vary`, `suite.setting`, `suite.threads` (in the place
    of `resources.threads`) and `suite.options`: one block, so that all of it is compared within it.

    Raises UserError for unknown names, impossible configurations and an empty plan.
    """
    for kind, known, asked in (
        ("architecture", ARCHITECTURES, suite.architectures),
        ("objective", OBJECTIVES, suite.objectives),
    ):
        for name in set(asked) - set(known):
            raise unknown_name(kind, name, known)
    entries = {name: find(name) for name in suite.named}
    runs = [
        Run(
            entry,
            _config(suite, architecture, objective, seed, values | dict(setting.config)),
            replace(resources, threads=threads),
            suite.timeout_s,
            suite.budget_s.get(entry.spec.name),
            suite.name,
            seed,
            suite.curve,
            options,
            values | _apart(setting) | ({"threads": threads} if len(suite.threads) > 1 else {}),
        )
        for seed in range(suite.first_seed, suite.first_seed + suite.seeds)
        for values in _combinations(suite.vary)
        for setting in suite.setting or (Setting(),)
        for threads in suite.threads or (resources.threads,)
        for entry in (entries[name] for name in setting.implementations or suite.implementations)
        for architecture in entry.spec.architectures
        for objective in entry.spec.objectives
        if architecture in suite.architectures and objective in suite.objectives
        if setting.config.get("architecture", architecture) == architecture
        if setting.config.get("objective", objective) == objective
        for options in _grid(entry, suite.options.get(entry.spec.name, {}))
    ]
    if not runs:
        raise UserError(
            "nothing to run",
            why="no chosen implementation has any of the chosen architectures and objectives",
            remedy="see `w2vbench list`",
        )
    return runs


def _apart(setting: Setting) -> dict[str, Any]:
    """What tells the setting from others besides the model."""
    return {k: v for k, v in setting.config.items() if k not in ("architecture", "objective")}


def _grid(entry: Entry, options: Mapping[str, list[Option]]) -> list[dict[str, Option]]:
    """Every combination of the values to try; one empty choice where there are none."""
    for name in options.keys() - entry.spec.options.keys():
        raise unknown_name(f"option of {entry.spec.name}", name, entry.spec.options)
    return _combinations(options)


def _combinations(axes: Mapping[str, list[Any]]) -> list[dict[str, Any]]:
    """One value of each axis, in every way; one empty choice without axes."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _config(suite: Suite, architecture: str, objective: str, seed: int, varied: Mapping[str, Any]) -> Config:
    values = {"architecture": architecture, "objective": objective, "seed": seed, **suite.config}
    if architecture in suite.learning_rate:
        values["learning_rate"] = suite.learning_rate[architecture]
    return Config(**{**values, **varied})


def override(suite: Suite, **wishes: Any) -> Suite:
    """The suite with the wishes of the command line; None leaves a value as it is.

    A value given for a setting that the suite varies takes the place of the whole axis, and names of
    implementations that of all that the suite and its settings name.
    """
    given = {k: v for k, v in wishes.items() if v is not None and v != ()}
    config = dict(suite.config)
    config |= {name: given.pop(name) for name in _CONFIG if name in given}
    given["vary"] = {k: v for k, v in suite.vary.items() if wishes.get(k) is None}
    given["setting"] = _settings(suite.setting, wishes)
    if "learning_rate" in config:
        given["learning_rate"] = dict.fromkeys(ARCHITECTURES, config["learning_rate"])
    if "budget_s" in given:  # one figure for all; 0 takes every budget away
        names = given.get("implementations", suite.named)
        given["budget_s"] = dict.fromkeys(names, given["budget_s"]) if given["budget_s"] else {}
    return replace(suite, **given, config=config)


def _settings(settings: Iterable[Setting], wishes: Mapping[str, Any]) -> tuple[Setting, ...]:
    """Without what the wishes decide; each once, since some may then be equal."""
    left: list[Setting] = []
    for one in settings:
        config = {k: v for k, v in one.config.items() if wishes.get(k) is None}
        names = () if wishes.get("implementations") else one.implementations
        changed = Setting(config, one.name if len(config) == len(one.config) else "", names)
        if changed not in left:
            left.append(changed)
    return tuple(left)


def run_id(run: Run, dataset_sha256: str) -> str:
    """16 hex digits over everything that can change the figures of a run.

    The implementation's source, the configuration, the dataset, the evaluator, the machine and
    its share, and the versions of what the implementation needs. Editing one implementation so
    makes its own runs new, and nobody else's. A learning curve takes time, so its runs are others.
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
        curve=run.curve,
    )
