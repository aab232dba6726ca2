"""The exact full softmax on the GPU: products of bfloat16 summed in float32, a step as one CUDA graph.

Paper: Mikolov et al. 2013b (arXiv 1310.4546), equation 2. The windowed step (`softmax_windowed`: one
distribution a centre, two passes over blocks of the vocabulary, scores thrown away), on tensor cores:

- The four products of a block have bfloat16 factors and float32 sums, which is a tenth of float32's
  time. Parameters stay float32; what is rounded to 8 bits are copies, and the error g = m p, each
  to 2^-9 of itself.
- The scores of a block (positions × block, float32) fit the second-level cache: 512 × 16,384 are 32 MB.
- The factors are padded to whole 16 bytes a row, without which the fast kernels do not apply.

Work of a centre: 8 V D operations of tensor cores, 54 M at V = 68 K and D = 100, padding left out; 5 epochs
of 12 M kept words are 3.3 × 10^15, at least 4 s of an H200. Memory: the model and a few blocks of scores.

Options: `positions`, `chunk`, `block` as in `softmax_windowed`. The same code runs on CPU tensors,
slowly and without a graph, for its tests.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

from bench.contract import Spec
from impls._graph import GraphedStep
from impls.softmax_windowed import FullSoftmaxWindowed

PADDED = 8  # bfloat16 numbers in 16 bytes


def half(x: Tensor) -> Tensor:
    """(n, D) rounded to bfloat16, D padded with zeros."""
    return pad(x, (0, -x.shape[1] % PADDED)).bfloat16()


def product(a: Tensor, b: Tensor) -> Tensor:
    """a @ b of bfloat16 factors, summed and returned in float32."""
    return torch.mm(a, b, out_dtype=torch.float32) if a.is_cuda else a.float() @ b.float()


class FullSoftmaxDevice(FullSoftmaxWindowed):
    """Replaces the products of the windowed step; the text, the bands and the rest are its own."""

    spec = Spec(
        name="softmax_device",
        summary="full softmax on the GPU: bfloat16 products with float32 sums, one CUDA graph a step",
        objectives=("softmax",),
        architectures=("skipgram", "cbow"),
        paper="mikolov2013b",
        needs=("torch", "cuda"),
        parent="full_softmax",
        options={"positions": 512, "chunk": 16, "block": 16384},
    )

    def compile(self) -> None:
        if self.inputs.is_cuda:
            self.step = GraphedStep(self)

    def _descend(self, v: Tensor, m: Tensor) -> Tensor:
        rows, D = half(v), v.shape[1]
        log_sum = torch.full_like(m, -torch.inf)
        for u in self.blocks:
            log_sum = torch.logaddexp(log_sum, product(rows, half(u).T).logsumexp(1))
        dv = torch.zeros_like(v)
        for u in self.blocks:
            words = half(u)
            g = product(rows, words.T).sub_(log_sum[:, None]).exp_().mul_(m[:, None]).bfloat16()  # (P, block)
            dv += product(g, words)[:, :D]
            u += product(g.T, rows)[:, :D]
        return dv
