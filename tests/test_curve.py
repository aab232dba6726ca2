"""Learning curves: what a run with `--curve` measures, through the command line."""

import shutil

import pytest

from bench.running.machine import missing
from tests.planned import TRAIN, VECTORS, write_plan


@pytest.fixture
def planned(laboratory):
    """Adds fakes that turn from all wrong to all right at a share of training."""
    write_plan(laboratory.folder)

    def add(name="fake", turn=0.5, pause_s=0.0, vectors=""):
        laboratory.fake(
            name, train=TRAIN.format(pause_s=pause_s), vectors=vectors + VECTORS.format(turn=turn)
        )
        return laboratory

    return add


def spearman(point, name="wordsim353"):
    return next(s["value"] for s in point["quality"] if s["set"] == name)


def test_points_are_the_vectors_of_their_moment(planned):
    """Eight ticks, four parts: at 2, 4 and 6 eighths; the end is the run's own quality."""
    status, (record,), _ = planned(turn=0.5).run("--impl", "fake", "--curve", "4")
    curve, total = record["curve"], record["work"]["raw_words"]
    assert (status, record["status"], curve["parts"], curve["missing"]) == (0, "ok", 4, None)
    assert [p["words"] for p in curve["points"]] == [total // 4, total // 2, total * 6 // 8]
    for name in ("wordsim353", "simlex999"):
        assert [spearman(p, name) for p in curve["points"]] == pytest.approx([-1, 1, 1])
    assert spearman(record) == pytest.approx(1)
    assert list((planned().folder / "results" / ".logs").glob("*.curve")) == []


def test_copies_are_on_the_training_clock_and_several_shares_in_one_tick_give_one(planned):
    slow = "import time; time.sleep(0.1)\n"
    _, (record,), _ = planned(vectors=slow).run("--impl", "fake", "--curve", "40")
    points, total = record["curve"]["points"], record["work"]["raw_words"]
    assert [p["words"] for p in points] == [n * total // 8 for n in range(1, 8)]
    assert all(p["snapshot_s"] >= 0.1 for p in points)
    assert all(p["elapsed_s"] >= 0.1 * n for n, p in enumerate(points, 1))
    assert 0.7 <= points[-1]["elapsed_s"] <= record["phases"]["train_s"]


def test_without_vectors_during_training_only_the_end_is_known(planned):
    early = 'if self.eighths < 8: open("none yet")\n'
    status, (record,), _ = planned(vectors=early).run("--impl", "fake", "--curve", "4")
    assert (status, record["status"]) == (0, "ok")
    assert record["curve"]["points"] == []
    assert record["curve"]["missing"] == "FileNotFoundError: No such file or directory"
    assert spearman(record) == pytest.approx(1)


def test_a_curve_is_another_run_and_is_resumed_like_any(planned):
    laboratory = planned()
    ids = [laboratory.run("--impl", "fake", *w)[1][0]["run_id"] for w in ((), ("--curve", "4"))]
    assert ids[0] != ids[1]
    assert len(laboratory.records()) == 2
    _, (again,), err = laboratory.run("--impl", "fake", "--curve", "4")
    assert "fake skipgram/ns seed 0 curve" in err
    assert "already finished" in err
    assert again in laboratory.records()
    assert laboratory.run("--impl", "fake")[1][0]["curve"] is None


def test_a_spent_budget_claims_no_quality_at_any_point(planned):
    _, (record,), _ = planned(pause_s=0.1).run("--impl", "fake", "--curve", "8", "--budget", "0.45")
    assert record["status"] == "over_budget"
    assert record["curve"] == {"parts": 8, "points": [], "missing": None}
    assert list((planned().folder / "results" / ".logs").glob("*.curve")) == []


def test_gensim_gives_a_point_an_epoch_and_the_c_program_only_its_end(laboratory):
    lacking = missing(("gensim", "word2vec", "cc"), "cpu")
    if lacking:
        pytest.skip(lacking)
    write_plan(laboratory.folder, lines=300)  # the C program speaks up after 10,000 words
    shutil.rmtree(laboratory.folder / "impls")  # without fakes, the project's own are found
    words = "--impl gensim,word2vec_c --arch skipgram --objective ns --epochs 10 --curve 10 --threads 1"
    _, records, _ = laboratory.run(*words.split())
    by_name = {r["implementation"]["name"]: r for r in records}
    tokens = by_name["gensim"]["data"]["tokens"]
    points = by_name["gensim"]["curve"]["points"]
    assert [p["words"] for p in points] == [n * tokens for n in range(1, 10)]
    assert [p["elapsed_s"] for p in points] == sorted(p["elapsed_s"] for p in points)
    assert len({spearman(p) for p in points} | {spearman(by_name["gensim"])}) > 1  # it goes on learning
    assert by_name["word2vec_c"]["status"] == "ok"
    assert by_name["word2vec_c"]["curve"]["points"] == []
    assert "FileNotFoundError" in by_name["word2vec_c"]["curve"]["missing"]
