"""The softmax of the GPU on CPU tensors: the same factors, sums and updates, without tensor cores."""

import pytest
import torch
from scipy.special import softmax

from bench.contract import Resources
from impls.softmax_device import FullSoftmaxDevice, half, product
from impls.softmax_windowed import FullSoftmaxWindowed
from tests.tiny import config, zipf_corpus

CORPUS = zipf_corpus(words=400)
OPTIONS = {"positions": 12, "chunk": 4, "block": 16}  # 50 words: the last block is short
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"


def prepared(kind, architecture="skipgram"):
    run = kind(OPTIONS)
    run.prepare(CORPUS, config(architecture, "softmax", dim=7, epochs=2), Resources(DEVICE))
    generator = torch.Generator().manual_seed(3)
    for matrix in (run.inputs, run.outputs):
        matrix.copy_(torch.randn(matrix.shape, generator=generator))
    return run


def first_bands(run, number=3):
    generator = torch.Generator(DEVICE).manual_seed(5)
    kept = run.text.subsample(next(run.text.segments()), generator)
    return [band for band, _ in zip(run.bands(kept, generator), range(number), strict=False)]


def test_the_distribution_is_that_of_the_rounded_vectors():
    """Against float64: what a step adds to the outputs for the part m p, and takes back from v."""
    run = prepared(FullSoftmaxDevice)
    generator = torch.Generator().manual_seed(1)
    v = torch.randn(12, 7, generator=generator).to(DEVICE)
    m = -torch.rand(12, generator=generator).to(DEVICE)
    before = run.outputs.double().cpu().numpy()
    rounded_v, rounded_u = (half(x).double().cpu().numpy()[:, :7] for x in (v, run.outputs))
    g = m.double().cpu().numpy()[:, None] * softmax(rounded_v @ rounded_u.T, axis=1)
    dv = run._descend(v, m).cpu().numpy()
    du = run.outputs.cpu().numpy() - before
    assert abs(dv - g @ rounded_u).max() < 2**-8 * (abs(g) @ abs(rounded_u)).max()  # g alone is rounded
    assert abs(du - g.T @ rounded_v).max() < 2**-8 * (abs(g).T @ abs(rounded_v)).max()


@pytest.mark.parametrize("architecture", ["skipgram", "cbow"])
def test_steps_are_the_windowed_ones_within_bfloat16(architecture):
    device, windowed = (prepared(kind, architecture) for kind in (FullSoftmaxDevice, FullSoftmaxWindowed))
    device.compile()
    before = [matrix.clone() for matrix in (windowed.inputs, windowed.outputs)]
    for one, other in zip(first_bands(device), first_bands(windowed), strict=True):
        assert device.step(one) == windowed.step(other)
    for name, start in zip(("inputs", "outputs"), before, strict=True):
        moved, wanted = getattr(device, name) - start, getattr(windowed, name) - start
        assert (moved - wanted).norm() < 0.01 * wanted.norm()


def test_padding_changes_no_product():
    x, y = torch.randn(5, 7), torch.randn(4, 7)
    assert half(x).shape == (5, 8)
    torch.testing.assert_close(product(half(x), half(y).T), x.bfloat16().float() @ y.bfloat16().float().T)
