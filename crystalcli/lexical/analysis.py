"""Text to the terms that BM25 counts: words in lower case, stemmed (Porter2), identifiers whole and in parts.

`parseGaugeRecord` gives `parsegaugerecord`, `pars`, `gaug` and `record`. Function words are left out: they are a
third of the postings and decide nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"\w+")
_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_STOP = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have he her him his how i if in into
    is it its me my no not of on or our she so such than that the their them then there these they this those to
    was we were what when where which who whom why will with would you your s t d ll m re ve don
    """.split()  # noqa: SIM905 - a list would take a page
)
_MAX_TERM = 64  # characters; what is longer is not a word anybody searches for


def terms(text: str) -> Iterator[tuple[str, int]]:
    """Every term of `text` with the character offset of the word that it comes from, in order."""
    words: list[str] = []
    offsets: list[int] = []
    for match in _WORD.finditer(text):
        word = match[0]
        lower = word.lower()
        if len(lower) > _MAX_TERM or lower in _STOP:
            continue
        start = match.start()
        if word != lower or "_" in word or not word.isalpha():
            parts = _PARTS.findall(word)
            if len(parts) > 1:
                for part in parts:
                    low = part.lower()
                    if low not in _STOP:
                        words.append(low)
                        offsets.append(start)
        words.append(lower.strip("_") or lower)
        offsets.append(start)
    return zip(_stem(words), offsets, strict=True)


def query_terms(text: str) -> list[str]:
    """The distinct terms of a question, in order."""
    return list(dict.fromkeys(term for term, _ in terms(text)))


def words(text: str) -> list[tuple[int, int, str]]:
    """Every word of a short text: start, end, and its term, "" for a function word."""
    found = [(match.start(), match.end(), match[0].lower()) for match in _WORD.finditer(text)]
    kept = ["" if word in _STOP or len(word) > _MAX_TERM else word for _, _, word in found]
    return [(start, end, term) for (start, end, _), term in zip(found, _stem(kept), strict=True)]


_stemmer = None


def _stem(words: list[str]) -> list[str]:
    global _stemmer
    if _stemmer is None:
        import Stemmer

        _stemmer = Stemmer.Stemmer("english", 50_000)
    stemmed: list[str] = _stemmer.stemWords(words)
    return stemmed
