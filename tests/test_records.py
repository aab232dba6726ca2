"""The results folder: what is written is read back equal, and a refusing disk costs nothing."""

import errno
import json
import os

import pytest

from bench.errors import UserError
from bench.records import store
from tests.records_factory import record


def test_a_record_is_read_back_equal(tmp_path):
    one = record()
    path = store.write(one, tmp_path)
    assert path.parent.name == one.machine["name"]
    assert store.read(path) == one
    assert store.read_all(tmp_path) == [one]


def test_nan_is_refused_rather_than_written(tmp_path):
    with pytest.raises(ValueError, match="not JSON compliant"):
        store.write(record(speed=float("nan")), tmp_path)
    assert store.read_all(tmp_path) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EIO])
def test_a_full_disk_leaves_the_old_record_whole(tmp_path, monkeypatch, number):
    path = store.write(record(), tmp_path)
    before = path.read_bytes()

    def full(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UserError, match="free some space"):
        store.write(record(speed=1.0), tmp_path)
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": 2}, "newer w2vbench"),
        ({"surprise": 1}, "surprise"),
        ({"quality": [{"set": "x"}]}, "missing"),
    ],
)
def test_a_record_that_cannot_be_read_is_named(tmp_path, change, says):
    path = store.write(record(), tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(UserError, match=says) as error:
        store.read_all(tmp_path)
    assert path.name in str(error.value)
    assert "remedy" in str(error.value)
