"""A windowed step as one CUDA graph: the host hands over one launch a step instead of a hundred.

Every step has the same shapes and asks the device for nothing, so what it launches can be recorded once
and replayed on the next band, copied into the place of the recorded one.
"""

import torch

from impls._windowed import Band, Windowed

WARM_STEPS = 3  # before recording: libraries allocate their workspaces in the first ones


def empty_band(windowed: Windowed) -> Band:
    """A band of the shapes of training that asks for no change: no centre has a context, the rate is 0."""
    n, C, H = windowed.n, windowed.C, windowed.C + 2 * windowed.config.window
    centres, halo = (torch.zeros(n, x, dtype=torch.int64, device=windowed.device) for x in (C, H))
    noise = windowed.noise_words(n, torch.Generator(windowed.device).manual_seed(0))
    inside = torch.zeros(n, C, H, device=windowed.device)
    return Band(centres, halo, inside, noise, torch.zeros((), device=windowed.device))


class GraphedStep:
    """`windowed.step`, recorded; takes its place."""

    @torch.no_grad()
    def __init__(self, windowed: Windowed):
        self.band = empty_band(windowed)
        side = torch.cuda.Stream(windowed.device)
        side.wait_stream(torch.cuda.current_stream(windowed.device))
        with torch.cuda.stream(side):
            for _ in range(WARM_STEPS):
                windowed.step(self.band)
        torch.cuda.current_stream(windowed.device).wait_stream(side)
        self.graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self.graph):
            self.visits = windowed.step(self.band)

    def __call__(self, band: Band) -> int:
        for recorded, given in zip(self.band, band, strict=True):
            recorded.copy_(given)
        self.graph.replay()
        return self.visits
