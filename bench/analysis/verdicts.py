"""Each cell beside gensim: the speed ratio within blocks, quality over seeds, and the rank.

Speed counts only at equal quality: within a model, cells whose quality is shown equal to gensim's
(or a little better) rank by words/s. Everything else stands below them, in tiers, marked and without
a rank: worse rows, and rows so much better that they cannot have trained the same model.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from statistics import fmean, median

from bench.analysis.cells import QUALITY_SETS, Cell, Quality, Versus
from bench.analysis.statistics import Estimate, equivalence, holm, paired_log_ratio, welch_interval

REFERENCE = "gensim"
REFERRED = ("ns", "hs")  # the objectives that the reference has
MARGIN = 0.02  # RULES.md, "Equal quality"
MARGINS = dict.fromkeys(("wordsim353", "simlex999"), MARGIN)
FEWEST_SEEDS = 3  # on either side, before anything is said about quality

EQUAL, UNSETTLED, UNKNOWN, WORSE, UNFINISHED = range(5)  # tiers, best first
SUSPICIOUS = "suspiciously above"
_TIERS = {
    "equivalent": EQUAL,
    "above": EQUAL,
    "within seed spread": UNSETTLED,
    "below": WORSE,
    SUSPICIOUS: WORSE,  # not the same model, until someone shows otherwise
}
_ENDINGS = {  # what stands in the quality column of a row that has none to judge
    "over_budget": "not judged: stopped at the budget",
    "gate_missed": "not equivalent",
    "withdrawn": "withdrawn",
}


def judge(cells: Sequence[Cell]) -> list[Cell]:
    """`cells` with ratios, verdicts, tier and rank, in the order of the table."""
    judged = [
        replace(
            _judge(cell, reference_of(cell, cells)),
            ratio=speed_ratio(cell, bases(cell, REFERENCE, cells)),
            ratio_to_parent=speed_ratio(cell, bases(cell, cell.parent, cells)),
        )
        for cell in cells
    ]
    return ranked(_accounted(judged), lambda cell: -cell.speed.median if cell.speed else math.inf)


def _accounted(cells: Sequence[Cell]) -> list[Cell]:
    """The p-values of the ratios adjusted for their number in each table (Holm)."""
    compared = [
        (c, c.ratio.p) for c in cells if c.implementation != REFERENCE and c.ratio and c.ratio.p is not None
    ]
    adjusted: dict[int, float] = {}
    for table in {c.section for c, _ in compared}:
        rows = [(id(c), p) for c, p in compared if c.section == table]
        adjusted |= zip((row for row, _ in rows), holm([p for _, p in rows]), strict=True)
    return [
        replace(c, ratio=replace(c.ratio, p=adjusted[id(c)])) if c.ratio and id(c) in adjusted else c
        for c in cells
    ]


def reference_of(cell: Cell, cells: Iterable[Cell]) -> Cell | None:
    """Gensim's finished cell of the same table and model; with the same threads, else the most."""
    candidates = [
        c for c in cells if (c.implementation, c.status) == (REFERENCE, "ok") and c.setting == cell.setting
    ]
    return max(candidates, key=lambda c: (c.threads == cell.threads, c.threads), default=None)


def bases(cell: Cell, name: str | None, cells: Iterable[Cell]) -> list[Cell]:
    """The cells of `name` to divide the speed of `cell` by, finished or stopped at the budget.

    Of the same table and model; with the same threads, else the most, and with the same options
    where the two have options in common.
    """
    timed = [c for c in cells if c.implementation == name and c.speed and c.setting == cell.setting]
    threads = max((c.threads for c in timed), key=lambda n: (n == cell.threads, n), default=0)
    return [c for c in timed if c.threads == threads and _same_options(c, cell)]


def _same_options(one: Cell, other: Cell) -> bool:
    a, b = dict(one.options), dict(other.options)
    return all(a[key] == b[key] for key in a.keys() & b.keys())


def _judge(cell: Cell, reference: Cell | None) -> Cell:
    versus = _versus(cell, reference) if reference and cell.implementation != REFERENCE else {}
    if cell.division == "closed":
        versus = {name: suspected(v, MARGINS[name]) for name, v in versus.items()}
    verdict, tier = _verdict(cell, reference, versus)
    return replace(cell, versus=versus, verdict=verdict, tier=tier)


def speed_ratio(cell: Cell, bases: Sequence[Cell]) -> Estimate | None:
    """Raw words/s of `cell` over that of `bases`, paired by block; None without a common block."""
    new, old = speed_by_block([cell]), speed_by_block(bases)
    common = sorted(new.keys() & old.keys())
    return paired_log_ratio([new[b] for b in common], [old[b] for b in common]) if common else None


def speed_by_block(cells: Iterable[Cell]) -> dict[tuple[str, int], float]:
    """Words/s by (series, repetition), a cell's in order of start; the median where a block holds several."""
    speeds = defaultdict(list)
    for run in (run for cell in cells for run in cell.runs):
        speed = run.throughput.get("raw_words_per_s")
        if speed and math.isfinite(speed):
            speeds[run.in_block].append(speed)
    return {block: median(values) for block, values in speeds.items()}


def _versus(cell: Cell, reference: Cell) -> dict[str, Versus]:
    return {
        name: compare(cell.quality[name], reference.quality[name], margin)
        for name, margin in MARGINS.items()
        if _enough(cell.quality.get(name)) and _enough(reference.quality.get(name))
    }


def _enough(quality: Quality | None) -> bool:
    return quality is not None and len(quality.by_seed) >= FEWEST_SEEDS


def compare(new: Quality, reference: Quality, margin: float) -> Versus:
    """Quality over seeds against the reference's.

    "equivalent" where two one-sided tests put the difference of means inside ±margin; otherwise
    "within seed spread" where Welch's 95 % interval of the difference holds 0, else "above" or
    "below".
    """
    low, high = welch_interval(new.by_seed, reference.by_seed)
    test = equivalence(new.by_seed, reference.by_seed, margin)
    if test.equivalent:
        verdict = "equivalent"
    elif low <= 0 <= high:
        verdict = "within seed spread"
    else:
        verdict = "above" if low > 0 else "below"
    return Versus(fmean(new.by_seed) - fmean(reference.by_seed), low, high, test.p, verdict)


def suspected(versus: Versus, margin: float) -> Versus:
    """Marked where the whole interval lies further above the reference than the margin.

    The closed division trains one model on one text: what is so much better learned something else
    (other data, more epochs, another window, the test set). The open division may be better.
    """
    return replace(versus, verdict=SUSPICIOUS) if versus.low > margin else versus


def _verdict(cell: Cell, reference: Cell | None, versus: dict[str, Versus]) -> tuple[str, int]:
    """The phrase for the quality column, and the tier it puts the row in."""
    if cell.status != "ok":
        return _ENDINGS.get(cell.status, "none"), UNFINISHED
    if cell.implementation == REFERENCE:
        return "reference", EQUAL
    if reference is None:
        return "no gensim run to compare", UNKNOWN
    if len(versus) < len(MARGINS):
        return f"cannot tell (n = {_fewest_seeds(cell, reference)})", UNKNOWN
    tier = max(_TIERS[v.verdict] for v in versus.values())
    return _phrase(versus), tier


def _fewest_seeds(*cells: Cell) -> int:
    return min(len(q.by_seed) if (q := c.quality.get(name)) else 0 for c in cells for name in MARGINS)


def _phrase(versus: dict[str, Versus]) -> str:
    """ "equivalent" where all sets agree, else each set that stands out, worst first."""
    verdicts = [v.verdict for v in versus.values()]
    if len(set(verdicts)) == 1:
        return verdicts[0]
    loud = [name for name in ("below", SUSPICIOUS) if name in verdicts] or ["above"]
    parts = []
    for word in loud:
        sets = [QUALITY_SETS[name].label for name, v in versus.items() if v.verdict == word]
        parts += [f"{word} on {' and '.join(sets)}"] if sets else []
    return ", ".join(parts) or "within seed spread"


def ranked(cells: Sequence[Cell], behind: Callable[[Cell], float]) -> list[Cell]:
    """The cells in the order of a table, with ranks 1, 2, ... within each model.

    Models stay as they come; within one, by tier, then by `behind`, the least first. Cells of equal
    quality rank, unless they are infinitely far behind.
    """
    places = {(c.section, c.model): i for i, c in reversed(list(enumerate(cells)))}
    ordered = sorted(cells, key=lambda c: (places[c.section, c.model], c.tier, behind(c)))
    counted: Counter[object] = Counter()
    found = []
    for cell in ordered:
        counts = cell.tier == EQUAL and math.isfinite(behind(cell))
        counted[cell.section, cell.model] += counts
        found.append(replace(cell, rank=counted[cell.section, cell.model] if counts else None))
    return found
