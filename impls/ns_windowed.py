"""Negative sampling as a banded product: a chunk of centres meets its halo and its noise at once.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 4; noise words shared between neighbouring
predictions, and so matrix products, as in Ji et al. 2016 (arXiv 1604.04661, "BlasWord2Vec").
Adds to `negative_sampling`: gradients by hand, shared noise, no pair written down.

A chunk draws K' noise words. Each of its pairs counts each of them K / K' times, so that a pair has
its K noise words in expectation, and none where the noise word is the predicted word. With v a row of
predictors, s = sigma(v . u), and m how often a target is predicted from it,

    dloss/d(v . u) = m (s - 1) for a target,    K / K' (sum of m - m of this very word) s for noise

A noise word that is also a target has the same u and the same s, so what does not count for noise is taken
off the target, r K / K' m s where r of the K' noise words are this target: one small count instead of a
comparison for each score.

About five noise words a centre (K' = 40 for C = 8), and not fewer: with one a centre, each receives
five times the update from one point, and analogies fell to a fifth.
Skip-gram: the centre's input vector predicts the words of its window. CBOW: the window's mean predicts
the centre; each context word gets the undivided gradient.

Options: `positions` centres a step and thread, `chunk` C, `negatives_a_chunk` K', and `cap`: a word
expected more than `cap` times in a step has its update scaled back to `cap` times (0: never). Without
it, steps of 2,048 positions overflow.
"""

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Kept, Noise
from impls._textbook import most_frequent
from impls._windowed import Change, Windowed, gather


class NegativeSamplingWindowed(Windowed):
    """Eager PyTorch: about twenty operations a step of some hundred centres."""

    spec = Spec(
        name="ns_windowed",
        summary="negative sampling as banded matrix products with noise shared by a chunk",
        objectives=("ns",),
        architectures=("skipgram", "cbow"),
        paper="ji2016",
        needs=("torch",),
        parent="negative_sampling",
        options={"positions": 256, "chunk": 8, "negatives_a_chunk": 40, "cap": 0},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        drawn = config.negatives * float(corpus.noise_probability.max())
        predictions = config.window + 1 if config.architecture == "skipgram" else 1
        busiest = predictions * (most_frequent(corpus, config) + drawn)
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.shared = int(self.options["negatives_a_chunk"])  # K'
        self.noise = Noise(corpus, config, self.device)
        self._calm = self._calming(corpus) if self.options["cap"] else None

    def _calming(self, corpus: Corpus) -> Tensor:
        """(V, 1) the factor on a word's update: min(1, cap / rows of the word expected in a step)."""
        kept = torch.from_numpy(corpus.keep_probability(self.config.subsample) * corpus.counts)
        text = self.n * self.C * kept / kept.sum()  # (V,) float64
        noise = self.n * self.shared * torch.from_numpy(corpus.noise_probability)
        factor = (self.options["cap"] / (text + noise)).clamp(max=1)
        return factor[:, None].float().to(self.device)

    def noise_words(self, chunks: int, generator: torch.Generator) -> Tensor:
        return self.noise.draw(chunks, self.shared, generator=generator)

    def scored(self, kept: Kept) -> Tensor:
        contexts = kept.left + kept.right
        predictions = contexts if self.config.architecture == "skipgram" else (contexts > 0).long()
        return predictions.sum() + self.shared * (contexts > 0).sum()

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        T, share = targets.shape[1], self.config.negatives / self.shared  # share: K / K'
        words = torch.cat([targets, noise], dim=1)  # (n, T + K')
        u = gather(self.outputs, words)  # (n, T + K', D)
        again = (targets[:, :, None] == noise[:, None, :]).sum(2)[:, None]  # (n, 1, T) noise that is a target
        g = torch.bmm(v, u.mT).sigmoid_()  # (n, C, T + K')
        g[:, :, :T].mul_(1 - share * again).sub_(1).mul_(seen)
        g[:, :, T:].mul_(share * seen.sum(2, keepdim=True))
        return torch.bmm(g, u), words, torch.bmm(g.mT, v)

    def calm(self, change: Change) -> None:
        if self._calm is not None:
            change.inputs.mul_(gather(self._calm, change.input_rows))
            change.outputs.mul_(gather(self._calm, change.output_rows))
