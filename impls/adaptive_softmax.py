"""The adaptive softmax in its textbook form: a softmax over frequent words, and clusters for the rest.

Paper: Grave, Joulin, Cissé, Grangier, Jégou 2017, "Efficient Softmax Approximation for GPUs" (arXiv
1609.04309), section 4; with clusters as in Goodman 2001. The head is a softmax over the h most frequent
words and J clusters; a word of cluster j is reached by a second softmax over that cluster alone. With v
an input vector,

    p(w | v) = p_head(w | v)                        for a word of the head
    p(w | v) = p_head(j | v) p_j(w | v)             for a word of cluster j          loss: -log p

which sums to one over the vocabulary. Nothing is sampled: as with the hierarchical softmax this is
another model, trained exactly; here the tree has two levels and many branches.
Skip-gram: v is the centre's input vector, once for every context word, which is predicted.
CBOW: v is the mean of the context's input vectors; the centre is predicted, once.

Cost of a prediction: O(D (h + J + the cluster's size, where the target is in one)). `_clusters.cutoffs`
makes that least: 1,300 scores instead of 9,071 on wiki-slice, 5,000 instead of 67,929 on enwiki2015-100mb.

`outputs` has the head's h words and J clusters, then the words of all clusters: word w is row w, or w + J.
Differs from the paper: clusters keep all D dimensions (`div_value` 1), where the paper projects rare words
to fewer, and the projection that is then left is the identity: it would say nothing new, and could not
begin at zero with the output vectors. Cutoffs are for a cost that is linear in the scores. Subsampling
flattens what the method lives of, the share of the most frequent words. B centres are trained from the
same point. CBOW's gradient to the context words is undivided, as in word2vec.c and gensim.
Not handled: sharing one softmax between the contexts of a centre, which have the same head.
"""

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import AdaptiveLogSoftmaxWithLoss, Identity, Parameter

from bench.contract import Config, Corpus, Resources, Spec
from impls._clusters import cutoffs, head_share, kept_share, log_probability
from impls._textbook import Textbook


class AdaptiveSoftmax(Textbook):
    """Eager PyTorch with autograd, through torch.nn.AdaptiveLogSoftmaxWithLoss."""

    spec = Spec(
        name="adaptive_softmax",
        summary="textbook adaptive softmax: autograd through PyTorch's own, with clusters of rare words",
        objectives=("adaptive",),
        architectures=("skipgram", "cbow"),
        paper="grave2017",
        needs=("torch",),
    )
    most_positions = 32  # B; as in full_softmax, whose scores have the same form

    def prepare(self, corpus: Corpus, config: Config, resources: Resources) -> None:
        V, cut = corpus.vocabulary_size, cutoffs(corpus, config)
        busiest = 2 * float(
            head_share(kept_share(corpus, config), cut).max()
        )  # as target, and by its probability
        self.start(corpus, config, resources, outputs=V + len(cut), busiest=busiest)
        sizes = [end - start for start, end in pairwise([*cut, V])]
        self.head_size = cut[0] + len(cut)
        scores = torch.repeat_interleave(torch.tensor([0, *sizes]), torch.tensor([cut[0], *sizes]))
        self.scores = scores.to(resources.device)  # (V,) how many a target takes beside the head's
        head, *clusters = self.outputs.split([self.head_size, *sizes])  # views
        self.softmax = AdaptiveLogSoftmaxWithLoss(config.dim, V, cut, div_value=1.0, device="meta")
        self.softmax.head.weight = Parameter(head)
        for tail, cluster in zip(self.softmax.tail, clusters, strict=True):
            tail[0], tail[1].weight = Identity(), Parameter(cluster)

    def predict(self, v: Tensor, target: Tensor, rate: float) -> None:
        loss = -self.softmax(v, target).output.sum()  # a sum over pairs, never a mean
        loss.backward()
        with torch.no_grad():
            for u in self.softmax.parameters():  # views of self.outputs
                if u.grad is not None:  # a cluster without a target in this batch has none
                    u.add_(u.grad, alpha=-rate)
        self.softmax.zero_grad()
        self.scored += len(v) * self.head_size + self.scores[target].sum()

    def log_scores(self, v: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return log_probability(v, list(self.softmax.parameters()))
