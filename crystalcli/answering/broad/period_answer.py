"""The course of a period: what is dated in it, each quoted by its first words, in order of time.

"What happened in August?" names a time and nothing else. The three best passages of that time would
leave out most of it, so that all are listed, or the best of many. No model speaks.

Knows: passages of the period, best first. Does not know: how the period was read.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence

from crystalcli.answering.broad.course_answer import list_in_order, message_label
from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.datatypes import Answer, Citation, Passage
from crystalcli.recall import BEGINNING, CrystalReader, format_day, whole_words
from crystalcli.storage import landmark_span
from crystalcli.text import front_matter_end

PERIOD_DEPTH = 60
"""Passages that are looked at."""

_FEWEST, _MOST = 4, 12  # entries of a list: fewer are quoted whole


def answer_period(crystal: CrystalReader, draft: AnswerDraft, passages: Sequence[Passage]) -> Answer | None:
    """List what is dated in a period, a line for each note and message.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to fill.
        passages: The passages of the period, best first.

    Returns:
        The answer, with a portion for each line; None where there is too little for a list.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    entries: dict[tuple[str, int], tuple[Citation, Passage]] = {}
    for passage, start, end in _beginnings(crystal, passages):
        if len(entries) == _MOST:
            break
        if (passage.path, start) not in entries:
            entries[passage.path, start] = crystal.cite(passage.path, start, end), passage
    if len(entries) < _FEWEST:
        return None
    draft.passages = [passage for _, passage in entries.values()]
    citations = sorted((citation for citation, _ in entries.values()), key=_time_of)
    return list_in_order(draft, ((_label(citation), citation) for citation in citations))


def _beginnings(crystal: CrystalReader, passages: Iterable[Passage]) -> Iterable[tuple[Passage, int, int]]:
    """Yield the first words of each passage, or of the first message in it."""
    store = crystal.shelf.store
    for passage in passages:
        start, end = passage.allowed[0] if passage.allowed else (passage.start, passage.end)
        source = store.source_named(passage.path)
        if passage.place.marks.get("message") and source is not None:
            _, start, after = landmark_span(store, source.id, "message", start)
            end = source.characters if after is None else after
        text = crystal.quote(passage.path, start, end)
        if start == 0 and passage.place.kind == "markdown":
            start += front_matter_end(text)
            text = crystal.quote(passage.path, start, end)
        start += len(text) - len(text.lstrip())
        words = text.strip()
        if words:
            yield passage, start, start + len(words[: whole_words(words, BEGINNING)].rstrip())


def _time_of(citation: Citation) -> tuple[datetime.date, str, int]:
    """Give what citations are put in order by: the day, then the place."""
    return citation.date or datetime.date.min, citation.path, citation.start


def _label(citation: Citation) -> str:
    """Name a line of the list: who wrote a message and when, or the day and the document."""
    if citation.place.marks.get("message"):
        return message_label(citation)
    return citation.path if citation.date is None else f"{format_day(citation.date)}, {citation.path}"
