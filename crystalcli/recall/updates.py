"""Updates: where a person says that something has changed, this comes before what was said first.

    "The harbour dues are 40 a week."          asked later "How much are the harbour dues?"
    "They have raised the harbour dues to 45." comes first

An update is a later message that says of a change, and has half as much of the question's words or
more. Questions about the past keep their order, and so do chats between people: there the same
words seldom speak of the same thing.

Knows: labels and dates of passages, English. Does not know: values; `superseded` statements are
found elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.text import author_of_label, is_chat_owner

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage
    from crystalcli.recall.query import PreparedQuery

_REACH = 10  # best passages among which an update is looked for
_COVERED = 0.5  # of the number of words of the question that the first statement has
_AHEAD = 0.01  # the distance in score by which an update comes first
_VALUE = re.compile(
    r"\A\W*(?:(?:and|so|but) )?(?:what|which|who|whom|whose|where|when|how (?:many|much|long|often|old|far|big|tall|high|fast))\b"
    r"[^?]*?(?:['’](?:s|re|m)\b|\b(?:is|are|am|do|does|has|have|must|should)\b)",
    re.IGNORECASE,
)
_PAST = re.compile(
    r"\b(?:did|was|were|had|used to|before|previous(?:ly)?|former(?:ly)?|original(?:ly)?|initial(?:ly)?|at first|earlier|ago|"
    r"back then|once)\b",
    re.IGNORECASE,
)
_CHANGE = re.compile(
    r"\b(?:now|recent(?:ly)?|new|newly|updat(?:e|ed|es)|chang(?:e|ed|es)|moved|rescheduled|postponed|brought forward|put off|"
    r"increas(?:e|ed|es)|rais(?:e|ed|es)|rose|reduc(?:e|ed|es)|lower(?:ed|s)|decreas(?:e|ed|es)|dropped|cut|extend(?:ed|s)|"
    r"grown|grew|growth|improv(?:e|ed|es)|reached|adjust(?:ed|s)|switched|replaced|no longer|instead|latest|revised|"
    r"(?:up|down) (?:to|from)|add(?:ed|s)|not any ?more)\b",
    re.IGNORECASE,
)


def put_updates_first(query: PreparedQuery, passages: Sequence[Passage]) -> list[Passage]:
    """Put the newest update of the best passage before it.

    Args:
        query: The question.
        passages: The passages, best first.

    Returns:
        All passages, best first.
    """
    if not asks_how_it_is(query.text):
        return list(passages)
    # An instruction to keep may come before what is asked for.
    at = next((number for number, passage in enumerate(passages) if passage.shares.get("voice", 0) <= 0), 0)
    near = passages[at : at + _REACH]
    if not near or not is_chat_owner(_author(near[0])):
        return list(passages)
    first, others = near[0], near[1:]
    enough = _COVERED * _covered(query, first)
    updates = (
        passage
        for passage in others
        if is_chat_owner(_author(passage))
        and _is_later(passage, first)
        and _CHANGE.search(passage.text)
        and _covered(query, passage) >= enough
    )
    update = next(updates, None)
    if update is None:
        return list(passages)
    gain = first.score + _AHEAD - update.score
    ahead = replace(update, score=update.score + gain, shares={**update.shares, "update": gain})
    rest = [passage for passage in passages if passage is not update]
    return [*rest[:at], ahead, *rest[at:]]


def asks_how_it_is(question: str) -> bool:
    """Tell whether a question asks for a value as it is now: "When is", "How much are"."""
    return _VALUE.search(question) is not None and _PAST.search(question) is None


def _author(passage: Passage) -> str:
    return author_of_label(passage.place.marks.get("message", ""))


def _is_later(passage: Passage, other: Passage) -> bool:
    """Tell whether a passage was written later: in one chat by its place, else by its date."""
    if passage.path == other.path:
        return passage.start > other.start
    return passage.date is not None and other.date is not None and passage.date > other.date


def _covered(query: PreparedQuery, passage: Passage) -> int:
    """Count the words of the question that a passage has."""
    return len(query.terms_in(passage.text))
