"""Order of events: a question for it gets many short quotations, in order of time.

    Can you list the order in which I brought up the parts of the kitchen?
    Summarize what we said about the kitchen.

What is asked for stands in many messages, a little in each, and long passages of a few of them hide
the rest. So each message is quoted once, by its first words, and the best of them are put in order.
A summary of one's own conversation is as long as that, and there the replies of an assistant are
quoted as well.

Knows: messages and their times, English. Does not know: which of two events of one message was
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

from crystalcli.datatypes import Passage
from crystalcli.index import IndexReader
from crystalcli.recall.citation import cite_span
from crystalcli.recall.own_words import BEGINNING, whole_words
from crystalcli.recall.voice_score import is_instruction
from crystalcli.storage import SourceRow, landmark_span, landmarks_over
from crystalcli.text import author_of_label, is_assistant, label_length

ORDER_DEPTH = 60  # passages whose messages are looked at
QUOTES = 16  # quotations at most where five passages are asked for
_ORDER = re.compile(
    r"\b(?:the |what |which )?(?:chronological |right |correct |exact )?(?:order|sequence|timeline|chronology)\b"
    r"[^?.]{0,40}?\b(?:in which|of (?:the )?(?:events|topics|things|steps|aspects|my|our)|did|I|we)\b"
    r"|\bin (?:what|which|the|chronological|the right) (?:order|sequence)\b|\bin (?:order|sequence)\b(?! (?:to|for|that)\b)"
    r"|\bchronological(?:ly)?\b|\btimeline of\b",
    re.IGNORECASE,
)
_SUMMARY = re.compile(r"\b(?:summar(?:y|i[sz]e)|recap|rundown|overview)\b[^?.]*\b(?:I|my|we|our)\b", re.IGNORECASE)


class EventQuestion(StrEnum):
    """The kind of a question about the course of a conversation."""

    ORDER = "order"  # in which order something was said
    SUMMARY = "summary"  # what was said about something, in short


class _Message(NamedTuple):
    """A message that a passage is of.

    Attributes:
        source: Its document.
        start: Its first character.
        end: The character after its last.
        author: Who wrote it.
        passage: The best passage that it is in.
    """

    source: SourceRow
    start: int
    end: int
    author: str
    passage: Passage


def event_question(question: str) -> EventQuestion | None:
    """Tell whether a question asks for the order, or a summary, of what happened or was said."""
    if _ORDER.search(question):
        return EventQuestion.ORDER
    if _SUMMARY.search(question):
        return EventQuestion.SUMMARY
    return None


def quote_in_order(
    index: IndexReader, passages: Sequence[Passage], count: int, *, replies: bool = False
) -> list[Passage]:
    """Quote the messages of the best passages, each by its first words, in order of time.

    Messages of assistants are left out where people wrote any, and so are a person's instructions
    to one: they are no events.

    Args:
        index: The resident index.
        passages: The passages, best first.
        count: Quotations at most.
        replies: Whether the reply of an assistant is quoted behind the message that it answers.

    Returns:
        The quotations, the earliest first; empty where the best passage is of no message.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if not passages or not any(_messages(index, passages[:1])):
        return []
    messages = list(_messages(index, passages))
    exchanges: list[list[Passage]] = []
    for message in [each for each in messages if not is_assistant(each.author)] or messages:
        if is_instruction(_beginning(index, message)[1]):
            continue
        reply = _reply_to(index, message) if replies else None
        exchange = [message] if reply is None else [message, reply]
        count -= len(exchange)
        if count < 0:
            break
        exchanges.append([_quote(index, each) for each in exchange])
    exchanges.sort(key=lambda quotes: (quotes[0].date or date.min, quotes[0].path, quotes[0].start))
    return list(chain.from_iterable(exchanges))


def _reply_to(index: IndexReader, message: _Message) -> _Message | None:
    """Find the message of an assistant that follows directly."""
    if message.end >= message.source.characters:
        return None
    label, start, end = landmark_span(index.store, message.source.id, "message", message.end)
    author = author_of_label(label)
    if not is_assistant(author):
        return None
    return _Message(message.source, start, end or message.source.characters, author, message.passage)


def _messages(index: IndexReader, passages: Iterable[Passage]) -> Iterable[_Message]:
    """Yield the messages that passages are of, each once, those of the best passage first."""
    seen = set()
    for passage in passages:
        source = index.store.source_named(passage.path)
        if source is None:
            continue
        over = landmarks_over(index.store, source.id, "message", passage.start, passage.end)
        for start, label in over:
            if (source.id, start) not in seen:
                seen.add((source.id, start))
                _, begin, end = landmark_span(index.store, source.id, "message", start)
                yield _Message(source, begin, end or source.characters, author_of_label(label), passage)


def _beginning(index: IndexReader, message: _Message) -> tuple[int, str]:
    """Read the length of a message's label, and the first words behind it."""
    text = index.span_text(message.source, message.start, min(message.end, message.start + 3 * BEGINNING))
    label = label_length(text)
    return label, text[label:].rstrip()


def _quote(index: IndexReader, message: _Message) -> Passage:
    """Quote the first words of a message, with its author and its time as they stand."""
    label, text = _beginning(index, message)
    length = whole_words(text, BEGINNING)
    citation = cite_span(index, message.source, message.start, message.start + label + length)
    passage = message.passage
    return replace(
        passage, place=citation.place, text=citation.quote, heading=citation.heading, date=citation.date,
        best=(citation.start + label, citation.end), also=(), allowed=(),
    )  # fmt: skip
