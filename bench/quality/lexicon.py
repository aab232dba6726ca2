"""From words to rows of the vectors: case folding, coverage and unit length."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

UNKNOWN = -1


@dataclass(frozen=True)
class Lexicon:
    """Vectors that can be asked for by word, whatever its case.

    Spellings that differ only in case are one word, and its vector is that of the first, which
    is the most frequent one (gensim's `case_insensitive=True`).
    """

    vectors: npt.NDArray[np.float32]  # (V, D)
    row_of: dict[str, int]  # upper-cased word -> row of its most frequent spelling
    canonical: npt.NDArray[np.int64]  # (V,) row of the most frequent spelling of each row's word

    @staticmethod
    def build(vectors: npt.NDArray[np.float32], words: Sequence[str]) -> "Lexicon":
        """Index `words`, given in falling frequency. Raises ValueError as `check` does."""
        check(vectors, words)
        row_of: dict[str, int] = {}
        canonical = [row_of.setdefault(word.upper(), row) for row, word in enumerate(words)]
        return Lexicon(vectors, row_of, np.asarray(canonical, np.int64))

    def rows(self, words: Iterable[str]) -> npt.NDArray[np.int64]:
        """Row of each word, `UNKNOWN` where there is none."""
        return np.fromiter((self.row_of.get(word.upper(), UNKNOWN) for word in words), np.int64)


def check(vectors: npt.NDArray[np.float32], words: Sequence[str]) -> None:
    """Raise ValueError unless `vectors` are finite numbers of shape (len(words), D), D >= 1."""
    if vectors.ndim != 2 or len(vectors) != len(words) or vectors.size == 0:
        raise ValueError(f"vectors have shape {vectors.shape}; expected ({len(words)}, D) with D >= 1")
    if not np.issubdtype(vectors.dtype, np.floating):
        raise ValueError(f"vectors are {vectors.dtype}; expected float32")
    # The extremes carry a NaN or an infinity along, without a boolean array of the vectors' size.
    if not (np.isfinite(vectors.min()) and np.isfinite(vectors.max())):
        bad = int((~np.isfinite(vectors).all(axis=1)).sum())
        raise ValueError(f"vectors are not finite: NaN or infinity in {bad:,} of {len(words):,} rows")


def unit_rows(vectors: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """(N, D) rows scaled to length 1; a zero row stays zero, so its cosine with anything is 0.

    Divided by the largest entry first, so that the square of a huge entry cannot overflow.
    """
    largest = np.abs(vectors).max(axis=1, keepdims=True)  # (N, 1)
    scaled = vectors / np.where(largest > 0, largest, 1)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return (scaled / np.where(length > 0, length, 1)).astype(np.float32, copy=False)
