"""The full softmax, one distribution a centre: its contexts share it, and scores are never all held.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 2. Adds to `full_softmax`: the m contexts of a
centre are predicted from the same vector v, so they share one softmax p(v) with a multi-hot target. The
gradient of the scores is

    m p - (how often each word is a context)

instead of m gradients p - (one word): about six times less work in skip-gram, none in CBOW. The scores
of P predictions are formed for a block of words at a time and thrown away. The first pass over the
blocks sums their exponentials; the second forms each block anew, takes its gradient and moves it at once.
Four matrix products instead of three, for a memory that does not know of P V.

Options: `positions` centres a step, `chunk` centres that share a halo, `block` words scored at a time. With
every row moving from one point, 32 positions are what stays stable on 3 K words: 64 overshoot now and then,
128 diverge.
Products are large here, so that PyTorch's own threads do the work, in one walk over the text: that of the
caller, since in a thread of its own the same steps take a seventh longer. Scores are held word by word,
(block, P): with P this small their products are a sixth faster than those of (P, block).
"""

import threading
from collections.abc import Iterator

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec, Tick
from impls._law import Kept
from impls._textbook import most_frequent
from impls._windowed import Band, Windowed, gather


class FullSoftmaxWindowed(Windowed):
    """Eager PyTorch; every output vector moves in every step, in place."""

    spec = Spec(
        name="softmax_windowed",
        summary="full softmax, one distribution a centre, in blocks of the vocabulary",
        objectives=("softmax",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch",),
        parent="full_softmax",
        options={"positions": 32, "chunk": 16, "block": 4096},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        # As the word seen and by its probability; twice that, since here every row moves in every step.
        busiest = 4 * (config.window + 1) * most_frequent(corpus, config)
        self.start(corpus, config, resources, outputs=corpus.vocabulary_size, busiest=busiest)
        self.threads = 1
        self._tick: Tick = lambda _: None  # until there is training to tell of
        self.blocks = self.outputs.split(int(self.options["block"]))  # views (block, D)

    def train(self, tick: Tick) -> None:
        self._lock, self._stop, self._tick = threading.Lock(), threading.Event(), tick
        self._walk(self.text.segments(), thread=0)
        tick(int(self._done[0]))

    def bands(self, kept: Kept, generator: torch.Generator) -> Iterator[Band]:
        for band in super().bands(kept, generator):
            self._tick(int(self._done[0]))
            yield band

    def scored(self, kept: Kept) -> Tensor:
        return len(self.outputs) * (kept.left + kept.right > 0).sum()

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        del noise
        u = gather(self.outputs, targets)  # (n, T, D)
        towards, du = -torch.bmm(seen, u), -torch.bmm(seen.mT, v)  # (n, C, D), (n, T, D): the multi-hot part
        away = self._descend(v.flatten(0, 1), seen.sum(2).flatten())  # (n C, D)
        return towards + away.view_as(v), targets, du

    def step(self, band: Band) -> int:
        return super().step(band) + len(self.outputs)

    def _descend(self, v: Tensor, m: Tensor) -> Tensor:
        """The part m p of the gradient: moves all outputs, returns what it changes of v (P, D).

        `m` (P,) is the number of a prediction's targets, times minus the rate.
        """
        columns = v.T.contiguous()  # (D, P)
        log_sum = torch.full_like(m, -torch.inf)
        for u in self.blocks:
            log_sum = torch.logaddexp(log_sum, torch.logsumexp(u @ columns, dim=0))
        weight = (-m).log() - log_sum  # -m p = exp(score + weight)
        dv = torch.zeros_like(v)
        for u in self.blocks:
            g = torch.addmm(weight, u, columns).exp_()  # (block, P)
            dv.addmm_(g.T, u, alpha=-1)  # before u moves
            u.addmm_(g, v, alpha=-1)
        return dv
