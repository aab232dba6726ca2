"""Corpora on disk: built once for each text and minimum count, then opened as memory maps.

W2VBENCH_CACHE/downloads/                     files as their origin serves them
               corpora/NAME-HASH-minN-vN/     one built corpus
               sources/HASH.json              text hash of a local file while it is unchanged
"""

import contextlib
import hashlib
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from bench import vocabulary
from bench.contract import Corpus, Drawn, Stored
from bench.datasets import build
from bench.datasets.catalogue import Dataset, resolve
from bench.datasets.drawn import Zipf
from bench.datasets.drawn import write_corpus as write_drawn
from bench.datasets.failures import explained
from bench.datasets.files import Progress, cache_dir, fetch, find
from bench.datasets.reading import BLOCK_BYTES, hashed, text_blocks
from bench.datasets.tokenise import whole_words
from bench.errors import UserError

BUILDER_VERSION = 2  # raise it when the same text would give other arrays


def load_corpus(name_or_path: str, *, min_count: int = 5, progress: Progress | None = None) -> Corpus:
    """The corpus of a registered dataset or a local text file; built on first use, see `prepare_corpus`."""
    return open_corpus(prepare_corpus(name_or_path, min_count=min_count, progress=progress))


def prepare_corpus(name_or_path: str, *, min_count: int = 5, progress: Progress | None = None) -> Path:
    """The folder of the built corpus, for `open_corpus`.

    Built on first use and whenever the text, or the law that draws it, has changed; otherwise nothing is
    read. Appears complete or not at all. Raises UserError for anything wrong with the name, file or disk.
    """
    if min_count < 1:
        raise UserError(f"min count is {min_count}", remedy="give --min-count a whole number from 1 up")
    dataset = resolve(name_or_path)
    if (built := _built(dataset, min_count)) is not None:
        return built
    told = progress or (lambda *_: None)
    if dataset.zipf:
        with explained(cache_dir()):
            return _build_drawn(dataset.name, dataset.zipf, min_count, told)
    path = fetch(dataset, progress=progress)
    with explained(path):
        return _build(dataset, path, min_count, told)


def _built(dataset: Dataset, min_count: int) -> Path | None:
    """The corpus folder, if the text's hash is known without reading it and the corpus is there."""
    sha256 = dataset.known_sha256
    if not sha256 and (path := find(dataset)) is not None:
        with explained(path):
            sha256 = _known_text_hash(path)
    folder = corpus_folder(dataset.name, sha256, min_count)
    return folder if sha256 and folder.is_dir() else None


def corpus_folder(name: str, sha256: str, min_count: int) -> Path:
    """Where the corpus of a text is kept; the name is part of the key because it labels results."""
    safe = "".join(c if c.isalnum() or c in "._-" else "_" for c in name)
    return cache_dir() / "corpora" / f"{safe}-{sha256[:16]}-min{min_count}-v{BUILDER_VERSION}"


def _build(dataset: Dataset, path: Path, min_count: int, progress: Progress) -> Path:
    """Read the text, and write its corpus."""
    with _temporary() as temporary:
        spill = temporary / "spill"
        sha256, found = _scan(dataset, path, spill, progress)

        def write(fresh: Path) -> dict[str, Any]:
            return build.write_corpus(fresh, spill, found, min_count)

        folder = _write(dataset.name, sha256, min_count, write, progress)
    _remember_text_hash(path, sha256)
    return folder


def _build_drawn(name: str, law: Zipf, min_count: int, progress: Progress) -> Path:
    """Write a corpus that follows from a law."""
    return _write(name, law.sha256, min_count, lambda fresh: write_drawn(fresh, law, min_count), progress)


def _write(
    name: str, sha256: str, min_count: int, write: Callable[[Path], dict[str, Any]], progress: Progress
) -> Path:
    """The corpus folder: written into a temporary sibling by `write`, moved into place by one rename."""
    folder = corpus_folder(name, sha256, min_count)
    if not folder.is_dir():
        progress("write", 0, 1)
        with _temporary() as temporary:
            fresh = temporary / "corpus"
            fresh.mkdir()
            facts = {"name": name, "sha256": sha256, "min_count": min_count, **write(fresh)}
            (fresh / "meta.json").write_text(json.dumps(facts, indent=1), encoding="utf-8")
            _move(fresh, folder)
        progress("write", 1, 1)
    return folder


@contextlib.contextmanager
def _temporary() -> Iterator[Path]:
    """A folder among the corpora that is gone afterwards."""
    corpora = cache_dir() / "corpora"
    corpora.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".building-", dir=corpora) as temporary:
        yield Path(temporary)


def _scan(dataset: Dataset, path: Path, spill: Path, progress: Progress) -> tuple[str, build.Scan]:
    """Read the text once: its sha256, its words and counts, and the numbers on disk."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    with path.open("rb") as raw, spill.open("wb") as numbers:

        def pieces() -> Iterator[tuple[int, bytes]]:
            for offset, piece in whole_words(hashed(text_blocks(dataset, raw, BLOCK_BYTES), digest)):
                progress("read", raw.tell(), size)
                yield offset, piece

        try:
            found = build.scan(pieces(), numbers)
        except UserError as error:  # name the file, which the words alone do not know
            raise UserError(f"{path}: {error.what}", why=error.why, remedy=error.remedy) from error
    _check_text(dataset, path, digest.hexdigest())
    return digest.hexdigest(), found


def _check_text(dataset: Dataset, path: Path, sha256: str) -> None:
    """The text itself must be the registered one, also where a package's cleaning produced it."""
    if dataset.text_sha256 and sha256 != dataset.text_sha256:
        raise UserError(
            f"the text of {dataset.name} has the wrong sha256: {path}",
            why=f"expected {dataset.text_sha256}, got {sha256}",
            remedy="install the versions in constraints.txt: others may clean the text differently",
        )


def _move(fresh: Path, folder: Path) -> None:
    """Rename into place; if another process was first, its corpus is the same and stays."""
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise


def _note(path: Path) -> Path:
    """The file that remembers the text hash of `path`."""
    key = hashlib.sha256(os.fsencode(path.resolve())).hexdigest()[:16]
    return cache_dir() / "sources" / f"{key}.json"


def _stamp(path: Path) -> list[int]:
    """Size and time of change: while both stand, the file is taken as unchanged."""
    status = path.stat()
    return [status.st_size, status.st_mtime_ns]


def _known_text_hash(path: Path) -> str:
    """Hash of the text in `path`, if it was read before and is unchanged since; else empty."""
    with contextlib.suppress(FileNotFoundError, ValueError, KeyError):
        note = json.loads(_note(path).read_text(encoding="utf-8"))
        if note["stamp"] == _stamp(path):
            return str(note["text_sha256"])
    return ""


def _remember_text_hash(path: Path, sha256: str) -> None:
    """Remember the hash, so that the next use of the same file reads nothing."""
    note = _note(path)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(json.dumps({"stamp": _stamp(path), "text_sha256": sha256}), encoding="utf-8")


def open_corpus(folder: Path) -> Corpus:
    """Open a built corpus: arrays are read-only memory maps, so this takes milliseconds."""
    try:
        meta = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
        parts = {p: _array(folder / f"huffman_{p}.npy") for p in ("offsets", "nodes", "codes")}
        return Corpus(
            name=meta["name"],
            sha256=meta["sha256"],
            raw_tokens=meta["raw_tokens"],
            min_count=meta["min_count"],
            counts=_array(folder / "counts.npy"),
            words=(folder / "words.txt").read_text(encoding="utf-8").split("\n"),
            huffman=vocabulary.HuffmanTree(**parts),
            text=Drawn(**meta["drawn"]) if "drawn" in meta else _stored(folder),
        )
    except (OSError, EOFError, ValueError, KeyError) as error:
        raise UserError(
            f"the cached corpus {folder} cannot be opened",
            why=str(error),
            remedy="delete that folder; the next run builds it again",
        ) from error


def _stored(folder: Path) -> Stored:
    ids, offsets = (_array(folder / f"{part}.npy") for part in ("ids", "offsets"))
    return Stored(ids, offsets, folder / "corpus.txt")


def _array(path: Path) -> npt.NDArray[Any]:
    """A read-only memory map."""
    array: npt.NDArray[Any] = np.load(path, mmap_mode="r")
    return array
