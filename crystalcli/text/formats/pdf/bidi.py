"""Reading order of letters and words on a line of Hebrew, Arabic or another script that runs left.

Knows: Unicode's bidirectional classes, and pdfium's order: it gives a word that runs to the left in
reading order, so that each letter stands to the left of the one before.
Does not know: pages.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from itertools import groupby

_FIRST = "\u0590"  # no character before it runs to the left
_ALEFS = frozenset("\u0622\u0623\u0625\u0627")
_LAM = "\u0644"
_SIGNS = frozenset("%‰°$€£¥₪+-−#")  # signs at a number, as it is written from the left
# Range of presentation forms: letters as drawn at the end of a word, joined with another, ...
_FORMS = ("\ufb1d", "\ufeff")


def runs_left(character: str) -> bool:
    """Return true for a letter of Hebrew, Arabic or another script that runs to the left."""
    return character >= _FIRST and unicodedata.bidirectional(character) in ("R", "AL")


def is_mark(character: str) -> bool:
    """Return true for a vowel or another mark of such a script, drawn over or under a letter."""
    return "\u0590" <= character <= "\u08ff" and unicodedata.combining(character) != 0


def balance(text: str) -> int:
    """Return the number of letters that run to the right less that of letters that run to the left.

    Digits and marks count for neither.
    """
    if text.isascii():
        return sum(map(str.isalpha, text))
    return sum(-1 if runs_left(item) else item.isalpha() for item in text)


def has_leftward(text: str) -> bool:
    """Return true if any letter runs to the left."""
    return not text.isascii() and any(map(runs_left, text))


def as_letters(text: str) -> str:
    """Replace the presentation forms of such letters by the letters."""
    if text.isascii() or not any(_FORMS[0] <= item < _FORMS[1] for item in text):
        return text
    return "".join(unicodedata.normalize("NFKC", item) if _FORMS[0] <= item < _FORMS[1] else item for item in text)


def unturned(characters: str) -> bool:
    """Return true if the characters of one glyph are in reading order.

    pdfium turns them round, except for presentation forms. A glyph for lam and alef is the most
    frequent of all; fonts have no glyph for alef and lam.
    """
    return len(characters) < 2 or (len(characters) == 2 and characters[0] == _LAM and characters[1] in _ALEFS)


def reading_order(texts: Sequence[str], leftward: bool) -> list[int]:
    """Return the indices of the parts of a line in reading order.

    Neighbours that run against the line are read in their own order: with what stands between them,
    in a line that runs to the left with the number behind them, and a number with its sign.

    Args:
        texts: the parts, from left to right.
        leftward: true if the line as a whole runs to the left.
    """
    balances = [balance(text) for text in texts]
    other = [item > 0 if leftward else item < 0 for item in balances]
    for at in [number for number, is_other in enumerate(other) if is_other]:
        end = next((after for after in range(at + 1, len(texts)) if balances[after]), len(texts))
        is_between = end < len(texts) and other[end]
        numbers = [after for after in range(at + 1, end) if leftward and any(map(str.isdigit, texts[after]))]
        last = end if is_between else 1 + max(numbers, default=at)
        other[at:last] = [True] * (last - at)
    for at in range(len(texts) - 1) if leftward else ():
        one, two = texts[at], texts[at + 1]
        if (one[-1].isdigit() and two in _SIGNS) or (one in _SIGNS and two[0].isdigit()):
            other[at] = other[at + 1] = True
    order = list(range(len(texts)))
    if leftward:
        order.reverse()
    out: list[int] = []
    for is_other, run in groupby(order, key=lambda at: other[at]):
        numbers = list(run)
        out += reversed(numbers) if is_other else numbers
    return out
