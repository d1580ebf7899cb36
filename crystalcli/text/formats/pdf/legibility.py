"""Letters without meaning: what a page says whose fonts do not tell which letters they draw.

Knows the look of words in any language: they are letters more than signs, of one script, and in
Latin letters a third of them are vowels. Does not know any language, nor the glyphs as drawn.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from itertools import pairwise

FEWEST_LETTERS = 120  # of a page that can be judged
FEWEST_VOWELS = 0.27  # of Latin letters; a language has 0.35 to 0.5
MOST_MUTE = 0.2  # of words of four letters and more, without any vowel; a language has 0.02
FEWEST_READABLE = 0.35  # of all characters that are letters or digits
MOST_UNKNOWN = 0.3  # of all characters that Unicode gives no meaning
MOST_ACCENTED = 0.5  # of Latin letters; Vietnamese has 0.3
FEWEST_SIGNS = 8  # different ones; a line of dots is no text without meaning
JUDGED = 3000  # characters of a page; more do not change the verdict
_LATIN = re.compile("[A-Za-z\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u024f]")
_VOWEL = re.compile("[aeiouyæœøı]")
_WORD = re.compile(r"[^\W\d_]{4,}")
_MARKS = re.compile("[\u0300-\u036f]")


def is_legible(text: str) -> bool:
    """Tell whether the letters of a page may mean something; true where there are few of them.

    Args:
        text: the text of a page.
    """
    text = text[:JUDGED]
    shown = "".join(text.split())
    if len(shown) < FEWEST_LETTERS:
        return True
    if not text.isascii():
        unknown = sum(
            unicodedata.category(character) in ("Co", "Cn", "Cs") for character in shown if character > "\x7f"
        )
        if unknown + shown.count("\ufffd") > MOST_UNKNOWN * len(shown):
            return False
    readable = sum(map(str.isalnum, shown))
    if readable < FEWEST_READABLE * len(shown):
        signs = {character for character in shown if unicodedata.category(character)[0] in "PS"}
        return len(signs) < FEWEST_SIGNS
    letters = _LATIN.findall(shown)
    if len(letters) < FEWEST_LETTERS or 2 * len(letters) < readable:
        return True
    if sum(not character.isascii() for character in letters) > MOST_ACCENTED * len(letters):
        return False
    plain = text.lower() if text.isascii() else _MARKS.sub("", unicodedata.normalize("NFD", text.lower()))
    if len(_VOWEL.findall(plain)) >= FEWEST_VOWELS * len(letters):
        return True
    words = _WORD.findall(plain)
    return sum(_VOWEL.search(word) is None for word in words) <= MOST_MUTE * len(words)


def page_ranges(numbers: Sequence[str]) -> str:
    """Return labels of pages as `p. 1-3, 7`; those in a row are rising numbers."""
    runs: list[list[str]] = [[label] for label in numbers[:1]]
    for before, label in pairwise(numbers):
        if before.isdecimal() and label.isdecimal() and int(label) == int(before) + 1:
            runs[-1].append(label)
        else:
            runs.append([label])
    return "p. " + ", ".join(run[0] if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
