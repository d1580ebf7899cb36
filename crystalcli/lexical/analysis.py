"""Text analysis: text to the terms that BM25 counts.

Terms are words in lower case, stemmed (Porter2). Identifiers are indexed whole and in parts:
`parseGaugeRecord` gives `parsegaugerecord`, `pars`, `gaug` and `record`. Stop words are left out:
they are a third of the postings and do not change the ranking.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

_WORD = re.compile(r"\w+")
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_STOP_WORDS = frozenset(
    """
    a an and are as at be been but by can could did do does for from had has have he her him his how i if in into
    is it its me my no not of on or our she so such than that the their them then there these they this those to
    was we were what when where which who whom why will with would you your s t d ll m re ve don
    """.split()  # noqa: SIM905 - a list would take a page
)
_MAX_TERM_LENGTH = 64  # characters; longer strings are data, not words
_STEM_CACHE = 50_000  # words


def terms(text: str) -> Iterator[tuple[str, int]]:
    """Analyze a text.

    Returns:
        Each term with the character offset of the word it comes from, in order.
    """
    words: list[str] = []
    offsets: list[int] = []
    for match in _WORD.finditer(text):
        word = match[0]
        lower = word.lower()
        if len(lower) > _MAX_TERM_LENGTH or lower in _STOP_WORDS:
            continue
        start = match.start()
        if word != lower or "_" in word or not word.isalpha():
            parts = _IDENTIFIER_PART.findall(word)
            if len(parts) > 1:
                for part in parts:
                    lower_part = part.lower()
                    if lower_part not in _STOP_WORDS:
                        words.append(lower_part)
                        offsets.append(start)
        words.append(lower.strip("_") or lower)
        offsets.append(start)
    return zip(_stem(words), offsets, strict=True)


def query_terms(text: str) -> list[str]:
    """Return the distinct terms of a question, in order."""
    return list(dict.fromkeys(term for term, _ in terms(text)))


def word_spans(text: str) -> list[tuple[int, int, str]]:
    """Split a short text into words.

    Returns:
        For each word its start, its end and its term; the term of a stop word is "".
    """
    spans = [(match.start(), match.end(), match[0].lower()) for match in _WORD.finditer(text)]
    words = ["" if word in _STOP_WORDS or len(word) > _MAX_TERM_LENGTH else word for _, _, word in spans]
    return [(start, end, term) for (start, end, _), term in zip(spans, _stem(words), strict=True)]


_stemmer = None


def _stem(words: list[str]) -> list[str]:
    global _stemmer
    if _stemmer is None:
        import Stemmer

        _stemmer = Stemmer.Stemmer("english", _STEM_CACHE)
    stemmed: list[str] = _stemmer.stemWords(words)
    return stemmed
