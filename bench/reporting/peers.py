"""The table of what others have published, our own fastest rows beneath it: once, for every format."""

from collections.abc import Sequence
from dataclasses import dataclass

from bench.analysis.cells import QUALITY_SETS, Cell
from bench.analysis.peers import Peer, hardware, leaders, peers
from bench.reporting import units
from bench.reporting.columns import outcome
from bench.reporting.papers import Grid, Head
from bench.reporting.sections import Table, model_name
from bench.suites.published import TAGS

TITLE = "What others have published (other machines; never compared by us in one block)"
_HEADS = (
    Head("system"),
    Head("run on"),
    Head("words/s", number=True),
    Head("as stated"),
    Head("peak memory", number=True),
    Head("quality"),
    Head("text"),
    Head("settings"),
    Head("source"),
)


@dataclass(frozen=True)
class PeerTable:
    """All that is shown of it."""

    figures: Grid
    notes: tuple[str, ...]
    title: str = TITLE


def peer_table(tables: Sequence[Table]) -> PeerTable:
    """The published figures, then the fastest of our rows of each model and device."""
    table_of = {id(cell): table for table in tables for cell in table.cells}
    ours = leaders(cell for table in tables for cell in table.cells)
    rows = [*map(_published, peers()), *(_ours(cell, table_of[id(cell)]) for cell in ours)]
    return PeerTable(Grid(_HEADS, tuple(rows)), tuple(_notes(peers(), ours)))


def _published(peer: Peer) -> tuple[str, ...]:
    return (
        peer.system,
        peer.hardware,
        f"{units.speed(peer.raw_words_per_s)}, derived" if peer.derived else _rate(peer),
        _stated(peer),
        peer.memory or units.DASH,
        peer.quality or units.DASH,
        _text(peer.text, peer.words) or units.DASH,
        peer.settings or units.DASH,
        f"{peer.source} [{peer.tag}]",
    )


def _text(name: str, words: int | None) -> str:
    return f"{name}, {units.words(words)} words" if words else name


def _rate(peer: Peer) -> str:
    """As stated, with no more digits than that."""
    return units.DASH if peer.words_per_s is None else f"{peer.words_per_s / 1e6:g} M"


def _stated(peer: Peer) -> str:
    if peer.words_per_s is not None:
        return f"{_rate(peer)} words/s"
    return peer.says or f"{peer.seconds:g} s"


def _ours(cell: Cell, table: Table) -> tuple[str, ...]:
    scores = [
        f"{QUALITY_SETS[name].label.removesuffix(' add')} {units.score(cell.score(name))}"
        for name in cell.quality
    ]
    return (
        f"ours: {cell.implementation}",
        hardware(cell),
        units.speed(cell.speed.median if cell.speed else None),
        f"{units.seconds(cell.phases['train_s'])} s",
        _memory(cell),
        f"{', '.join(scores)}: {outcome(cell)}",
        _text(cell.section.dataset, cell.runs[0].data["tokens"]),
        f"{model_name(cell)}, {Table(cell.section, (cell,)).settings}",
        f"rows {table.hash}",
    )


def _memory(cell: Cell) -> str:
    """The host's, and the GPU's where it trained there."""
    host = units.memory(cell.host_peak_bytes)
    return f"{host}, GPU {units.memory(cell.cuda_peak_bytes)}" if cell.on_gpu else host


def _notes(published: Sequence[Peer], ours: Sequence[Cell]) -> list[str]:
    lines = [
        "Other processors, texts and clocks stand behind each line: it says where the field is, and no ratio "
        "of two lines is a result. A dash: not stated where it was read.",
        f"{'; '.join(f'[{tag}] {TAGS[tag]}' for tag in sorted({peer.tag for peer in published}))}.",
    ]
    if example := next((peer for peer in published if peer.derived), None):
        lines.append(
            f"Derived: words of the text × epochs ÷ seconds, as {example.words:,} × {example.epochs} ÷ "
            f"{example.seconds:g} s; all words of the text, and whatever those seconds hold besides training."
        )
    if ours:
        lines.append(
            "Ours: of each model and device the fastest row whose quality is shown to equal gensim's, on the "
            "largest text where there is one; medians over runs, seconds of training alone."
        )
    return lines
