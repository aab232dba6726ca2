"""SVG files as parts of one page: a third of the size, ids unique, greys that follow the theme.

Matplotlib draws text as outlines: each figure brings the glyphs it needs and places them one by one.
On a page the glyphs are shared by all figures, placed by `x`, and everything that nothing refers to
goes. Colours stay, but for neutral ones: they become mixtures of the page's ink and paper.
"""

import re
from collections.abc import Iterable

from markupsafe import Markup

_GLYPH = re.compile(r'<path id="(DejaVuSans[\w-]*)"[^>]*/>')
_COLOUR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})\b")
_COORDINATES = re.compile(r'(\sd="|\bx="|\by="|\btranslate\()([^")]*)')
_REFERENCE = re.compile(r'(\bhref="|url\()#([^")]+)')
_INK = 0x29 / 0xFF  # the mean channel of `--ink` on `--paper`, where figures are drawn for white
_NEUTRAL = 0.15  # the largest difference of two channels in a grey that has a tinge


def glyphs(svgs: Iterable[bytes]) -> Markup:
    """The outlines of all letters that `svgs` place, each once; belongs on the page before them."""
    found = {match[1]: match[0] for svg in svgs for match in _GLYPH.finditer(_squeezed(svg))}
    # Drawn by matplotlib, which escapes its text: nothing here comes from a record.
    return Markup("".join(found[name] for name in sorted(found)))


def inline(svg: bytes, prefix: str, label: str) -> Markup:
    """An SVG file of matplotlib's as an element that says `label` to a screen reader.

    Ids are unique on the page where `prefix` is; the letters come from `glyphs`.
    """
    text = _COORDINATES.sub(lambda match: match[1] + _rounded(match[2]), _squeezed(svg))
    text = _GLYPH.sub("", text).replace("<defs></defs>", "")
    text = re.sub(r'(<use href="[^"]*") transform="translate\((\S+) 0\)"', r'\1 x="\2"', text)
    text = _REFERENCE.sub(lambda m: m[0] if _is_glyph(m[2]) else f"{m[1]}#{prefix}-{m[2]}", text)
    text = _COLOUR.sub(_themed, _with_referenced_ids(text, prefix))
    opening = Markup('<svg role="img" aria-label="{}"').format(label)
    return Markup(text.replace("<svg", opening, 1))


def _squeezed(svg: bytes) -> str:
    """The element alone: no prologue, metadata, style, comments or line breaks."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>|<style.*?</style>|<!--.*?-->", "", text, flags=re.DOTALL)
    text = re.sub(r"(?<=>)\s*\n\s*(?=<)", "", text)
    return re.sub(r"\s*\n\s*", " ", text).replace("xlink:href=", "href=").strip()


def _rounded(numbers: str) -> str:
    """Points to two decimals, a few micrometres."""
    return re.sub(r"-?\d+\.\d{3,}", lambda match: f"{round(float(match[0]), 2):.10g}", numbers)


def _with_referenced_ids(text: str, prefix: str) -> str:
    """Ids that the figure refers to, prefixed; the others only name groups, and go."""
    wanted = {match[2] for match in _REFERENCE.finditer(text)}
    name = f"{prefix}-"
    return re.sub(r' id="([^"]*)"', lambda m: f' id="{name}{m[1]}"' if name + m[1] in wanted else "", text)


def _is_glyph(name: str) -> bool:
    return name.startswith("DejaVuSans")


def _themed(match: re.Match[str]) -> str:
    """A neutral colour as a share of ink on paper; any other as it is."""
    channels = [int(part, 16) / 255 for part in match.groups()]
    if max(channels) - min(channels) > _NEUTRAL:
        return match[0]
    share = (1 - sum(channels) / 3) / (1 - _INK)
    return f"color-mix(in srgb,var(--ink) {min(100, round(100 * share))}%,var(--paper))"
