"""Can the code behind a row still be found? Looks into the history of the checkout, changes nothing."""

import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from bench import discovery
from bench.analysis.checks.finding import Filed
from bench.errors import UserError
from bench.revisions import GitError, ask, unpack


def lost_sources(filed: Sequence[Filed]) -> Iterator[tuple[str, str]]:
    """Rows whose source is neither in the working tree nor in any commit; silent outside a checkout."""
    entries = discovery.implementations().values()
    here = {entry.source_sha256 for entry in entries}
    wanted = {one.record.implementation["source_sha256"] for one in filed} - here
    folder = next(iter(entries)).path.parent if entries else None
    if not wanted or folder is None:
        return
    found = committed(folder, wanted)
    if found is None:
        return
    for one in filed:
        if (source := one.record.implementation["source_sha256"]) in wanted - found:
            yield str(one.path), f"source {source[:12]}… is in no commit"


def committed(folder: Path, wanted: set[str]) -> set[str] | None:
    """Those of `wanted`, hashes of `discovery.source_hash`, that some commit of `folder` gives.

    Newest commits first, and no further than needed. None where there is no history to look into.
    """
    try:
        listed = ask(folder, "log", "--all", "--format=%H", "--", ".")
    except GitError:
        return None
    found: set[str] = set()
    for commit in listed.decode().split():
        if found == wanted:
            break
        found |= wanted & _sources(folder, commit)
    return found


def _sources(folder: Path, commit: str) -> set[str]:
    """Hashes of all implementations as they were in `commit`."""
    with tempfile.TemporaryDirectory() as scratch:
        try:
            unpack(folder, commit, ".", Path(scratch))
            return {e.source_sha256 for e in discovery.implementations(Path(scratch)).values()}
        except (GitError, UserError, SyntaxError):
            return set()  # this commit's files cannot be read as implementations
