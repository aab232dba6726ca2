"""What the compiled files of the GPU share: the change of a resident step under torch.compile.

Compiled is what `_compiled` compiles, for the same one shape: all that a step computes, but not writing
it back. The compiled code is then recorded with the rest of a strip (`_resident`), so that eager and compiled
steps are launched in the same way, and differ in their kernels alone. Hence the modes of torch.compile that
make CUDA graphs of their own are not to be had; there are `default` and `max-autotune-no-cudagraphs`, which
also times Triton's matrix products, what follows them fused in, against cuBLAS's.
"""

import torch

from impls._compiled import WARM_STEPS
from impls._resident import Resident
from impls._windowed import Band, Change

MODES = ("default", "max-autotune-no-cudagraphs")


def empty_band(resident: Resident) -> Band:
    """A band of the shapes of training that asks for no change: no centre has a context, the rate is 0."""
    n, C, H, device = resident.n, resident.C, resident.C + 2 * resident.config.window, resident.device
    centres, halo = (torch.zeros(n, x, dtype=torch.int64, device=device) for x in (C, H))
    noise = resident.noise_words(n, resident.text.generator)
    # Behind another number, as most rates of a strip: how a tensor is aligned is part of what is compiled.
    step = torch.zeros(2, device=device)[1]
    return Band(centres, halo, torch.zeros(n, C, H, device=device), noise, step)


@torch.no_grad()
def compile_change(resident: Resident) -> None:
    """Replace what `resident` computes in a step by its compiled form, and run it without effect.

    Raises ValueError for a mode that cannot be recorded.
    """
    mode = str(resident.options["mode"])
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; what can be recorded is compiled with {', '.join(MODES)}")
    eager = resident.change

    def change(band: Band) -> tuple[torch.Tensor, ...]:
        return tuple(eager(band))

    compiled = torch.compile(change, fullgraph=True, dynamic=False, mode=mode)
    resident.change = lambda band: Change(*compiled(band))
    for _ in range(WARM_STEPS):
        resident.change(empty_band(resident))
