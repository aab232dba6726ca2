"""Compiles the Triton kernels for a Hopper GPU that need not be there: `python -m tests.compile_triton`.

Prints what each takes of a multiprocessor. Triton brings NVIDIA's assembler along, so that no CUDA is needed;
it must not be in interpreter mode.
"""

import re
import subprocess
import sys
import tempfile
from itertools import product
from pathlib import Path

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from bench.contract import Resources
from bench.discovery import load
from impls._triton import walk
from tests.tiny import config, zipf_corpus

HOPPER = GPUTarget("cuda", 90, 32)
POINTERS = {torch.float32: "*fp32", torch.int32: "*i32"}
ALIGNED = [["tt.divisibility", 16]]  # allocations are


def compiled(architecture: str, objective: str, dim: int, window: int = 5) -> triton.compiler.CompiledKernel:
    """The kernel as a run with the default options would have it."""
    run = load(f"{objective}_triton")
    settings = config(architecture, objective, dim=dim, window=window)
    run.prepare(zipf_corpus(words=20_000, vocabulary=5_000), settings, Resources())
    if objective == "hs":  # codes of enwiki2015-100mb have up to 22 places
        run.columns = run.tables["L"] = 32
    section = next(run.text.sections())
    arguments = run.arguments(run.text.draw(section), run.noise_of(section), 0.1, 0.1)
    signature, constants, attributes = {}, {}, {}
    for place, parameter in enumerate(walk.params):
        value = arguments[parameter.name]
        if parameter.is_constexpr:
            signature[parameter.name], constants[(place,)] = "constexpr", value
        elif isinstance(value, torch.Tensor):
            signature[parameter.name], attributes[(place,)] = POINTERS[value.dtype], ALIGNED
        else:
            signature[parameter.name] = "fp32"
    source = ASTSource(walk, signature, constants, attributes)
    options = {"num_warps": run.warps(), "num_stages": 1}
    return triton.compile(source, target=HOPPER, options=options)


def registers(kernel: triton.compiler.CompiledKernel) -> str:
    """Registers and stack a thread, by the disassembler that Triton carries."""
    tool = Path(triton.__file__).parent / "backends" / "nvidia" / "bin" / "cuobjdump"
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        file.write(kernel.asm["cubin"])
        file.flush()
        command = [str(tool), "-res-usage", file.name]
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return " ".join(re.findall(r"(?:REG|STACK):\d+", told))


def main() -> int:
    """Every model at the dimensions of the suites."""
    for architecture, objective, dim in product(("skipgram", "cbow"), ("ns", "hs"), (100, 300)):
        kernel = compiled(architecture, objective, dim)
        shared = f"{kernel.metadata.shared >> 10} KiB shared"
        print(f"{architecture}/{objective} dim {dim}: {registers(kernel)} {shared}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
