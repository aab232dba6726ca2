"""A comparison for reading: one table for each setting, then what only one side has and the count."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from bench.analysis.comparable import Row
from bench.analysis.comparison import Change, Comparison, Lone
from bench.contract import option_text
from bench.records.sides import Side
from bench.reporting import units
from bench.reporting.sections import MODEL_NAMES
from bench.reporting.tables import escape_markdown, markdown_line

HEADER = ("implementation", "model", "metric", "base", "new", "change [90 %]", "n", "verdict")
_FIGURES = {"throughput": units.speed, "memory": units.memory, "quality": units.score}
_SHOWN = ("dim", "window", "negatives", "subsample", "epochs", "min_count", "learning_rate")


def sections(comparison: Comparison) -> list[tuple[str, list[Sequence[str]]]]:
    """(title, lines under HEADER) for each set of settings that rows have in common."""
    varied = _varied(comparison)
    ordered = sorted(comparison.changes, key=lambda c: c.row)
    return [
        (_title(dict(key)), [_line(change, varied) for change in changes])
        for key, changes in groupby(ordered, key=lambda c: c.row.settings)
    ]


def notes(comparison: Comparison) -> list[str]:
    """What was not compared, and how it ended: one sentence an item."""
    varied = _varied(comparison)
    lines = [_lone(lone, varied) for lone in comparison.lone]
    if comparison.unchanged:
        lines.append(f"{comparison.unchanged} rows are the very same runs on both sides")
    judged = sum(change.margin is not None for change in comparison.changes)
    many = "s" if comparison.regressions != 1 else ""
    lines.append(f"{comparison.regressions} regression{many} in {judged} comparisons")
    return lines


def markdown(base: Side, new: Side, comparison: Comparison) -> str:
    """For a pull request: the tables, then the notes."""
    parts = [f"**{escape_markdown(new.label)}** against **{escape_markdown(base.label)}**"]
    for title, lines in sections(comparison):
        table = [HEADER, [":---"] * 3 + ["---:"] * 4 + [":---"]]
        table += [[escape_markdown(text) for text in line] for line in lines]
        rows = "\n".join(map(markdown_line, table))
        parts += [f"{escape_markdown(title)}\n\n{rows}"]
    parts += ["\n".join(f"- {escape_markdown(note)}" for note in notes(comparison))]
    return "\n\n".join(parts)


def as_json(base: Side, new: Side, comparison: Comparison) -> dict[str, Any]:
    """Everything, in full precision."""
    return {
        "base": {"label": base.label, "records": len(base.records)},
        "new": {"label": new.label, "records": len(new.records)},
        "changes": [_change(change) for change in comparison.changes],
        "one_side_only": [
            {**_row(lone.row), "implementation": lone.implementation, "measured_in": lone.side,
             "other_side": lone.other, "broken": lone.broken}
            for lone in comparison.lone
        ],
        "unchanged_rows": comparison.unchanged,
        "regressions": comparison.regressions,
    }  # fmt: skip


def _change(change: Change) -> dict[str, Any]:
    value, low, high = change.estimate or (None, None, None)
    return {
        **_row(change.row),
        "implementation": change.implementations[1],
        "base_implementation": change.implementations[0],
        "kind": change.kind,
        "metric": change.metric.name,
        "base": change.base,
        "new": change.new,
        "change_is": "new / base" if change.is_ratio else "new - base",
        "change": value,
        "low_90": low,
        "high_90": high,
        "compared": change.how,
        "n": change.n,
        "margin": change.margin,
        "p_holm": change.p,
        "verdict": change.verdict,
    }


def _row(row: Row) -> dict[str, Any]:
    return {
        "architecture": row.architecture,
        "objective": row.objective,
        "options": dict(row.options),
        "settings": dict(row.settings),
    }


def _line(change: Change, varied: set[str]) -> Sequence[str]:
    figure = _FIGURES[change.kind]
    return (
        _name(change.implementations[1], change.row, varied),
        _model(change.row),
        change.metric.label,
        figure(change.base),
        figure(change.new),
        _estimate(change),
        f"{change.n}",
        change.verdict,
    )


def _estimate(change: Change) -> str:
    if change.estimate is None:
        return units.DASH
    value, low, high = change.estimate
    if change.is_ratio:
        return f"{value:.3f}× [{low:.3f}, {high:.3f}]"
    return f"{units.difference(value)} {units.interval(low, high, units.difference)}"


def _lone(lone: Lone, varied: set[str]) -> str:
    name = f"{_name(lone.implementation, lone.row, varied)} {_model(lone.row)}"
    where = dict(lone.row.settings)["data"]
    if lone.broken:
        return f"regression: {name} on {where} crashes in new; {lone.other}"
    other = "new" if lone.side == "base" else "base"
    return f"{name} on {where} only in {lone.side}; {other} has {lone.other}"


def _name(implementation: str, row: Row, varied: set[str]) -> str:
    """With its options where the comparison holds several choices of them."""
    if implementation not in varied:
        return implementation
    return " ".join([implementation, *(f"{name}={option_text(value)}" for name, value in row.options)])


def _varied(comparison: Comparison) -> set[str]:
    rows = {change.row for change in comparison.changes} | {lone.row for lone in comparison.lone}
    choices = {(row.implementation, row.options) for row in rows}
    names = [name for name, _ in choices]
    return {name for name in names if names.count(name) > 1}


def _model(row: Row) -> str:
    return f"{MODEL_NAMES[row.architecture]} {MODEL_NAMES[row.objective]}"


def _title(settings: dict[str, str]) -> str:
    config = ", ".join(f"{name} {settings[name]}" for name in _SHOWN if name in settings)
    machine = f"{settings['cpu']}, {settings['cores']} cores"
    return f"{settings['data']}: {config}; {settings['device']}, {settings['threads']} threads; {machine}"
