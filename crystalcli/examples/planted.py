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
_SEARCH_LENGTH = 2_000  # characters in which the end of a sentence is searched for


class Fact(NamedTuple):
    """A made-up fact.

    Attributes:
        sentence: The sentence to put into the text.
        question: The question about it.
        answer: The words of the sentence that answer the question.
    """

    sentence: str
    question: str
    answer: str


def fact(seed: int) -> Fact:
    """Make up one of 8,000 facts; the same seed gives the same one."""
    generator = random.Random(seed)
    harbour = generator.choice(_BEGINNINGS) + generator.choice(_ENDS)
    word = f"{generator.choice(_FIRST)} {generator.choice(_SECOND)}"
    return Fact(
        f"The harbour master of {harbour} opens the night gate to nobody who does not know the code word, which is {word}.",
        f"What is the code word for the night gate of {harbour}?",
        word,
    )


def place(text: str, position: int) -> int:
    """Find a place for a sentence in the text.

    Args:
        text: The text.
        position: The first place that is allowed, in characters.

    Returns:
        The end of the first sentence that ends at `position` or later, in characters; `position`
        itself if no sentence ends nearby, or the end of a shorter text.
    """
    end = _END.search(text, position, position + _SEARCH_LENGTH)
    return end.end() if end else min(position, len(text))


def contains(text: str, answer: str) -> bool:
    """Tell whether a text contains the answer's words; ignores case, spaces and hyphens."""
    return _words(answer) in _words(text)


def _words(text: str) -> str:
    return " ".join(["", *_WORD.findall(text.casefold()), ""])
