"""Word vectors as files that other programs read; the suffix chooses the format.

.txt           word2vec text: "V D", then a word and its numbers a line
.bin           word2vec binary: the same with raw float32
.safetensors   tensor `vectors` (V, D) float32; the metadata's `words` is a JSON list, row by row

gensim's `KeyedVectors.load_word2vec_format` reads the first two.
"""

import json
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save

from bench.errors import UserError, unknown_name

Floats = npt.NDArray[np.float32]
Writer = Callable[[Path, Sequence[str], Floats], None]


def _text(path: Path, words: Sequence[str], vectors: Floats) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n")
        for word, row in zip(words, vectors.tolist(), strict=True):
            file.write(f"{word} {' '.join(f'{x:.8g}' for x in row)}\n")


def _binary(path: Path, words: Sequence[str], vectors: Floats) -> None:
    with path.open("wb") as file:
        file.write(f"{len(words)} {vectors.shape[1]}\n".encode())
        for word, row in zip(words, vectors, strict=True):
            file.write(word.encode() + b" " + row.tobytes() + b"\n")


def _safetensors(path: Path, words: Sequence[str], vectors: Floats) -> None:
    path.write_bytes(save({"vectors": np.ascontiguousarray(vectors)}, metadata={"words": json.dumps(words)}))


WRITERS: dict[str, Writer] = {".txt": _text, ".bin": _binary, ".safetensors": _safetensors}


def check_target(path: Path) -> None:
    """Find out before training that `path` can be written. Raises UserError."""
    if path.suffix not in WRITERS:
        raise unknown_name("format of --out", path.suffix or path.name, WRITERS)
    if not path.parent.is_dir():
        raise UserError(f"there is no folder {path.parent}", remedy="create it, or choose another --out")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as error:
        raise UserError(
            f"cannot write to {path.parent}", why=str(error), remedy="choose another --out"
        ) from error


def write(path: Path, words: Sequence[str], vectors: Floats) -> None:
    """Put `vectors` (V, D), row i belonging to `words[i]`, at `path`, whole or not at all.

    Raises UserError for an unknown suffix or a disk that refuses.
    """
    check_target(path)
    fresh = path.with_name(f".{path.name}.part")
    try:
        WRITERS[path.suffix](fresh, words, vectors)
        fresh.replace(path)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise UserError(f"cannot write {path}", why=str(error), remedy="free some space") from error
