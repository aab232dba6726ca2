"""Work of fixed shapes as one CUDA graph: the host hands over one launch instead of a hundred.

Work that has the same shapes every time and asks the device for nothing can be recorded once and replayed.
A recorded graph reads and writes at the addresses of the recording: what changes from one time to the next
is copied there first (`GraphedStep`), or lies there already (`_resident`).
"""

from collections.abc import Callable
from typing import TypeVar

import torch

from impls._windowed import Band, Windowed

WARM_RUNS = 3  # before recording: libraries allocate their workspaces in the first ones

Result = TypeVar("Result")


@torch.no_grad()
def recorded(work: Callable[[], Result], device: str) -> Callable[[], Result]:
    """Replays `work`, and returns what it returned when it was recorded.

    Runs it `WARM_RUNS` times, on whatever lies there now; recording itself computes nothing.
    """
    side = torch.cuda.Stream(device)
    side.wait_stream(torch.cuda.current_stream(device))
    with torch.cuda.stream(side):
        for _ in range(WARM_RUNS):
            work()
    torch.cuda.current_stream(device).wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        result = work()

    def replay() -> Result:
        graph.replay()
        return result

    return replay


def empty_band(windowed: Windowed) -> Band:
    """A band of the shapes of training that asks for no change: no centre has a context, the rate is 0."""
    n, C, H = windowed.n, windowed.C, windowed.C + 2 * windowed.config.window
    centres, halo = (torch.zeros(n, x, dtype=torch.int64, device=windowed.device) for x in (C, H))
    noise = windowed.noise_words(n, torch.Generator(windowed.device).manual_seed(0))
    inside = torch.zeros(n, C, H, device=windowed.device)
    return Band(centres, halo, inside, noise, torch.zeros((), device=windowed.device))


class GraphedStep:
    """`windowed.step`, recorded; takes its place."""

    def __init__(self, windowed: Windowed):
        self.band = empty_band(windowed)
        step = windowed.step
        self.replay = recorded(lambda: step(self.band), windowed.device)

    def __call__(self, band: Band) -> int:
        for place, given in zip(self.band, band, strict=True):
            place.copy_(given)
        return self.replay()
