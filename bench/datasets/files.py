"""Find a registered file on disk, verify it by hash, or download it.

Searched in this order: the folders in W2VBENCH_DATA and one level below them, the Python package
that carries the file, the download cache. A file counts only if its hash, or the hash of the text
it unpacks to, is the registered one.
"""

import errno
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from bench.datasets.catalogue import PACKED_SUFFIXES, Dataset, registry
from bench.datasets.failures import DISK_FULL, explained
from bench.datasets.reading import file_digest, text_digest
from bench.errors import UserError, unknown_name

Progress = Callable[[str, int, int], None]  # (phase, bytes done, bytes in all; 0 if unknown)
TIMEOUT_S = 30  # without an answer, the next mirror is tried


def cache_dir() -> Path:
    """W2VBENCH_CACHE, or else the platform's cache folder."""
    import pooch  # half a second of imports that a worker process never needs

    return Path(os.environ.get("W2VBENCH_CACHE") or pooch.os_cache("w2vbench")).expanduser()


def data_folders() -> list[Path]:
    """The folders in W2VBENCH_DATA, each followed by its own folders. Raises UserError if one is gone."""
    folders: list[Path] = []
    for entry in filter(None, os.environ.get("W2VBENCH_DATA", "").split(os.pathsep)):
        top = Path(entry).expanduser()
        if not top.is_dir():
            raise UserError(
                f"data folder {top} does not exist",
                why="it is named by W2VBENCH_DATA",
                remedy="create or mount it, or take it out of W2VBENCH_DATA",
            )
        with explained(top):
            folders += [top, *sorted(path for path in top.iterdir() if path.is_dir())]
    return folders


def find(dataset: Dataset) -> Path | None:
    """Where the file lies, not yet verified; None too where there is none to look for."""
    if dataset.path is not None or not dataset.file:
        return dataset.path
    with explained(Path(dataset.file)):
        return next((path for path in _candidates(dataset) if path.is_file()), None)


def _candidates(dataset: Dataset) -> Iterator[Path]:
    """Every place to look at, best first. Texts may be packed differently; evaluation sets are plain."""
    packings = [dataset.file]
    if dataset.repackable:
        packings += [dataset.stem + suffix for suffix in ("", *PACKED_SUFFIXES)]
    for folder, name in itertools.product(data_folders(), packings):
        yield folder / name
    if dataset.package:
        package, _, inside = dataset.package.partition("/")
        spec = find_spec(package)
        for root in (spec.submodule_search_locations or []) if spec else []:
            yield Path(root) / inside / dataset.file
    yield cache_dir() / "downloads" / dataset.file


def verify(dataset: Dataset, path: Path) -> None:
    """Raise UserError unless `path` is the registered file, or unpacks to the registered text."""
    if dataset.path is not None:
        return  # a local file is whatever it is
    actual = file_digest(path)
    if actual == dataset.sha256:
        return
    if dataset.repackable and dataset.text_sha256 and text_digest(dataset, path) == dataset.text_sha256:
        return
    if dataset.repackable and dataset.text_md5 and text_digest(dataset, path, "md5") == dataset.text_md5:
        return
    raise UserError(
        f"{path} is not {dataset.name}: wrong sha256",
        why=f"expected {dataset.sha256}, got {actual}",
        remedy=f"move it away, or replace it with the original ({dataset.homepage})",
    )


def locate(dataset: Dataset) -> Path | None:
    """The file on disk, verified; None where `find` finds none. Raises UserError on a wrong hash."""
    path = find(dataset)
    if path is not None:
        verify(dataset, path)
    return path


def evaluation_file(name: str) -> Path | None:
    """The verified file of a registered evaluation set; None if it is not on this machine."""
    sets = {d.name: d for d in registry().values() if d.kind == "evaluation"}
    if name not in sets:
        raise unknown_name("evaluation set", name, sets)
    return locate(sets[name])


@dataclass(frozen=True)
class FileStatus:
    """What `w2vbench data ls` and `verify` tell about one registered file."""

    dataset: Dataset
    path: Path | None  # None: not on this machine
    size_bytes: int | None
    verified: bool
    problem: str  # why it is not verified; empty where it is, or where there is no file


def status(dataset: Dataset) -> FileStatus:
    """Look the file up and verify it, without raising on a wrong file."""
    path, size = None, None
    try:
        path = find(dataset)
        if path is None:
            return FileStatus(dataset, None, None, False, "")
        with explained(path):
            size = path.stat().st_size
        verify(dataset, path)
    except UserError as error:
        return FileStatus(dataset, path, size, False, str(error))
    return FileStatus(dataset, path, size, True, "")


def fetch(dataset: Dataset, *, progress: Progress | None = None) -> Path:
    """The file on disk, verified; downloaded into the cache if it is nowhere.

    A wrong file is an error where the user put it, and replaced where it was downloaded to.
    Raises UserError if no mirror serves the registered bytes, and for a dataset without a file.
    """
    if not dataset.file:
        raise UserError(
            f"{dataset.name} has no file",
            why="its text is drawn where it is trained on",
            remedy=f"there is nothing to fetch: use it as it is, --dataset {dataset.name}",
        )
    downloaded = cache_dir() / "downloads" / dataset.file
    path = find(dataset)
    if path is not None and path != downloaded:
        verify(dataset, path)
        return path
    if not dataset.url:
        raise UserError(
            f"{dataset.name} is not on this machine", why=f"from: {dataset.homepage}", remedy=dataset.remedy
        )
    failures = []
    for url in (dataset.url, *dataset.mirrors):
        try:
            return _download(dataset, url, downloaded, progress)
        except (ValueError, OSError) as error:  # a wrong hash; anything about the connection
            if isinstance(error, OSError) and error.errno in (*DISK_FULL, errno.EACCES):
                with explained(downloaded):
                    raise
            failures.append(f"{url}: {error}")
    raise UserError(
        f"{dataset.name} could not be downloaded",
        why="; ".join(failures),
        remedy=f"put {dataset.file} in a folder named by W2VBENCH_DATA, or try again later",
    )


def _download(dataset: Dataset, url: str, target: Path, progress: Progress | None) -> Path:
    """One mirror. pooch moves the file to `target` only once its hash is right."""
    import pooch

    pooch.get_logger().setLevel("WARNING")  # below the command line nothing is printed
    bar = _Bar(progress) if progress else False
    return Path(
        pooch.retrieve(
            url,
            known_hash=f"sha256:{dataset.sha256}",
            fname=target.name,
            path=target.parent,
            downloader=pooch.HTTPDownloader(progressbar=bar, timeout=TIMEOUT_S),
        )
    )


class _Bar:
    """The part of a tqdm bar that pooch calls, passed on to `progress`."""

    def __init__(self, progress: Progress):
        self.progress, self.total, self.done = progress, 0, 0

    def update(self, size_bytes: int) -> None:
        """`size_bytes` more have arrived."""
        self.done = min(self.done + size_bytes, self.total or self.done + size_bytes)
        self.progress("download", self.done, self.total)

    def reset(self) -> None:
        """Start over: pooch does so once before it sets the bar to full."""
        self.done = 0

    def close(self) -> None:
        """Nothing to put away."""
