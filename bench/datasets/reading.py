"""From a file on disk to blocks of plain text, whatever it is packed in."""

import bz2
import gzip
import hashlib
import lzma
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Protocol, cast

from bench.datasets import wikipedia
from bench.datasets.catalogue import Dataset, packing
from bench.datasets.failures import explained
from bench.errors import UserError

BLOCK_BYTES = 4 << 20  # big enough that per-block costs vanish, small enough to stay out of the way


class Digest(Protocol):
    """The part of a hashlib object that is used here."""

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes."""

    def hexdigest(self) -> str:
        """The hash of everything so far."""


def _open_zip(raw: IO[bytes]) -> IO[bytes]:
    """The only member of a zip archive; which of several is meant cannot be guessed."""
    archive = zipfile.ZipFile(raw)
    members = [m for m in archive.infolist() if not m.is_dir()]
    if len(members) != 1:
        raise UserError(
            f"{raw.name} holds {len(members)} files",
            why="a zip archive must hold exactly one text",
            remedy="unpack it and give the path of the text",
        )
    return archive.open(members[0])


def _unpack(raw: IO[bytes]) -> IO[bytes]:
    """The contents of an open file, packed as the suffix of its name says."""
    match packing(raw.name):
        case ".gz":
            return cast(IO[bytes], gzip.open(raw))
        case ".xz":
            return lzma.open(raw)
        case ".bz2":
            return cast(IO[bytes], bz2.open(raw))
        case ".zip":
            return _open_zip(raw)
    return raw


def text_blocks(dataset: Dataset, raw: IO[bytes], block_bytes: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The dataset's text, cut anywhere, from its open file `raw` (whose suffix tells the packing)."""
    stream = _unpack(raw)
    if dataset.clean == "wikipedia":
        yield from wikipedia.clean_pages(stream)
    elif dataset.members:
        yield from _members(stream, dataset.members, block_bytes)
    else:
        yield from _blocks(stream, block_bytes)


def _blocks(stream: IO[bytes], block_bytes: int) -> Iterator[bytes]:
    while block := stream.read(block_bytes):
        yield block


def _members(stream: IO[bytes], folder: str, block_bytes: int) -> Iterator[bytes]:
    """The files directly in a folder of a tar archive, one after the other, in a single pass."""
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            if PurePosixPath(member.name).parent.name == folder and (text := archive.extractfile(member)):
                yield from _blocks(text, block_bytes)


def hashed(blocks: Iterator[bytes], digest: Digest) -> Iterator[bytes]:
    """The same blocks; `digest` has taken each in by the time it is handed on."""
    for block in blocks:
        digest.update(block)
        yield block


def file_digest(path: Path, algorithm: str = "sha256") -> str:
    """Hex hash of the file as it lies there."""
    with explained(path), path.open("rb") as raw:
        return hashlib.file_digest(raw, algorithm).hexdigest()


def text_digest(dataset: Dataset, path: Path, algorithm: str = "sha256") -> str:
    """Hex hash of the text that `path` unpacks to."""
    digest = hashlib.new(algorithm)
    with explained(path), path.open("rb") as raw:
        for block in text_blocks(dataset, raw):
            digest.update(block)
    return digest.hexdigest()
