"""What in a results folder cannot be believed, and what carries less weight than it seems to.

findings = check(Path("results"))      # [] where nothing is the matter
"""

from collections.abc import Sequence
from pathlib import Path

from bench.analysis.checks import alone, together
from bench.analysis.checks.finding import LEVELS, Check, Filed, Finding, each
from bench.analysis.checks.provenance import lost_sources
from bench.analysis.checks.reading import read
from bench.errors import UserError
from bench.records import store

_AGAIN = "take it out of the results folder and measure it again: w2vbench run"
_OTHER_CODE = "it was written by other code than this, or edited: " + _AGAIN

CHECKS = (
    Check("not-finite", "wrong", each(alone.not_finite), _OTHER_CODE),
    Check("run-id", "wrong", each(alone.wrong_id), _OTHER_CODE),
    Check("status", "wrong", each(alone.wrong_status), _OTHER_CODE),
    Check("phases", "wrong", each(alone.wrong_phases), _OTHER_CODE),
    Check("throughput", "wrong", each(alone.wrong_throughput), _OTHER_CODE),
    Check("work", "wrong", each(alone.wrong_work), "correct what its implementation counts, then " + _AGAIN),
    Check("memory", "wrong", each(alone.wrong_memory), _OTHER_CODE),
    Check("scores", "wrong", each(alone.wrong_scores), _OTHER_CODE),
    Check("text", "wrong", each(alone.other_text), "name another dataset, or " + _AGAIN),
    Check("doubles", "wrong", together.doubles, "keep one of the two files"),
    Check("mixed-texts", "wrong", together.mixed_texts, "give each text a file name of its own"),
    Check("evaluator", "weak", each(alone.old_evaluator), "score it by this version: w2vbench run --again"),
    Check("dirty", "weak", each(alone.changed_code), "commit first, then w2vbench run --again"),
    Check("source", "weak", lost_sources, "nobody can read what was measured: commit, then measure it again"),
    Check("contended", "weak", each(alone.busy_machine), "measure it again on an idle machine: see doctor"),
    Check("withheld", "weak", each(alone.withheld_processor), "measure it again when its host is quieter"),
    Check("shared-gpu", "weak", each(alone.shared_gpu), "measure it again while nothing else uses the GPU"),
    Check("slowed-gpu", "weak", each(alone.slowed_gpu), "let it cool, or quote ratios within a block only"),
    Check("long-block", "weak", together.long_blocks, "measure it again in one go: w2vbench run --again"),
    Check(
        "no-reference",
        "weak",
        together.blocks_without_reference,
        "let gensim run in every block: w2vbench run --impl NAME,gensim",
    ),
    Check("seeds", "weak", together.few_seeds, "give --seeds 3 or more; five usually show equality"),
)


def check(folder: Path) -> list[Finding]:
    """All findings about the records under `folder`, those that are wrong first.

    Raises UserError where there is no record at all.
    """
    filed, findings = read(folder)
    if not filed and not findings:
        raise UserError(f"there are no records under {folder}", remedy="run `w2vbench run` first")
    misplaced = Check("place", "wrong", lambda rows: _misplaced(rows, folder), "move it there")
    for one in (misplaced, *CHECKS):
        findings += one.run(filed)
    return sorted(findings, key=lambda finding: list(LEVELS).index(finding.level))


def _misplaced(filed: Sequence[Filed], folder: Path) -> list[tuple[str, str]]:
    """Files that reports do not see, or see as something else than they are."""
    places = ((one, store.path_of(one.record, folder).relative_to(folder)) for one in filed)
    return [(str(one.path), f"it belongs at {place}") for one, place in places if place != one.path]


__all__ = ["CHECKS", "LEVELS", "Finding", "check"]
