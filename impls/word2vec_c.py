"""The original C program of Mikolov et al. 2013, compiled here with its own flags and run as it is.

https://code.google.com/archive/p/word2vec (Apache 2.0); its source comes with the PyPI package
`word2vec`. Pair by pair, without locks, predicting the centre from each context word.

Differs from the law: nothing, it is where the law comes from. Two habits matter for the clock: its
training time here includes filling its noise table (10^8 entries, well under a second) and writing
the vectors; reading the vocabulary replaces its own scan of the text. It takes no seed: runs differ
only by the race between threads, so its spread over seeds is too small to be compared.
Not handled: words of 100 bytes or more, which it cuts.
"""

import importlib.util
import re
import shutil
import subprocess
import tempfile
import weakref
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.contract import Config, Corpus, Implementation, Resources, Spec, Tick
from impls._build import build

FLAGS = ["-lm", "-pthread", "-O3", "-march=native", "-Wall", "-funroll-loops", "-Wno-unused-result"]
PROGRESS = re.compile(rb"Progress: ([0-9.]+)%")


class Word2vecC(Implementation):
    """A child process that reads the same tokens as text."""

    spec = Spec(
        name="word2vec_c",
        summary="the original C program, the authors' flags",
        objectives=("ns", "hs"),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("cc", "word2vec"),
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.corpus, self.config = corpus, config
        self.at = Path(tempfile.mkdtemp(prefix="word2vec_c-"))
        weakref.finalize(self, shutil.rmtree, self.at)
        # The program is told names relative to its folder: it has room for 99 bytes.
        (self.at / "text").symlink_to(corpus.text_path.resolve())
        # Its first word has to be </s>, the end of a line, which it never trains.
        vocabulary = [f"</s> {len(corpus.offsets) - 1}"]
        vocabulary += [f"{w} {n}" for w, n in zip(corpus.words, corpus.counts.tolist(), strict=True)]
        (self.at / "vocabulary").write_text("\n".join(vocabulary) + "\n", "utf-8")
        self.options = {
            "train": "text", "read-vocab": "vocabulary", "output": "vectors", "binary": 1,
            "cbow": int(config.architecture == "cbow"), "size": config.dim, "window": config.window,
            "sample": config.subsample, "hs": int(config.objective == "hs"),
            "negative": config.negatives if config.objective == "ns" else 0,
            "alpha": config.learning_rate, "iter": config.epochs, "threads": resources.threads,
            "min-count": 1,  # the corpus has been cut already
        }  # fmt: skip

    def compile(self) -> None:
        package = importlib.util.find_spec("word2vec")
        self.program = build(Path(package.origin).parent / "includes" / "word2vec.c", FLAGS)

    def train(self, tick: Tick) -> None:
        command = [str(self.program)]
        for name, value in self.options.items():
            command += [f"-{name}", str(value)]
        words_total = self.corpus.tokens * self.config.epochs
        with subprocess.Popen(command, cwd=self.at, stdout=subprocess.PIPE) as child:
            try:
                for text in iter(child.stdout.read1, b""):
                    if found := PROGRESS.findall(text):
                        tick(min(words_total, int(float(found[-1]) / 100 * words_total)))
            except BaseException:
                child.kill()
                raise
        if child.returncode:
            raise RuntimeError(f"word2vec.c ended with exit status {child.returncode}")

    def vectors(self) -> npt.NDArray[np.float32]:
        D, row = self.config.dim, {word: i for i, word in enumerate(self.corpus.words)}
        vectors = np.full((self.corpus.vocabulary_size, D), np.nan, np.float32)
        data = (self.at / "vectors").read_bytes()
        at = data.index(b"\n") + 1
        for _ in range(int(data.split(maxsplit=1)[0])):  # "word " + D floats + "\n"
            space = data.index(b" ", at)
            word = data[at:space].decode("utf-8", "replace")
            if word in row:
                vectors[row[word]] = np.frombuffer(data, np.float32, D, space + 1)
            at = space + 1 + 4 * D + 1
        return vectors

    def model_bytes(self) -> int:
        return 2 * 4 * (self.corpus.vocabulary_size + 1) * self.config.dim
