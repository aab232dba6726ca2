"""Hierarchical softmax under torch.compile: the windowed step with a fixed number of deep columns.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 3. Adds to `hs_windowed` the compiler, and what it
needs: one shape. The windowed step lays as many columns of deep nodes as its fullest chunk has; this one
lays so many that hardly a step has more, and those few are taken by the eager step. What is compiled and
what the option `mode` means on a CPU is said in `_compiled`.
"""

from copy import copy
from math import sqrt

import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec
from impls._compiled import compile_step
from impls._windowed import Band, Change
from impls.hs_windowed import COLUMNS, HierarchicalSoftmaxWindowed

DEVIATIONS = 6  # of the deep nodes of a chunk, were its words independent; they nearly are


class HierarchicalSoftmaxCompiled(HierarchicalSoftmaxWindowed):
    """Modes `default`, `reduce-overhead`, `max-autotune`."""

    spec = Spec(
        name="hs_compiled",
        summary="windowed hierarchical softmax under torch.compile",
        objectives=("hs",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cc"),
        parent="hs_windowed",
        options={"positions": 256, "chunk": 16, "top": 127, "cap": 128, "repeats": 2, "mode": "default"},
    )

    fixed = False  # whether `columns` leaves the data alone: true of what is compiled

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        super().prepare(corpus, config, resources)
        kept = torch.from_numpy(corpus.keep_probability(config.subsample) * corpus.counts)
        share, deep = kept / kept.sum(), self.deep.cpu().double()  # (V,) twice
        mean = float(share @ deep)
        variance = float(share @ (deep - mean) ** 2)
        T = self.C + 2 * config.window if config.architecture == "skipgram" else self.C
        self.enough = COLUMNS * -(-int(T * mean + DEVIATIONS * sqrt(T * variance)) // COLUMNS)  # columns

    def columns(self, targets: Tensor) -> int:
        return self.enough if self.fixed else super().columns(targets)

    def compile(self) -> None:
        fixed = copy(self)  # the same matrices
        fixed.fixed = True
        eager = self.change
        fixed.change = fixed.skipgram if self.config.architecture == "skipgram" else fixed.cbow
        compile_step(fixed)

        def change(band: Band) -> Change:
            targets = band.halo if self.config.architecture == "skipgram" else band.centres
            return (fixed.change if self.columns(targets) <= self.enough else eager)(band)

        self.change = change
