"""How good an approximation is, as measured on one trained state: one small JSON file, beside the records.

`results/<machine>/approximation/<implementation>-<architecture>-<objective>-<run id>.json`. Losses and log Z
are in nats. No key is null but where its comment says so.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.errors import UserError
from bench.records.store import write_json

SCHEMA_VERSION = 1
FOLDER = "approximation"  # beside the records of a machine


@dataclass(frozen=True)
class Interval:
    """A mean over held-out predictions with its 95 % bootstrap interval over them."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LogZ:
    """log of the sum of exp(scores) over the vocabulary: spread over the held-out centres."""

    mean: float
    sd: float
    low: float  # 5 %
    high: float  # 95 %


@dataclass(frozen=True)
class Reread:
    """One way to read the state as a distribution."""

    name: str  # the formula
    loss: Interval  # -log p(context | centre) with the scores normalised exactly
    loss_as_is: Interval | None  # the same with Z taken as 1; null, n/a: the objective does not claim that
    log_z: LogZ


@dataclass(frozen=True)
class Gradient:
    """One estimator of the full softmax's gradient g*, at this state; expectations are over the noise."""

    objective: str  # whose gradient it is, whatever this state was trained with
    estimator: str
    negatives: int  # K
    matrix: str  # "inputs" or "outputs": with respect to which vectors
    bias: Interval  # |E g - g*| / |g*|, root of the means of the squares; 0: too small to be told from 0
    variance: Interval  # E |g - E g|^2 / |g*|^2, of the means
    cosine: Interval  # between E g and g*, its mean


@dataclass(frozen=True)
class Measured:
    """One training, and what came out of it."""

    run_id: str  # 16 hex digits over everything that can change the figures, see `records.identity`
    implementation: dict[str, Any]  # name, options, needs, source_sha256
    measure_sha256: str  # of the source of the measuring mathematics
    config: dict[str, Any]  # contract.Config
    data: dict[str, Any]  # name, sha256, vocabulary, training_tokens, held_out_sentences, held_out_tokens
    resources: dict[str, Any]  # device, threads
    started: str  # UTC, ISO 8601, seconds
    train_s: float  # of wall time, shared with whatever else ran: no speed is claimed
    measure_s: float
    machine: dict[str, Any]  # as in a record
    versions: dict[str, str]
    git: dict[str, Any]
    predictions: int  # held-out (centre, context) pairs
    dropped: int  # pairs left out, with a word that never occurs in the training part
    centres: int  # their occurrences with a prediction
    uniform_loss: float  # log V: knowing nothing
    unigram_loss: Interval  # knowing the words' frequencies, and nothing of the centre
    points: int  # of the predictions, those at which gradients are compared
    readings: tuple[Reread, ...]
    gradients: tuple[Gradient, ...]  # none where the state has no output vectors of words
    schema: int = SCHEMA_VERSION


def _interval(data: Mapping[str, float] | None) -> Interval | None:
    return Interval(**data) if data else None


def from_json(data: Mapping[str, Any]) -> Measured:
    """What `asdict` made `data` of. Raises KeyError or TypeError."""
    readings = (
        {
            **r,
            "loss": _interval(r["loss"]),
            "loss_as_is": _interval(r["loss_as_is"]),
            "log_z": LogZ(**r["log_z"]),
        }
        for r in data["readings"]
    )
    gradients = ({**g, **{k: _interval(g[k]) for k in _INTERVALS}} for g in data["gradients"])
    return Measured(
        **{
            **data,
            "unigram_loss": Interval(**data["unigram_loss"]),
            "readings": tuple(Reread(**r) for r in readings),
            "gradients": tuple(Gradient(**g) for g in gradients),
        }
    )


_INTERVALS = ("bias", "variance", "cosine")


def path_of(machine: str, implementation: str, model: tuple[str, str], run_id: str, folder: Path) -> Path:
    """Where it lies: deeper than records, which `store.read_all` takes for all."""
    return folder / machine / FOLDER / f"{implementation}-{'-'.join(model)}-{run_id}.json"


def write(measured: Measured, folder: Path) -> Path:
    """Put it on disk whole or not at all. Raises UserError if the disk refuses."""
    model = measured.config["architecture"], measured.config["objective"]
    where = str(measured.machine["name"]), measured.implementation["name"], model, measured.run_id
    return write_json(path_of(*where, folder), asdict(measured))


def read(path: Path) -> Measured:
    """One file. Raises UserError if it is damaged or of a newer schema."""
    try:
        data = json.loads(path.read_text("utf-8"))
        if data["schema"] > SCHEMA_VERSION:
            raise ValueError(f"schema {data['schema']} is newer than {SCHEMA_VERSION}")
        return from_json(data)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(
            f"{path} holds no measured approximation",
            why=f"{type(error).__name__}: {error}",
            remedy="measure anew with `w2vbench approximation --again`, or restore it from version control",
        ) from error


def read_all(folder: Path) -> list[Measured]:
    """All under `folder`, in the order of their paths."""
    found = sorted(folder.glob(f"*/{FOLDER}/*.json"))
    return [read(path) for path in found if not path.name.startswith(".")]
