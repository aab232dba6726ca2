"""How good the approximations are, as tables: one line a way to read a state, one an estimator.

Results of one text, machine and configuration stand together, whatever their objective and seed. Where code
has changed since, only what was measured last of each training is shown.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

import pandas as pd

from bench.contract import OBJECTIVES
from bench.records.approximation import Gradient, Interval, Measured, Reread
from bench.reporting import units
from bench.reporting.sections import MODEL_NAMES
from bench.reporting.tables import csv, escape_markdown, markdown_line

SHOWN_NEGATIVES = (1, 5, 20, 100, 500)  # K in the table; the CSV has all
LOSSES = (
    "objective",
    "read as",
    "held-out loss",
    "min–max over seeds",
    "95 % over predictions",
    "loss with Z as 1",
    "log Z",
    "sd",
    "5–95 % of centres",
    "seeds",
)
ERRORS = (
    "state",
    "estimator",
    "K",
    "bias of v",
    "variance of v",
    "cosine of v",
    "bias of U",
    "variance of U",
    "cosine of U",
)
NOTES = (
    "Held-out loss: −log p(context | centre) in nats, the mean over the (centre, context) pairs of the "
    "last 2 % of the sentences, which training never saw; normalised over the whole vocabulary, exactly. "
    "Lower is better. Of the seed in the middle, as log Z is.",
    "Loss with Z as 1: the same without normalising, for objectives that claim to need none. Where log Z "
    "is not 0 it is no loss of a distribution.",
    "log Z: of the sum of exp(scores) over all words, its mean and spread over the centres of the held-out "
    "text.",
    "Gradients: at some of the held-out predictions, against the full softmax's gradient g* at the same "
    "state. Bias: |E g − g*| ÷ |g*|, root of the means of the squares; variance: E|g − E g|² ÷ |g*|²; of the "
    "input vector v and of the output vectors U. Cosine: between E g and g*, what the bias is where the "
    "learning rate may take any value. NCE at Z = 1: with scores less log Z, as if it had learned to "
    "normalise.",
    "HS and the adaptive softmax draw nothing: their gradient is exact, for another model, whose state has "
    "no output vectors of words and so no softmax gradient to be held against.",
)


@dataclass(frozen=True)
class Line:
    """One way to read the states of one objective, over its seeds."""

    objective: str
    implementation: str
    by_seed: tuple[tuple[int, Reread], ...]

    @property
    def label(self) -> str:
        """ "NS"."""
        return MODEL_NAMES.get(self.objective, self.objective)

    @property
    def reading(self) -> str:
        """The formula."""
        return self.by_seed[0][1].name

    @property
    def middle(self) -> Reread:
        """Of the seed whose loss is the median; of an even number the lower one."""
        ordered = sorted((reading for _, reading in self.by_seed), key=lambda reading: reading.loss.value)
        return ordered[(len(ordered) - 1) // 2]

    @property
    def range(self) -> tuple[float, float]:
        """Least and greatest loss over seeds."""
        losses = [reading.loss.value for _, reading in self.by_seed]
        return min(losses), max(losses)


@dataclass(frozen=True)
class Group:
    """Results that may be set beside each other."""

    results: tuple[Measured, ...]  # by objective, implementation, seed

    @property
    def title(self) -> str:
        """The text and how it was cut."""
        data = self.results[0].data
        return (
            f"{data['name']}: {data['training_tokens']:,} words trained on, {data['held_out_tokens']:,} held "
            f"out, vocabulary {data['vocabulary']:,}"
        )

    @property
    def settings(self) -> str:
        """Everything the trainings have in common."""
        c = self.results[0].config
        epochs = "1 epoch" if c["epochs"] == 1 else f"{c['epochs']} epochs"
        return (
            f"skip-gram, dim {c['dim']}, window {c['window']}, K {c['negatives']}, t {c['subsample']:g}, "
            f"{epochs}, min count {c['min_count']}, rate {c['learning_rate']:g}"
        )

    @property
    def provenance(self) -> str:
        """One line for under a figure."""
        days = sorted({units.day(r.started) for r in self.results})
        card = self.results[0].machine
        dates = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
        where = f"{card['name']}, {card['cpu']}, {card['cores']} cores"
        return f"{where} · {dates} · {len(self.results)} trainings · rows {self.hash}"

    @cached_property
    def hash(self) -> str:
        """12 hex digits that name exactly these results."""
        ids = sorted(r.run_id for r in self.results)
        return hashlib.sha256("\n".join(ids).encode()).hexdigest()[:12]

    @property
    def lines(self) -> list[Line]:
        """One for each objective and way to read it, in the order of `OBJECTIVES`."""
        found = []
        for _, same in groupby(self.results, key=_trained):
            seeds = list(same)
            for i in range(len(seeds[0].readings)):
                by_seed = tuple((r.config["seed"], r.readings[i]) for r in seeds)
                found.append(Line(seeds[0].config["objective"], seeds[0].implementation["name"], by_seed))
        return found

    def states(self) -> list[list[Measured]]:
        """The results of each objective that have gradients, seed by seed."""
        with_gradients = [r for r in self.results if r.gradients]
        return [list(same) for _, same in groupby(with_gradients, key=_trained)]


def _trained(result: Measured) -> tuple[int, str]:
    objective = result.config["objective"]
    return OBJECTIVES.index(objective), result.implementation["name"]


def _alike(result: Measured) -> tuple[str, ...]:
    """What the results of a group share."""
    config = {k: v for k, v in result.config.items() if k not in ("objective", "seed")}
    return (result.data["name"], result.data["sha256"], result.machine["name"], str(sorted(config.items())))


def groups(results: Iterable[Measured]) -> list[Group]:
    """The results by text, machine and configuration; of each training the latest."""
    latest: dict[object, Measured] = {}
    for result in sorted(results, key=lambda r: (r.started, r.run_id)):
        latest[_alike(result), _trained(result), result.config["seed"]] = result
    ordered = sorted(latest.values(), key=lambda r: (_alike(r), _trained(r), r.config["seed"]))
    return [Group(tuple(same)) for _, same in groupby(ordered, key=_alike)]


def documents(results: Sequence[Measured]) -> dict[str, bytes]:
    """`approximation.md`, and every figure in full precision; nothing without results."""
    if not results:
        return {}
    found = groups(results)
    return {
        "approximation.md": markdown(found).encode(),
        "approximation.csv": csv(pd.DataFrame(_flat(found))).encode(),
    }


def markdown(found: Sequence[Group]) -> str:
    """Both tables of each group, and how to read them."""
    parts = ["# How good the approximations are"]
    for group in found:
        parts += [f"## {escape_markdown(group.title)}", escape_markdown(group.settings)]
        parts += [_table(LOSSES, loss_rows(group), words=2), escape_markdown(baselines(group))]
        if errors := error_rows(group):
            parts += [
                "Gradients from K noise words beside the full softmax's:",
                _table(ERRORS, errors, words=2),
            ]
        parts += [escape_markdown(group.provenance)]
    parts.append("\n".join(f"- {escape_markdown(note)}" for note in NOTES))
    return "\n\n".join(parts) + "\n"


def brief(results: Sequence[Measured]) -> list[tuple[str, Sequence[str], list[list[str]]]]:
    """For a terminal: heading, header and rows of each group's losses, then of its gradients."""
    found: list[tuple[str, Sequence[str], list[list[str]]]] = []
    for group in groups(results):
        found.append((f"{group.title}\n{group.settings}\n{baselines(group)}", LOSSES, loss_rows(group)))
        if errors := error_rows(group):
            found.append(("gradients from K noise words beside the full softmax's", ERRORS, errors))
    return found


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], words: int) -> str:
    rule = [":---"] * words + ["---:"] * (len(header) - words)
    lines = [list(map(escape_markdown, row)) for row in (header, *rows)]
    return "\n".join(map(markdown_line, [lines[0], rule, *lines[1:]]))


def baselines(group: Group) -> str:
    """What was asked, and what is known without any training."""
    first = group.results[0]
    return (
        f"{first.predictions:,} predictions from {first.centres:,} centres; {first.dropped:,} more left out, "
        f"with a word that training never saw. Knowing nothing: {first.uniform_loss:.3f} nats, log V; "
        f"knowing the words' frequencies but not the centre: {first.unigram_loss.value:.3f}. Gradients at "
        f"{max(result.points for result in group.results)} of the predictions."
    )


def loss_rows(group: Group) -> list[list[str]]:
    """The lines under LOSSES."""
    return [_loss_row(line) for line in group.lines]


def _loss_row(line: Line) -> list[str]:
    middle, (least, most), z = line.middle, line.range, line.middle.log_z
    return [
        line.label,
        line.reading,
        f"{middle.loss.value:.3f}",
        f"{least:.3f}–{most:.3f}" if len(line.by_seed) > 1 else units.DASH,
        f"[{middle.loss.low:.3f}, {middle.loss.high:.3f}]",
        f"{middle.loss_as_is.value:.3f}" if middle.loss_as_is else units.DASH,
        _signed(z.mean),
        f"{z.sd:.2f}",
        f"{_signed(z.low)} to {_signed(z.high)}",
        str(len(line.by_seed)),
    ]


def error_rows(group: Group) -> list[list[str]]:
    """The lines under ERRORS, of the seed in the middle; none where no state has output vectors of words."""
    rows = []
    for state in group.states():
        middle = _middle(state)
        name = MODEL_NAMES.get(middle.config["objective"], middle.config["objective"])
        known = {(g.estimator, g.negatives, g.matrix): g for g in middle.gradients}
        for estimator in dict.fromkeys(g.estimator for g in middle.gradients):
            for K in SHOWN_NEGATIVES:
                pair = [known.get((estimator, K, matrix)) for matrix in ("inputs", "outputs")]
                rows.append([name, estimator, str(K), *(text for g in pair for text in _error(g))])
    return rows


def _middle(state: Sequence[Measured]) -> Measured:
    """The seed whose loss is the median."""
    return sorted(state, key=lambda r: r.readings[0].loss.value)[(len(state) - 1) // 2]


def _error(gradient: Gradient | None) -> tuple[str, str, str]:
    if gradient is None:
        return (units.DASH,) * 3
    cosine = gradient.cosine.value
    return share(gradient.bias), share(gradient.variance), f"{cosine:.3f}" if cosine < 0.9995 else "1.000"


def share(interval: Interval) -> str:
    """Two digits, as "0.031" or "4,100"; where zero is within reach, "<0.002", the upper end."""
    if interval.low <= 0:
        return f"<{_two(interval.high)}"
    return _two(interval.value)


def _two(value: float) -> str:
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 else f"{rounded:g}"


def _signed(value: float) -> str:
    """With two decimals; "0.00" has no sign."""
    text = f"{value:+.2f}".replace("-", units.MINUS)
    return "0.00" if text[1:] == "0.00" else text


def _flat(found: Sequence[Group]) -> list[dict[str, Any]]:
    """One row a reading or estimator of one training."""
    rows = []
    for group in found:
        for result in group.results:
            own = {
                "rows": group.hash,
                "run_id": result.run_id,
                "dataset": result.data["name"],
                "implementation": result.implementation["name"],
                **{k: result.config[k] for k in ("objective", "dim", "epochs", "seed")},
            }
            rows += [own | {"kind": "reading"} | flat(asdict(reading)) for reading in result.readings]
            for gradient in result.gradients:
                plain = flat(asdict(gradient))
                rows.append(own | {"kind": "gradient", "estimates_with": plain.pop("objective")} | plain)
    return rows


def flat(data: dict[str, Any]) -> dict[str, Any]:
    """Nested figures with joined names: `loss_low`."""
    plain: dict[str, Any] = {}
    for key, value in data.items():
        if isinstance(value, dict):
            plain |= {f"{key}_{name}": inner for name, inner in value.items()}
        else:
            plain[key] = value
    return plain
