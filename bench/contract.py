"""THE page a contributor reads: what the harness gives an implementation, and what it asks for.

Add one file to `impls/` with one class that derives from `Implementation` and carries a `Spec`
written in literals; `w2vbench list` then shows it, and `w2vbench run --impl NAME` measures it.
The harness owns the clock, the seeds, the threads, the evaluation and every file.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt

from bench import vocabulary
from bench.errors import UserError

Architecture = Literal["skipgram", "cbow"]
Objective = Literal["softmax", "ns", "hs", "nce", "sampled", "adaptive"]
Option = float | str  # a value of an implementation's own choice
Tick = Callable[[int], None]  # tick(words_done): raw words of the corpus consumed so far, all epochs

ARCHITECTURES: tuple[Architecture, ...] = ("skipgram", "cbow")
OBJECTIVES: tuple[Objective, ...] = ("softmax", "ns", "hs", "nce", "sampled", "adaptive")
NOISE_OBJECTIVES: tuple[Objective, ...] = ("ns", "nce", "sampled")  # those that draw noise words
COST: Mapping[str, Literal["V", "log V", "K"]] = {  # what a pair's cost grows with, see docs/methods.md
    "softmax": "V",
    "hs": "log V",
    **dict.fromkeys(NOISE_OBJECTIVES, "K"),
}  # adaptive: a head and clusters, cut anew for each vocabulary, follow no such law


def option_text(value: Option) -> str:
    """As tables and progress show it."""
    return value if isinstance(value, str) else f"{value:g}"


@dataclass(frozen=True)
class Config:
    """The science of a run: everything that changes the vectors, nothing that only changes the speed.

    Hashed into the run id. Raises `UserError` on values that cannot be trained.
    """

    architecture: Architecture
    objective: Objective
    dim: int = 100
    window: int = 5  # widest; each centre draws its own width uniformly from 1..window
    negatives: int = 5  # K, noise words a pair; read by NOISE_OBJECTIVES alone
    subsample: float = 1e-3  # t of sqrt(t/f) + t/f; 0 keeps every word
    epochs: int = 5
    learning_rate: float = 0.025  # falls linearly to 1e-4 of itself over all epochs
    min_count: int = 5
    seed: int = 1

    def __post_init__(self) -> None:
        if self.architecture not in ARCHITECTURES or self.objective not in OBJECTIVES:
            raise UserError(
                f"no such model: {self.architecture}/{self.objective}",
                remedy=f"architectures: {', '.join(ARCHITECTURES)}; objectives: {', '.join(OBJECTIVES)}",
            )
        for name in ("dim", "window", "epochs", "min_count"):
            if getattr(self, name) < 1:
                raise UserError(
                    f"{name} is {getattr(self, name)}",
                    why="nothing can be trained with less than 1",
                    remedy=f"give --{name.replace('_', '-')} a whole number from 1 up",
                )
        if self.objective in NOISE_OBJECTIVES and self.negatives < 1:
            raise UserError(
                f"negatives is {self.negatives} with objective {self.objective}",
                why="with no noise words every score grows without bound",
                remedy="give --negatives a whole number from 1 up (5 to 20 are usual)",
            )
        if not 0 <= self.subsample < 1:
            raise UserError(f"subsample is {self.subsample}", remedy="use 0 (off) or a small t such as 1e-3")
        if not 0 < self.learning_rate < 10:
            raise UserError(
                f"learning rate is {self.learning_rate}",
                remedy="use a small positive rate such as 0.025",
            )


@dataclass(frozen=True)
class Stored:
    """A text that lies on disk."""

    ids: npt.NDArray[np.int32]  # (N,) the text, as word numbers
    offsets: npt.NDArray[np.int64]  # (S + 1,) sentence s is ids[offsets[s]:offsets[s + 1]]
    path: Path  # the same tokens as UTF-8 text, one sentence a line, for external tools

    @property
    def tokens(self) -> int:
        """N."""
        return len(self.ids)


@dataclass(frozen=True)
class Drawn:
    """A text that nobody holds: whoever trains on it draws it where it trains, with `Config.seed`.

    Each word is drawn on its own, with the odds of `Corpus.counts`. It measures speed and memory at any
    size without a download; there is nothing in it to learn.
    """

    tokens: int  # N
    sentence_words: int  # of every sentence but the last


@dataclass(frozen=True)
class Corpus:
    """A tokenised text, the same for every implementation. Arrays are read-only memory maps.

    Words are numbered by falling count, ties by first appearance. Tokens under `min_count` are
    gone; no sentence is longer than 1,000 words, and pairs never cross a sentence's end.

    `ids`, `offsets` and `text_path` raise `UserError` where the text is drawn.
    """

    name: str
    sha256: str  # of the source text, or of the law that it is drawn by
    raw_tokens: int  # before the minimum count
    min_count: int
    counts: npt.NDArray[np.int64]  # (V,) falling
    words: list[str]  # (V,)
    huffman: vocabulary.HuffmanTree
    text: Stored | Drawn

    @property
    def drawn(self) -> Drawn | None:
        """How to draw the text; None where it is stored."""
        return self.text if isinstance(self.text, Drawn) else None

    @property
    def ids(self) -> npt.NDArray[np.int32]:
        """(N,) the text, as word numbers."""
        return self._stored.ids

    @property
    def offsets(self) -> npt.NDArray[np.int64]:
        """(S + 1,) sentence s is ids[offsets[s]:offsets[s + 1]]."""
        return self._stored.offsets

    @property
    def text_path(self) -> Path:
        """The same tokens as UTF-8 text, one sentence a line, for external tools."""
        return self._stored.path

    @property
    def _stored(self) -> Stored:
        if isinstance(self.text, Drawn):
            raise UserError(
                f"the text of {self.name} cannot be read",
                why="it is drawn anew on the device that trains on it, and exists nowhere else",
                remedy="choose an implementation whose text is on the device (one that needs cuda, "
                "see `w2vbench info`), or another --dataset",
            )
        return self.text

    @property
    def tokens(self) -> int:
        """N, the in-vocabulary words of one epoch: what raw words/s counts."""
        return self.text.tokens

    @property
    def vocabulary_size(self) -> int:
        """V."""
        return len(self.counts)

    def keep_probability(self, subsample: float) -> npt.NDArray[np.float64]:
        """(V,) chance that an occurrence survives subsampling; see `vocabulary.keep_probability`."""
        return vocabulary.keep_probability(self.counts, subsample)

    @cached_property
    def noise_probability(self) -> npt.NDArray[np.float64]:
        """(V,) the noise distribution, counts^0.75 normalised (Mikolov et al. 2013b, section 2.2)."""
        return vocabulary.noise_probability(self.counts)


@dataclass(frozen=True)
class Resources:
    """What a run may use. Threads are already set in the environment and in torch."""

    device: str = "cpu"  # a torch device
    threads: int = 1


@dataclass(frozen=True)
class Spec:
    """What an implementation says of itself. Literals only: it is read without importing the file."""

    name: str  # as on the command line; equals the file's name
    summary: str  # one line
    objectives: tuple[Objective, ...]
    architectures: tuple[Architecture, ...]
    paper: str  # BibTeX key of the method's paper
    needs: tuple[str, ...] = ()  # of "torch", "cuda", "cc" (a C compiler), or importable packages
    # The implementation whose mathematics this one must reproduce; one for each objective where they differ.
    parent: str | Mapping[Objective, str] | None = None
    division: Literal["closed", "open"] = "closed"  # open: departs from the law in RULES.md
    options: Mapping[str, Option] = field(default_factory=dict)  # free choices a study may vary: defaults

    def parent_of(self, objective: Objective) -> str | None:
        """The parent of a run with this objective; None where there is none."""
        return self.parent.get(objective) if isinstance(self.parent, Mapping) else self.parent


class Implementation(ABC):
    """One way to train word2vec. The harness calls the methods once each, in this order.

    `vectors` alone may be called more often, from inside a tick, where a learning curve is asked for.
    """

    spec: ClassVar[Spec]

    def __init__(self, options: Mapping[str, Option] | None = None):
        self.options = {**self.spec.options, **(options or {})}  # read them, never add to them

    @abstractmethod
    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        """Build tables and trees, initialise parameters, upload. Timed as `prepare_s`."""

    def compile(self) -> None:  # noqa: B027 -- most have nothing to compile
        """Compile and warm up, on throw-away state. Timed as `compile_s`, never part of training."""

    @abstractmethod
    def train(self, tick: Tick) -> None:
        """Train all epochs. Timed as `train_s`.

        Call `tick(words_done)` now and then (a few times a second is plenty): it draws progress
        and raises when the run's budget is spent. Let that exception through.
        """

    @abstractmethod
    def vectors(self) -> npt.NDArray[np.float32]:
        """(V, D) the input vectors on the host, rows in the corpus's word order. Not timed.

        Called from inside a tick it gives them as they are then; threads may go on training meanwhile,
        and the time is training's. Where vectors exist only at the end, let it raise: no curve then.
        """

    def model_bytes(self) -> int | None:
        """Bytes of everything that is learned, padding included; None where it cannot be known."""
        return None

    def work(self) -> dict[str, int]:
        """Counted work of training, any of `kept_words`, `pairs`, `scored_outputs`, `row_visits`. Not timed.

        A row visit is a row of either matrix read by a step and written back: once a step, however
        often the step uses it. They set the traffic with memory in `w2vbench roofline`.
        """
        return {}

    def log_scores(self, v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64] | None:
        """(P, V) log p(word | v) for input vectors v (P, D), up to one constant a row. Not timed.

        Asked for by `w2vbench approximation` alone, after training. None, the default: the scores follow
        from the attribute `outputs`, the trained output vectors, as the objective's published form says.
        An objective whose state is laid out in its own way (clusters, a bias) answers here instead.
        """
        del v
        return None


@dataclass(frozen=True)
class Reading:
    """A trained state read as a distribution over the words: scores, and what they sum to."""

    name: str  # the formula, such as "exp(u·v)"
    log_scores: npt.NDArray[np.float64]  # (P,) of the word that was seen, not normalised
    log_z: npt.NDArray[np.float64]  # (C,) log of the sum of exp(scores) over all words, by centre
    self_normalised: bool  # the objective takes Z as 1 without ever computing it


@dataclass(frozen=True)
class GradientError:
    """What an estimator makes of the full softmax's gradient, at each of n predictions.

    Squared Euclidean norms; the expectation is over the noise words.
    """

    objective: str  # whose gradient it is
    estimator: str
    negatives: int  # K
    matrix: Literal["inputs", "outputs"]  # with respect to which vectors
    exact: npt.NDArray[np.float64]  # (n,) |g*|^2 of the exact gradient g*
    bias: npt.NDArray[np.float64]  # (n,) |E g - g*|^2; an unbiased estimate, below zero at times, if drawn
    variance: npt.NDArray[np.float64]  # (n,) E |g - E g|^2
    cosine: npt.NDArray[np.float64]  # (n,) between E g and g*


@dataclass(frozen=True)
class Approximation:
    """What `impls/_approximation.py` measures of one trained state on P held-out predictions of C centres."""

    centre: npt.NDArray[np.int64]  # (P,) the centre that each prediction is made from, 0..C-1
    dropped: int  # predictions left out because a word of theirs never occurs in the training text
    unigram: npt.NDArray[np.float64]  # (P,) -log of the seen word's share of the subsampled training text
    readings: tuple[Reading, ...]
    gradients: tuple[GradientError, ...]  # none where the state has no output vectors of words
