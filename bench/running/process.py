"""Python processes of our own: one that tells events until it ends, and one that answers once.

The harness never imports torch, and what a run does to a process must not reach the next.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from typing import IO, Any

from bench.errors import UserError

GRACE_S = 5.0  # between asking a process group to end and killing it


@contextlib.contextmanager
def telling(
    module: str, job: Mapping[str, Any], variables: Mapping[str, str], output: IO[bytes] | None = None
) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """`python -m MODULE DESCRIPTOR` in a process group of its own, with the job on its standard input.

    Yields the process and the descriptor to read its events from. `output` takes what it prints
    otherwise, which should be nothing; None: it goes where our own goes. Whoever asks ends it (`stop`).
    """
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", module, str(writing)],
        stdin=subprocess.PIPE,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
        env={**os.environ, **variables},
        pass_fds=(writing,),
        start_new_session=True,
    )
    os.close(writing)
    assert process.stdin is not None
    process.stdin.write(json.dumps(job).encode())
    process.stdin.close()
    try:
        yield process, reading
    finally:
        os.close(reading)


def stop(process: subprocess.Popen[bytes]) -> int:
    """Terminate, wait, kill the whole process group; returns the process's exit status."""
    for number, patience in ((0, 1.0), (signal.SIGTERM, GRACE_S), (signal.SIGKILL, None)):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            status = process.wait(patience)
            break
    with contextlib.suppress(ProcessLookupError):  # what the process itself may have left behind
        os.killpg(process.pid, signal.SIGKILL)
    return status


def answer(
    module: str, job: Mapping[str, Any], variables: Mapping[str, str] | None = None, *, what: str, remedy: str
) -> Any:
    """What `python -m MODULE` prints as JSON, given the job as JSON. Raises UserError where it fails."""
    done = subprocess.run(
        [sys.executable, "-m", module],
        input=json.dumps(job),
        env={**os.environ, **(variables or {})},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        why = done.stderr[-2000:].strip()
        raise UserError(f"{what} ended with exit status {done.returncode}", why=why, remedy=remedy)
    return json.loads(done.stdout)
