"""Text analysis: text to the terms that BM25 counts.

Terms are words in lower case, stemmed by the language of the text (Snowball; Porter2 for English).
Identifiers are indexed whole and in parts: `parseGaugeRecord` gives `parsegaugerecord`, `pars`,
`gaug` and `record`. Stop words are left out: they are a third of the postings and do not change the
ranking. Those of English are left out of every text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from crystalcli.lexical.languages import ENGLISH, LANGUAGES, question_language

if TYPE_CHECKING:
    from Stemmer import Stemmer

_WORD = re.compile(r"\w+")
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_MAX_TERM_LENGTH = 64  # characters; longer strings are data, not words
_STEM_CACHE = 50_000  # words


def terms(text: str, language: str = "") -> Iterator[tuple[str, int]]:
    """Analyze a text.

    Args:
        text: the text.
        language: its language; "": English.

    Returns:
        Each term with the character offset of the word it comes from, in order.
    """
    words, offsets = _words(text, _stop_words(language), bool(language))
    return zip(_stem(words, language), offsets, strict=True)


def query_terms(text: str) -> list[str]:
    """Return the distinct terms of a question, in order."""
    return list(dict.fromkeys(term for term, _ in terms(text)))


def query_forms(text: str, languages: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Analyze a question for an index that holds texts in several languages.

    Args:
        text: the question.
        languages: codes of the languages, besides English.

    Returns:
        By each distinct term the forms that its word has in English and in the languages. A stop
        word of the question's own language has no forms.
    """
    if not languages:
        return {term: (term,) for term in query_terms(text)}
    words, _ = _words(text, _stop_words(""), True)
    ignored = LANGUAGES[own].function_words if (own := question_language(text, languages)) else frozenset()
    stems = {language: _stem(words, language) for language in languages}
    forms: dict[str, dict[str, None]] = {}
    for index, (word, term) in enumerate(zip(words, _stem(words), strict=True)):
        known = forms.setdefault(term, {})
        if word not in ignored:
            known[term] = None
            known.update((stems[code][index], None) for code in languages if word not in _stop_words(code))
    return {term: tuple(known) for term, known in forms.items()}


def terms_in(text: str, forms: Mapping[str, Sequence[str]], languages: Sequence[str]) -> set[str]:
    """Find the terms of a question that a text in any of some languages has.

    Args:
        text: the text.
        forms: of the question, as of `query_forms`.
        languages: codes of the languages, besides English.
    """
    found = {term for term, _ in terms(text)}.union(*({term for term, _ in terms(text, code)} for code in languages))
    return {term for term, known in forms.items() if not found.isdisjoint(known)}


def word_spans(text: str) -> list[tuple[int, int, str]]:
    """Split a short text into words.

    Returns:
        For each word its start, its end and its term; the term of a stop word is "".
    """
    stop_words = _stop_words("")
    spans = [(match.start(), match.end(), match[0].lower()) for match in _WORD.finditer(text)]
    words = ["" if word in stop_words or len(word) > _MAX_TERM_LENGTH else word for _, _, word in spans]
    return [(start, end, term) for (start, end, _), term in zip(spans, _stem(words), strict=True)]


def _words(text: str, stop_words: frozenset[str], accents: bool = False) -> tuple[list[str], list[int]]:
    """Split a text into lower-case words and parts of identifiers, each with its offset.

    Args:
        text: the text.
        stop_words: words to leave out.
        accents: whether a word such as Übung is one word. In English texts it has ever been taken
            for an identifier of two parts, and the terms of old crystals must stay the same.
    """
    words: list[str] = []
    offsets: list[int] = []
    for match in _WORD.finditer(text):
        word = match[0]
        lower = word.lower()
        if len(lower) > _MAX_TERM_LENGTH or lower in stop_words:
            continue
        start = match.start()
        is_word = accents and word.isalpha() and (word[1:].islower() or word.isupper())
        if not is_word and (word != lower or "_" in word or not word.isalpha()):
            parts = _IDENTIFIER_PART.findall(word)
            if len(parts) > 1:
                for part in parts:
                    lower_part = part.lower()
                    if lower_part not in stop_words:
                        words.append(lower_part)
                        offsets.append(start)
        words.append(lower.strip("_") or lower)
        offsets.append(start)
    return words, offsets


@cache
def _stop_words(language: str) -> frozenset[str]:
    """Return the words that are left out of texts of a language."""
    english = LANGUAGES[ENGLISH].function_words
    return english | LANGUAGES[language].function_words if language else english


@cache
def _stemmer(language: str) -> Stemmer:
    import Stemmer

    return Stemmer.Stemmer(LANGUAGES[language or ENGLISH].stemmer, _STEM_CACHE)


def _stem(words: list[str], language: str = "") -> list[str]:
    stemmed: list[str] = _stemmer(language).stemWords(words)
    return stemmed
