"""Data files and corpora: registry, search path, verification, download, tokenisation, cache."""

from bench.datasets.cache import Progress, load_corpus, open_corpus, prepare_corpus
from bench.datasets.locate import FileStatus, evaluation_file, fetch, find, locate, status, verify
from bench.datasets.registry import Dataset, registry, resolve

__all__ = [
    "Dataset",
    "FileStatus",
    "Progress",
    "evaluation_file",
    "fetch",
    "find",
    "load_corpus",
    "locate",
    "open_corpus",
    "prepare_corpus",
    "registry",
    "resolve",
    "status",
    "verify",
]
