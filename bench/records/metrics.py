"""What is measured, as data: reports take labels, axes and directions from here.

A quality metric's key is "set/part/metric" of its `Score`; the others are keys of the record.
"""

from dataclasses import dataclass

from bench.records.schema import Record, Score


@dataclass(frozen=True)
class Metric:
    """One figure of a run: how to name it, which way is better, and how bad it can get."""

    name: str  # the key in METRICS
    label: str  # for a column header
    higher_is_better: bool
    worst: float  # of any run; infinity where there is no bound
    description: str  # one sentence, with the unit

    def value(self, record: Record) -> float | None:
        """The figure in `record`; None where it was not measured."""
        if (score := self.score(record)) is not None:
            return score.value
        return record.throughput.get(self.name, record.memory.get(self.name))

    def score(self, record: Record) -> Score | None:
        """The quality score with its interval and coverage; None for speed and memory."""
        return next((s for s in record.quality if score_key(s) == self.name), None)


def score_key(score: Score) -> str:
    """The key of a score in `METRICS`, such as "google/all/3cosadd"."""
    return f"{score.set}/{score.part}/{score.metric}"


def _similarity(name: str, label: str, what: str) -> Metric:
    description = f"Spearman correlation of the cosine with human ratings of {what}; 95 % item bootstrap"
    return Metric(f"{name}/all/spearman", label, True, -1.0, description)


def _analogies(name: str, part: str, label: str, what: str) -> tuple[Metric, Metric]:
    description = f"share of {what} answered right by {{}}; 95 % Wilson interval"
    return (
        Metric(f"{name}/{part}/3cosadd", f"{label} add", True, 0.0, description.format("3CosAdd")),
        Metric(f"{name}/{part}/3cosmul", f"{label} mul", True, 0.0, description.format("3CosMul")),
    )


_ALL = (
    Metric("raw_words_per_s", "words/s", True, 0.0, "in-vocabulary words of the text trained on per second"),
    Metric("host_peak_bytes", "host peak", False, float("inf"), "largest resident memory of the run, bytes"),
    Metric(
        "cuda_peak_allocated_bytes", "GPU peak", False, float("inf"), "largest memory in GPU tensors, bytes"
    ),
    _similarity("wordsim353", "WS353", "353 pairs (Finkelstein et al. 2002)"),
    _similarity("simlex999", "SimLex", "999 pairs, similarity not association (Hill et al. 2015)"),
    _similarity("wordsim353-similarity", "WS-Sim", "the 203 similar pairs of WS353 (Agirre et al. 2009)"),
    _similarity("wordsim353-relatedness", "WS-Rel", "the 252 related pairs of WS353 (Agirre et al. 2009)"),
    _similarity("men", "MEN", "3,000 pairs (Bruni et al. 2014)"),
    _similarity("rareword", "RW", "2,034 pairs of rare words (Luong et al. 2013)"),
    *_analogies("google", "all", "analogies", "all of Google's analogies (Mikolov et al. 2013a)"),
    *_analogies("google", "semantic", "semantic", "Google's 8,869 semantic analogies (Mikolov et al. 2013a)"),
    *_analogies(
        "google", "syntactic", "syntactic", "Google's 10,675 syntactic analogies (Mikolov et al. 2013a)"
    ),
    *_analogies("msr", "all", "MSR", "8,000 syntactic analogies (Mikolov, Yih and Zweig 2013)"),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}
