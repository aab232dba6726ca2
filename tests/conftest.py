"""A laboratory: a folder with its own implementations, text, cache and results, driven as a user would."""

import json
import os
import shutil
import signal
import subprocess
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path

import pytest

if shutil.which("nvidia-smi") is None:
    os.environ["TRITON_INTERPRET"] = (
        "1"  # kernels on CPU tensors; read where triton and a kernel are imported
    )

REPOSITORY = Path(__file__).parents[1]
TEXT = "\n".join(" ".join(f"w{(i * j) % 7}" for i in range(1, 40)) for j in range(1, 30)) + "\n"

FAKE = """
import numpy as np
from bench.contract import Implementation, Spec

class Fake(Implementation):
    spec = Spec(name="{name}", summary="a fake", objectives=("ns",), architectures=("skipgram",),
                paper="none", needs={needs})

    def prepare(self, corpus, config, resources):
        self.corpus, self.config = corpus, config
{prepare}
    def train(self, tick):
        tick(1)
{train}
    def vectors(self):
{vectors}
        return np.random.default_rng(self.config.seed).standard_normal(
            (self.corpus.vocabulary_size, self.config.dim)).astype(np.float32)
"""


@dataclass
class Laboratory:
    """`w2vbench` called in a folder whose `impls/` holds fakes only."""

    folder: Path

    def fake(self, name="fake", *, prepare="pass", train="pass", vectors="pass", needs=()):
        """Add an implementation whose methods also do what is given."""
        bodies = {"prepare": prepare, "train": train, "vectors": vectors}
        bodies = {k: textwrap.indent(textwrap.dedent(v).strip(), " " * 8) for k, v in bodies.items()}
        text = FAKE.format(name=name, needs=repr(needs), **bodies)
        (self.folder / "impls" / f"{name}.py").write_text(text)

    def environment(self, **changes):
        keep = {k: v for k, v in os.environ.items() if not k.startswith("W2VBENCH")}
        paths = {"PYTHONPATH": os.pathsep.join([str(self.folder), str(REPOSITORY)])}
        cache = {"W2VBENCH_CACHE": str(self.folder / "cache"), "COLUMNS": "160"}
        return {**keep, **paths, **cache, **changes}

    def start(self, *words, **changes):
        """Begin `w2vbench WORDS` and return the process."""
        command = [sys.executable, "-m", "bench", *words]
        return subprocess.Popen(
            command,
            cwd=self.folder,
            env=self.environment(**changes),
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            # a shell that runs the tests in the background has them ignore Ctrl-C, and children inherit it
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )

    def call(self, *words, **changes):
        """Run `w2vbench WORDS` to its end; returns (exit status, standard output, standard error)."""
        process = self.start(*words, **changes)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def run(self, *words, **changes):
        """`w2vbench run` on the laboratory's text; returns (exit status, records, standard error)."""
        fixed = ("--dataset", "text.txt", "--min-count", "1", "--dim", "4", "--epochs", "1", "--json")
        status, out, err = self.call("run", *fixed, *words, **changes)
        return status, json.loads(out) if out else None, err

    def records(self):
        """What lies in the results folder."""
        return [json.loads(p.read_text()) for p in sorted((self.folder / "results").glob("*/*.json"))]


@pytest.fixture
def laboratory(tmp_path):
    (tmp_path / "impls").mkdir()
    (tmp_path / "impls" / "__init__.py").touch()
    (tmp_path / "text.txt").write_text(TEXT)
    return Laboratory(tmp_path)
