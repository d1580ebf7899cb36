"""Updates: where a person says that something has changed, this comes before what was said first.

    "The harbour dues are 40 a week."          asked later "How much are the harbour dues?"
    "They have raised the harbour dues to 45." comes first

An update is a sentence of a later message that states another value of the kind that is asked for,
says of a change or counts the same thing, and has half as much of the question's words or more.
Questions about the past keep their order, and so do chats between people: there the same words
seldom speak of the same thing.

Knows: labels, dates and logits of passages, English. Does not know: what supersedes what for good;
`superseded` statements are found elsewhere.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.recall.asked_value import (
    AskedValue,
    StatedValues,
    ValueKind,
    read_asked_value,
    stated_values,
    units_of_numbers,
)
from crystalcli.recall.voice_score import without_label
from crystalcli.storage import landmark_span
from crystalcli.text import author_of_label, is_chat_owner, sentence_spans

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage
    from crystalcli.index import IndexReader
    from crystalcli.recall.query import PreparedQuery

_REACH = 10  # best own passages among which an update is looked for
# Of the number of words of the question that the first statement has: in a sentence with a change,
# in one that counts the same thing, and in one that speaks of "the new" thing asked for.
_COVERED, _COVERED_COUNTED, _COVERED_NAMED = 0.5, 0.3, 0.25
_LEAST_COUNTED = 2  # words of the question in a sentence that counts the same thing
_AHEAD = 0.01  # the distance in score by which an update comes first
_QUESTION = (
    r"\A\W*(?:(?:and|so|but) )?"
    r"(?:what|which|who|whom|whose|where|when|how (?:many|much|long|often|old|far|big|tall|high|fast))\b"
)
_VALUE = re.compile(
    rf"{_QUESTION}[^?]*?(?:['’](?:s|re|m)\b|\b(?:is|are|am|do|does|has|have|must|should)\b)", re.IGNORECASE
)
_NEWEST = re.compile(rf"{_QUESTION}[^?]*?\b(?:latest|newest|most recent|current)\b", re.IGNORECASE)
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
_NEW = r"\b(?:new|updated|revised|adjusted|rescheduled|changed|extended|moved)(?: [\w-]+){0,3}"
_THING = re.compile(r"\b(?!(?:what|which|when|where|time|have|does|many|much|long|with|that|this)\b)[a-z]{4,}\b")
_FIGURE = re.compile(r"\d[\d.,]*\d|\d")


class _Statement(NamedTuple):
    """What the best passage states of the thing asked for.

    Attributes:
        asked: The value that is asked for.
        values: The values of its kind in the passage.
        units: The units of its numbers.
        covered: How many words of the question it has, without figures.
    """

    asked: AskedValue
    values: frozenset[str]
    units: frozenset[str]
    covered: int


class _Fitness(NamedTuple):
    """How well a sentence fits as an update, for comparison: a greater one fits better.

    Attributes:
        figures: How many figures of the question it has.
        counts: Whether it counts what is asked for.
        logit: The logit of its passage; below all others where it was not read.
    """

    figures: int
    counts: bool
    logit: float


def put_updates_first(index: IndexReader, query: PreparedQuery, passages: Sequence[Passage]) -> list[Passage]:
    """Put the update that fits best before the best passage.

    Args:
        index: The resident index.
        query: The question.
        passages: The passages, best first.

    Returns:
        All passages, best first.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    # An instruction to keep may come before what is asked for.
    at = next((number for number, passage in enumerate(passages) if passage.shares.get("voice", 0) <= 0), 0)
    if not passages or not asks_how_it_is(query.text) or not is_chat_owner(_author(passages[at])):
        return list(passages)
    first = passages[at]
    asked = read_asked_value(query.text)
    if asked is None:
        return list(passages)
    stated = _read_statement(query, asked, first)
    others = [passage for passage in passages[at + 1 :] if is_chat_owner(_author(passage))][:_REACH]
    message = _message(index, first)
    fitting = [
        (fitness, -number, passage)
        for number, passage in enumerate(others)
        if _is_later(passage, first)
        and _message(index, passage) != message
        and (fitness := _fitness(query, stated, passage)) is not None
    ]
    if not fitting:
        return list(passages)
    _, _, update = max(fitting, key=lambda each: each[:2])
    gain = first.score + _AHEAD - update.score
    ahead = replace(update, score=update.score + gain, shares={**update.shares, "update": gain})
    rest = [passage for passage in passages if passage is not update]
    return [*rest[:at], ahead, *rest[at:]]


def asks_how_it_is(question: str) -> bool:
    """Tell whether a question asks for a value as it is now: "When is", "the latest"."""
    if _NEWEST.search(question):
        return True
    return _VALUE.search(question) is not None and _PAST.search(question) is None


def _read_statement(query: PreparedQuery, asked: AskedValue, passage: Passage) -> _Statement:
    sentences = _sentences(passage)
    values = [stated_values(asked, sentence) for sentence in sentences]
    units = [units_of_numbers(sentence) for sentence in sentences if query.terms_in(sentence)]
    return _Statement(
        asked,
        frozenset().union(*(each.exact | each.bare for each in values)),
        frozenset().union(*units),
        len(_words(query, "\n".join(sentences))),
    )


def _fitness(query: PreparedQuery, stated: _Statement, passage: Passage) -> _Fitness | None:
    """Judge a later passage by its sentence that fits best; None where none is an update."""
    logit = -math.inf if passage.logit is None else passage.logit
    figures = set(_FIGURE.findall(query.text))
    found = []
    for sentence in _sentences(passage):
        values = stated_values(stated.asked, sentence)
        counts = stated.asked.kind is ValueKind.COUNT and not values.exact <= stated.values
        if _states_anew(query, stated, sentence, values, counts=counts) and _is_about(
            query, stated, sentence, counts=counts
        ):
            found.append(_Fitness(len(figures & set(_FIGURE.findall(sentence))), counts, logit))
    return max(found, default=None)


def _states_anew(
    query: PreparedQuery, stated: _Statement, sentence: str, values: StatedValues, *, counts: bool
) -> bool:
    """Tell whether a sentence states another value than the first statement, or a change.

    Args:
        query: The question.
        stated: What the first statement says.
        sentence: The sentence.
        values: The values of the kind asked for in it.
        counts: Whether it gives another number of what the question counts.
    """
    asked = stated.asked
    tells_change = _CHANGE.search(sentence) is not None
    if not (tells_change or counts or _NEWEST.search(query.text)):
        return False
    # Names have no form, and the first statement may be about something without a number.
    if stated.values or asked.kind not in (ValueKind.NUMBER, ValueKind.NAME):
        told = values.exact | values.bare if tells_change else values.exact
        if told <= stated.values:
            return False
    units = stated.units if asked.kind is ValueKind.NUMBER else frozenset()
    return not units or not units.isdisjoint(units_of_numbers(sentence))


def _is_about(query: PreparedQuery, stated: _Statement, sentence: str, *, counts: bool) -> bool:
    """Tell whether a sentence has enough words of the question that the first statement has."""
    covered = len(_words(query, sentence))
    if not covered or covered >= _COVERED * stated.covered:
        return covered > 0
    if counts and covered >= max(_LEAST_COUNTED, _COVERED_COUNTED * stated.covered):
        return True
    things = "|".join(_THING.findall(query.text.lower()))
    new_thing = rf"{_NEW} (?:{things})\b"
    is_named = things and re.search(new_thing, sentence, re.IGNORECASE) is not None
    return bool(is_named) and covered >= _COVERED_NAMED * stated.covered


def _words(query: PreparedQuery, text: str) -> set[str]:
    """Find the words of the question that a text has, without figures."""
    return {term for term in query.terms_in(text) if not term[0].isdigit()}


def _sentences(passage: Passage) -> list[str]:
    text = without_label(passage.text)
    return [text[start:end] for start, end in sentence_spans(text, False)] or [text]


def _author(passage: Passage) -> str:
    return author_of_label(passage.place.marks.get("message", ""))


def _message(index: IndexReader, passage: Passage) -> tuple[str, int]:
    """Find the document of the message that a passage begins in, and its first character."""
    source = index.store.source_named(passage.path)
    start = passage.start if source is None else landmark_span(index.store, source.id, "message", passage.start)[1]
    return passage.path, start


def _is_later(passage: Passage, other: Passage) -> bool:
    """Tell whether a passage was written later: in one chat by its place, else by its date."""
    if passage.path == other.path:
        return passage.start > other.start
    return passage.date is not None and other.date is not None and passage.date > other.date
