"""Peak memory of a process and of its children, in bytes."""

import re
import resource
import sys
import time
from pathlib import Path

import psutil

FORKED_S = 0.1


def peak_bytes(pid: int | str = "self") -> int | None:
    """The most resident memory that the process ever held, since it began to run this program.

    VmHWM where Linux tells it. `ru_maxrss` would be wrong there: it survives exec, so a small
    worker would inherit the size of a large parent. None for another process that cannot be read.
    """
    try:
        found = re.search(r"^VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)
    except OSError:
        found = None
    if found:
        return int(found[1]) * 1024
    if pid != "self":
        return None
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def children_peak_bytes(pid: int) -> int:
    """The sum of the peaks of the descendants that are alive now; 0 if there are none.

    A child that was only just forked is left out: until it runs its own program, it shows the whole of
    its parent, of which it holds nothing.
    """
    try:
        children = psutil.Process(pid).children(recursive=True)
        grown = [child.pid for child in children if time.time() - child.create_time() > FORKED_S]
    except psutil.Error:
        return 0
    return sum(peak_bytes(child) or 0 for child in grown)
