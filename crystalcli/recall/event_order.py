"""Order of events: a question for it gets many short quotations, in order of time.

    Can you list the order in which I brought up the parts of the kitchen?

What is asked for stands in many messages, a little in each, and long passages of a few of them hide
the rest. So each message is quoted once, by its first words, and the best of them are put in order.

Knows: messages and their times, English. Does not know: which of two events of one message was
first.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import NamedTuple

from crystalcli.datatypes import Passage
from crystalcli.index import IndexReader
from crystalcli.recall.citation import cite_span
from crystalcli.storage import SourceRow, landmark_span, landmarks_over
from crystalcli.text import author_of_label, is_assistant, label_length

ORDER_DEPTH = 60  # passages whose messages are looked at
QUOTES = 16  # quotations at most where five passages are asked for
_LENGTH = 200  # characters of a message that are quoted, and the rest of the word
_ORDER = re.compile(
    r"\b(?:the |what |which )?(?:chronological |right |correct |exact )?(?:order|sequence|timeline|chronology)\b"
    r"[^?.]{0,40}?\b(?:in which|of (?:the )?(?:events|topics|things|steps|aspects|my|our)|did|I|we)\b"
    r"|\bin (?:what|which|the|chronological|the right) (?:order|sequence)\b|\bin (?:order|sequence)\b(?! (?:to|for|that)\b)"
    r"|\bchronological(?:ly)?\b|\btimeline of\b",
    re.IGNORECASE,
)


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


def asks_for_order(question: str) -> bool:
    """Tell whether a question asks in which order something happened or was said."""
    return _ORDER.search(question) is not None


def quote_in_order(index: IndexReader, passages: Sequence[Passage], count: int) -> list[Passage]:
    """Quote the messages of the best passages, each by its first words, in order of time.

    Messages of assistants are left out where people wrote any. Passages of other text stay as they
    are, and count as dated by their document.

    Args:
        index: The resident index.
        passages: The passages, best first.
        count: Quotations at most.

    Returns:
        The quotations, the earliest first; the passages as they were where none is of a message.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    messages = list(_messages(index, passages))
    own = [message for message in messages if not is_assistant(message.author)]
    chosen = (own or messages)[:count]
    if not chosen:
        return list(passages)
    quotes = [_quote(index, message) for message in chosen]
    return sorted(quotes, key=lambda quote: (quote.date or date.min, quote.path, quote.start))


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


def _quote(index: IndexReader, message: _Message) -> Passage:
    """Quote the first words of a message, with its author and its time as they stand."""
    text = index.span_text(message.source, message.start, min(message.end, message.start + 3 * _LENGTH))
    label = label_length(text)
    length = len(text.rstrip())
    if length > label + _LENGTH:
        length = label + _LENGTH
        # The word goes on.
        while length < len(text) and not text[length].isspace():
            length += 1
    citation = cite_span(index, message.source, message.start, message.start + length)
    passage = message.passage
    return replace(
        passage, place=citation.place, text=citation.quote, heading=citation.heading, date=citation.date,
        best=(citation.start + label, citation.end), also=(), allowed=(),
    )  # fmt: skip
