"""Which way a script runs, and in which order its letters and words are read that stand on one line.

Knows the classes that Unicode gives to characters, and what pdfium makes of letters that run to the left: it gives a word of them in
the order in which it is read, so that each letter stands to the left of the one before. Does not know pages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby
from typing import TypeVar

_FIRST = "\u0590"  # no character before it runs to the left
_ALEFS = frozenset("\u0622\u0623\u0625\u0627")
_LAM = "\u0644"
_FORMS = ("\ufb1d", "\ufeff")  # of letters as they are drawn: at the end of a word, joined with another, ...


Some = TypeVar("Some")


def runs_left(character: str) -> bool:
    """Whether it is a letter of Hebrew, Arabic or another script that runs to the left."""
    return character >= _FIRST and unicodedata.bidirectional(character) in ("R", "AL")


def is_mark(character: str) -> bool:
    """Whether it is a vowel or another mark of such a script, drawn over or under a letter."""
    return "\u0590" <= character <= "\u08ff" and unicodedata.combining(character) != 0


def balance(text: str) -> int:
    """How many more letters run to the right than to the left. Digits and marks count for neither."""
    if text.isascii():
        return sum(map(str.isalpha, text))
    return sum(-1 if runs_left(each) else each.isalpha() for each in text)


def has_leftward(text: str) -> bool:
    """Whether any of its letters runs to the left."""
    return not text.isascii() and any(map(runs_left, text))


def as_letters(text: str) -> str:
    """The forms in which such letters are drawn as the letters that they are."""
    if text.isascii() or not any(_FORMS[0] <= each < _FORMS[1] for each in text):
        return text
    return "".join(unicodedata.normalize("NFKC", each) if _FORMS[0] <= each < _FORMS[1] else each for each in text)


def unturned(characters: str) -> bool:
    """Whether what one glyph stands for is in the order in which it is read; pdfium turns it round, but for what is a form of its own.

    A glyph that is lam and alef is the most frequent of all, and none is alef and lam.
    """
    return len(characters) < 2 or (len(characters) == 2 and characters[0] == _LAM and characters[1] in _ALEFS)


def in_order(parts: Sequence[Some], balances: Sequence[int], leftward: bool) -> list[int]:
    """In which order the parts of a line are read, which are given from left to right; as their indices.

    balances: as of `balance`, 0 for what has no letters, such as a number. leftward: the line as a whole runs to the left. Neighbours
    that run the other way are read in their own order among themselves, with the numbers between them.
    """
    order = list(range(len(parts)))
    if leftward:
        order.reverse()
    other = [balances[at] > 0 if leftward else balances[at] < 0 for at in order]
    for place in range(1, len(order) - 1):  # a number stands with the words on both its sides
        if balances[order[place]] == 0 and other[place - 1]:
            following = next((at for at in range(place + 1, len(order)) if balances[order[at]] != 0), None)
            other[place] = following is not None and other[following]
    out: list[int] = []
    for is_other, run in groupby(zip(other, order, strict=True), key=lambda pair: pair[0]):
        numbers = [number for _, number in run]
        out += reversed(numbers) if is_other else numbers
    return out
