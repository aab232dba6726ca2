"""`w2vbench train`: vectors of one's own text, in files that gensim reads."""

import json

import numpy as np
import pytest
from gensim.models import KeyedVectors
from safetensors import safe_open


def train(laboratory, out, *words):
    laboratory.fake()
    fixed = ("train", "text.txt", "--min-count", "1", "--dim", "6", "--impl", "fake", "--seed", "3")
    return laboratory.call(*fixed, "--out", out, *words)


def expected(words):
    """What the fake hands over for seed 3."""
    return np.random.default_rng(3).standard_normal((words, 6)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".txt", ".bin"])
def test_gensim_reads_what_is_written(laboratory, suffix):
    status, out, _ = train(laboratory, f"vectors{suffix}")
    assert (status, out.strip()) == (0, f"vectors{suffix}")
    path = laboratory.folder / f"vectors{suffix}"
    loaded = KeyedVectors.load_word2vec_format(path, binary=suffix == ".bin")
    assert set(loaded.index_to_key) == {f"w{n}" for n in range(7)}
    np.testing.assert_allclose(loaded.vectors, expected(7), rtol=1e-6)


def test_safetensors_carry_their_words(laboratory):
    assert train(laboratory, "vectors.safetensors")[0] == 0
    with safe_open(laboratory.folder / "vectors.safetensors", "numpy") as file:
        np.testing.assert_array_equal(file.get_tensor("vectors"), expected(7))
        assert len(json.loads(file.metadata()["words"])) == 7


@pytest.mark.parametrize(
    ("out", "says"),
    [("vectors.npz", "did you mean '.bin'"), ("nowhere/vectors.txt", "no folder")],
)
def test_a_target_that_cannot_be_written_stops_before_training(laboratory, out, says):
    status, _, err = train(laboratory, out)
    assert status == 2
    assert says in err
    assert "started" not in err


def test_a_failed_training_leaves_the_old_file_alone(laboratory):
    (laboratory.folder / "vectors.txt").write_text("old")
    laboratory.fake("breaks", train="raise RuntimeError('no')")
    status, _, err = laboratory.call("train", "text.txt", "--min-count", "1", "--impl", "breaks",
                                     "--out", "vectors.txt")  # fmt: skip
    assert status == 2
    assert "ended as failed" in err
    assert (laboratory.folder / "vectors.txt").read_text() == "old"
    left = sorted(path.name for path in laboratory.folder.iterdir())
    assert left == ["cache", "impls", "text.txt", "vectors.txt"]


def test_without_proof_the_default_is_gensim(laboratory):
    """No record says that anything is as good as the reference, so the reference it is."""
    laboratory.fake("gensim")
    status, _, err = laboratory.call("train", "text.txt", "--min-count", "1", "--out", "v.txt")
    assert status == 0
    assert "gensim skipgram/ns" in err
