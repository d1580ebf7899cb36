"""The numbers in a text, in digits or words: 1,200, twelve hundred, £1.2k, 1990s, third.

Knows: English number words and Western digits. Does not know: signs, since a minus and a hyphen
look the same.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

MONTHS = (
    "january february march april may june july august september october november december".split()  # noqa: SIM905
)


class Number(NamedTuple):
    """A number in a text.

    Attributes:
        start: Its first character.
        end: The character after its last.
        values: The values that it may have.
        unit: "%", a sign of currency, or "".
    """

    start: int
    end: int
    values: frozenset[Decimal]
    unit: str


_CARDINALS = """
    zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen
""".split()  # noqa: SIM905 - a list would take a page
_ORDINALS = """
    zeroth first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth
    seventeenth eighteenth nineteenth
""".split()  # noqa: SIM905
_SMALL = {word: value for words in (_CARDINALS, _ORDINALS) for value, word in enumerate(words)} | {"dozen": 12}
_TENS = {
    stem + ending: 10 * value
    for value, stem in enumerate(("twent", "thirt", "fort", "fift", "sixt", "sevent", "eight", "ninet"), 2)
    for ending in ("y", "ieth")
}
_SCALES = {
    "hundred": 100,
    "hundredth": 100,
    "thousand": 1_000,
    "thousandth": 1_000,
    "million": 10**6,
    "billion": 10**9,
    "trillion": 10**12,
}
_SHORT = {"k": 1_000, "m": 10**6, "mn": 10**6, "bn": 10**9, "b": 10**9, "tn": 10**12}
_NAMES = "|".join(sorted({*_SMALL, *_TENS, *_SCALES}, key=len, reverse=True))
_WORDS = re.compile(rf"(?<![\w-])(?:{_NAMES})(?:(?:[ \n-]+|,? and )(?:{_NAMES}))*(?!\w)", re.IGNORECASE)
_DIGITS = re.compile(
    r"(?P<money>[$£€¥]\s?)?(?<![\w])(?<!\d[.,])(?P<number>\d{1,3}(?:[,\u00a0\u202f]\d{3})+(?![\d])(?:\.\d+)?|\d+(?:\.\d+)?)"
    r"(?:(?P<percent>\s?(?:%|per\s?cent\b))|\s?(?P<scale>hundred|thousand|million|billion|trillion)\b"
    r"|\s?(?P<short>k|mn|m|bn|b|tn)(?![\w])|\s?(?P<half>p\.?m\b\.?)|(?:st|nd|rd|th|s)(?!\w))?",
    re.IGNORECASE,
)


def find_numbers(text: str) -> Iterator[Number]:
    """Find the numbers of a text: those in digits in order, then those in words.

    Args:
        text: The text.
    """
    in_digits: list[tuple[int, int]] = []
    for match in _DIGITS.finditer(text):
        in_digits.append(match.span())
        value = Decimal(re.sub("[,\u00a0\u202f]", "", match["number"]))
        values = {value}
        if match["scale"]:
            values = {value * _SCALES[match["scale"].lower()]}
        elif match["short"]:
            values.add(value * _SHORT[match["short"].lower()])  # or 5 m of rope
        elif match["half"]:
            values.add(value + 12)
        unit = (match["money"] or "").strip() or ("%" if match["percent"] else "")
        yield Number(match.start(), match.end(), frozenset(values), unit)
    for match in _WORDS.finditer(text):
        index = bisect_right(in_digits, (match.start(), len(text))) - 1
        if index >= 0 and match.start() < in_digits[index][1]:  # the million of 1.2 million
            continue
        unit = "%" if re.match(r"\s?(?:%|per\s?cent\b)", text[match.end() : match.end() + 12]) else ""
        yield Number(match.start(), match.end(), frozenset(_values_of_words(match[0])), unit)


def _values_of_words(text: str) -> set[Decimal]:
    """Compute the values that number words may have; `nineteen eighty-four` is a year."""
    total = current = 0
    parts: list[int] = []
    for word in re.findall(r"[a-z]+", text.lower()):
        if word in _SCALES:
            scale = _SCALES[word]
            if scale == 100:
                current = max(1, current) * 100
            else:
                total, current = total + max(1, current) * scale, 0
        elif word != "and":
            small = _TENS.get(word, _SMALL.get(word, 0))
            if 0 < current < 100 and (current % 10 or current == 10 or small >= 10):
                parts.append(current)
                current = small
            else:
                current += small
    value = total + current
    if len(parts) == 1 and not total and 10 <= parts[0] <= 21 and current < 100:
        return {Decimal(100 * parts[0] + current)}
    return {Decimal(value), *map(Decimal, parts)}
