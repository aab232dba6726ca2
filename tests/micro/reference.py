"""The fixed kernel that every micro-benchmark is divided by: what word2vec does, with no law behind it.

Rows are gathered at random from a matrix beyond the second-level cache, multiplied by a small matrix,
and added back. Never change it: ratios to another kernel cannot be compared.
"""

import time
from collections.abc import Callable

import torch

ROWS, D, PICKED, OUTPUTS = 20_000, 100, 4_096, 64


def reference_kernel() -> Callable[[], None]:
    """The kernel on its own fixed data, about a millisecond on one thread."""
    generator = torch.Generator().manual_seed(0)
    table = torch.rand(ROWS, D, generator=generator)
    outputs = torch.rand(OUTPUTS, D, generator=generator)
    ids = (ROWS * torch.rand(PICKED, generator=generator) ** 4).long()  # few rows often, most seldom

    def kernel() -> None:
        v = table.index_select(0, ids)  # (PICKED, D)
        scores = v @ outputs.T  # (PICKED, OUTPUTS)
        table.index_add_(0, ids, (scores @ outputs).mul_(1e-12))  # so little that the data stay as they are

    return kernel


def seconds(function: Callable[[], object], calls: int) -> float:
    """Of one call, on average over `calls` in a row."""
    began = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - began) / calls
