"""Types of values in a sentence: times, days, dates, addresses, numbers and units, codes, names.

Two statements about the same thing have values of the same type: "25 km" and "30 km", not "25 km"
and "12 minutes".

Knows: English forms of values. Does not know: what is stated.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MONTH = "(?:January|February|March|April|May|June|July|August|September|October|November|December)"
_TIME = re.compile(
    r"\b\d{1,2}:\d\d\b|\b\d{1,2}\.\d\d\b(?! ?(?:%|[a-z])|[.,]\d)|\b\d{1,2} ?[ap]\.?m\b|\b(?:noon|midnight)\b"
)
WEEKDAY = "(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day"
_WEEKDAY = re.compile(rf"\b{WEEKDAY}s?\b")
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {MONTH}(?: \d{{4}})?\b|\b{MONTH} \d{{1,2}}\b|\b\d{{4}}-\d\d-\d\d\b"
)
_ADDRESS = re.compile(r"\b\d+[a-z]? [A-Z][a-z]+(?: [A-Z][a-z]+)*")
_CODE = re.compile(r"\b(?=[\w-]*\d)(?=[\w-]*[A-Za-z])[\w-]{3,}\b")
_NUMBER = re.compile(r"[€£$]? ?\b\d[\d.,]*(?: ?(%|[a-zA-Zµ°€£$]+))?")
_NAME = re.compile(r"(?<=[\w,;] )[A-Z][\w'’-]+|^[A-Z][a-z]+ [A-Z][a-z]+")
_UNITS = frozenset((
    "kg", "g", "mg", "km", "m", "cm", "mm", "ml", "l", "mile", "kilo", "gram",
    "metre", "meter", "litre", "liter", "minute", "hour", "second", "day", "week", "month", "year", "euro",
    "pound", "dollar", "krone", "cent", "penny", "%", "percent", "degree", "page", "time", "people", "inch",
    "foot", "ton", "€", "£", "$", "°c",
))  # fmt: skip
_NO_UNITS = frozenset((
    "a", "an", "in", "on", "at", "of", "and", "by", "from", "now", "it", "this",
    "for", "to", "the", "is", "or", "each", "instead", "more", "than", "per", "as", "with",
    "are", "was", "be", "will", "until", "opens", "opened",
))  # fmt: skip


class ValueType(NamedTuple):
    """A type of values.

    Attributes:
        kind: "time", "weekday", "date", "address", "number", "code" or "name".
        unit: The unit of a number, in the singular; "" without one.
    """

    kind: str
    unit: str = ""


def value_types(text: str) -> frozenset[ValueType]:
    """Find the types of the values in a text."""
    found: set[ValueType] = set()
    for kind, pattern in (("time", _TIME), ("weekday", _WEEKDAY), ("date", _DATE), ("address", _ADDRESS)):
        if pattern.search(text):
            found.add(ValueType(kind))
            text = pattern.sub(" # ", text)
    if _CODE.search(text):
        found.add(ValueType("code"))
        text = _CODE.sub(" # ", text)
    for match in _NUMBER.finditer(text):
        unit = (match[1] or "").lower()
        found.add(ValueType("number", "" if unit in _NO_UNITS else unit.removesuffix("s")))
    if any(match[0] not in ("I'm", "I've", "I'll") for match in _NAME.finditer(text)):
        found.add(ValueType("name"))
    return frozenset(found)


def may_be_values_of_one_thing(types: frozenset[ValueType], others: frozenset[ValueType]) -> bool:
    """Tell whether two sentences have values of one type; True where the first has none."""
    kinds, other_kinds = ({each.kind for each in side if each.kind != "number"} for side in (types, others))
    if not types or kinds & other_kinds:
        return True
    units, other_units = ({each.unit for each in side if each.kind == "number"} for side in (types, others))
    if not units or not other_units:
        return False
    named, other_named = (side & _UNITS for side in (units, other_units))
    return bool(units & other_units) or not (named or other_named) or not other_units - {""}
