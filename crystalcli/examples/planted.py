"""A sentence that no model can know, put into a text, and the question that asks for it.

Knows: made-up harbours and code words, where a sentence ends. Does not know: who reads the text.
"""

from __future__ import annotations

import random
import re
from typing import NamedTuple

_BEGINNINGS = ("Brin", "Dros", "Eld", "Hask", "Merr", "Orl", "Quell", "Tham", "Ulver", "Wend")
_ENDS = ("combe", "garth", "holm", "mar", "moor", "ness", "stead", "wick")
_FIRST = ("amber", "brass", "copper", "crimson", "hollow", "ivory", "pewter", "scarlet", "silver", "velvet")
_SECOND = ("badger", "cormorant", "falcon", "heron", "lantern", "magpie", "otter", "saddle", "thimble", "walnut")
_END = re.compile(r"[.!?]['\"”’]?(?=\s)")
_WORD = re.compile(r"[^\W_]+")
_FAR = 2_000  # characters in which a sentence is looked for that ends


class Fact(NamedTuple):
    """A made-up fact.

    Attributes:
        sentence: The words that are put into the text.
        question: The question about it.
        answer: The words of the sentence that the question asks for.
    """

    sentence: str
    question: str
    answer: str


def fact(seed: int) -> Fact:
    """Make up one of 8,000 facts; the same seed gives the same one."""
    chance = random.Random(seed)
    harbour = chance.choice(_BEGINNINGS) + chance.choice(_ENDS)
    word = f"{chance.choice(_FIRST)} {chance.choice(_SECOND)}"
    return Fact(
        f"The harbour master of {harbour} opens the night gate to nobody who does not know the code word, which is {word}.",
        f"What is the code word for the night gate of {harbour}?",
        word,
    )


def place(text: str, at: int) -> int:
    """Find a place for a sentence in the text: behind the first one that ends at `at` or later, or `at` where no sentence ends nearby.

    Args:
        text: The text.
        at: A position in it, in characters.
    """
    end = _END.search(text, at, at + _FAR)
    return end.end() if end else min(at, len(text))


def contains(text: str, answer: str) -> bool:
    """Tell whether the words of the answer stand in a text, whatever the case, the spaces and the hyphens."""
    return _words(answer) in _words(text)


def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
