"""Text analysis: text to the terms that BM25 counts.

Terms are words in lower case, stemmed by the language of the text (Snowball; Porter2 for English).
Identifiers are indexed whole and in parts: `parseGaugeRecord` gives `parsegaugerecord`, `pars`,
`gaug` and `record`. Stop words are left out: they are a third of the postings and do not change the
ranking. Those of English are left out of every text. Text that is not ASCII is brought to one form
of Unicode, and scripts without spaces have pairs of letters for terms (`unicode_words`).

A crystal keeps the analysis that its terms were made with. The first one split text at marks, knew
one spelling from another, and had one term for a whole sentence of Chinese. The second one counted
the names of a table's columns in every row; now they count once in an atom.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING

from crystalcli.lexical.languages import ENGLISH, LANGUAGES, question_language
from crystalcli.lexical.unicode_words import fold, split_word, word_matches

if TYPE_CHECKING:
    from Stemmer import Stemmer

ANALYSIS = 3  # this program's own; crystals of analysis 1 and 2 are read, too
NAMES_ONCE_SINCE = 3  # the analysis since which names of columns count once in an atom
_FIRST_ANALYSIS = 1
_WORD = re.compile(r"\w+")
_IDENTIFIER_PART = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_]+|\d+")
_MAX_TERM_LENGTH = 64  # characters; longer strings are data, not words
_STEM_CACHE = 50_000  # words


def terms(text: str, language: str = "", analysis: int = ANALYSIS) -> Iterator[tuple[str, int]]:
    """Analyze a text.

    Args:
        text: the text.
        language: its language; "": English.
        analysis: the analysis of the crystal that the terms are for.

    Returns:
        Each term with the character offset of the word it comes from, in order.
    """
    words, offsets = _words(text, _stop_words(language), analysis, bool(language))
    return zip(_stem(words, language), offsets, strict=True)


def query_terms(text: str) -> list[str]:
    """Return the distinct terms of a question, in order."""
    return list(dict.fromkeys(term for term, _ in terms(text)))


def query_forms(text: str, languages: Sequence[str], analysis: int = ANALYSIS) -> dict[str, tuple[str, ...]]:
    """Analyze a question for an index that holds texts in several languages.

    Args:
        text: the question.
        languages: codes of the languages, besides English.
        analysis: the analysis of the index.

    Returns:
        By each distinct term the forms that its word has in English and in the languages. A stop
        word of the question's own language has no forms.
    """
    if not languages and analysis != _FIRST_ANALYSIS:
        return {term: (term,) for term in query_terms(text)}
    words, offsets = _words(text, _stop_words(""))
    ignored = LANGUAGES[own].function_words if (own := question_language(text, languages)) else frozenset()
    stems = {language: _stem(words, language) for language in languages}
    forms: dict[str, dict[str, None]] = {}
    by_offset: dict[int, dict[str, None]] = {}
    for index, (word, term) in enumerate(zip(words, _stem(words), strict=True)):
        known = forms.setdefault(term, {})
        by_offset.setdefault(offsets[index], known)
        if word not in ignored:
            known[term] = None
            known.update((stems[code][index], None) for code in languages if word not in _stop_words(code))
    if analysis == _FIRST_ANALYSIS:
        for match in _WORD.finditer(text):
            if match.start() in by_offset and not match[0].isascii():
                by_offset[match.start()].update(
                    (term, None) for code in ("", *languages) for term, _ in terms(match[0], code, analysis)
                )
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
        For each word its start, its end and its term; the term of a stop word is "". A run of a
        script without spaces has a word for each pair of letters, which begins at the first.
    """
    stop_words = _stop_words("")
    spans: list[tuple[int, int]] = []
    words: list[str] = []
    for match in word_matches(text):
        pieces = [] if match[0].isascii() else split_word(match[0], match.start())
        if all(piece.is_word for piece in pieces):
            word = fold(match[0])
            spans.append(match.span())
            words.append("" if word in stop_words or len(word) > _MAX_TERM_LENGTH else word)
            continue
        longest = list({piece.start: piece for piece in pieces}.values())
        ends = [piece.start for piece in longest[1:]] + [match.end()]
        spans += zip((piece.start for piece in longest), ends, strict=True)
        words += [fold(piece.text) for piece in longest]
    return [(start, end, term) for (start, end), term in zip(spans, _stem(words), strict=True)]


def _words(
    text: str, stop_words: frozenset[str], analysis: int = ANALYSIS, accents: bool = True
) -> tuple[list[str], list[int]]:
    """Split a text into words and parts of identifiers in lower case, each with its offset.

    Args:
        text: the text.
        stop_words: words to leave out.
        analysis: the analysis.
        accents: whether a word such as Übung is one word. The first analysis took it for an
            identifier of two parts in English texts.
    """
    words: list[str] = []
    offsets: list[int] = []

    def add(word: str, lower: str, start: int, is_word: bool) -> None:
        if len(lower) > _MAX_TERM_LENGTH or lower in stop_words:
            return
        if not is_word and (word != lower or "_" in word or not word.isalpha()):
            parts = _IDENTIFIER_PART.findall(word) if is_first or word.isascii() else _identifier_parts(word)
            if len(parts) > 1:
                for part in parts:
                    lower_part = part.lower() if is_first else fold(part)
                    if lower_part not in stop_words:
                        words.append(lower_part)
                        offsets.append(start)
        words.append(lower.strip("_") or lower)
        offsets.append(start)

    is_first = analysis == _FIRST_ANALYSIS
    for match in _WORD.finditer(text) if is_first else word_matches(text):
        word, start = match[0], match.start()
        if word.isascii() and word.isalpha() and word.islower():  # most words
            if len(word) <= _MAX_TERM_LENGTH and word not in stop_words:
                words.append(word)
                offsets.append(start)
            continue
        if is_first or word.isascii():
            is_word = accents and word.isalpha() and (word[1:].islower() or word.isupper())
            add(word, word.lower(), start, is_word)
            continue
        for piece in split_word(word, start):
            if piece.is_word:
                add(piece.text, fold(piece.text), piece.start, False)
            else:
                words.append(piece.text)
                offsets.append(piece.start)
    return words, offsets


def _identifier_parts(word: str) -> list[str]:
    """Split an identifier in any letters at its capitals, digits and underscores."""
    shape = "".join(map(_shape, word))
    return [word[match.start() : match.end()] for match in _IDENTIFIER_PART.finditer(shape)]


def _shape(letter: str) -> str:
    """Return the ASCII letter that a letter is like; a mark is part of a word in lower case."""
    if letter.isnumeric():
        return "0"
    return "A" if letter.isupper() else "_" if letter == "_" else "a"


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
