"""Data files and corpora, from the search path to the memory maps, against a slow plain builder."""

import bz2
import dataclasses
import errno
import gzip
import hashlib
import http.server
import io
import lzma
import os
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections import Counter
from pathlib import Path
from typing import ClassVar

import numpy as np
import pooch
import pytest

from bench import datasets, vocabulary
from bench.datasets import build, cache, catalogue, tokenise
from bench.datasets.reading import text_blocks
from bench.datasets.wikipedia import text8_rules
from bench.errors import UserError

TEXT = "the cat saw the dog\nthe dog saw a bird\n\na cat , a dog\n"


@pytest.fixture(autouse=True)
def folders(tmp_path, monkeypatch):
    """Every test has a cache and a data folder of its own, and no proxy between it and 127.0.0.1."""
    (tmp_path / "data").mkdir()
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("W2VBENCH_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    return tmp_path


def write(folder: Path, text: str | bytes, name: str = "text.txt") -> str:
    """A text file; its path as a user would type it."""
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return str(path)


def plain_build(text: str, min_count: int) -> tuple[list[str], list[int], list[list[str]]]:
    """Words, counts and sentences by the law, the slow and obvious way."""
    lines = [line.split() for line in text.removeprefix("\ufeff").split("\n")]
    counts = Counter(word for line in lines for word in line)  # insertion order: first appearance
    kept = sorted((w for w in counts if counts[w] >= min_count), key=lambda w: -counts[w])  # stable
    lines = [[word for word in line if word in set(kept)] for line in lines]
    sentences = [line[i : i + 1000] for line in lines for i in range(0, len(line), 1000)]
    return kept, [counts[w] for w in kept], sentences


def sentences_of(corpus) -> list[list[str]]:
    """The corpus's sentences as words."""
    bounds = zip(corpus.offsets[:-1], corpus.offsets[1:], strict=True)
    return [[corpus.words[i] for i in corpus.ids[a:b]] for a, b in bounds]


def random_text(seed: int) -> str:
    """Lines of very different lengths, words of one to four bytes a letter, odd whitespace."""
    rng = np.random.default_rng(seed)
    words = np.array(["a", "bb", "über", "дом", "語", "🙂🙂", "x" * 40, "</s>", "naïve", "rare1", "rare2"])
    odds = np.array([30, 20, 9, 9, 9, 9, 5, 5, 3, 0.5, 0.5])
    lengths = rng.choice([0, 0, 1, 3, 20, 999, 1000, 1001, 2000, 2500], size=12)
    lines = [rng.choice(words, size=n, p=odds / odds.sum()) for n in lengths]
    gaps = [" ", "  ", "\t", "\u00a0", "\r"]
    return "\n".join(rng.choice(gaps).join(line) for line in lines) + rng.choice(["", "\n", "\r\n"])


# --- tokens, sentences, vocabulary ----------------------------------------------------------------


def test_words_are_numbered_by_count_then_first_appearance(folders):
    corpus = datasets.load_corpus(write(folders, TEXT), min_count=2)
    assert corpus.words == ["the", "dog", "a", "cat", "saw"]
    assert corpus.counts.tolist() == [3, 3, 3, 2, 2]
    assert (corpus.raw_tokens, corpus.tokens, corpus.vocabulary_size) == (15, 13, 5)


def test_sentences_never_cross_lines_and_are_written_for_other_tools(folders):
    corpus = datasets.load_corpus(write(folders, TEXT), min_count=2)
    assert [" ".join(s) for s in sentences_of(corpus)] == [
        "the cat saw the dog",
        "the dog saw a",
        "a cat a dog",
    ]
    assert corpus.text_path.read_text() == "the cat saw the dog\nthe dog saw a\na cat a dog\n"


def test_a_line_is_cut_after_a_thousand_words_that_are_kept(folders):
    line = " ".join([f"a rare{i}" for i in range(2500)])
    corpus = datasets.load_corpus(write(folders, f"{line}\na a"), min_count=2)
    assert np.diff(corpus.offsets).tolist() == [1000, 1000, 500, 2]


@pytest.mark.parametrize("seed", range(4))
def test_the_corpus_is_what_a_plain_builder_makes(folders, seed):
    text = random_text(seed)
    corpus = datasets.load_corpus(write(folders, text), min_count=2)
    words, counts, sentences = plain_build(text, 2)
    assert corpus.words == words
    assert corpus.counts.tolist() == counts
    assert sentences_of(corpus) == sentences
    lines = corpus.text_path.read_text(encoding="utf-8").split("\n")
    assert [line.split(" ") for line in lines[:-1]] == sentences
    assert corpus.raw_tokens == len(text.split())


@pytest.mark.parametrize("block_bytes", [1, 3, 64, 1000, 4096])
def test_blocks_of_any_size_give_the_same_corpus(folders, monkeypatch, block_bytes):
    text = random_text(9)[:16_000]
    whole = datasets.load_corpus(write(folders, text, "whole.txt"), min_count=2)
    monkeypatch.setattr(cache, "BLOCK_BYTES", block_bytes)  # cuts characters of 2, 3 and 4 bytes
    monkeypatch.setattr(build, "SPILL_TOKENS", block_bytes)
    blocks = datasets.load_corpus(write(folders, text, "blocks.txt"), min_count=2)
    assert blocks.words == whole.words
    assert blocks.sha256 == whole.sha256
    for part in ("ids", "offsets", "counts"):
        np.testing.assert_array_equal(getattr(blocks, part), getattr(whole, part))
    assert blocks.text_path.read_bytes() == whole.text_path.read_bytes()


def test_words_are_taken_as_they_are(folders):
    corpus = datasets.load_corpus(write(folders, "\ufeffDon't STOP, Don't\u00a0STOP,"), min_count=1)
    assert corpus.words == ["Don't", "STOP,"]


def test_a_text_of_one_word_is_a_corpus(folders):
    corpus = datasets.load_corpus(write(folders, "word"), min_count=1)
    assert (corpus.tokens, corpus.huffman.lengths.tolist()) == (1, [0])


def test_text8_rules_spell_digits_and_leave_only_letters():
    assert text8_rules("Año 1987: U.S.A.,\n\tthe 3rd") == "a o one nine eight seven u s a the three rd"


# --- packings ---------------------------------------------------------------------------------------


def zipped(**members: str) -> bytes:
    """A zip archive as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


PACKED = {
    "t.txt.gz": gzip.compress(TEXT.encode()),
    "t.txt.xz": lzma.compress(TEXT.encode()),
    "t.txt.bz2": bz2.compress(TEXT.encode()),
    "t.txt.zip": zipped(text=TEXT),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_files_are_read_as_they_are(folders, name):
    corpus = datasets.load_corpus(write(folders, PACKED[name], name), min_count=2)
    assert corpus.sha256 == hashlib.sha256(TEXT.encode()).hexdigest()
    assert corpus.tokens == 13


@pytest.mark.parametrize("name", PACKED)
def test_a_truncated_archive_is_named(folders, name):
    path = write(folders, PACKED[name][:-20], name)
    with pytest.raises(UserError, match="truncated or damaged") as caught:
        datasets.load_corpus(path)
    assert path in str(caught.value)
    assert "again" in caught.value.remedy


def test_the_files_of_a_folder_in_a_tar_archive_are_one_text(folders, monkeypatch):
    parts = {
        "x/README": "no text",
        "x/heldout/1": "nor this",
        "x/training/1": "a b a\n",
        "x/training/2": "b c\n",
    }
    with tarfile.open(folders / "data" / "news.tar.gz", "w:gz") as archive:
        for name, text in parts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text.encode()))
    file = {"kind": "text", "description": "", "licence": "", "file": "news.tar.gz", "members": "training"}
    sha256 = hashlib.sha256((folders / "data" / "news.tar.gz").read_bytes()).hexdigest()
    monkeypatch.setattr(cache, "resolve", lambda name: catalogue.Dataset(name, sha256=sha256, **file))
    corpus = datasets.load_corpus("news", min_count=2)
    assert (corpus.raw_tokens, corpus.tokens, list(corpus.words)) == (5, 4, ["a", "b"])
    assert corpus.sha256 == hashlib.sha256(b"a b a\nb c\n").hexdigest()


def test_a_zip_of_several_files_is_refused(folders):
    with pytest.raises(UserError, match="holds 2 files"):
        datasets.load_corpus(write(folders, zipped(a=TEXT, b=TEXT), "two.zip"))


# --- cache ------------------------------------------------------------------------------------------


@pytest.fixture
def builds(monkeypatch):
    """The names of the datasets that were scanned."""
    scanned = []
    original = cache._scan

    def counted(dataset, *rest):
        scanned.append(dataset.name)
        return original(dataset, *rest)

    monkeypatch.setattr(cache, "_scan", counted)
    return scanned


def test_a_second_use_reads_nothing(folders, builds):
    path = write(folders, TEXT)
    first = datasets.prepare_corpus(path, min_count=2)
    assert datasets.prepare_corpus(path, min_count=2) == first
    assert builds == ["file:text.txt"]


def test_a_changed_file_is_built_again(folders, builds):
    path = write(folders, TEXT)
    first = datasets.load_corpus(path, min_count=2)
    write(folders, TEXT.replace("cat", "cow"))
    os.utime(path, ns=(1, 1))
    second = datasets.load_corpus(path, min_count=2)
    assert len(builds) == 2
    assert "cat" in first.words
    assert "cow" in second.words


def test_each_minimum_count_has_its_own_corpus(folders):
    path = write(folders, TEXT)
    assert datasets.load_corpus(path, min_count=1).vocabulary_size == 7
    assert datasets.load_corpus(path, min_count=3).vocabulary_size == 3


def test_a_local_file_cannot_pass_for_a_registered_dataset(folders):
    corpus = datasets.load_corpus(write(folders, TEXT, "text8"), min_count=2)
    assert corpus.name == "file:text8"


def test_arrays_are_read_only_memory_maps(folders):
    corpus = datasets.load_corpus(write(folders, TEXT), min_count=2)
    for array in (corpus.ids, corpus.offsets, corpus.counts, corpus.huffman.nodes):
        assert isinstance(array, np.memmap)
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1
    assert (corpus.ids.dtype, corpus.offsets.dtype, corpus.counts.dtype) == (np.int32, np.int64, np.int64)


def test_the_cached_tree_is_the_tree_of_the_counts(folders):
    corpus = datasets.load_corpus(write(folders, random_text(1)), min_count=2)
    tree = vocabulary.huffman_tree(corpus.counts)
    for part in ("offsets", "nodes", "codes"):
        np.testing.assert_array_equal(getattr(corpus.huffman, part), getattr(tree, part))


def test_a_failed_build_leaves_nothing_behind(folders, monkeypatch):
    monkeypatch.setattr(build, "_lines", lambda *_: iter([None]))
    with pytest.raises(TypeError):
        datasets.load_corpus(write(folders, TEXT), min_count=2)
    assert list((folders / "cache" / "corpora").iterdir()) == []


def test_two_builders_at_once_agree(folders, monkeypatch):
    path = write(folders, TEXT)
    original = build.write_corpus

    def late(folder, *rest):
        monkeypatch.setattr(build, "write_corpus", original)
        datasets.prepare_corpus(path, min_count=2)  # another process finishes first
        return original(folder, *rest)

    monkeypatch.setattr(build, "write_corpus", late)
    assert datasets.load_corpus(path, min_count=2).tokens == 13
    assert len(list((folders / "cache" / "corpora").iterdir())) == 1


def test_a_damaged_cache_says_what_to_delete(folders):
    folder = datasets.prepare_corpus(write(folders, TEXT), min_count=2)
    (folder / "ids.npy").write_bytes(b"")
    with pytest.raises(UserError, match="cannot be opened") as caught:
        datasets.open_corpus(folder)
    assert "delete" in caught.value.remedy


def test_opening_a_corpus_imports_neither_torch_nor_gensim(folders):
    folder = datasets.prepare_corpus(write(folders, TEXT), min_count=2)
    code = (
        "import sys; from pathlib import Path; from bench.datasets import open_corpus;"
        f"open_corpus(Path({str(folder)!r})); print({{'torch', 'gensim', 'pooch'}} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


# --- bad input --------------------------------------------------------------------------------------


def test_an_unknown_dataset_is_answered_with_the_closest_name():
    with pytest.raises(UserError, match="did you mean 'text8'"):
        datasets.load_corpus("tex8")


def test_an_evaluation_set_is_no_text():
    with pytest.raises(UserError, match="evaluation set"):
        datasets.load_corpus("men-3000")


@pytest.mark.parametrize("text", ["", "\n\n", " \t\n "])
def test_an_empty_text_is_refused(folders, text):
    with pytest.raises(UserError, match="empty"):
        datasets.load_corpus(write(folders, text))


def test_a_minimum_count_that_removes_everything_tells_the_highest_count(folders):
    with pytest.raises(UserError, match="no word reaches min count 50") as caught:
        datasets.load_corpus(write(folders, TEXT), min_count=50)
    assert "3 times" in caught.value.why


def test_a_minimum_count_below_one_is_refused(folders):
    with pytest.raises(UserError, match="min count is 0"):
        datasets.load_corpus(write(folders, TEXT), min_count=0)


@pytest.mark.parametrize("block_bytes", [5, 1 << 20])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"some words and \xff then", r"invalid UTF-8 \(0xff\) at byte 15"),
        (b"some words and caf\xe9", r"invalid UTF-8 \(0xe9\) at byte 18"),
        (b"some words\n and\0 then", "zero byte at byte 15"),
    ],
)
def test_what_is_no_text_is_located_to_the_byte(folders, monkeypatch, text, message, block_bytes):
    monkeypatch.setattr(cache, "BLOCK_BYTES", block_bytes)
    path = write(folders, text)
    with pytest.raises(UserError, match=message) as caught:
        datasets.load_corpus(path)
    assert path in str(caught.value)


def test_a_file_without_whitespace_does_not_fill_the_memory(folders, monkeypatch):
    monkeypatch.setattr(cache, "BLOCK_BYTES", 1 << 16)
    with pytest.raises(UserError, match="no whitespace"):
        datasets.load_corpus(write(folders, "x" * (tokenise.LONGEST_WORD_BYTES + (1 << 17))))


def test_a_folder_is_no_dataset(folders):
    with pytest.raises(UserError, match="is a folder"):
        datasets.load_corpus(str(folders))


def failing_open(code: int, where: str):
    """Path.open that fails with `code` for paths that contain `where`."""
    original = Path.open

    def opened(self, *args, **options):
        if where in str(self):
            raise OSError(code, os.strerror(code), str(self))
        return original(self, *args, **options)

    return opened


def test_an_unreadable_file_is_named(folders, monkeypatch):
    path = write(folders, TEXT)
    monkeypatch.setattr(Path, "open", failing_open(errno.EACCES, "text.txt"))
    with pytest.raises(UserError, match=r"cannot use .*text\.txt") as caught:
        datasets.load_corpus(path)
    assert caught.value.why == "Permission denied"


def test_a_full_disk_is_explained_and_nothing_stays(folders, monkeypatch):
    def full(*_args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(build.NpyWriter, "append", full)
    with pytest.raises(UserError, match="the disk is full") as caught:
        datasets.load_corpus(write(folders, TEXT), min_count=2)
    assert "W2VBENCH_CACHE" in caught.value.remedy
    assert list((folders / "cache" / "corpora").iterdir()) == []


# --- search path and hashes ---------------------------------------------------------------------------


def registered(text: str = TEXT, **fields) -> datasets.Dataset:
    """A text as the registry would describe it, served as tiny.txt.xz."""
    packed = lzma.compress(text.encode())
    facts = {
        "name": "tiny",
        "kind": "text",
        "description": "a tiny text",
        "licence": "none",
        "file": "tiny.txt.xz",
        "sha256": hashlib.sha256(packed).hexdigest(),
        "text_sha256": hashlib.sha256(text.encode()).hexdigest(),
    }
    return datasets.Dataset(**{**facts, **fields})


@pytest.mark.parametrize("below", ["", "eval"])
@pytest.mark.parametrize("name", ["tiny.txt.xz", "tiny.txt.gz", "tiny.txt.zip", "tiny.txt"])
def test_the_search_path_finds_any_packing_one_level_deep(folders, below, name):
    folder = folders / "data" / below
    folder.mkdir(exist_ok=True)
    contents = {**PACKED, "t.txt": TEXT.encode()}[name.replace("tiny", "t")]
    write(folder, contents, name)
    assert datasets.locate(registered()) == folder / name


def test_a_published_md5_is_enough_for_an_unpacked_text(folders):
    dataset = registered(text_sha256="", text_md5=hashlib.md5(TEXT.encode()).hexdigest())
    write(folders / "data", TEXT, "tiny.txt")
    assert datasets.locate(dataset) == folders / "data" / "tiny.txt"


def test_a_wrong_hash_names_both_hashes_the_path_and_the_remedy(folders):
    path = write(folders / "data", TEXT + "x", "tiny.txt")
    dataset = registered(homepage="https://example.org/tiny")
    with pytest.raises(UserError) as caught:
        datasets.locate(dataset)
    for part in (path, dataset.sha256, hashlib.sha256((TEXT + "x").encode()).hexdigest(), "example.org"):
        assert part in str(caught.value)


def test_a_wrong_file_is_reported_by_status_without_raising(folders):
    write(folders / "data", TEXT + "x", "tiny.txt")
    found = datasets.status(registered())
    assert (found.path, found.size_bytes) == (folders / "data" / "tiny.txt", len(TEXT) + 1)
    assert not found.verified
    assert "wrong sha256" in found.problem


def test_status_of_a_good_and_of_a_missing_file(folders):
    assert datasets.status(registered()) == datasets.FileStatus(registered(), None, None, False, "")
    write(folders / "data", TEXT, "tiny.txt")
    assert datasets.status(registered()).verified


def test_a_data_folder_that_is_gone_is_an_error(folders, monkeypatch):
    monkeypatch.setenv("W2VBENCH_DATA", os.pathsep.join([str(folders / "data"), str(folders / "gone")]))
    with pytest.raises(UserError, match="gone does not exist"):
        datasets.evaluation_file("men-3000")


def test_a_data_folder_that_vanishes_while_it_is_read_is_an_error(folders, monkeypatch):
    write(folders / "data", TEXT, "tiny.txt")
    monkeypatch.setattr(cache, "resolve", lambda _: registered())
    original = cache.fetch

    def vanishing(dataset, **options):
        path = original(dataset, **options)
        path.unlink()
        return path

    monkeypatch.setattr(cache, "fetch", vanishing)
    with pytest.raises(UserError, match=r"cannot use .*tiny\.txt"):
        datasets.load_corpus("tiny")


def test_evaluation_files_are_found_verified_or_absent(folders):
    assert datasets.evaluation_file("men-3000") is None
    write(folders / "data", "not MEN", "men-3000.txt")
    with pytest.raises(UserError, match="wrong sha256"):
        datasets.evaluation_file("men-3000")
    with pytest.raises(UserError, match="did you mean 'men-3000'"):
        datasets.evaluation_file("men3000")


# --- download -----------------------------------------------------------------------------------------


class Handler(http.server.BaseHTTPRequestHandler):
    """Serves /good and /bad whole, breaks off in the middle of /cut."""

    bodies: ClassVar[dict[str, bytes]] = {}

    def do_GET(self):
        body = self.bodies.get(self.path)
        self.send_response(200 if body else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        if body:
            self.wfile.write(body[: len(body) // 2] if self.path == "/cut" else body)

    def log_message(self, *_):
        """Stay quiet."""


@pytest.fixture
def server():
    """The address of a web server on this machine."""
    packed = lzma.compress(TEXT.encode())
    Handler.bodies = {"/good": packed, "/cut": packed, "/bad": b"something else"}
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as web:
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{web.server_port}"
        web.shutdown()
        thread.join()


def downloads(folders: Path) -> list[Path]:
    """What lies in the download cache."""
    return list((folders / "cache" / "downloads").glob("*"))


def test_a_good_file_is_downloaded_once(folders, server):
    dataset = registered(url=f"{server}/good")
    calls = []
    path = datasets.fetch(dataset, progress=lambda *call: calls.append(call))
    assert calls[-1] == ("download", path.stat().st_size, path.stat().st_size)
    Handler.bodies = {}
    assert datasets.fetch(dataset) == path == datasets.locate(dataset)
    assert downloads(folders) == [path]


@pytest.mark.parametrize("served", ["bad", "cut", "missing"])
def test_a_bad_download_leaves_no_file(folders, server, served):
    with pytest.raises(UserError, match="could not be downloaded") as caught:
        datasets.fetch(registered(url=f"{server}/{served}"))
    assert f"{server}/{served}" in caught.value.why
    assert "W2VBENCH_DATA" in caught.value.remedy
    assert downloads(folders) == []


def test_a_wrong_download_names_both_hashes(server):
    dataset = registered(url=f"{server}/bad")
    with pytest.raises(UserError) as caught:
        datasets.fetch(dataset)
    assert dataset.sha256 in caught.value.why
    assert hashlib.sha256(b"something else").hexdigest() in caught.value.why


@pytest.mark.parametrize("first", ["bad", "cut", "missing"])
def test_the_next_mirror_is_tried(server, first):
    dataset = registered(url=f"{server}/{first}", mirrors=(f"{server}/good",))
    assert datasets.fetch(dataset).read_bytes() == Handler.bodies["/good"]


def test_a_dead_host_is_passed_over(server):
    dataset = registered(url="http://127.0.0.1:9/nobody", mirrors=(f"{server}/good",))
    assert datasets.locate(dataset) is None
    assert datasets.fetch(dataset).is_file()


def test_a_spoiled_download_is_replaced(server):
    dataset = registered(url=f"{server}/good")
    path = datasets.fetch(dataset)
    path.write_bytes(b"spoiled")
    assert datasets.fetch(dataset).read_bytes() == Handler.bodies["/good"]


def test_a_full_disk_is_not_blamed_on_the_mirror(monkeypatch, server):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pooch, "retrieve", full)
    with pytest.raises(UserError, match="the disk is full"):
        datasets.fetch(registered(url=f"{server}/good"))


def test_what_cannot_be_downloaded_says_where_to_put_it():
    with pytest.raises(UserError, match="not on this machine") as caught:
        datasets.fetch(datasets.registry()["enwiki2015-100mb"])
    assert "W2VBENCH_DATA" in caught.value.remedy


# --- the registry itself ------------------------------------------------------------------------------


@pytest.mark.parametrize("dataset", datasets.registry().values(), ids=lambda d: d.name)
def test_every_entry_can_be_verified_and_obtained(dataset):
    assert dataset.licence
    if dataset.zipf:
        kept = [int(n) for n in dataset.zipf.counts() if n >= 5]
        expected = (sum(dataset.zipf.counts()), sum(kept), len(kept))
        assert (dataset.raw_tokens, dataset.tokens, dataset.vocabulary) == expected
        return
    assert len(bytes.fromhex(dataset.sha256)) == 32
    assert dataset.homepage.startswith("http")
    assert dataset.url or dataset.remedy
    if dataset.tokens is not None:  # nobody has built the corpus of one-billion-words for these records
        assert dataset.raw_tokens > dataset.tokens > dataset.vocabulary


def test_an_unknown_key_in_the_registry_is_an_error(folders, monkeypatch):
    monkeypatch.setattr(catalogue, "REGISTRY", Path(write(folders, '[x]\nkind = "text"\nsize = 1\n')))
    with pytest.raises(TypeError, match="size"):
        catalogue.registry.__wrapped__()  # past the cached one


def test_the_wiki_slice_is_what_the_registry_says():
    dataset = datasets.resolve("wiki-slice")
    corpus = datasets.load_corpus("wiki-slice")
    expected = (dataset.raw_tokens, dataset.tokens, dataset.vocabulary)
    assert (corpus.raw_tokens, corpus.tokens, corpus.vocabulary_size) == expected
    assert corpus.sha256 == dataset.text_sha256
    assert set("".join(corpus.words)) == set("abcdefghijklmnopqrstuvwxyz")
    assert np.diff(corpus.offsets).max() == 1000


def test_the_wiki_slice_has_206_pages():
    dataset = datasets.resolve("wiki-slice")
    with datasets.locate(dataset).open("rb") as raw:
        pages = list(text_blocks(dataset, raw))
    assert len(pages) == 206
    assert any(page.startswith(b"anarchism is a political philosophy") for page in pages)
    assert all(page.count(b"\n") == 1 for page in pages)


def test_a_package_that_cleans_differently_is_refused(monkeypatch):
    other = dataclasses.replace(datasets.resolve("wiki-slice"), clean="", text_sha256="0" * 64)
    monkeypatch.setattr(cache, "resolve", lambda _: other)
    with pytest.raises(UserError, match="wrong sha256") as caught:
        datasets.load_corpus("wiki-slice", min_count=1)
    assert "constraints.txt" in caught.value.remedy
