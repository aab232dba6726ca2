"""One C++ kernel that walks the text itself: subsampling, windows, noise, scores and updates in one pass.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equations 3 and 4; the negatives of a window shared by its
contexts as in Ji et al. 2016 (pWord2Vec, arXiv 1604.04661). The kernel is `_fused.cpp`; what is read there
is not repeated here. This file builds it, lays the matrices out and hands pieces of text to threads.

Built by the machine's own C++ compiler and called through ctypes, rather than through
torch.utils.cpp_extension: the kernel needs nothing of PyTorch, not even its headers, so it compiles in
3 to 6 s and without ninja. Compiled for this very processor (`-march=native`): the cached file's name is
a hash of the source, the flags and every macro the compiler predefines, its version and the instruction
sets among them, so another compiler or another processor builds its own.

Determinism: text is cut into pieces, and a piece's draws depend on its number and the seed alone. On one
thread the same seed gives bit-identical vectors; on several, threads race for rows.
"""

import ctypes
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bench.contract import Config, Corpus, Implementation, Resources, Spec, Tick
from impls._alias import alias_table
from impls._build import build

SOURCE = Path(__file__).with_name("_fused.cpp")
FLAGS = ("-std=c++17", "-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-fPIC", "-shared")
LINE_FLOATS = 16  # a 64-byte cache line
PIECE_WORDS = 50_000  # about 20 ms of work: `tick` is prompt, and no thread waits long for the last one
HOT_INPUTS, HOT_OUTPUTS = 256, 1024  # busy rows that each thread has copies of: `struct Hot` of the kernel
TOUCHES = 16  # uses of a copy, each by up to 2 W predictions, between two meetings with the shared row
TICK_S = 0.2


class Fused(Implementation):
    """Threads without locks over shared matrices; each takes the next piece of text when it is free."""

    spec = Spec(
        name="fused",
        summary="one C++ kernel walks the text: windows as small matrix products in registers",
        objectives=("ns", "hs"),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("cc",),
        parent={"ns": "negative_sampling", "hs": "hierarchical_softmax"},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        self.corpus, self.config, self.threads = corpus, config, resources.threads
        V, D, hs = corpus.vocabulary_size, config.dim, config.objective == "hs"
        self.inputs = aligned_zeros(V, D)  # (V, stride)
        self.outputs = aligned_zeros(max(1, V - 1) if hs else V, D)
        random = np.random.default_rng(config.seed)
        self.inputs[:, :D] = (random.random((V, D), np.float32) - 0.5) / D
        self.model, self._alive = describe(corpus, config, self.threads, self.inputs, self.outputs)
        self._total = Work()
        self._words_done = 0

    def compile(self) -> None:
        self.library = ctypes.CDLL(str(build(SOURCE, FLAGS)))
        self.library.train_piece.argtypes = (
            [ctypes.c_void_p] + [ctypes.c_int64] * 3 + [ctypes.c_uint64, ctypes.c_void_p]
        )

    def train(self, tick: Tick) -> None:
        pieces = enumerate(cut(self.corpus.offsets, self.config.epochs))
        self._lock, self._stop = threading.Lock(), threading.Event()
        with ThreadPoolExecutor(self.threads) as pool:
            running = {pool.submit(self._take_pieces, pieces) for _ in range(self.threads)}
            try:
                while running:
                    done, running = wait(running, timeout=TICK_S)
                    for thread in done:
                        thread.result()  # an error in a thread is an error of training
                    tick(self._words_done)
            finally:
                self._stop.set()

    def _take_pieces(self, pieces: Iterator[tuple[int, tuple[int, int, int]]]) -> None:
        """What one thread does. ctypes lets go of the GIL while the kernel runs."""
        offsets = self.corpus.offsets
        while not self._stop.is_set():
            with self._lock:
                number, (first, last, words_before) = next(pieces, (-1, (0, 0, 0)))
            if number < 0:
                return
            work = Work()
            seed = int(np.random.SeedSequence((self.config.seed, number)).generate_state(1, np.uint64)[0])
            self.library.train_piece(
                ctypes.byref(self.model), first, last, words_before, seed, ctypes.byref(work)
            )
            with self._lock:
                self._words_done += int(offsets[last] - offsets[first])
                for name, _ in Work._fields_:
                    setattr(self._total, name, getattr(self._total, name) + getattr(work, name))

    def vectors(self) -> npt.NDArray[np.float32]:
        return np.ascontiguousarray(self.inputs[:, : self.config.dim])

    def model_bytes(self) -> int:
        return self.inputs.nbytes + self.outputs.nbytes

    def work(self) -> dict[str, int]:
        return {name: getattr(self._total, name) for name, _ in Work._fields_}


def cut(offsets: npt.NDArray[np.int64], epochs: int) -> Iterator[tuple[int, int, int]]:
    """Pieces (first sentence, last sentence, raw words before it in the run), epoch after epoch."""
    starts = np.searchsorted(offsets, np.arange(0, offsets[-1], PIECE_WORDS))
    edges = [*np.unique(starts).tolist(), len(offsets) - 1]
    for epoch in range(epochs):
        for first, last in pairwise(edges):
            if first < last:
                yield first, last, int(epoch * offsets[-1] + offsets[first])


def aligned_zeros(rows: int, dim: int) -> npt.NDArray[np.float32]:
    """(rows, stride) zeros, the stride a multiple of 16, so that every row starts on a cache line."""
    stride = -(-dim // LINE_FLOATS) * LINE_FLOATS
    raw = np.zeros(rows * stride + LINE_FLOATS, np.float32)
    skip = -raw.ctypes.data % 64 // 4
    return raw[skip : skip + rows * stride].reshape(rows, stride)


def chance(probability: npt.NDArray[np.floating]) -> npt.NDArray[np.uint32]:
    """Probabilities as the largest 32-bit draw that still says yes."""
    return (np.clip(probability, 0, 1).astype(np.float64) * (2**32 - 1)).astype(np.uint32)


class Model(ctypes.Structure):
    """`struct Model` of the kernel, field by field."""

    _fields_ = [
        *((name, ctypes.c_void_p) for name in ("input", "output")),
        *((name, ctypes.c_int64) for name in ("stride", "vocabulary")),
        *((name, ctypes.c_void_p) for name in ("ids", "offsets", "keep", "noise")),
        *((name, ctypes.c_void_p) for name in ("path_offsets", "nodes", "codes")),
        *((name, ctypes.c_int64) for name in ("window", "negatives", "widest", "hierarchical", "cbow")),
        *((name, ctypes.c_int64) for name in ("hot_inputs", "hot_outputs", "touches")),
        *((name, ctypes.c_double) for name in ("rate", "total_words")),
    ]


class Work(ctypes.Structure):
    """`struct Work` of the kernel: what one piece of text, or all of them, took."""

    _fields_ = [(name, ctypes.c_int64) for name in ("kept_words", "pairs", "scored_outputs", "row_visits")]


def describe(
    corpus: Corpus,
    config: Config,
    threads: int,
    inputs: npt.NDArray[np.float32],
    outputs: npt.NDArray[np.float32],
) -> tuple[Model, dict[str, npt.NDArray]]:
    """The kernel's view of a run, and the arrays that must live as long as it does."""
    hs, tree = config.objective == "hs", corpus.huffman
    arrays = {
        "input": inputs,
        "output": outputs,
        "ids": np.ascontiguousarray(corpus.ids),
        "offsets": np.ascontiguousarray(corpus.offsets),
        "keep": chance(corpus.keep_probability(config.subsample)),
    }
    if hs:
        arrays |= {"path_offsets": tree.offsets, "nodes": tree.nodes, "codes": tree.codes}
    else:
        own, other = alias_table(corpus.noise_probability)
        arrays["noise"] = np.stack([chance(own), other.astype(np.uint32)], axis=1)  # (V, 2)
    model = Model(
        **{name: array.ctypes.data for name, array in arrays.items()},
        stride=inputs.shape[1],
        vocabulary=corpus.vocabulary_size,
        window=config.window,
        negatives=config.negatives,
        widest=int(tree.lengths.max()) if hs else 1 + config.negatives,
        hierarchical=hs,
        cbow=config.architecture == "cbow",
        hot_inputs=min(HOT_INPUTS, len(inputs)) if threads > 1 else 0,
        hot_outputs=min(HOT_OUTPUTS, len(outputs)) if threads > 1 else 0,
        touches=TOUCHES,
        rate=config.learning_rate,
        total_words=corpus.tokens * config.epochs,
    )
    return model, arrays
