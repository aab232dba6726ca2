"""A MediaWiki dump as plain text: gensim takes the markup off, text8's rules do the rest.

text8's rules (Mahoney, http://mattmahoney.net/dc/textdata.html): lower case, every digit spelled
out as a word of its own, everything else outside a-z becomes one space.
"""

import re
from collections.abc import Iterator
from typing import IO

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_SPELLED = {ord(str(digit)): f" {word} " for digit, word in enumerate(_DIGITS)}
_OTHER = re.compile("[^a-z]+")


def text8_rules(text: str) -> str:
    """Running text of a-z and single spaces.

    >>> text8_rules("In 1987, Zürich's  trams")
    'in one nine eight seven z rich s trams'
    """
    return _OTHER.sub(" ", text.lower().translate(_SPELLED)).strip()


def clean_pages(dump: IO[bytes]) -> Iterator[bytes]:
    """Each article (namespace 0) of an XML dump as one line of text."""
    from gensim.corpora.wikicorpus import extract_pages, filter_wiki  # seconds to import, rarely needed

    for _title, markup, _page in extract_pages(dump, ("0",)):
        yield text8_rules(filter_wiki(markup)).encode() + b"\n"
