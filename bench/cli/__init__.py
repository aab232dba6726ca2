"""The `w2vbench` command: verbs only. Data on standard output, progress and errors on standard error.

Exit codes: 0 all went well, 1 a run failed, 2 bad input or surroundings, 130 interrupted.
"""

from bench.cli import evidence, look, roofline, work
from bench.cli.app import main

__all__ = ["evidence", "look", "main", "roofline", "work"]
