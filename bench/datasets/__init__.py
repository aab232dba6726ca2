"""Data files and corpora: registry, search path, verification, download, tokenisation, cache."""

from bench.datasets.cache import load_corpus, open_corpus, prepare_corpus
from bench.datasets.catalogue import Dataset, registry, resolve
from bench.datasets.files import FileStatus, Progress, evaluation_file, fetch, find, locate, status, verify

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
