"""From records back to runs: the same configuration, options, seed, share and budget, with today's code."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import discovery
from bench.contract import Config, Resources
from bench.datasets import Progress, load_corpus
from bench.errors import UserError, unknown_name
from bench.records.schema import Record
from bench.running.machine import missing, versions
from bench.running.plan import Run

REFERENCE = "gensim"


@dataclass(frozen=True)
class Again:
    """A published run and how it is run again."""

    record: Record
    run: Run | None  # None: it cannot be
    note: str  # why it cannot be, or what is not as it was; empty where nothing is to be said

    @property
    def name(self) -> str:
        """As `Run.cell` puts it, also for what cannot be run."""
        config = self.record.config
        model = f"{config['architecture']}/{config['objective']}"
        return (
            self.run.cell
            if self.run
            else f"{self.record.implementation['name']} {model} seed {config['seed']}"
        )

    @property
    def budget(self) -> str:
        """The published run's, in seconds; a dash for none."""
        budget_s = self.record.resources["budget_s"]
        return "-" if budget_s is None else f"{budget_s:g} s"


def again(records: Iterable[Record]) -> list[Again]:
    """Each record with its run; runs of several records (an implementation since edited) may be equal."""
    entries = discovery.implementations()
    return [_again(record, entries.get(record.implementation["name"])) for record in records]


def choose(records: Iterable[Record], names: Sequence[str], blocks: int | None) -> list[Record]:
    """Records of the implementations `names` (empty: all) in their first `blocks` repetitions (None: all).

    gensim's of the same models and repetitions come along: without them there is no ratio.
    """
    known = list(records)
    for name in names:
        if name not in (there := {str(r.implementation["name"]) for r in known}):
            raise unknown_name("implementation in this table", name, there)
    named = [r for r in known if not names or r.implementation["name"] in names]
    repetitions = sorted({r.block["repetition"] for r in named})[:blocks]
    models = {_model(r) for r in named}
    return [
        r
        for r in known
        if r.block["repetition"] in repetitions
        and (r in named or (r.implementation["name"] == REFERENCE and _model(r) in models))
    ]


def _model(record: Record) -> tuple[str, str]:
    return record.config["architecture"], record.config["objective"]


def runs(planned: Sequence[Again]) -> list[Run]:
    """The runs of `planned`, each once, for `session.execute`."""
    unique: list[Run] = []
    for one in planned:
        if one.run is not None and one.run not in unique:
            unique.append(one.run)
    return unique


def _again(record: Record, entry: discovery.Entry | None) -> Again:
    if entry is None:
        return Again(record, None, "the implementation is gone")
    if record.status == "withdrawn":
        return Again(record, None, f"withdrawn: {record.reason}")
    options = record.implementation["options"]
    if gone := sorted(options.keys() - entry.spec.options.keys()):
        return Again(record, None, f"its option {gone[0]} is gone")
    try:
        config = Config(**record.config)
    except (TypeError, UserError) as error:
        return Again(record, None, f"its configuration is no longer understood: {error}")
    resources = Resources(record.resources["device"], record.resources["threads"])
    if lacking := missing(entry.spec.needs, resources.device):
        return Again(record, None, lacking)
    run = Run(
        entry,
        config,
        resources,
        timeout_s=record.resources["timeout_s"],
        budget_s=record.resources["budget_s"],
        suite=record.suite,
        repetition=record.block["repetition"],
        curve=record.curve.parts if record.curve else 0,
        options={k: v for k, v in options.items() if entry.spec.options[k] != v},
    )
    return Again(record, run, "; ".join(_changes(record, entry)))


def _changes(record: Record, entry: discovery.Entry) -> Iterator[str]:
    """What is not as it was: the source, and the versions of what the implementation needs."""
    if entry.source_sha256 != record.implementation["source_sha256"]:
        yield "source changed since"
    for package in ("python", "numpy", *entry.spec.needs):
        old, new = record.versions.get(package), versions().get(package)
        if old and new and old != new:
            yield f"{package} {old} → {new}"


def check_target(target: Path, results: Path, planned: Iterable[Again]) -> None:
    """Raises UserError where nothing can be run, or new records would lie among the old."""
    if target.resolve() == results.resolve():
        raise UserError(
            f"{target} holds the published records",
            why="new runs would take their place, or be taken for done",
            remedy="choose another folder with --out",
        )
    planned = list(planned)
    if not runs(planned):
        reasons = sorted({one.note for one in planned})
        raise UserError(
            "nothing of this table can be run again",
            why="; ".join(reasons),
            remedy="check out the commit that the records name (git.commit), or install what is missing",
        )


def text_of(name: str, sha256: str, path: str | None, min_count: int, progress: Progress) -> str:
    """The text to train on, which is proven to be the one of the table.

    Raises UserError where it is another, or a local file whose path is not given.
    """
    if path is None and name.startswith("file:"):
        raise UserError(
            f"the table was measured on a local file, {name.removeprefix('file:')}",
            why="records do not keep where it lay",
            remedy="give its path with --dataset",
        )
    text = path or name
    corpus = load_corpus(text, min_count=min_count, progress=progress)
    if corpus.sha256 != sha256:
        raise UserError(
            f"{text} is not the text of the table",
            why=f"its sha256 is {corpus.sha256[:12]}…, the table's is {sha256[:12]}…",
            remedy="find the text that was measured",
        )
    return text
