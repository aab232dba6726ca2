"""A corpus cut in two: what is trained on, and the end of the text, which training never sees."""

from dataclasses import replace

from bench.contract import Corpus, Stored
from bench.errors import UserError

SHARE = 0.02  # of the sentences


def hold_out(corpus: Corpus, share: float = SHARE) -> tuple[Corpus, Corpus]:
    """The corpus without its last sentences, and those sentences: `share` of their number, at least one.

    Vocabulary, counts, noise distribution and tree stay those of the whole text in both, so that word
    numbers mean the same; a word may thus never occur in the first part. `text_path` is the whole
    text's: what reads it, as external programs do, would train on everything.

    Raises UserError for a text of a single sentence, and for one that is drawn.
    """
    sentences = len(corpus.offsets) - 1
    if sentences < 2:
        raise UserError(
            f"{corpus.name} has {sentences} sentence",
            why="its last sentences are held out from training, and nothing would be left",
            remedy="put one sentence a line, or choose another --dataset",
        )
    cut = sentences - max(1, round(share * sentences))
    first = int(corpus.offsets[cut])
    training = Stored(corpus.ids[:first], corpus.offsets[: cut + 1], corpus.text_path)
    held_out = Stored(corpus.ids[first:], corpus.offsets[cut:] - first, corpus.text_path)
    return replace(corpus, text=training), replace(corpus, text=held_out)
