"""What is known of each data file: the tables of registry.toml, and local files by path."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType

from bench.datasets.drawn import Zipf
from bench.datasets.failures import explained
from bench.errors import UserError, unknown_name

REGISTRY = Path(__file__).with_name("registry.toml")
PACKED_SUFFIXES = (".gz", ".xz", ".bz2", ".zip")


@dataclass(frozen=True)
class Dataset:
    """One file, or one text that needs none. Empty strings and None: "not known" or "not applicable"."""

    name: str
    kind: str  # "text" to train on, "drawn" to train on without a file, "evaluation" to test with
    description: str
    licence: str
    file: str = ""  # file name as its origin serves it; empty only for drawn texts
    homepage: str = ""
    url: str = ""  # empty: no download of its own, `remedy` says what to do
    mirrors: tuple[str, ...] = ()  # the same bytes elsewhere, tried in this order
    remedy: str = ""
    sha256: str = ""  # of the file as downloaded; empty only for local files
    text_sha256: str = ""  # of the text it unpacks (and is cleaned) to
    text_md5: str = ""  # where only this is published
    package: str = ""  # folder in an installed package that carries the file
    clean: str = ""  # "wikipedia", or empty where the text is used as it is
    members: str = ""  # folder in a packed tar archive whose files, as they come, are the text
    raw_tokens: int | None = None
    tokens: int | None = None  # with min count 5, as is
    vocabulary: int | None = None
    zipf: Zipf | None = None  # the law that a drawn text follows
    cite: tuple[str, ...] = ()  # keys of bench/references.bib
    path: Path | None = None  # a local file, given by path; never in the registry

    def __post_init__(self) -> None:
        if self.kind not in ("text", "drawn", "evaluation"):
            raise ValueError(f"{self.name}: kind {self.kind!r} is none of 'text', 'drawn', 'evaluation'")
        if (self.kind == "drawn") != (self.zipf is not None) or (self.kind == "drawn") == bool(self.file):
            raise ValueError(f"{self.name}: a drawn text has a law and no file, any other a file and no law")

    @property
    def known_sha256(self) -> str:
        """Of the text, where it is known before the text is read; else empty."""
        return self.zipf.sha256 if self.zipf else self.text_sha256

    @property
    def stem(self) -> str:
        """The file name without what only says how it is packed: text8.zip is text8."""
        return self.file.removesuffix(packing(self.file))

    @property
    def repackable(self) -> bool:
        """Whether the same text in another packing, or in none, is as good."""
        return self.kind == "text" and not self.clean and not self.members


def packing(file: str) -> str:
    """The suffix that says how `file` is packed, or "" for a plain file."""
    suffix = Path(file).suffix.lower()
    return suffix if suffix in PACKED_SUFFIXES else ""


@cache
def registry() -> MappingProxyType[str, Dataset]:
    """Every registered file by name. Raises TypeError on a key that `Dataset` does not have."""
    tables = tomllib.loads(REGISTRY.read_text(encoding="utf-8"))
    return MappingProxyType({name: _dataset(name, table) for name, table in tables.items()})


def _dataset(name: str, table: dict[str, object]) -> Dataset:
    """One table of the registry file as a `Dataset`."""
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in table.items()}
    if isinstance(law := table.get("zipf"), dict):
        values["zipf"] = Zipf(**law)
    return Dataset(name=name, **values)  # type: ignore[arg-type]  # the file is tested as a whole


def resolve(name_or_path: str) -> Dataset:
    """The text to train on, stored or drawn: a registered name, or else the path of a local file.

    A local file is named "file:" and its file name, so that no result can pass for a registered
    dataset. Raises UserError for a name that is neither, a folder, or an evaluation set.
    """
    known = registry().get(name_or_path)
    if known is not None and known.kind != "evaluation":
        return known
    if known is not None:
        raise UserError(
            f"{name_or_path!r} is an evaluation set",
            why="there is no running text in it to train on",
            remedy="w2vbench data ls shows which datasets are texts",
        )
    path = Path(name_or_path).expanduser()
    with explained(path):
        if path.is_dir():
            raise UserError(f"{path} is a folder", remedy="give one UTF-8 text file, one sentence a line")
        if path.is_file():
            return _local(path.resolve())
    texts = [d.name for d in registry().values() if d.kind != "evaluation"]
    error = unknown_name("dataset", name_or_path, texts)
    raise UserError(error.what, why="there is no file of that name either", remedy=error.remedy)


def _local(path: Path) -> Dataset:
    """A local text file as a dataset."""
    stem = path.name.removesuffix(packing(path.name))
    return Dataset(f"file:{stem}", "text", "a local file", "unknown", path.name, path=path)
