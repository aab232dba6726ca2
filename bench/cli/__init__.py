"""The `w2vbench` command: verbs only. Data on standard output, progress and errors on standard error.

Exit codes: 0 all went well, 1 a run failed, 2 bad input or surroundings, 130 interrupted; `compare` and
`regress` have their own, told in their help.
"""

from bench.cli import approximation, evidence, gates, gpu, look, roofline, suites, work
from bench.cli.app import main

__all__ = ["approximation", "evidence", "gates", "gpu", "look", "main", "roofline", "suites", "work"]
