"""How busy the inner nodes of the Huffman tree are, and how their steps are bounded."""

import torch
from torch import Tensor

from bench.contract import Config, Corpus


def node_shares(corpus: Corpus, config: Config) -> Tensor:
    """(V - 1,) float64: the share of the kept text whose paths pass each inner node; the root's is 1."""
    tree = corpus.huffman
    kept = torch.from_numpy(corpus.keep_probability(config.subsample) * corpus.counts)
    word = torch.repeat_interleave(torch.from_numpy(tree.lengths))  # (path,) whose path a node is on
    shares = torch.zeros(max(corpus.vocabulary_size - 1, 1), dtype=torch.float64)
    return shares.index_add_(0, torch.from_numpy(tree.nodes.copy()).long(), (kept / kept.sum())[word])


def calming(corpus: Corpus, config: Config, centres: int, cap: float) -> Tensor:
    """(V - 1, 1) float32, the factor on a node's update: min(1, cap / paths expected in a step).

    Sequential SGD would see a node move between two of its updates and take smaller and smaller steps; a
    sum from one point does not, and near the root, which is on every path, it overshoots.
    """
    predictions = centres * (config.window + 1 if config.architecture == "skipgram" else 1)
    factor = cap / (predictions * node_shares(corpus, config)).clamp(min=1e-9)
    return factor.clamp(max=1)[:, None].float()
