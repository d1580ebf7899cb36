"""Values that a question asks for: counts, days, times, shares and lengths that sentences state.

    How many problems have I solved?      a count of problems: "I have solved 12 hard problems", 12
    When is my call with Ann?             a day: "The call is on April 22", April 22
    What is my blood pressure?            any number: "It is 135/82 now", 135 and 82

Knows: English forms of questions and values. Does not know: what a sentence is about.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

from crystalcli.lexical import query_terms

_MONTH = "January|February|March|April|May|June|July|August|September|October|November|December"
_DAY = re.compile(
    rf"\b(?:{_MONTH}) \d{{1,2}}\b|\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})\b|\b\d{{4}}-\d\d-\d\d\b"
    r"|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day\b"
)
_TIME = re.compile(r"\b\d{1,2}(?::\d\d)? ?[ap]\.?m\b|\b\d{1,2}:\d\d\b|\b(?:noon|midnight)\b", re.IGNORECASE)
_SHARE = re.compile(r"\b\d[\d.,]* ?(?:%|percent\b)")
_NUMERAL = r"(?:\d[\d.,]*\d|\d|\b(?:two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)"
_LENGTH = re.compile(
    rf"(?:{_NUMERAL}|\b(?:an?|one|half an?)\b)[ -](?:second|minute|min|hour|day|week|month|year)s?\b", re.IGNORECASE
)
_NUMBER = re.compile(rf"[€£$]?{_NUMERAL}", re.IGNORECASE)
_WORDS_BEHIND = re.compile(r"(?:[ -][\w'’-]+){1,4}")
_NAMED_BEFORE = re.compile(r"\b(?:to|reached|now|total of|is|are|at)\W*\Z", re.IGNORECASE)
_UNIT = re.compile(r"\d ?(%|[^\W\d_]+)")
_HOW_MANY = re.compile(
    r"\b(?:how many|number of) ((?:[\w'’-]+ ){0,4}?[\w'’-]+?)"
    r"(?= (?:an?|per|have|has|did|do|does|are|is|am|were|was|can|will|I|we|my|our|in|of|to|for|on)\b|[?.,]|\Z)",
    re.IGNORECASE,
)
# No one statement has the answer to these.
_OPEN = re.compile(
    r"\A\W*(?:what|which) (?:are|were) (?!my\b|the\b|our\b)|\bsome\b|\bdo you\b|\bdifferent\b"
    r"|\bhow (?:many|long)\b.*\b(?:between|from .* (?:to|until))\b",
    re.IGNORECASE,
)
_ADVICE = re.compile(r"\b(?:should|could|can|would) (?:I|we|you)\b", re.IGNORECASE)


class ValueKind(StrEnum):
    """The kind of the value that a question asks for."""

    COUNT = "count"
    DAY = "day"
    TIME = "time"
    SHARE = "share"
    LENGTH = "length"  # of time
    NUMBER = "number"  # or a day: any value with digits
    NAME = "name"  # of a person or a place, which has no form


_ASKED = [
    (ValueKind.TIME, re.compile(r"\b(?:what|which) time\b", re.IGNORECASE)),
    (ValueKind.DAY, re.compile(r"\bwhen\b|\b(?:what|which) (?:date|day)\b|\b(?:deadline|due date)\b", re.IGNORECASE)),
    (ValueKind.LENGTH, re.compile(r"\bhow long\b", re.IGNORECASE)),
    (ValueKind.COUNT, re.compile(r"\bhow many\b|\bnumber of\b", re.IGNORECASE)),
    (ValueKind.SHARE, re.compile(r"\bpercent(?:age)?\b", re.IGNORECASE)),
    (ValueKind.NAME, re.compile(r"\b(?:who|whom|whose|where)\b", re.IGNORECASE)),
]
_FORMS = {ValueKind.DAY: _DAY, ValueKind.TIME: _TIME, ValueKind.SHARE: _SHARE, ValueKind.LENGTH: _LENGTH}


class AskedValue(NamedTuple):
    """The value that a question asks for.

    Attributes:
        kind: Its kind.
        counted: The term of what is counted; "" for other kinds.
    """

    kind: ValueKind
    counted: str = ""


class StatedValues(NamedTuple):
    """The values of the kind asked for in a sentence.

    Attributes:
        exact: Those whose kind is certain, as of a number before what is counted.
        bare: Numbers without a unit, which may be of what is counted.
    """

    exact: frozenset[str]
    bare: frozenset[str] = frozenset()


def read_asked_value(question: str) -> AskedValue | None:
    """Read which value a question asks for; None where no one statement answers it."""
    if _OPEN.search(question):
        return None
    kind = next((kind for kind, form in _ASKED if form.search(question)), ValueKind.NUMBER)
    if kind in (ValueKind.NUMBER, ValueKind.NAME) and _ADVICE.search(question):
        return None
    counted = _HOW_MANY.search(question) if kind is ValueKind.COUNT else None
    terms = query_terms(counted[1]) if counted is not None else []
    return AskedValue(kind, terms[-1] if terms else "")


def stated_values(asked: AskedValue, sentence: str) -> StatedValues:
    """Find the values of the kind asked for in a sentence."""
    if asked.kind is ValueKind.NAME:
        return StatedValues(frozenset())
    if (form := _FORMS.get(asked.kind)) is not None:
        return StatedValues(frozenset(match[0].lower() for match in form.finditer(sentence)))
    days = {match[0].lower() for match in _DAY.finditer(sentence)}
    rest = _TIME.sub(" ; ", _DAY.sub(" ; ", sentence))
    if asked.kind is ValueKind.NUMBER:
        return StatedValues(frozenset(days | {match[0].lower() for match in _NUMBER.finditer(rest)}))
    exact, bare = set(), set()
    for match in _NUMBER.finditer(rest):
        behind = _WORDS_BEHIND.match(rest, match.end())
        words = re.split(r"[ -]", behind[0][1:]) if behind is not None else []
        terms = [query_terms(word) for word in words]
        named = terms[: terms.index([])] if [] in terms else terms  # up to a function word
        if [asked.counted] in named:
            exact.add(match[0].lower())
        elif not named and match[0][0] not in "€£$" and rest[match.end() : match.end() + 1] not in ("%", "/"):
            bare.update([match[0].lower()] if _NAMED_BEFORE.search(rest[: match.start()]) else [])
    return StatedValues(frozenset(exact), frozenset(bare))


def units_of_numbers(sentence: str) -> frozenset[str]:
    """Find the words behind the numbers of a sentence, as terms, and "%"."""
    words = {match[1] for match in _UNIT.finditer(_TIME.sub(" ; ", _DAY.sub(" ; ", sentence)))}
    return frozenset(term for word in words for term in (["%"] if word == "%" else query_terms(word.lower())))
