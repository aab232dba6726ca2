"""What a worker tells its parent, one JSON object a line over a pipe.

`phase` begins a phase; `tick` gives words done and seconds since training began; `facts` carries
measured figures, merged into the record group by group; `quality` carries the scores, `point` those
of one moment of a learning curve, and `curve` why it has no more; `end` carries the status.
"""

import json
import os
from typing import Any

PHASES = ("import", "prepare", "compile", "train", "evaluate")
TICK_S = 0.2  # between two ticks that are told to the parent
REHEARSED = "rehearsed"  # the status at the end of a process that is no run of its own


class Sender:
    """The worker's end of the pipe."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor

    def send(self, kind: str, **content: Any) -> None:
        """Raises BrokenPipeError when the parent is gone, which ends an orphaned run."""
        os.write(self.descriptor, (json.dumps({"event": kind, **content}) + "\n").encode())

    def facts(self, group: str, **values: Any) -> None:
        """Figures that are true whatever happens next, kept even if the run dies."""
        self.send("facts", group=group, values=values)


class Reader:
    """The parent's end: cuts what arrives into whole events."""

    def __init__(self) -> None:
        self.rest = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The events that are complete with `data`."""
        *lines, self.rest = (self.rest + data).split(b"\n")
        return [json.loads(line) for line in lines]
