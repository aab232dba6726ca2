"""The cache of compiled sources."""

from pathlib import Path

import pytest

from bench.errors import UserError
from impls import _build

FLAGS = ("-shared", "-fPIC")


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setenv("W2VBENCH_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "_answer.c"
    path.write_text("int answer(void) { return 42; }")
    return path


def test_a_source_is_built_once_until_it_changes(source):
    binary = _build.build(source, FLAGS)
    stamp = binary.stat().st_mtime_ns
    assert _build.build(source, FLAGS) == binary
    assert binary.stat().st_mtime_ns == stamp
    assert [path.name for path in binary.parent.iterdir()] == [binary.name]
    source.write_text("int answer(void) { return 43; }")
    assert _build.build(source, FLAGS) != binary
    assert _build.build(source, (*FLAGS, "-O3")) != binary


def test_no_compiler_is_said_with_a_remedy(source, monkeypatch):
    monkeypatch.setattr(_build.shutil, "which", lambda _: None)
    with pytest.raises(UserError, match="no compiler for _answer") as caught:
        _build.build(source, FLAGS)
    assert "apt install g++" in caught.value.remedy


def test_a_refused_source_keeps_the_compilers_words(source):
    Path(source).write_text("int answer(void) { return nonsense; }")
    with pytest.raises(UserError, match="nonsense"):
        _build.build(source, FLAGS)
    assert list((source.parent / "cache" / "build").iterdir()) == []
