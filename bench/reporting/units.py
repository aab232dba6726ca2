"""Figures for reading: units that fit, digits that mean something, a dash for what is missing."""

import math
from collections.abc import Callable
from datetime import datetime

DASH = "–"
MINUS = "\u2212"  # as wide as a digit, unlike a hyphen


def speed(words_per_s: float | None) -> str:
    """Millions of words a second: 412,000 is "0.41 M", 2,100 is "0.0021 M"."""
    return _or_dash(words_per_s, lambda w: f"{_two_digits(w / 1e6)} M")


def words(number: float | None) -> str:
    """Two digits: "850 k", "12 M"; "never" for infinitely many."""
    if number is None or number == float("inf"):
        return _or_dash(number, lambda _: "never")
    rounded = float(f"{number:.2g}")
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if rounded >= size:
            return f"{rounded / size:g} {unit}"
    return f"{rounded:g}"


def seconds(duration_s: float | None) -> str:
    """Tenths below ten seconds, whole seconds above; "<0.1" rather than a zero that is not one."""
    if duration_s is not None and 0 < duration_s < 0.05:
        return "<0.1"
    return _or_dash(duration_s, lambda s: f"{s:,.0f}" if s >= 9.95 or s == 0 else f"{s:.1f}")


def memory(size_bytes: float | None) -> str:
    """Binary units: "412 MiB", "1.3 GiB"."""
    if size_bytes is not None and size_bytes >= 999.5 * 2**20:
        return f"{size_bytes / 2**30:.1f} GiB"
    return _or_dash(size_bytes, lambda b: f"{b / 2**20:.0f} MiB")


def score(value: float | None) -> str:
    """Three decimals without the leading zero, as the field prints correlations: ".512"."""
    return _or_dash(value, lambda v: f"{v:.3f}".replace("0.", ".", 1).replace("-", MINUS))


def difference(value: float | None) -> str:
    """A score with its sign, "+.004"; a difference that rounds to nothing has none."""
    if value is None or abs(value) < 0.0005:
        return score(value if value is None else 0.0)
    return ("+" if value > 0 else "") + score(value)


def figure(value: float) -> str:
    """Three digits and no exponent, for what has no usual size: "20,600", "8.81", "0.0307"."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.3g}")
    text = f"{rounded:,.{max(0, 2 - math.floor(math.log10(abs(rounded))))}f}"
    return text.replace("-", MINUS)


def interval(low: float | None, high: float | None, text: Callable[[float | None], str] = score) -> str:
    """ "[.498, .523]", or a dash where either end is unknown."""
    if low is None or high is None:
        return DASH
    return f"[{text(low)}, {text(high)}]"


def day(started: str) -> str:
    """The date of an ISO 8601 time; the text itself where it is none."""
    try:
        return datetime.fromisoformat(started).date().isoformat()
    except ValueError:
        return started


def _or_dash(value: float | None, text: Callable[[float], str]) -> str:
    return DASH if value is None else text(value)


def _two_digits(value: float) -> str:
    """Two decimals from 0.1 up, otherwise two significant digits and no exponent."""
    if value >= 0.0995 or value <= 0:
        return f"{value:.2f}"
    decimals = 2
    while round(value, decimals) < 0.995 * 10 ** (1 - decimals):
        decimals += 1
    return f"{value:.{decimals}f}"
