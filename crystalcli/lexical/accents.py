"""Accents: the spellings of a word with an accent, or without its own.

People type "Andrey" where a book has "Andréy", and "Čapek" where it has "Capek".

Knows: letters of the Latin script. Does not know: which spellings a text has.
"""

from __future__ import annotations

import unicodedata
from functools import cache

from crystalcli.lexical.unicode_words import fold

# The combining marks of the languages of Europe: grave, acute, circumflex, tilde, macron, breve,
# dot, diaeresis, ring, double acute, caron, cedilla, ogonek.
_MARKS = "\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0327\u0328"
_STROKES = {"d": "đ", "l": "ł", "o": "ø"}  # letters that no mark is split from


def accented_spellings(word: str) -> list[str]:
    """Give the spellings of a word that differ from it in accents.

    Args:
        word: A word.

    Returns:
        The word without its accents, where it has any; else those with one more, folded. None for
        identifiers and numbers.
    """
    folded = fold(word)
    if not folded.isalpha():
        return []
    plain = without_accents(folded)
    if plain != folded:
        return [plain]
    return [
        f"{folded[:place]}{accented}{folded[place + 1 :]}"
        for place, letter in enumerate(folded)
        for accented in _accented(letter)
    ]


def without_accents(text: str) -> str:
    """Give a text without the marks on its Latin letters."""
    if text.isascii():
        return text
    return "".join(_plain(letter) for letter in unicodedata.normalize("NFC", text))


@cache
def _accented(letter: str) -> tuple[str, ...]:
    """Give the letters that are a Latin letter with an accent."""
    if not ("a" <= letter <= "z"):
        return ()
    composed = [unicodedata.normalize("NFC", letter + mark) for mark in _MARKS]
    return (*(each for each in composed if len(each) == 1), *_STROKES.get(letter, ""))


@cache
def _plain(letter: str) -> str:
    """Give the Latin letter below the accents of a letter; other letters as they are."""
    first = unicodedata.normalize("NFD", letter)[0]
    if first.isascii():
        return first
    plain = next((plain for plain, stroked in _STROKES.items() if stroked == letter.lower()), "")
    return (plain.upper() if letter.isupper() else plain) or letter
