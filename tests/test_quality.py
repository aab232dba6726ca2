"""Quality scores against independent oracles: gensim, scipy, and plain loops in float64."""

import numpy as np
import pytest
from gensim.models import KeyedVectors
from scipy import stats

from bench.errors import UserError
from bench.quality.analogy import BLOCK, answers
from bench.quality.evaluation import evaluate
from bench.quality.lexicon import unit_rows
from bench.quality.sets import OPTIONAL, PACKAGED, find_files, packaged_file, read_pairs, read_questions
from bench.quality.similarity import bootstrap_interval, spearman
from bench.records.metrics import METRICS, score_key

FILES = {name: packaged_file(file) for name, file in PACKAGED.items()}


def keyed(vectors, words):
    model = KeyedVectors(vectors.shape[1])
    model.add_vectors(words, vectors)
    return model


def score(scores, name, part, metric):
    return next(s for s in scores if (s.set, s.part, s.metric) == (name, part, metric))


def random_vectors(seed, words, dim=20):
    """Vectors in which the test sets' ratings mean nothing, except that neighbours in the list are alike."""
    rng = np.random.default_rng(seed)
    walk = rng.standard_normal((len(words), dim)).cumsum(axis=0) / 5
    return (walk + rng.standard_normal(walk.shape)).astype(np.float32)


def some_words(path, seed, share=0.7):
    """Part of a similarity set's words, in mixed case, some in two spellings, in a random order."""
    rng = np.random.default_rng(seed)
    words = sorted({w.lower() for w in read_pairs(path).words})
    kept = [w for w in words if rng.random() < share]
    kept += [w.capitalize() for w in kept if rng.random() < 0.2]
    return [kept[i] for i in rng.permutation(len(kept))]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("name", ["wordsim353", "simlex999"])
def test_similarity_equals_gensim(name, seed):
    words = some_words(FILES[name], seed)
    vectors = random_vectors(seed, words)
    ours = evaluate(vectors, words, files={name: FILES[name]})[0]
    _, (rho, _), unknown_percent = keyed(vectors, words).evaluate_word_pairs(str(FILES[name]))
    assert ours.value == pytest.approx(rho, abs=1e-4)  # gensim's cosines are rounded to float32
    assert 100 * (1 - ours.used / ours.total) == pytest.approx(unknown_percent)
    assert ours.total in (353, 999)


def test_a_header_and_further_columns_are_not_pairs(tmp_path):
    path = tmp_path / "men.txt"
    path.write_text("word1 word2 score\nsun moon 50.0\nsun tea 3 9 9\ntea coffee 40\nx y 1\n", "utf-8")
    words = ["sun", "moon", "tea", "coffee"]
    ours = evaluate(random_vectors(0, words), words, files={"men": path})[0]
    assert (ours.used, ours.total) == (3, 4)


def test_only_sets_that_are_on_this_machine_are_used(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr("bench.datasets.evaluation_file", asked.append)  # which finds nothing
    assert list(find_files()) == list(PACKAGED)
    assert asked == list(OPTIONAL.values())
    monkeypatch.setattr("bench.datasets.evaluation_file", {"men-3000": tmp_path / "men.txt"}.get)
    assert find_files()["men"] == tmp_path / "men.txt"


def test_every_optional_set_is_registered(tmp_path, monkeypatch):
    monkeypatch.setenv("W2VBENCH_DATA", str(tmp_path))
    assert set(PACKAGED) <= set(find_files()) <= {*PACKAGED, *OPTIONAL}


def analogy_world(seed, noise, dim=30):
    """Words of three Google sections: each section's partner is its word plus one common offset."""
    rng = np.random.default_rng(seed)
    vector, section = {}, ""
    for line in FILES["google"].read_text("utf-8").lower().splitlines():
        if line.startswith(":"):
            section, offset = line, rng.standard_normal(dim)
        elif any(kind in section for kind in ("capital-common", "family", "gram2")):
            a, b, *_ = line.split()
            base = vector.setdefault(a, rng.standard_normal(dim))
            vector.setdefault(b, base + offset + noise * rng.standard_normal(dim))
    for extra in [w.upper() for w in list(vector)[::4]] + [f"filler{i}" for i in range(200)]:
        vector[extra] = vector.get(extra.lower(), 0) + noise * rng.standard_normal(dim)
    words = [list(vector)[i] for i in rng.permutation(len(vector))]
    return np.stack([vector[w] for w in words]).astype(np.float32), words


@pytest.mark.parametrize(("noise", "restrict"), [(1.0, 10_000), (2.0, 10_000), (1.0, 220)])
def test_analogies_equal_gensim(noise, restrict):
    vectors, words = analogy_world(1, noise)
    ours = evaluate(vectors, words, restrict_vocabulary=restrict, files={"google": FILES["google"]})
    _, sections = keyed(vectors, words).evaluate_word_analogies(str(FILES["google"]), restrict)
    *sections, total = sections
    parts = {
        "all": [total],
        "semantic": [s for s in sections if not s["section"].startswith("gram")],
        "syntactic": [s for s in sections if s["section"].startswith("gram")],
    }
    for part, theirs in parts.items():
        right = sum(len(s["correct"]) for s in theirs)
        asked = right + sum(len(s["incorrect"]) for s in theirs)
        got = score(ours, "google", part, "3cosadd")
        assert got.used == asked > 30
        assert got.value == pytest.approx(right / asked)
        assert 0.02 < got.value < 0.999  # neither hopeless nor trivial, or equality would say little


def naive_answers(vectors, abc):
    """3CosAdd and 3CosMul, question by question, word by word, in float64."""
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    found = {"3cosadd": [], "3cosmul": []}
    for a, b, c in abc:
        cos_a, cos_b, cos_c = unit @ unit[a], unit @ unit[b], unit @ unit[c]
        add = cos_b - cos_a + cos_c
        mul = ((1 + cos_b) / 2) * ((1 + cos_c) / 2) / ((1 + cos_a) / 2 + 1e-6)
        for metric, scores in (("3cosadd", add), ("3cosmul", mul)):
            scores[[a, b, c]] = -np.inf
            found[metric].append(int(scores.argmax()))
    return found


def test_both_metrics_equal_a_naive_loop_over_several_blocks():
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((9_000, 12)).astype(np.float32)
    assert len(vectors) > BLOCK
    abc = rng.integers(9_000, size=(200, 3))
    abc[:20, 1] = abc[:20, 0]  # questions that use a word twice
    ours = answers(unit_rows(vectors), np.arange(9_000), abc)
    naive = naive_answers(vectors, abc)
    assert ours["3cosadd"].tolist() == naive["3cosadd"]
    assert ours["3cosmul"].tolist() == naive["3cosmul"]
    assert naive["3cosadd"] != naive["3cosmul"]


@pytest.mark.filterwarnings("ignore:Call to deprecated `init_sims`")  # gensim calls its own
def test_3cosmul_equals_gensim():
    vectors, words = analogy_world(2, noise=1.0)
    abc = np.random.default_rng(0).integers(len(words), size=(50, 3))
    model = keyed(vectors, words)
    theirs = [model.most_similar_cosmul([words[b], words[c]], [words[a]], topn=1)[0][0] for a, b, c in abc]
    ours = answers(unit_rows(vectors), np.arange(len(words)), abc)["3cosmul"]
    assert [words[row] for row in ours] == theirs


def test_planted_analogies_are_all_found():
    vectors, words = analogy_world(0, noise=0.0, dim=200)
    for got in evaluate(vectors, words, files={"google": FILES["google"]}):
        assert got.value == 1.0
        assert 0.9 < got.low < got.high == 1.0


def test_parts_of_googles_set_and_its_rule():
    parts = read_questions(FILES["google"]).parts
    assert {part: int(members.sum()) for part, members in parts.items()} == {
        "semantic": 8_869,
        "syntactic": 10_675,
        "all": 19_544,
    }
    vectors, words = analogy_world(0, noise=0.5)
    got = score(evaluate(vectors, words, files={"google": FILES["google"]}), "google", "all", "3cosmul")
    assert got.rule == "vocabulary 30,000; unknown skipped; 3CosMul"
    assert got.total == 19_544 > got.used


def test_questions_without_sections_have_one_part(tmp_path):
    path = tmp_path / "msr.txt"
    path.write_bytes(b"good\tbetter\trough\trougher\r\nbetter\tgood\trougher\trough\r\n" * 2)
    words = ["good", "better", "rough", "rougher", "of"]
    got = evaluate(random_vectors(0, words), words, files={"msr": path})
    assert [(s.part, s.metric, s.used) for s in got] == [("all", "3cosadd", 4), ("all", "3cosmul", 4)]


def test_too_few_known_items_give_no_value_but_their_count():
    words = ["tiger", "cat", "of"]
    for got in evaluate(random_vectors(0, words), words, files=FILES):
        assert (got.value, got.low, got.high) == (None, None, None)
        assert got.used == (2 if got.set == "wordsim353" else 0)
        assert got.total > 300


def test_zero_and_huge_vectors_never_give_nan():
    vectors, words = analogy_world(0, noise=0.5)
    words += [w for w in some_words(FILES["wordsim353"], 0) if w.lower() not in set(words)]
    vectors = np.concatenate([vectors, random_vectors(0, words[len(vectors) :], 30)])
    for changed in (np.zeros_like(vectors), np.where(np.arange(len(words))[:, None] % 3, vectors, 0)):
        for got in evaluate(changed, words, files=FILES):
            assert np.isfinite([got.value, got.low, got.high]).all()
    assert evaluate(vectors * np.float32(1e30), words, files=FILES)[0].value == pytest.approx(
        evaluate(vectors, words, files=FILES)[0].value
    )


@pytest.mark.parametrize(
    ("vectors", "message"),
    [
        (np.full((3, 4), np.nan, np.float32), "NaN or infinity in 3 of 3 rows"),
        (np.array([[1], [np.inf], [1]], np.float32), "in 1 of 3 rows"),
        (np.ones((2, 4), np.float32), r"shape \(2, 4\); expected \(3, D\)"),
        (np.ones(3, np.float32), "shape"),
        (np.ones((3, 0), np.float32), "shape"),
        (np.ones((3, 4), np.int64), "int64"),
    ],
)
def test_vectors_that_cannot_be_judged_are_refused(vectors, message):
    with pytest.raises(ValueError, match=message):
        evaluate(vectors, ["a", "b", "c"], files=FILES)


def test_a_damaged_file_is_named_with_its_line(tmp_path):
    path = tmp_path / "bad.txt"
    path.write_text("sun moon 4\nsun moon\n", "utf-8")
    with pytest.raises(UserError, match=r"bad.txt, line 2"):
        read_pairs(path)
    path.write_text(": family\nking queen man\n", "utf-8")
    with pytest.raises(UserError, match=r"bad.txt, line 2"):
        read_questions(path)


def test_resampled_spearman_equals_scipy_on_the_drawn_items():
    rng = np.random.default_rng(5)
    x, y = rng.integers(8, size=(2, 40)).astype(float)  # many ties
    counts = rng.multinomial(40, np.full(40, 1 / 40), 20)
    drawn = [stats.spearmanr(np.repeat(x, n), np.repeat(y, n)).statistic for n in counts]
    assert spearman(x, y, counts) == pytest.approx(drawn)


def test_bootstrap_interval_covers_the_truth():
    rng = np.random.default_rng(7)
    rho, n, repeats = 0.5, 100, 300
    truth = 6 / np.pi * np.arcsin(rho / 2)  # Spearman's correlation of a bivariate normal
    covered = 0
    for _ in range(repeats):
        x, noise = rng.standard_normal((2, n))
        low, high = bootstrap_interval(x, rho * x + np.sqrt(1 - rho**2) * noise, rng, resamples=300)
        covered += low <= truth <= high
    assert 0.91 <= covered / repeats <= 0.98


def test_same_seed_same_scores_and_every_score_has_its_metric():
    vectors, words = analogy_world(0, noise=2.0)
    words += [w for w in some_words(FILES["simlex999"], 0) if w.lower() not in set(words)]
    vectors = np.concatenate([vectors, random_vectors(0, words[len(vectors) :], 30)])
    first = evaluate(vectors, words, seed=4, files=FILES)
    assert first == evaluate(vectors, words, seed=4, files=FILES)
    assert first != evaluate(vectors, words, seed=5, files=FILES)
    for got in first:
        assert got.low < got.value < got.high
        assert METRICS[score_key(got)].worst <= got.value
