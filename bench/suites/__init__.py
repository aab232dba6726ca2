"""Suites: declared sets of runs, and what a paper published of the same settings.

One TOML file a suite, beside this one. The schedule (`bench.running.plan`) takes the runs from here, the
report (`bench.analysis.papers`) the published figures and the claims.
"""

from bench.suites.declared import Setting, Suite
from bench.suites.published import MEASURES, Claim, Measure, Paper, Published
from bench.suites.reading import find_suite, suites

__all__ = [
    "MEASURES",
    "Claim",
    "Measure",
    "Paper",
    "Published",
    "Setting",
    "Suite",
    "find_suite",
    "suites",
]
