"""One training step of every implementation that has one, on one thread: 10,000 words, dimension 100."""

import pytest
import torch

from bench.contract import Config, Resources
from bench.discovery import implementations, load
from bench.running.machine import missing
from tests.micro.families import step_of
from tests.tiny import zipf_corpus


def compiled(spec):
    """Whether it calls torch.compile, which takes up to minutes a model."""
    return {"torch", "cc"} <= set(spec.needs)


MODELS = [
    pytest.param(
        entry,
        architecture,
        objective,
        id=f"{name}-{architecture}-{objective}",
        marks=[pytest.mark.slow] if compiled(entry.spec) else [],
    )
    for name, entry in implementations().items()
    for architecture in entry.spec.architectures
    for objective in entry.spec.objectives
]


@pytest.fixture(scope="module")
def corpus():
    return zipf_corpus(words=120_000, vocabulary=10_000)


@pytest.mark.filterwarnings("ignore")  # of inductor, where a step is compiled
@pytest.mark.parametrize(("entry", "architecture", "objective"), MODELS)
def bench_step(entry, architecture, objective, corpus, measure):
    if lacking := missing(entry.spec.needs, "cpu"):
        pytest.skip(lacking)
    implementation = load(entry.spec.name)
    if step_of.dispatch(type(implementation)) is step_of.dispatch(object):
        pytest.skip("trains in one call, has no step")
    implementation.prepare(corpus, Config(architecture, objective, epochs=1, min_count=1), Resources())
    if compiled(entry.spec):
        torch._dynamo.reset()  # all of them compile one function, and only so many forms of one are kept
    implementation.compile()
    step = step_of(implementation, corpus)
    measure(step.take, step.words)
