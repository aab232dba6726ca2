"""Time to quality: seconds and words of training until a run is as good as the reference ends.

The target is the mean over gensim's seeds at the end of its own training, less the margin of equal
quality, on every set that has a margin. A run arrives at the first moment at which it meets all of them
together; between two points of its curve every score is taken as linear, in words and in seconds.

A run that is there at its first point may have been there before, so its figures are upper bounds; one
that never arrives counts as infinitely late, so that no median is taken over the lucky runs alone.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import fmean, median

from bench.analysis.cells import QUALITY_SETS, Cell, Spread, TimeToQuality, group
from bench.analysis.statistics import Estimate, paired_log_ratio
from bench.analysis.verdicts import MARGINS, judge, ranked, reference_of
from bench.records.metrics import score_key
from bench.records.schema import Record, Score


@dataclass(frozen=True)
class Moment:
    """One point of a run's course; the last is the end of its training."""

    words: int
    elapsed_s: float
    snapshot_s: float  # 0 at the end
    scores: Mapping[str, float]  # by set of QUALITY_SETS; a set without a figure is absent


@dataclass(frozen=True)
class Arrival:
    """When a run reached the target; infinity: it never did."""

    seconds: float
    words: float
    at_most: bool = False  # it was there at its first point


NEVER = Arrival(math.inf, math.inf)


def curve_cells(records: Iterable[Record]) -> list[Cell]:
    """The cells of the runs with a curve, in order: section, model, tier, seconds to quality.

    They rank by those seconds, under the same condition as elsewhere: quality shown to equal gensim's.
    """
    judged = judge(group(run for run in records if run.curve is not None))
    timed = [replace(cell, reached=_reached(cell, reference_of(cell, judged))) for cell in judged]
    return ranked(timed, lambda cell: cell.reached.seconds.median if cell.reached else math.inf)


def course(run: Record) -> list[Moment]:
    """All points of a run that have scores, its end included."""
    points = run.curve.points if run.curve else []
    moments = [Moment(p.words, p.elapsed_s, p.snapshot_s, _scores(p.quality)) for p in points]
    words, train_s = run.work.get("raw_words"), run.phases.get("train_s")
    if words and train_s:
        moments.append(Moment(words, train_s, 0.0, _scores(run.quality)))
    return [moment for moment in moments if moment.scores]


def _scores(quality: Iterable[Score]) -> dict[str, float]:
    values = {score_key(score): score.value for score in quality}
    found = {name: values.get(metric.name) for name, metric in QUALITY_SETS.items()}
    return {name: value for name, value in found.items() if value is not None and math.isfinite(value)}


def target(gensim: Cell) -> dict[str, float] | None:
    """By set, what a run has to reach; None unless the reference has a figure for every set."""
    if any(name not in gensim.quality for name in MARGINS):
        return None
    return {name: fmean(gensim.quality[name].by_seed) - margin for name, margin in MARGINS.items()}


def arrival(moments: Sequence[Moment], wanted: Mapping[str, float]) -> Arrival:
    """The first moment at which every score is at least `wanted`."""
    known = [moment for moment in moments if wanted.keys() <= moment.scores.keys()]
    if known and all(known[0].scores[name] >= value for name, value in wanted.items()):
        return Arrival(known[0].elapsed_s, known[0].words, at_most=True)
    for before, after in pairwise(known):
        share = _share(before, after, wanted)
        if share is not None:
            return Arrival(
                before.elapsed_s + share * (after.elapsed_s - before.elapsed_s),
                before.words + share * (after.words - before.words),
            )
    return NEVER


def _share(before: Moment, after: Moment, wanted: Mapping[str, float]) -> float | None:
    """How far between two points, 0 to 1, all sets are first at their targets together; None: nowhere."""
    begin, end = 0.0, 1.0
    for name, value in wanted.items():
        at, then = before.scores[name] - value, after.scores[name] - value
        if at < 0 and then < 0:
            return None
        if at < 0:
            begin = max(begin, at / (at - then))
        elif then < 0:
            end = min(end, at / (at - then))
    return begin if begin <= end else None


def _reached(cell: Cell, gensim: Cell | None) -> TimeToQuality | None:
    """None for a row that did not train to its end, and where there is nothing to reach."""
    wanted = target(gensim) if gensim else None
    if cell.status != "ok" or gensim is None or wanted is None:
        return None
    arrivals = [arrival(course(run), wanted) for run in cell.runs]
    return TimeToQuality(
        target=wanted,
        seconds=_spread([a.seconds for a in arrivals]),
        words=_spread([a.words for a in arrivals]),
        arrived=sum(math.isfinite(a.seconds) for a in arrivals),
        at_most=any(a.at_most for a in arrivals),
        ratio=_ratio(_by_block(cell, wanted), _by_block(gensim, wanted)),
    )


def _spread(values: Sequence[float]) -> Spread:
    return Spread(median(values), min(values), max(values), len(values))


def _by_block(cell: Cell, wanted: Mapping[str, float]) -> dict[tuple[str, int], Arrival]:
    found = defaultdict(list)
    for run in cell.runs:
        found[run.in_block].append(arrival(course(run), wanted))
    return {block: max(arrivals, key=lambda a: a.seconds) for block, arrivals in found.items()}


def _ratio(
    own: Mapping[tuple[str, int], Arrival], gensim: Mapping[tuple[str, int], Arrival]
) -> Estimate | None:
    """Gensim's seconds over the row's, paired by block, over the blocks in which gensim arrived.

    None if the row did not arrive in one of these, or gensim's seconds are only an upper bound: the
    ratio would flatter.
    """
    common = sorted(block for block in own.keys() & gensim.keys() if math.isfinite(gensim[block].seconds))
    late = any(math.isinf(own[block].seconds) for block in common)
    if not common or late or any(gensim[block].at_most for block in common):
        return None
    return paired_log_ratio([gensim[b].seconds for b in common], [own[b].seconds for b in common])
