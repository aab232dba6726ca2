"""SVG files as parts of one page: a fraction of the size, text as text, ids unique, greys of the theme.

Matplotlib draws text as outlines, letter by letter, and notes it in a comment. On a page it becomes text
again, held to the width it had, so that it can be searched and read aloud. What is not plain (several
lines, formulas) stays outlined, with the outlines shared by all figures. Colours stay, but for neutral
ones: they become mixtures of the page's ink and paper.
"""

import html
import re
from collections.abc import Iterable
from itertools import pairwise

from markupsafe import Markup, escape

_TEXT = re.compile(
    r'<!--([^\n>]*?)--><g(?: style="([^"]*)")? transform="([^"]*?) ?scale\(([\d.]+) -\4\)">'
    r"(?:<defs>(?:<path [^>]*/>)*</defs>)?((?:<use [^>]*/>)+)</g>"
)
_PLACED = re.compile(r'<use href="#DejaVuSans-(Bold-)?(\w+)"(?: transform="translate\(([\d.]+) 0\)")?/>')
_GLYPH = re.compile(r'<path id="(DejaVuSans[\w-]*)"[^>]*/>')
_COLOUR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b")
_NUMBERS = re.compile(r'(\sd="|\bx="|\by="|\btranslate\()([^")]*)')
_REFERENCE = re.compile(r'(\bhref="|url\()#([^")]+)')
_INK = 0x29 / 0xFF  # the mean channel of `--ink` on `--paper`, where figures are drawn for white
_NEUTRAL = 0.15  # the largest difference of two channels in a grey that has a tinge
_LIGATURE = re.compile("ff[il]?|f[il]")  # one outline where matplotlib shapes with Raqm
_ADVANCE = 60.0  # of a last letter met nowhere else, in hundredths of the font size


def glyphs(svgs: Iterable[bytes]) -> Markup:
    """The outlines that `inline` leaves to be shared, each once; belongs on the page before the figures."""
    found: dict[str, str] = {}
    for svg in svgs:
        text = _squeezed(svg)
        wanted = {match[2] for match in _REFERENCE.finditer(_with_text(text))}
        found |= {match[1]: match[0] for match in _GLYPH.finditer(text) if match[1] in wanted}
    # Drawn by matplotlib: no text of a record is in an outline.
    return Markup("".join(found[name] for name in sorted(found)))


def inline(svg: bytes, prefix: str, label: str) -> Markup:
    """An SVG file of matplotlib's as an element that says `label` to a screen reader.

    Ids are unique on the page where `prefix` is; shared outlines come from `glyphs`.
    """
    text = re.sub(r"<!--.*?-->", "", _with_text(_squeezed(svg)), flags=re.DOTALL)
    text = _GLYPH.sub("", text).replace("<defs></defs>", "")
    text = _NUMBERS.sub(lambda match: match[1] + _rounded(match[2]), text)
    text = _REFERENCE.sub(
        lambda m: m[0] if m[2].startswith("DejaVuSans") else f"{m[1]}#{prefix}-{m[2]}", text
    )
    text = _with_referenced_ids(text, prefix)
    text = _COLOUR.sub(_themed, text)
    shares = sorted(set(re.findall(r"var\(--g(\d+)\)", text)))
    greys = "".join(f"--g{share}:color-mix(in srgb,var(--ink) {share}%,var(--paper));" for share in shares)
    opening = Markup('<svg role="img" aria-label="{}" style="{}"').format(label, greys)
    return Markup(text.replace("<svg", opening, 1))


def _squeezed(svg: bytes) -> str:
    """The element alone: no prologue, metadata, style or line breaks."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>", "", text, flags=re.DOTALL)
    text = re.sub(r"(?<=>)\s*\n\s*(?=<)", "", text)
    return re.sub(r"\s*\n\s*", " ", text).replace("xlink:href=", "href=").strip()


def _with_text(text: str) -> str:
    """Outlined text as `<text>` where it is plain."""
    advances = _advances(text)
    return _TEXT.sub(lambda match: _as_text(match, advances), text)


def _advances(text: str) -> dict[str, float]:
    """Widths of letters in hundredths of the font size, read off the places of those that follow."""
    found: dict[str, float] = {}
    for match in _TEXT.finditer(text):
        placed = _PLACED.findall(match[5])
        for (bold, name, here), (_, _, after) in pairwise(placed):
            found[bold + name] = float(after or 0) - float(here or 0)
    return found


def _as_text(match: re.Match[str], advances: dict[str, float]) -> str:
    content, style, place, scale, uses = match.groups()
    content, placed = html.unescape(content).strip(" "), _PLACED.findall(uses)
    letters = (len(content), len(_LIGATURE.sub("x", content)))
    if len(placed) != uses.count("<use") or len(placed) not in letters:
        return match[0]
    bold, name, start = placed[-1]
    size = 100 * float(scale)
    width = float(scale) * (float(start or 0) + advances.get(bold + name, _ADVANCE))
    weight = ' font-weight="700"' if bold else ""
    colour = f' style="{style}"' if style else ""
    return (
        f'<text transform="{place}" font-size="{size:g}" textLength="{width:.1f}"{weight}{colour}>'
        f"{escape(content)}</text>"
    )


def _rounded(numbers: str) -> str:
    """Points to two decimals, a few micrometres."""
    return re.sub(r"-?\d+\.\d{3,}", lambda match: f"{round(float(match[0]), 2):.10g}", numbers)


def _with_referenced_ids(text: str, prefix: str) -> str:
    """Ids that the figure refers to, prefixed; the others only name groups, and go."""
    wanted = {match[2] for match in _REFERENCE.finditer(text)}
    name = f"{prefix}-"
    return re.sub(r' id="([^"]*)"', lambda m: f' id="{name}{m[1]}"' if name + m[1] in wanted else "", text)


def _themed(colour: re.Match[str]) -> str:
    """A neutral colour as the percentage of ink that makes it on paper; any other as it is."""
    channels = [int(part, 16) / 255 for part in colour.groups()]
    if max(channels) - min(channels) > _NEUTRAL:
        return colour[0]
    return f"var(--g{min(100, round(100 * (1 - sum(channels) / 3) / (1 - _INK)))})"
