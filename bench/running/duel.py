"""Two versions of the implementations against each other, block by block, under one harness.

The base revision's `impls/` is taken from git into a scratch folder; then, block after block, the same
runs are made with it and with this tree's, the order turning round each time. The harness, the text
and the packages are this tree's on both sides: one ruler. So the base's own code is the control of
each block, on any machine, and a speed committed on another machine or another day plays no part.
(Ratios of ratios to gensim would carry the noise of four runs instead of two, and the ratio of a
vectorised kernel to gensim is another on another processor.)
"""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bench
from bench import discovery
from bench.errors import UserError
from bench.revisions import GitError, ask, unpack

FEWEST_BLOCKS = 5


@dataclass(frozen=True)
class Corner:
    """One of the two trees, and where its records go."""

    label: str
    tree: Path  # holds `impls/`
    results: Path

    def block(self, number: int, words: Sequence[str]) -> None:
        """Run block `number` (from 1): the earlier ones are on disk and are not run again.

        Raises UserError where `w2vbench run WORDS` does; a run that fails is a record like any other.
        """
        command = [sys.executable, "-m", "bench", "run", "--json", "--seeds", str(number)]
        paths = [self.tree, Path(bench.__file__).parents[1], os.environ.get("PYTHONPATH", "")]
        done = subprocess.run(
            [*command, "--results", str(self.results), *words],
            cwd=self.tree,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(str(p) for p in paths if p)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in (0, 1):
            raise UserError(f"block {number} of {self.label} could not run", why=done.stderr.strip())


def corners(revision: str | None, scratch: Path) -> tuple[Corner, Corner]:
    """The base's tree, its `impls/` unpacked under `scratch`, and this one.

    Without a revision the base is the last commit that changed `results/`: the committed baseline.
    Raises UserError where there is no such revision or it has no implementations.
    """
    here = discovery.folder().parent
    wanted = [f"{revision}^{{commit}}"] if revision else ["HEAD", "--", "results"]
    try:
        commit = ask(here, "rev-list", "--max-count=1", "--end-of-options", *wanted).decode().strip()
        unpack(here, commit or "HEAD", "impls", scratch / "base")
    except GitError as refused:
        raise UserError(
            "cannot read the base's implementations",
            why=str(refused),
            remedy="name a revision that is in this repository with --base",
        ) from refused
    base = Corner(f"base {commit[:12]}", scratch / "base", scratch / "base-results")
    return base, Corner("this tree", here, scratch / "new-results")


def in_both(base: Corner, new: Corner, names: Sequence[str], *, only_changed: bool) -> list[str]:
    """Those of `names` that both trees have; only those whose source, helpers included, differs."""
    old, fresh = (discovery.implementations(corner.tree / "impls") for corner in (base, new))
    both = [name for name in names if name in old and name in fresh]
    return [n for n in both if not only_changed or old[n].source_sha256 != fresh[n].source_sha256]


def fight(
    base: Corner,
    new: Corner,
    words: Sequence[str],
    *,
    blocks: int | None,
    budget_s: float,
    tell: Callable[[str], None],
) -> None:
    """Run `blocks` blocks of `w2vbench run WORDS` on both sides; by default as many as fit in `budget_s`.

    When to stop is never decided by what was measured.
    """
    began, number = time.monotonic(), 0
    while number < (blocks or FEWEST_BLOCKS) or (blocks is None and _room(began, number, budget_s)):
        number += 1
        for corner in (base, new) if number % 2 else (new, base):
            tell(f"block {number}: {corner.label}")
            corner.block(number, words)


def _room(began: float, done: int, budget_s: float) -> bool:
    """Whether one more block fits, as long as the mean of those done."""
    return (time.monotonic() - began) * (done + 1) / done <= budget_s
