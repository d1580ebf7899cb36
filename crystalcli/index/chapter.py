"""The chapter that a heading names: its number, in figures or words, and its title.

Knows: the path of headings above a place, as landmarks have it. Does not know: where headings
stand, nor how many there are.
"""

from __future__ import annotations

import re

from crystalcli.datatypes import HEADING_JOINT, Chapter

# Kinds of documents that have chapters; in others, headings are names of conversations and cells.
CHAPTERED = frozenset(("text", "epub", "fb2", "mobi", "markdown", "rst", "markup", "pdf", "docx", "odt", "html"))
# Words for parts that hold chapters, and for chapters.
VOLUME_KEYS = ("volume", "vol", "book", "part", "act")
CHAPTER_KEYS = ("chapter", "letter", "canto", "stave", "scene", "lecture", "appendix", "section")
_UNITS = [
    *("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
]
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()  # noqa: SIM905
_TENS = {word: 10 * ten for ten, word in enumerate("twenty thirty forty fifty sixty seventy eighty ninety".split(), 2)}  # noqa: SIM905
_ROMAN_VALUES = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100, "d": 500, "m": 1000}
_ROMAN = "(?=[IVXLCDM])M{0,3}(?:CM|CD|D?C{0,4})(?:XC|XL|L?X{0,4})(?:IX|IV|V?I{0,4})"
_WORD = rf"(?:(?:{'|'.join(_TENS)})[ -])?(?:{'|'.join(sorted(_UNITS, key=len, reverse=True))})|{'|'.join(_TENS)}"
_GAP = r"(?:[.:)]? ?[—–-] ?|[.:)] ?| )"
_KEY, _ORDINAL = "|".join(VOLUME_KEYS + CHAPTER_KEYS), "|".join(_ORDINALS)
_KEYED = re.compile(
    rf"(?:the )?(?:(?P<key>{_KEY})\.? (?:the )?(?P<number>\d{{1,3}}|{_ROMAN}|{_WORD}|{_ORDINAL})|"
    rf"(?P<ordinal>{_ORDINAL}) (?P<key2>{_KEY}))\b[.:]?(?:{_GAP}(?P<title>\S.*))?",
    re.IGNORECASE,
)  # fmt: skip
# Without such a word, a Roman numeral needs a mark behind it: "I Am Legend" has no number.
_NUMERAL = re.compile(
    rf"(?P<number>\d{{1,3}}|{_ROMAN})(?:[.:)]?|(?:[.:)]? ?[—–-] ?|[.:)] ?|(?<=\d) )(?P<title>[^\W\d_].*|[“\"‘'(].*))"
)


def parse_heading(heading: str) -> Chapter:
    """Read the number and the title in one heading, without those above it."""
    label = " ".join(heading.split())
    if (match := _KEYED.fullmatch(label)) is not None:
        key, number = (match["key"] or match["key2"]).lower(), match["number"] or match["ordinal"]
        is_letter = key == "appendix" and number.isalpha() and len(number) == 1  # A, B, C: not 100
        return Chapter(None if is_letter else parse_number(number), (match["title"] or "").rstrip(" ."), label, key)
    if (match := _NUMERAL.fullmatch(label)) is not None:
        return Chapter(parse_number(match["number"]), (match["title"] or "").rstrip(" ."), label)
    return Chapter(None, label, label)


def chapter_under(path: str, title: str = "") -> Chapter | None:
    """Find the chapter among the headings above a place.

    It is the first that says so ("Chapter III", "Letter IV"), or else the outermost that is neither
    a volume nor the document's title.

    Args:
        path: The headings, outermost first, joined by HEADING_JOINT; "" for no heading.
        title: The document's title.
    """
    headings = [parse_heading(label) for label in path.split(HEADING_JOINT) if label.strip()]
    if len(headings) > 1 and headings[0].number is None and headings[0].label == title:
        del headings[0]
    keyed = (heading for heading in headings if heading.key in CHAPTER_KEYS and heading.key != "section")
    inner = (heading for heading in headings if heading.key not in VOLUME_KEYS)
    return next(keyed, None) or next(inner, None) or (headings[-1] if headings else None)


def parse_number(number: str) -> int | None:
    """Read a number in digits, Roman numerals or English words; None for other text."""
    text = number.lower().removeprefix("the ").replace("-", " ")
    if text.isdecimal():
        return int(text)
    for words in (_UNITS, _ORDINALS):
        if text in words:
            return words.index(text) + 1
    ten, _, unit = text.partition(" ")
    if ten in _TENS:
        return _TENS[ten] + (_UNITS.index(unit) + 1 if unit in _UNITS else 0)
    if not text or any(letter not in _ROMAN_VALUES for letter in text):
        return None
    values = [_ROMAN_VALUES[letter] for letter in text]
    pairs = zip(values, [*values[1:], 0], strict=True)
    return sum(-value if value < following else value for value, following in pairs)
