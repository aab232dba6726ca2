"""Work of fixed shapes as one CUDA graph: the host hands over one launch instead of a hundred.

Work that has the same shapes every time and asks the device for nothing can be recorded once and replayed.
A recorded graph reads and writes at the addresses of the recording: what changes from one time to the next
is put there first.
"""

from collections.abc import Callable
from typing import TypeVar

import torch

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
