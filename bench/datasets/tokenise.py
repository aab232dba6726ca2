"""From blocks of bytes, cut anywhere, to words: whitespace separates, words are taken as they are."""

from collections.abc import Iterable, Iterator

from bench.errors import UserError

LINE_END = "\0"  # stands for a line's end among the words; cannot occur in a text, see `words_of`
LONGEST_WORD_BYTES = 1 << 20  # more than this without whitespace is not tokenised text
_WHITESPACE = (b" ", b"\n", b"\t", b"\r", b"\v", b"\f")


def whole_words(blocks: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    """(byte offset, piece) pairs of the same bytes, cut behind whitespace instead of anywhere.

    A line may be as long as the file, so lines are no unit to read by. No byte of a multi-byte
    UTF-8 character is ASCII whitespace: characters stay whole too.
    """
    offset, rest = 0, b""
    for block in blocks:
        joined = rest + block
        cut = 1 + max(joined.rfind(space) for space in _WHITESPACE)
        piece, rest = joined[:cut], joined[cut:]
        if piece:
            yield offset, piece
        offset += cut
        if len(rest) > LONGEST_WORD_BYTES:
            raise UserError(
                f"not a tokenised text: no whitespace for {len(rest):,} bytes from byte {offset:,}",
                remedy="give text whose words are separated by spaces, one sentence a line",
            )
    if rest:
        yield offset, rest


def words_of(piece: bytes, offset: int) -> list[str]:
    """The words of a piece that begins at byte `offset` of the text, LINE_END for every line feed.

    Raises UserError, with the byte offset, for a binary or non-UTF-8 file.
    """
    zero = piece.find(b"\0")
    if zero >= 0:
        raise _not_text(f"a zero byte at byte {offset + zero:,}")
    try:
        text = piece.decode("utf-8")
    except UnicodeDecodeError as error:
        byte = piece[error.start]
        raise _not_text(f"invalid UTF-8 (0x{byte:02x}) at byte {offset + error.start:,}") from error
    if offset == 0:
        text = text.removeprefix("\ufeff")  # a byte order mark is no part of the first word
    return text.replace("\n", f" {LINE_END} ").split()


def _not_text(why: str) -> UserError:
    """The error for a file that is no UTF-8 text."""
    return UserError(
        "not a UTF-8 text",
        why=why,
        remedy="convert it (iconv -f latin1 -t utf-8), or unpack it if it is an archive "
        "(.gz, .xz, .bz2 and .zip are read as they are)",
    )
