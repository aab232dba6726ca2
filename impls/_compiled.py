"""What the compiled files share: a windowed step under torch.compile, warm before training begins.

Each compiled file derives from its windowed file, whose step it compiles: that it is the same step is
the point. Compiled is all that a step computes: gathers, products and everything between them, one graph
without breaks (`fullgraph`), for the one shape that every step has (`dynamic=False`). Writing back stays
with PyTorch's own `index_add_`: inductor's code for it on a CPU is one atomic addition a number.

Option `mode`, and what it means on a CPU: `default` fuses the elementwise work between the products and
generates C++; `reduce-overhead` adds CUDA graphs, so that on a CPU it is `default` again, and says nothing
about it; `max-autotune` also times inductor's own matrix products against MKL's for these very shapes.

On a CPU the calls between the kernels are generated in C++ as well (`cpp_wrapper`): called from Python, a
kernel keeps the interpreter's lock, and two threads then take turns.
"""

import torch
import torch._inductor.config

from impls._windowed import Band, Change, Windowed

MODES = ("default", "reduce-overhead", "max-autotune")
WARM_STEPS = 2  # the first traces and compiles, the second shows that nothing is left to be compiled


def throw_away_band(windowed: Windowed) -> Band:
    """A band of the shapes of training that asks for no change: no centre has a context."""
    n, C, H = windowed.n, windowed.C, windowed.C + 2 * windowed.config.window
    device = windowed.device
    # cut out of wider rows as in training: strides are part of what is compiled
    halo = torch.zeros(n * C + H - C, dtype=torch.int64, device=device).unfold(0, H, C)
    noise = windowed.noise_words(n, torch.Generator(device).manual_seed(0))
    inside = torch.zeros(n, C, H, device=device)
    W = windowed.config.window
    return Band(halo[:, W : W + C], halo, inside, noise, torch.zeros(2, device=device)[1])


def compile_step(windowed: Windowed) -> None:
    """Replace what `windowed` computes in a step by its compiled form, and run it without effect."""
    eager = windowed.change

    def change(band: Band) -> tuple[torch.Tensor, ...]:
        return tuple(eager(band))

    compiled = torch.compile(change, fullgraph=True, dynamic=False, mode=mode_of(windowed))
    windowed.change = lambda band: Change(*compiled(band))
    threads = torch.get_num_threads()
    torch.set_num_threads(max(1, threads // windowed.threads))  # as in training: it is compiled in
    with torch.no_grad(), torch._inductor.config.patch(cpp_wrapper=windowed.device == "cpu"):
        for _ in range(WARM_STEPS):
            windowed.change(throw_away_band(windowed))
    torch.set_num_threads(threads)


def mode_of(windowed: Windowed) -> str:
    """The option `mode`. Raises ValueError for a mode that torch.compile does not have."""
    mode = str(windowed.options["mode"])
    if mode not in MODES:
        raise ValueError(f"mode is {mode!r}; torch.compile has {', '.join(MODES)}")
    return mode
