"""Compiles the Triton kernels for a Hopper GPU that need not be there: `python -m tests.compile_triton`.

Prints what each takes of a multiprocessor. Triton brings NVIDIA's assembler along, so that no CUDA is needed;
it must not be in interpreter mode.
"""

import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any

import torch
import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia.compiler import get_ptxas
from triton.compiler import ASTSource

from bench.contract import Resources
from bench.discovery import load
from impls._triton import walk
from tests.tiny import config, zipf_corpus

HOPPER = GPUTarget("cuda", 90, 32)
TOOLS = Path(triton.__file__).parent / "backends" / "nvidia" / "bin"
TYPES = {torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.int32: "*i32", int: "i32", float: "fp32"}
DIVISIBLE = [["tt.divisibility", 16]]
CORPUS = zipf_corpus(words=20_000, vocabulary=5_000)
TOLD = ("HGMMA", "HMMA", "LDGSTS.E.BYPASS.128", "LDL", "STL")  # tensor cores, asynchronous copies, spills


def compiled(
    kernel: triton.JITFunction, arguments: list[Any], warps: int, stages: int
) -> triton.compiler.CompiledKernel:
    """The kernel as a launch with these arguments would have it."""
    signature, constants, attributes = {}, {}, {}
    for place, (parameter, value) in enumerate(zip(kernel.params, arguments, strict=True)):
        if parameter.is_constexpr or (isinstance(value, int) and value == 1):
            signature[parameter.name], constants[(place,)] = "constexpr", value
            continue
        pointer = isinstance(value, torch.Tensor)
        signature[parameter.name] = TYPES[value.dtype if pointer else type(value)]
        if not isinstance(value, float) and (value.data_ptr() if pointer else value) % 16 == 0:
            attributes[(place,)] = DIVISIBLE
    source = ASTSource(kernel, signature, constants, attributes)
    return triton.compile(source, target=HOPPER, options={"num_warps": warps, "num_stages": stages})


def walks(architecture: str, objective: str, dim: int) -> triton.compiler.CompiledKernel:
    """The one kernel of ns and hs, with the default options."""
    run = load(f"{objective}_triton")
    run.prepare(CORPUS, config(architecture, objective, dim=dim, window=5), Resources())
    if objective == "hs":  # codes of enwiki2015-100mb have up to 22 places
        run.columns = run.tables["L"] = 32
    section = next(run.text.sections())
    arguments = run.arguments(run.text.draw(section), run.noise_of(section), 0.1, 0.1)
    return compiled(walk, [arguments[parameter.name] for parameter in walk.params], run.warps(), 1)


def softmaxes(dim: int) -> Iterator[tuple[str, triton.compiler.CompiledKernel]]:
    """The kernels of a step of the exact softmax, with the default options."""
    run = load("softmax_triton")
    run.prepare(CORPUS, config("skipgram", "softmax", dim=dim, window=5), Resources())
    for kernel, _, arguments, warps, stages in run.launches(0):
        yield kernel.__name__, compiled(kernel, list(arguments), warps, stages)


def told_by(path: str | Path, code: str | bytes, *options: str) -> str:
    """What a tool says of a kernel."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(code.encode() if isinstance(code, str) else code)
        file.flush()
        done = subprocess.run([str(path), *options, file.name], capture_output=True, text=True, check=True)
        return done.stdout + done.stderr


def taken(kernel: triton.compiler.CompiledKernel) -> str:
    """Registers and stack a thread, shared memory, how often the machine code has the telling parts, and
    whether the assembler warns that products wait for each other (C7510 and those behind it)."""
    code, assembler = kernel.asm["cubin"], get_ptxas(HOPPER.arch).path
    used = " ".join(re.findall(r"(?:REG|STACK):\d+", told_by(TOOLS / "cuobjdump", code, "-res-usage")))
    machine_code = told_by(TOOLS / "nvdisasm", code, "-c")
    parts = Counter(re.findall("|".join(rf"\b{part}\b" for part in TOLD), machine_code))
    told = "".join(f" {parts[part]} {part}" for part in TOLD if parts[part])
    warned = told_by(assembler, kernel.asm["ptx"], "-v", f"--gpu-name=sm_{HOPPER.arch}a", "-o", "/dev/null")
    serial = " SERIALISED" if "are serialized" in warned else ""
    return f"{used} {kernel.metadata.shared / 1024:.0f} KiB shared{told}{serial}"


def main() -> int:
    """Every model at the dimensions of the suites."""
    for dim in (100, 300):
        for architecture, objective in product(("skipgram", "cbow"), ("ns", "hs")):
            print(f"{architecture}/{objective} dim {dim}: {taken(walks(architecture, objective, dim))}")
        for name, kernel in softmaxes(dim):
            print(f"skipgram/softmax dim {dim} {name}: {taken(kernel)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
