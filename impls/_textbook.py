"""What the three textbook files share: skip-gram, CBOW and the loop around them.

An objective only has to say how an input vector predicts a word: `predict`. Gradients come from
autograd; only the rows that were touched are gathered, differentiated and written back.
"""

from abc import abstractmethod
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import embedding

from bench.contract import Config, Corpus, Implementation, Resources, Tick
from impls._law import Batch, Stream, starting_vectors

# The most gradients, on average, that one row may receive from one point before it moves. Sequential
# SGD has 1. On 9 K words, 20 epochs: 150 is as good, 1,500 (256 centres through one root) diverges.
STALE_UPDATES = 150


def most_frequent(corpus: Corpus, config: Config) -> float:
    """The share of the kept text that its most frequent word has."""
    kept = corpus.counts * corpus.keep_probability(config.subsample)
    return float(kept.max() / kept.sum())


class Textbook(Implementation):
    """Batches of B centres, one gradient step each, all pairs of a batch from the same point."""

    most_positions: ClassVar[int] = 256  # B is no larger; more gains no speed
    inputs: Tensor  # (V, D) input vectors
    outputs: Tensor  # (rows, D) output vectors: of words, or of inner nodes

    def start(
        self, corpus: Corpus, config: Config, resources: Resources, *, outputs: int, busiest: float
    ) -> None:
        """Draw the starting vectors, choose B, open the stream.

        `busiest` is how many gradients the busiest output row receives from one prediction.
        """
        self.inputs, self.outputs = starting_vectors(
            corpus.vocabulary_size, outputs, config, resources.device
        )
        contexts = config.window + 1  # on average
        predictions = contexts if config.architecture == "skipgram" else 1  # of one centre
        updates = max(predictions * busiest, contexts * most_frequent(corpus, config))
        positions = max(1, min(self.most_positions, int(STALE_UPDATES / updates)))
        self.stream = Stream(corpus, config, resources.device, positions)
        self.step = self.skipgram if config.architecture == "skipgram" else self.cbow
        self.scored = torch.zeros((), dtype=torch.int64, device=resources.device)

    @abstractmethod
    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        """Predict `target` (P,) from `v` (P, D): leave d loss / d v in `v.grad`, move the outputs."""

    def train(self, tick: Tick) -> None:
        for batch in self.stream:
            self.step(batch)
            tick(batch.words_done)

    def skipgram(self, batch: Batch) -> None:
        """Each centre predicts each word of its window."""
        row, column = batch.inside.nonzero(as_tuple=True)  # (P,) twice: the pairs of this step
        centre, context = batch.centres[row], batch.contexts[row, column]  # (P,)
        v = embedding(centre, self.inputs).requires_grad_()  # (P, D)
        self.predict(v, context, batch.rate)
        self.inputs.index_add_(0, centre, -batch.rate * v.grad)

    def cbow(self, batch: Batch) -> None:
        """The mean of the window predicts its centre; every context word gets the whole gradient."""
        known = batch.inside.any(dim=1)  # a centre alone in its sentence has no context
        inside, contexts, centre = batch.inside[known], batch.contexts[known], batch.centres[known]
        share = inside / inside.sum(dim=1, keepdim=True)  # (P, 2W) one over the window's size
        v = torch.einsum("pwd,pw->pd", embedding(contexts, self.inputs), share).requires_grad_()  # (P, D)
        self.predict(v, centre, batch.rate)
        row, column = inside.nonzero(as_tuple=True)
        self.inputs.index_add_(0, contexts[row, column], v.grad[row], alpha=-batch.rate)

    def vectors(self) -> npt.NDArray[np.float32]:
        return self.inputs.cpu().numpy()

    def model_bytes(self) -> int:
        return 4 * (self.inputs.numel() + self.outputs.numel())

    def work(self) -> dict[str, int]:
        return {
            "kept_words": self.stream.kept_words,
            "pairs": self.stream.pairs,
            "scored_outputs": int(self.scored),
        }
