"""CBOW with the gradient that its equation has: the mean's, divided among the words of the mean.

Paper: İrsoy, Benton, Stratos 2021, "Corrected CBOW Performs as well as Skip-gram" (arXiv 2012.15332, the
program kōan). CBOW predicts the centre from the mean of the n input vectors v_i of its context,

    v = (v_1 + ... + v_n) / n        dloss / dv_i = dloss / dv / n

word2vec.c and gensim leave out the division by n, and so does the law here (RULES.md), since they are the
reference. This file is `negative_sampling` without that omission, and changes nothing else: here autograd
is asked for dloss / dv_i itself. Open division.

The undivided step is n times longer, which hides in the rate. With the division input vectors need a
larger one, but output vectors never lost anything: `rate` is a factor on the run's rate, for both. It is
an option of this file, so that a run stands in one table with gensim's, whose rate remains the table's.
On wiki-slice WordSim-353 after 5 epochs of one seed is .13 with a factor of 1 and .23 with 4, where the
undivided gradient has .20; with 6 vectors overshoot.
"""

import torch
from torch.nn.functional import embedding

from bench.contract import Config, Corpus, Resources, Spec
from impls._law import Batch
from impls.negative_sampling import NegativeSampling


class CorrectedCbow(NegativeSampling):
    """Eager PyTorch with autograd, through the mean."""

    spec = Spec(
        name="cbow_corrected",
        summary="textbook CBOW with negative sampling and the gradient divided among the context words",
        objectives=("ns",),
        architectures=("cbow",),
        paper="irsoy2021",
        needs=("torch",),
        division="open",
        options={"rate": 4},
    )

    def start(
        self, corpus: Corpus, config: Config, resources: Resources, *, outputs: int, busiest: float
    ) -> None:
        """A larger rate takes fewer centres a step: rate times updates is what may not overshoot."""
        busiest *= float(self.options["rate"])
        super().start(corpus, config, resources, outputs=outputs, busiest=busiest)

    def cbow(self, batch: Batch) -> None:
        """The mean of the window predicts its centre; every context word gets its share of the gradient."""
        rate = batch.rate * float(self.options["rate"])
        known = batch.inside.any(dim=1)  # a centre alone in its sentence has no context
        inside, centre = batch.inside[known], batch.centres[known]  # (P, 2W), (P,)
        row, column = inside.nonzero(as_tuple=True)  # (N,) twice: which prediction a context word is of
        context = batch.contexts[known][row, column]  # (N,)
        v_context = embedding(context, self.inputs).requires_grad_()  # (N, D)
        total = torch.zeros(len(centre), v_context.shape[1], device=v_context.device)
        v = total.index_add(0, row, v_context) / inside.sum(dim=1, keepdim=True)  # (P, D)
        self.predict(v, centre, rate)
        self.inputs.index_add_(0, context, -rate * v_context.grad)
