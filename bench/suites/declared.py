"""What a suite's file may say; the keys are the fields of these classes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from bench.contract import ARCHITECTURES, OBJECTIVES, Option
from bench.suites.published import Claim, Paper


@dataclass(frozen=True)
class Setting:
    """One of several settings that are run beside each other, where a product of axes would be too much."""

    config: Mapping[str, Any] = field(default_factory=dict)  # of Config, but for the seed
    name: str = ""  # as the paper calls it: "NEG-5"
    implementations: tuple[str, ...] = ()  # empty: the suite's


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
    curve: int = 0  # score the vectors after every 1/curve of training; 0: at the end only
    budget_s: Mapping[str, float] = field(default_factory=dict)  # by implementation; absent: none
    config: Mapping[str, Any] = field(default_factory=dict)  # of Config, where it differs from the default
    vary: Mapping[str, list[Any]] = field(default_factory=dict)  # of Config: every combination is run
    setting: tuple[Setting, ...] = ()  # each is run in every combination of `vary`; empty: one, as it is
    threads: tuple[int, ...] = ()  # every count is run; empty: what the caller gives
    learning_rate: Mapping[str, float] = field(default_factory=dict)  # by architecture
    options: Mapping[str, Mapping[str, list[Option]]] = field(default_factory=dict)
    # by implementation, then option: the values to try; several options give every combination
    takes: str = ""  # about how long, on two cores
    default_scale: str = ""  # a key of `scale`; empty where there is none
    scale: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    # by name, what is otherwise at that scale: any of these keys; tables are merged, the rest replaced
    paper: Paper | None = None  # whose table it runs again
    claims: tuple[Claim, ...] = ()  # of that paper

    @property
    def summary(self) -> str:
        """The description, after the paper whose table it is."""
        return f"{self.paper.title}: {self.description}" if self.paper else self.description

    @property
    def named(self) -> tuple[str, ...]:
        """All implementations that it names, its settings' included."""
        every = (*self.implementations, *(name for one in self.setting for name in one.implementations))
        return tuple(dict.fromkeys(every))
