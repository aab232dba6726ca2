"""Build a corpus folder from blocks of text, in memory that grows with the vocabulary only.

The text is read once: its words are numbered by first appearance and the numbers spilled to disk
while they are counted. When all counts are known, the spilled numbers are renumbered by falling
count, rare words dropped and sentences cut, without touching the text again.
"""

import itertools
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from bench import vocabulary
from bench.datasets.tokenise import LINE_END, words_of
from bench.errors import UserError

SENTENCE_TOKENS = 1000  # word2vec.c's MAX_SENTENCE_LENGTH, here cut before subsampling
SPILL_TOKENS = 1 << 20  # numbers handled at a time: 4 MiB
_END = 0  # the number of LINE_END, always the first to be numbered


@dataclass(frozen=True)
class Scan:
    """Words in order of first appearance, line ends in place 0, and how often each occurs."""

    words: list[str]  # (T,)
    counts: npt.NDArray[np.int64]  # (T,)

    @property
    def raw_tokens(self) -> int:
        """Words of the text before the minimum count."""
        return int(self.counts[_END + 1 :].sum())


def scan(pieces: Iterator[tuple[int, bytes]], spill: IO[bytes]) -> Scan:
    """Number and count all words, and spill the numbers (int32, line ends as 0) to `spill`."""
    numbers: defaultdict[str, int] = defaultdict(itertools.count().__next__)
    counts = np.zeros(1 + numbers[LINE_END], np.int64)
    for offset, piece in pieces:
        words = words_of(piece, offset)
        ids = np.fromiter(map(numbers.__getitem__, words), np.int32, len(words))
        seen = np.bincount(ids, minlength=len(numbers))
        seen[: len(counts)] += counts
        counts = seen
        spill.write(ids.data)
    return Scan(list(numbers), counts)


def frequent(counts: npt.NDArray[np.int64], min_count: int) -> npt.NDArray[np.int64]:
    """Scan numbers of the words to keep, by falling count, ties by first appearance.

    Raises UserError where nothing is left.
    """
    words = counts.copy()
    words[_END] = 0
    if not words.any():
        raise UserError("the text is empty", why="it holds no word", remedy="give a text with words in it")
    if words.max() < min_count:
        raise UserError(
            f"no word reaches min count {min_count}",
            why=f"the most frequent word occurs {words.max():,} times",
            remedy="lower --min-count, or use a longer text",
        )
    order = np.argsort(-words, kind="stable")
    return order[: np.count_nonzero(words >= min_count)]


def write_vocabulary(folder: Path, found: Scan, min_count: int) -> npt.NDArray[np.int64]:
    """Write the words to keep, their counts and tree into `folder`; returns their numbers in the scan."""
    keep = frequent(found.counts, min_count)
    words = [found.words[number] for number in keep.tolist()]
    counts = found.counts[keep]
    (folder / "words.txt").write_text("\n".join(words), encoding="utf-8")
    np.save(folder / "counts.npy", counts)
    tree = vocabulary.huffman_tree(counts)
    for part in ("offsets", "nodes", "codes"):
        np.save(folder / f"huffman_{part}.npy", getattr(tree, part))
    return keep


def write_corpus(folder: Path, spill: Path, found: Scan, min_count: int) -> dict[str, int]:
    """Write every array and text file of a corpus into `folder`; returns its token counts."""
    keep = write_vocabulary(folder, found, min_count)
    words = [found.words[number] for number in keep.tolist()]
    _write_ids(folder, spill, keep, len(found.counts))
    ids, offsets = (np.load(folder / f"{part}.npy", mmap_mode="r") for part in ("ids", "offsets"))
    with (folder / "corpus.txt").open("w", encoding="utf-8", newline="\n") as text:
        text.writelines(_lines(ids, offsets, words))
    return {
        "raw_tokens": found.raw_tokens,
        "tokens": len(ids),
        "vocabulary": len(words),
        "sentences": len(offsets) - 1,
    }


def _write_ids(folder: Path, spill: Path, keep: npt.NDArray[np.int64], types: int) -> None:
    """Stream the spilled numbers into ids.npy and offsets.npy."""
    rank = np.full(types, -1, np.int32)
    rank[keep] = np.arange(len(keep), dtype=np.int32)
    done, begin = 0, 0  # kept words so far; where the sentence that is still open begins
    with (
        spill.open("rb") as raw,
        NpyWriter(folder / "ids.npy", np.dtype(np.int32)) as ids,
        NpyWriter(folder / "offsets.npy", np.dtype(np.int64)) as offsets,
    ):
        offsets.append(np.zeros(1, np.int64))
        while len(numbers := np.frombuffer(raw.read(4 * SPILL_TOKENS), np.int32)):
            ranks = rank[numbers]
            kept = ranks >= 0
            ends = done + np.cumsum(kept)[numbers == _END]  # where lines end, in kept words
            done += int(kept.sum())
            cuts, begin = cut_sentences(begin, ends, done)
            offsets.append(cuts)
            ids.append(ranks[kept])
        offsets.append(cut_sentences(begin, np.array([done]), done)[0])


def cut_sentences(begin: int, ends: npt.NDArray[np.int64], done: int) -> tuple[npt.NDArray[np.int64], int]:
    """Sentence ends up to position `done`, and where the sentence still open begins.

    The open sentence begins at `begin`; lines end at `ends` (rising; empty lines repeat a
    position). Every line is cut after each SENTENCE_TOKENS words; the last, open one only where a
    full sentence is already there.
    """
    starts = np.concatenate(([begin], ends))
    stops = np.concatenate((ends, [done]))
    pieces = -(-(stops - starts) // SENTENCE_TOKENS)  # sentences of each line, rounded up
    pieces[-1] = (done - starts[-1]) // SENTENCE_TOKENS
    first = np.cumsum(pieces) - pieces
    nth = np.arange(pieces.sum()) - np.repeat(first, pieces) + 1  # 1, 2, ... within its line
    cuts = np.minimum(np.repeat(starts, pieces) + nth * SENTENCE_TOKENS, np.repeat(stops, pieces))
    return cuts, int(starts[-1] + pieces[-1] * SENTENCE_TOKENS)


def _lines(ids: npt.NDArray[np.int32], offsets: npt.NDArray[np.int64], words: list[str]) -> Iterator[str]:
    """Each sentence as a line of text."""
    spelled = np.array(words, dtype=object)  # taking from an array is five times a list's speed
    for first in range(0, len(offsets) - 1, 1000):
        bounds = offsets[first : first + 1001].tolist()
        tokens = spelled[ids[bounds[0] : bounds[-1]]].tolist()
        for begin, end in itertools.pairwise(bounds):
            yield " ".join(tokens[begin - bounds[0] : end - bounds[0]]) + "\n"


class NpyWriter:
    """Append to a one-dimensional .npy file whose length is known only at the end.

    Plain writes, not a memory map: a full disk is then an error and not a crash.
    """

    def __init__(self, path: Path, dtype: np.dtype[Any]):
        self.length, self.dtype = 0, dtype
        self.file = path.open("wb")
        self._header()

    def _header(self) -> None:
        """(Re)write the header; numpy pads it so that every length fits in the same space."""
        self.file.seek(0)
        shape = {"descr": self.dtype.str, "fortran_order": False, "shape": (self.length,)}
        np.lib.format.write_array_header_1_0(self.file, shape)

    def append(self, values: npt.NDArray[Any]) -> None:
        """Write more values, converted to the file's type."""
        self.file.write(values.astype(self.dtype, copy=False).data)
        self.length += len(values)

    def __enter__(self) -> "NpyWriter":
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._header()
        finally:
            self.file.close()
