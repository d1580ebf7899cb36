"""The kind of answer that a question expects, and whether a sentence shows that kind.

Knows: English question words. A question of another form expects no kind, and all sentences answer
it alike.
"""

from __future__ import annotations

import re

_TYPE_PATTERNS = (
    (
        "number",
        re.compile(
            r"\bhow (?:many|much|long|old|far|tall|large|big|often|high|deep|fast|heavy)\b"
            r"|\b(?:what|which) (?:percent|number|share|amount|price|age)|\bpercentage\b|\bnumber of\b"
        ),
    ),
    ("time", re.compile(r"\bwhen\b|\b(?:what|which) (?:date|year|day|month|time|century|decade)\b|\bhow long ago\b")),
    (
        "name",
        re.compile(
            r"\bwho(?:m|se)?\b|\bnames? of\b|\bwhere\b|\b(?:what|which) (?:city|country|place|state|town|name)\b"
        ),
    ),
    ("reason", re.compile(r"\bwhy\b|\bwhat (?:caused|causes|led)\b|\breasons?\b")),
)
_SEVERAL = re.compile(
    r"\b(?:which|what)\s(?:\w+\s)?(?:\w+[^s\W]s|people|men|women|children)\s"
    r"(?:are|were|do|does|did|have|has|had|can|could|should|must|will|would)\b|\blist\b|\bname all\b|\ball (?:the|of)\b",
    re.IGNORECASE,
)
_COMPARED = re.compile(r"\b(?:compare[sd]?|comparison|differences?|differ|versus|vs)\b", re.IGNORECASE)
_CHANGE = re.compile(
    r"\bhow (?:much )?(?:has|have|did|had)\b.*\bchang|\bchanged? (?:over|since|between|from)\b", re.IGNORECASE
)
_NOW_AND_BEFORE = re.compile(r"\band\b.*\b(?:before|previously|earlier|formerly)\b", re.IGNORECASE)
_NUMBER = re.compile(
    r"\d[\d.,]*|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|twenty|thirty|hundred|thousand|million|billion|"
    r"dozen|half|third|once|twice|several|none)\b",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"\b(?:1\d\d\d|20\d\d)\b|\b(?:January|February|March|April|May|June|July|August|September|October|November|December)\b|\bcentury\b"
)
_REASON = re.compile(
    r"\b(?:because|since|so that|in order|due to|therefore|thus|as a result|caused?|for)\b", re.IGNORECASE
)
_NAME = re.compile(r"(?<=[a-z,;] )[A-Z][\w-]+")
_WORD = re.compile(r"\w+")


def expected_answer_type(question: str) -> str:
    """Classify a question by the answer that it expects.

    Args:
        question: The question.

    Returns:
        "number", "time", "name", "reason", or "" for anything else.
    """
    text = question.lower()
    return next((kind for kind, pattern in _TYPE_PATTERNS if pattern.search(text)), "")


def asks_for_all(question: str) -> bool:
    """Tell whether a question asks for all of several things."""
    return _SEVERAL.search(question) is not None


def asks_to_compare(question: str) -> bool:
    """Tell whether a question asks for the differences of things."""
    return _COMPARED.search(question) is not None


def asks_for_change(question: str) -> bool:
    """Tell whether a question asks how something has changed, from its beginning to its end."""
    return _CHANGE.search(question) is not None


def asks_for_former(question: str) -> bool:
    """Tell whether a question asks how something is and how it was before."""
    return _NOW_AND_BEFORE.search(question) is not None


def asks_for_several(question: str) -> bool:
    """Tell whether one source may not answer a question, since it asks for several things."""
    kinds = (asks_for_all, asks_to_compare, asks_for_change, asks_for_former)
    return any(asks(question) for asks in kinds)


def shows_answer_type(kind: str, sentence: str, question: str) -> bool:
    """Tell whether a sentence shows the expected type of answer.

    Args:
        kind: The type, as of `expected_answer_type`.
        sentence: The sentence.
        question: The question. A number or a name that it has already does not count.
    """
    if kind in ("number", "name"):
        in_question = {word.lower() for word in _WORD.findall(question)}
        pattern = _NUMBER if kind == "number" else _NAME
        return any(match[0].lower() not in in_question for match in pattern.finditer(sentence))
    if kind == "time":
        return bool(_TIME.search(sentence))
    return kind == "reason" and bool(_REASON.search(sentence))
