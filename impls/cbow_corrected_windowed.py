"""Corrected CBOW as a banded product: what a context word gave to the mean is what it gets of the gradient.

Paper: İrsoy, Benton, Stratos 2021 (arXiv 2012.15332). Adds to `cbow_corrected` all that `ns_windowed` adds
to `negative_sampling`; differs from `ns_windowed` in one matrix. The means of a chunk are one product with
the windows' rows divided by their sums; their gradients go back through the same matrix, not through the
undivided windows. Open division.

Options: `rate` as in `cbow_corrected`, the others as in `ns_windowed`.
"""

import torch

from bench.contract import Config, Corpus, Resources, Spec
from impls._windowed import Band, Change, gather
from impls.ns_windowed import NegativeSamplingWindowed


class CorrectedCbowWindowed(NegativeSamplingWindowed):
    """Eager PyTorch: about twenty operations a step of some hundred centres."""

    spec = Spec(
        name="cbow_corrected_windowed",
        summary="CBOW with the gradient divided among the context words, as banded matrix products",
        objectives=("ns",),
        architectures=("cbow",),
        paper="irsoy2021",
        needs=("torch",),
        parent="cbow_corrected",
        division="open",
        options={"positions": 256, "chunk": 8, "negatives_a_chunk": 40, "cap": 0, "rate": 4},
    )

    def start(
        self, corpus: Corpus, config: Config, resources: Resources, outputs: int, busiest: float = 0.0
    ) -> None:
        """A larger rate takes fewer centres a step, as in the parent."""
        super().start(corpus, config, resources, outputs, busiest * float(self.options["rate"]))

    def cbow(self, band: Band) -> Change:
        """The mean of a window predicts its centre; every context word gets its share of the gradient."""
        contexts = band.inside.sum(2, keepdim=True)  # (n, C, 1)
        mean = band.inside / contexts.clamp(min=1)  # (n, C, H)
        v = torch.bmm(mean, gather(self.inputs, band.halo))  # (n, C, D)
        known = contexts[:, :, 0].clamp(max=1)  # (n, C) a word alone in its sentence predicts nothing
        seen = torch.diag_embed(known * band.step * float(self.options["rate"]))  # (n, C, C)
        dv, rows, du = self.predict(v, band.centres, seen, band.noise)
        return Change(band.halo, torch.bmm(mean.mT, dv), rows, du)
