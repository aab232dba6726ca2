"""What others have published of the speed of training, and our own fastest rows to stand beside it.

Their machines, texts and clocks are others, so nothing is divided by anything here.
"""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pandas as pd

from bench.analysis.cells import Cell
from bench.analysis.rows import rows_hash

PEERS = Path(__file__).parents[1] / "peers.toml"


@dataclass(frozen=True)
class Peer:
    """One published figure: `words_per_s`, `seconds` or `says`. What was not stated is empty or None."""

    system: str
    hardware: str
    source: str  # as a sentence cites it
    tag: str  # a key of `bench.suites.published.TAGS`: how the figure is known
    key: str = ""  # of bench/references.bib
    text: str = ""
    words: int | None = None  # of the text, one epoch
    epochs: int | None = None
    settings: str = ""
    words_per_s: float | None = None
    seconds: float | None = None
    says: str = ""
    memory: str = ""  # the peak, in the source's unit
    quality: str = ""

    @property
    def derived(self) -> bool:
        """Whether its words/s follow from seconds."""
        return self.words_per_s is None and None not in (self.words, self.epochs, self.seconds)

    @property
    def raw_words_per_s(self) -> float | None:
        """As stated, else words × epochs ÷ seconds; None where that is not known either."""
        if self.words_per_s is None and self.words and self.epochs and self.seconds:
            return self.words * self.epochs / self.seconds
        return self.words_per_s


@cache
def peers() -> tuple[Peer, ...]:
    """All that is published, in the order of the file. Raises TypeError for an unknown or missing key."""
    return tuple(Peer(**entry) for entry in tomllib.loads(PEERS.read_text("utf-8"))["peer"])


def leaders(cells: Iterable[Cell]) -> list[Cell]:
    """The fastest row of each model, machine and device whose quality is shown to equal gensim's.

    Where it was shown on several texts, on the one with the most words: a small vocabulary is quick to train.
    """
    best: dict[tuple[Any, ...], Cell] = {}
    for cell in cells:
        model = (cell.architecture != "skipgram", cell.objective != "ns", cell.objective)
        key = (*model, cell.section.machine, cell.on_gpu)
        if cell.rank is not None and (key not in best or _strength(cell) > _strength(best[key])):
            best[key] = cell
    return [best[key] for key in sorted(best)]


def _strength(cell: Cell) -> tuple[int, float, str]:
    """What the leader has most of: words of the text, then speed; the hash of its rows decides a tie."""
    return cell.runs[0].data["tokens"], cell.speed.median if cell.speed else 0.0, rows_hash([cell])


def hardware(cell: Cell) -> str:
    """ "NVIDIA H200", or "Intel Xeon, 2 threads"."""
    machine = dict(cell.section.machine)
    if cell.on_gpu:
        return machine["gpu"] or cell.device
    return f"{machine['cpu']}, {cell.threads} thread{'s' if cell.threads != 1 else ''}"


def frame(cells: Iterable[Cell]) -> pd.DataFrame:
    """One row a published figure, then one a leader; full precision, units in the columns' names."""
    return pd.DataFrame([*map(_published, peers()), *map(_ours, leaders(cells))])


def _published(peer: Peer) -> Mapping[str, Any]:
    stated = {name: value if value != "" else None for name, value in asdict(peer).items()}
    rate = {"raw_words_per_s": peer.raw_words_per_s, "derived": peer.derived}
    return {"whose": "published", **stated, **rate}


def _ours(cell: Cell) -> Mapping[str, Any]:
    config = cell.runs[0].config
    return {
        "whose": "ours",
        "system": cell.implementation,
        "hardware": hardware(cell),
        "source": f"rows {rows_hash([cell])}",
        "text": cell.section.dataset,
        "words": cell.runs[0].data["tokens"],
        "epochs": config["epochs"],
        "settings": " ".join(f"{k}={config[k]}" for k in sorted(config) if k != "seed"),
        "seconds": cell.phases["train_s"],
        "quality": " ".join(f"{name}={cell.score(name)!r}" for name in cell.quality),
        "raw_words_per_s": cell.speed.median if cell.speed else None,
        "derived": False,
    }
