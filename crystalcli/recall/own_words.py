"""Own words in short: what a person wrote to an assistant, from its beginning to what answers.

    How many problems have I solved?      "I have solved 12 problems so far, and now ..."
                                          "Yesterday I solved three more."

What answers a question for a fact about oneself is told in many messages, a little in each, and
what follows there is mostly pasted: code, a draft, a plan. So a message is quoted up to the
sentence that answers best, and further on that sentence alone; the rest of long ones would hide the
others. Asked for advice, or why something was done, the whole message counts.

Knows: passages, messages and their authors. Does not know: how passages were ranked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from crystalcli.recall.citation import cite_span
from crystalcli.recall.voice_score import CHAT_KIND
from crystalcli.storage import landmark_span
from crystalcli.text import author_of_label, is_chat_owner, label_length

if TYPE_CHECKING:
    from crystalcli.datatypes import Passage, Place
    from crystalcli.index import IndexReader
    from crystalcli.storage import SourceRow

BEGINNING = 200  # characters of a message that are quoted, and the rest of the word
_NEAR = 400  # characters of a message up to whose end a sentence is quoted with all before it
_LONGEST = 300  # characters of a sentence further on
# "Have I ...", "Considering my rent, how much ...", "... across my sessions?"
_FACT = re.compile(
    r"\A\W*(?:(?:and|so|but) )?(?:"
    r"(?:have|has|had|did|do|does|am|are|is|was|were) (?:I|we|my|our)\b"
    r"|(?:(?:considering|given|taking|based|between|comparing|combining|in|of|from|across|over|if)\b[^?.!]*, )?(?:by |for |since )?"
    r"(?:how (?:many|much|long|often|old|far)|when|(?:what|which) (?:time|day|date|deadline|percentage))\b"
    r"|(?:what|which|how)\b[^?.!]*\b(?:across|throughout|over) (?:all )?(?:of )?(?:my|our) (?:\w+ )?"
    r"(?:sessions|conversations|chats|messages|questions|requests|discussions|trips|notes)\b"
    r"|(?:what|which)(?:['’]s| is| was| are) (?:my|our)\b[^?.!]*\b(?:percentage|number|count|score|rate|total|deadline|date|time)\b)",
    re.IGNORECASE,
)


def quote_own_words(index: IndexReader, passages: Iterable[Passage], count: int) -> list[Passage]:
    """Quote in short what the person who talks with an assistant wrote.

    Args:
        index: The resident index.
        passages: The passages, best first.
        count: How many are wanted, at most.

    Returns:
        The passages, those of such messages shorter; without those that another one holds. A
        message with its short reply stays as it is.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    quoted: list[Passage] = []
    for passage in passages:
        if len(quoted) == count:
            break
        short = _in_short(index, passage) if is_own(passage) and not passage.allowed else passage
        if short is passage or not any(_holds(other, short) for other in quoted):
            quoted.append(short)
    return quoted


def is_own(passage: Passage) -> bool:
    """Tell whether a passage begins in a message of the person who talks with an assistant."""
    author = author_of_label(passage.place.marks.get("message", ""))
    return passage.place.kind == CHAT_KIND and is_chat_owner(author)


def without_reply(index: IndexReader, passage: Passage) -> Passage:
    """Cut a passage behind the message that it begins in.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    source = index.store.source_named(passage.path)
    if source is None or passage.allowed:
        return passage
    _, end = _message(index, source, passage)
    own = passage.text[: end - passage.start].rstrip()
    return _sliced(passage, passage.start, passage.start + len(own))


def asks_for_own_fact(question: str) -> bool:
    """Tell whether a question about the person who asks is for a fact: "How many have I"."""
    return _FACT.match(question) is not None


def whole_words(text: str, length: int) -> int:
    """Count the characters of a text up to the end of the word at a length."""
    if length >= len(text):
        return len(text)
    while length < len(text) and not text[length].isspace():
        length += 1
    return length


def _in_short(index: IndexReader, passage: Passage) -> Passage:
    """Quote the beginning of a message and its best sentence; of a later sentence itself alone."""
    source = index.store.source_named(passage.path)
    if source is None:
        return passage
    start, end = _message(index, source, passage)
    low, high = passage.best
    if passage.end > end or not start <= low < high <= end:
        return passage
    text = index.span_text(source, start, end)
    label = label_length(text)
    if high - start > label + _NEAR:
        sentence = passage.text[low - passage.start : high - passage.start]
        return _sliced(passage, low, low + whole_words(sentence, _LONGEST))
    length = whole_words(text, label + BEGINNING)
    length = len(text[: max(length, high - start)].rstrip())
    if passage.start <= start and start + length <= passage.end:
        return _sliced(passage, start, start + length)
    citation = cite_span(index, source, start, start + length)
    return replace(passage, place=citation.place, text=citation.quote, also=())


def _message(index: IndexReader, source: SourceRow, passage: Passage) -> tuple[int, int]:
    """Find the first character of the message that a passage begins in, and that after its last."""
    _, start, end = landmark_span(index.store, source.id, "message", passage.start)
    return start, source.characters if end is None else end


def _sliced(passage: Passage, start: int, end: int) -> Passage:
    """Give the part `[start, end)` of a passage, in characters of the document."""
    low, high = start - passage.start, end - passage.start
    if (low, high) == (0, len(passage.text)):
        return passage
    text = passage.text[low:high]
    before, inside = passage.text.count("\n", 0, low), text.count("\n")

    def part_of(place: Place) -> Place:
        first = place.line_start + before
        return replace(
            place, start=place.start + low, end=place.start + high, line_start=first, line_end=first + inside
        )

    best = max(start, min(passage.best[0], end)), max(start, min(end, passage.best[1]))
    also = tuple(part_of(place) for place in passage.also)
    return replace(passage, place=part_of(passage.place), text=text, best=best, also=also)


def _holds(passage: Passage, other: Passage) -> bool:
    return passage.path == other.path and passage.start <= other.start and other.end <= passage.end
