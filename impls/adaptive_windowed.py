"""The adaptive softmax, one head a centre, and a cluster's softmax only for centres that predict from it.

Paper: Grave et al. 2017 (arXiv 1609.04309), section 4. Adds to `adaptive_softmax`: gradients by hand, and
what `softmax_windowed` adds to the full softmax, for the head and for each cluster. The m contexts of a
centre are predicted from the same vector v, so they share the head's softmax p(v) with a multi-hot target;
those of them in one cluster share its softmax. The gradient of either's scores is

    m p - (how often each of its entries is a target)

with m the contexts that have their target there: all of them in the head, some, mostly none, in a cluster.
So each softmax is a block of rows of `outputs`, taken by the centres with m > 0 and moved at once.
The gain is CBOW's. In skip-gram the six contexts of a centre lie in several clusters: on wiki-slice it takes
half the scores of the one full softmax that they share in `softmax_windowed`; a single pair takes a seventh.

Options: `positions` centres a step, `chunk` centres that share a halo. Clusters are the busiest rows there
are, the largest the target of a third of all pairs, and all its gradients in a step are taken at one point:
on 3 K words 64 positions overshot with one of two seeds where the text repeats itself, and did not recover
within three passes; 32 did with none of six.
One walk over the text in the caller's thread, as in `softmax_windowed`: in a thread of its own PyTorch's
threads served these products, whose shapes change with every step, fifteen times more slowly.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from bench.contract import Config, Corpus, Resources, Spec, Tick
from impls._clusters import cutoffs, head_share, kept_share, log_probability
from impls._law import Kept
from impls._windowed import gather
from impls.softmax_windowed import FullSoftmaxWindowed


class AdaptiveSoftmaxWindowed(FullSoftmaxWindowed):
    """Eager PyTorch; how many centres a cluster takes follows the step."""

    spec = Spec(
        name="adaptive_windowed",
        summary="adaptive softmax, one head a centre, clusters only for the centres that need them",
        objectives=("adaptive",),
        architectures=("skipgram", "cbow"),
        paper="grave2017",
        needs=("torch",),
        parent="adaptive_softmax",
        options={"positions": 32, "chunk": 16},
    )

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        V, cut = corpus.vocabulary_size, cutoffs(corpus, config)
        h, J = cut[0], len(cut)
        predictions = config.window + 1 if config.architecture == "skipgram" else 1
        share = head_share(kept_share(corpus, config), cut)
        busiest = 2 * predictions * float(share.max())  # as target, and by its probability
        self.start(corpus, config, resources, outputs=V + J, busiest=busiest)
        self.threads = 1
        self._tick: Tick = lambda _: None  # until there is training to tell of
        sizes = [end - start for start, end in pairwise([*cut, V])]
        self.blocks = self.outputs.split([h + J, *sizes])  # views: the head, the clusters
        word = torch.arange(V)
        cluster = torch.bucketize(word, torch.tensor(cut), right=True)  # (V,) 0: the head, or 1..J
        entry = torch.where(cluster > 0, h - 1 + cluster, word)  # of the head's softmax
        self.rows = torch.stack([entry, word + J * (cluster > 0)], dim=1).to(self.device)  # (V, 2)
        member = torch.nn.functional.one_hot(cluster, J + 1).float()
        member[:, 0] = 1  # every word is predicted by the head
        self.member = member.to(self.device)  # (V, J + 1) which blocks have it as a target
        self._scores = 0

    def scored(self, kept: Kept) -> Tensor:
        del kept  # which clusters its centres need was only known in the steps
        scores, self._scores = self._scores, 0
        return torch.tensor(scores)

    def predict(self, v: Tensor, targets: Tensor, seen: Tensor, noise: Tensor) -> tuple[Tensor, ...]:
        del noise
        member = gather(self.member, targets)  # (n, T, J + 1)
        rows = self.rows[targets].mT.flatten(1)  # (n, 2T) in the head, then where the word itself is
        rare = member[:, :, 1:].sum(2)[:, None]  # (n, 1, T)
        twice = torch.cat([seen, seen * rare], dim=2)  # (n, C, 2T) a word of the head is one entry, not two
        u = gather(self.outputs, rows)  # (n, 2T, D)
        towards, du = -torch.bmm(twice, u), -torch.bmm(twice.mT, v)  # the multi-hot part
        away = self._descend(v.flatten(0, 1), torch.bmm(seen, member).flatten(0, 1))
        return towards + away.view_as(v), rows, du

    def _descend(self, v: Tensor, m: Tensor) -> Tensor:
        """The part m p of the gradient: moves all blocks, returns what it changes of v (P, D).

        `m` (P, J + 1) is the number of targets that a prediction has in each block, times minus the rate.
        """
        dv = torch.zeros_like(v)
        for u, times in zip(self.blocks, m.unbind(1), strict=True):
            some = times.nonzero()[:, 0]  # (P',) the predictions with a target in this block
            part = v.index_select(0, some)  # (P', D)
            g = (part @ u.T).softmax(dim=1).mul_(times[some, None])  # (P', block)
            self._scores += g.numel()
            dv.index_add_(0, some, g @ u)  # before u moves
            u.addmm_(g.T, part)
        return dv

    def log_scores(self, v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return log_probability(v, self.blocks)
