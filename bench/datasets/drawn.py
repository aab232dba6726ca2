"""A text that is drawn, not read: a law says how often each word occurs, chance in which order.

A corpus of it has words, counts and a tree, as that of any text, and neither word numbers nor text: those
come into being on the device that trains (`bench.contract.Drawn`).
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.datasets.build import SENTENCE_TOKENS, Scan, write_vocabulary
from bench.datasets.tokenise import LINE_END


@dataclass(frozen=True)
class Zipf:
    """Words of rank r = 1..types, with a probability proportional to 1 / r^exponent (Zipf 1949)."""

    exponent: float
    types: int
    tokens: int  # before the minimum count; what rounding makes of each word's share is its count
    sentence_words: int

    def __post_init__(self) -> None:
        if not (self.types > 0 and self.tokens > 0 and 0 < self.sentence_words <= SENTENCE_TOKENS):
            raise ValueError(f"{self} draws no text")

    @property
    def sha256(self) -> str:
        """Stands for the text wherever one is told from another."""
        law = {"law": "zipf", **asdict(self), "exponent": float(self.exponent)}
        return hashlib.sha256(json.dumps(law, sort_keys=True).encode()).hexdigest()

    def counts(self) -> npt.NDArray[np.int64]:
        """(types,) how often each word occurs, by rank."""
        weight = 1 / np.arange(1, self.types + 1) ** float(self.exponent)
        counts: npt.NDArray[np.int64] = np.rint(self.tokens / weight.sum() * weight).astype(np.int64)
        return counts


def write_corpus(folder: Path, law: Zipf, min_count: int) -> dict[str, Any]:
    """Write what a corpus has without a text into `folder`; returns its token counts and how to draw it.

    Word r is called "wr": a word that no test set knows.
    """
    counts = np.concatenate(([0], law.counts()))  # the scan of a text has line ends in place 0
    found = Scan([LINE_END, *(f"w{rank}" for rank in range(1, law.types + 1))], counts)
    keep = write_vocabulary(folder, found, min_count)
    tokens = int(counts[keep].sum())
    return {
        "raw_tokens": found.raw_tokens,
        "tokens": tokens,
        "vocabulary": len(keep),
        "drawn": {"tokens": tokens, "sentence_words": law.sentence_words},
    }
