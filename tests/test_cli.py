"""The command line as a user meets it: help, JSON, closest names, errors that name the remedy."""

import json
import subprocess
import sys

import pytest


def test_the_parent_never_imports_torch(laboratory):
    laboratory.fake()
    code = (
        "import sys; sys.argv = ['w2vbench', 'run', '--impl', 'fake', '--dataset', 'text.txt', '--dim', '4',"
        "'--min-count', '1', '--epochs', '1']\n"
        "try:\n import bench.cli; bench.cli.main()\n"
        "finally:\n assert 'torch' not in sys.modules\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=laboratory.folder,
        env=laboratory.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["rum"], "did you mean 'run'"),
        (["run", "--suite", "mian"], "did you mean 'main'"),
        (["run", "--impl", "fale"], "did you mean 'fake'"),
        (["run", "--impl", "fake", "--dataset", "wiki-slise"], "did you mean 'wiki-slice'"),
        (["run", "--impl", "fake", "--arch", "skipgran"], "did you mean 'skipgram'"),
        (["run", "--impl", "fake", "--objective", "nss"], "did you mean 'ns'"),
        (["run", "--impl", "fake", "--objective", "hs"], "nothing to run"),
        (["run", "--epoch", "3"], "--epochs"),
        (["run", "--impl", "fake", "--dim", "0"], "dim is 0"),
        (["run", "--impl", "fake", "--window", "-1"], "window is -1"),
        (["run", "--impl", "fake", "--negatives", "0"], "negatives is 0"),
        (["run", "--impl", "fake", "--subsample", "2"], "subsample is 2"),
        (["run", "--impl", "fake", "--learning-rate", "-1"], "learning rate is -1"),
        (["run", "--suite", "levy2015-sgns", "--scale", "slise"], "did you mean 'slice'"),
        (["run", "--suite", "main", "--scale", "slice"], "has no scales"),
        (["suites", "smok"], "did you mean 'smoke'"),
        (["info", "fak"], "did you mean 'fake'"),
        (["data", "fetch", "tex8"], "did you mean 'text8'"),
        (["report", "--results", "nowhere"], "w2vbench run"),
    ],
)
def test_bad_input_is_told_what_was_meant(laboratory, words, says):
    laboratory.fake()
    status, out, err = laboratory.call(*words)
    assert status == 2
    assert says in err
    assert out == ""
    assert "Traceback" not in err
    assert not laboratory.records()


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "empty"),
        (b"one two three\n", "min"),
        (b"\x00\x01\xff\xfe binary", "UTF-8"),
    ],
)
def test_texts_that_cannot_be_trained_on(laboratory, content, says):
    laboratory.fake()
    (laboratory.folder / "bad.txt").write_bytes(content)
    status, out, err = laboratory.call("run", "--impl", "fake", "--dataset", "bad.txt")
    assert status == 2
    assert says in err
    assert out == ""
    assert "remedy" in err
    assert not laboratory.records()


def test_a_results_folder_of_a_newer_schema_is_left_alone(laboratory):
    laboratory.fake()
    laboratory.run("--impl", "fake")
    (path,) = (laboratory.folder / "results").glob("*/*.json")
    newer = json.loads(path.read_text()) | {"schema": 99}
    path.write_text(json.dumps(newer))
    status, _, err = laboratory.run("--impl", "fake", "--again")
    assert status == 2
    assert "schema 99" in err
    assert "newer w2vbench" in err
    assert json.loads(path.read_text()) == newer
    path.write_text("{ half a rec")
    status, _, err = laboratory.run("--impl", "fake")
    assert status == 2
    assert "not a record" in err


def test_results_that_cannot_be_written_stop_the_work_before_training(laboratory):
    laboratory.fake(train="open('trained', 'w')")
    (laboratory.folder / "file").touch()
    status, _, err = laboratory.run("--impl", "fake", "--results", "file/results")
    assert status == 2
    assert "cannot write" in err
    assert not (laboratory.folder / "trained").exists()


def test_two_sessions_do_not_measure_each_other(laboratory):
    laboratory.fake("slow", train="import time; time.sleep(60)")
    words = ("run", "--dataset", "text.txt", "--min-count", "1", "--dim", "4", "--epochs", "1")
    first = laboratory.start(*words, "--impl", "slow")
    next(line for line in first.stderr if "started" in line)
    status, _, err = laboratory.run("--impl", "slow")
    first.terminate()
    first.communicate()
    assert status == 2
    assert "another" in err


def test_json_goes_to_standard_output_and_progress_to_standard_error(laboratory):
    laboratory.fake()
    status, out, err = laboratory.call("list", "--json")
    assert status == 0
    assert err == ""
    listed = json.loads(out)
    assert [i["name"] for i in listed["implementations"]] == ["fake"]
    assert "wiki-slice" in {d["name"] for d in listed["datasets"]}
    for words in (["info", "fake", "--json"], ["doctor", "--json"], ["data", "ls", "--json"]):
        status, out, _ = laboratory.call(*words)
        assert status == 0
        assert json.loads(out)


@pytest.mark.parametrize(
    "verb",
    [
        [],
        ["run"],
        ["report"],
        ["data"],
        ["data", "fetch"],
        ["list"],
        ["info"],
        ["suites"],
        ["compare"],
        ["regress"],
    ],
)
def test_help_has_an_example(laboratory, verb):
    status, out, _ = laboratory.call(*verb, "--help")
    assert status == 0
    assert "Usage" in out
    assert "w2vbench" in out.split("Options")[0].split("\n", 1)[1] or verb == ["data"]


def test_no_color_is_honoured(laboratory):
    laboratory.fake()
    for words in (["list"], ["doctor"]):
        _, out, _ = laboratory.call(*words, NO_COLOR="1", FORCE_COLOR="1")
        assert "\x1b[3" not in out  # no colours; bold may stay


def test_a_malformed_spec_is_named_with_its_line(laboratory):
    laboratory.fake()
    path = laboratory.folder / "impls" / "fake.py"
    path.write_text(path.read_text().replace('summary="a fake"', "summary=str(1)"))
    status, _, err = laboratory.call("list")
    assert status == 2
    assert "fake.py, line" in err
    assert "literal" in err
