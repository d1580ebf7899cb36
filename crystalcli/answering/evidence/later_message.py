"""The message of a chat that changes what an earlier one in the same passage says.

    "Band practice is on Mondays at 7"     is what the words of "When is band practice?" find
    "Practice moves to Wednesdays at 8"    is what holds

Across passages the newest comes first already (`newest_first`, `superseded`). A short chat is one
passage, in which a language model takes the message that is nearest to the question.

People in a chat seldom mean one thing by the same words. So one sentence of each message has words
of the question and a day, a time or a number of one unit, each another, and the later one says of a
change.

Knows: messages with their labels, types of values. Does not know: other passages.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import NamedTuple

from crystalcli.datatypes import Passage
from crystalcli.lexical import query_terms
from crystalcli.memories import asks_for_state, tells_change, value_types
from crystalcli.recall import CHAT_KIND, CrystalReader
from crystalcli.text import author_of_label, is_assistant, label_length, sentence_spans

# Types of values that one thing has one of at a time; a number needs a unit besides.
_TIMES = frozenset(("time", "weekday", "date"))
_COVERED = 0.5  # of the words of the question in the earlier sentence, those that the later one has
_FIGURE = re.compile(r"\d[\d.,:]*(?<![.,:])|\b(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day")
_AMOUNT = re.compile(r"\bhow (?:much|many)\b", re.IGNORECASE)
_OWNER = re.compile(r"\b[A-Z]\w+(?=['’]s\b)")
_LINE = re.compile(r"^(?=\[)", re.MULTILINE)


class ChangedMessage(NamedTuple):
    """Messages of a passage of which the last one holds.

    Attributes:
        former: The spans of those that it changes, in the document.
        newest: Its own.
    """

    former: tuple[tuple[int, int], ...]
    newest: tuple[int, int]


class _Sentence(NamedTuple):
    """A sentence of a message that has words of the question.

    Attributes:
        message: The span of the message, in the passage.
        text: The sentence.
        words: The terms of the question that it has.
    """

    message: tuple[int, int]
    text: str
    words: frozenset[str]


def changed_message(question: str, passage: Passage) -> ChangedMessage | None:
    """Find a later message of a passage that changes what the best sentence of it says.

    Args:
        question: The question.
        passage: The passage.

    Returns:
        The messages; None where the passage is of no chat between people, the question does not ask
        how something is, or nothing changes.
    """
    place = passage.place
    if place.kind != CHAT_KIND or passage.allowed or not asks_for_state(question):
        return None
    if is_assistant(author_of_label(place.marks.get("message", ""))):
        return None
    sentences = _sentences(question, passage.text)
    newest = next((each for each in reversed(sentences) if tells_change(each.text)), None)
    if newest is None:
        return None
    changed = [each.message for each in sentences if each.message < newest.message and _changes(question, newest, each)]
    spans = [(passage.start + low, passage.start + high) for low, high in dict.fromkeys([*changed, newest.message])]
    if not changed or not any(start <= passage.best[0] < end for start, end in spans):
        return None
    return ChangedMessage(tuple(spans[:-1]), spans[-1])


def latest_message_best(question: str, passages: Sequence[Passage]) -> list[Passage]:
    """Take a later message as the best sentence of a passage, where it changes the one that is."""
    changes = [changed_message(question, passage) for passage in passages]
    return [
        passage if change is None else replace(passage, best=change.newest)
        for passage, change in zip(passages, changes, strict=True)
    ]


def without_former_messages(crystal: CrystalReader, question: str, passage: Passage) -> list[Passage]:
    """Leave messages out that a later one of the passage changes.

    Returns:
        The parts of the passage that are left, in their order.
    """
    change = changed_message(question, passage)
    if change is None:
        return [passage]
    bounds = [passage.start, *(bound for span in change.former for bound in span), passage.end]
    parts = [
        (start, end, passage.text[start - passage.start : end - passage.start])
        for start, end in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    return [
        crystal.with_place(replace(passage, place=replace(passage.place, start=start, end=end), text=text))
        for start, end, text in parts
        if text.strip()
    ]


def _sentences(question: str, text: str) -> list[_Sentence]:
    """Find the sentences of messages that have words of a question; labels are left out."""
    asked = frozenset(query_terms(question))
    starts = [match.start() for match in _LINE.finditer(text) if label_length(text[match.start() :])]
    found = []
    for start, end in pairwise([*starts, len(text)]):
        words = text[start + label_length(text[start:]) : end].rstrip()
        message = start, start + len(text[start:end].rstrip())
        sentences = [words[low:high] for low, high in sentence_spans(words)]
        found += [_Sentence(message, each, asked.intersection(query_terms(each))) for each in sentences]
    return [each for each in found if each.words]


def _changes(question: str, later: _Sentence, earlier: _Sentence) -> bool:
    """Tell whether a sentence states another value of one type and thing than an earlier one."""
    if len(later.words) < _COVERED * len(earlier.words):
        return False
    if any(name not in question for name in _OWNER.findall(later.text)):
        return False
    shared = value_types(later.text) & value_types(earlier.text)
    if not any((each.kind in _TIMES and not _AMOUNT.search(question)) or each.unit for each in shared):
        return False
    return not set(_FIGURE.findall(later.text)) <= set(_FIGURE.findall(earlier.text))
