"""The course of a conversation: its messages, each quoted by its first words, in order of time.

A question for the order of events, or for a summary of what was said, is answered so. No model
speaks: what was said when is to be seen, and not to be told anew.

Knows: messages that recall has put in order. Does not know: how they are found and judged.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.grounding.attribution import quotation_line
from crystalcli.datatypes import Answer, Citation, Passage, Portion
from crystalcli.recall import CrystalReader


def answer_course(crystal: CrystalReader, draft: AnswerDraft, messages: Sequence[Passage]) -> Answer:
    """List messages as an answer, a line for each.

    Args:
        crystal: The crystal, open for reading.
        draft: The answer to fill.
        messages: Quotations of messages, the earliest first.

    Returns:
        The answer, with a portion for each message.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    draft.passages = list(messages)
    citations = (crystal.cite(message.path, *message.best) for message in messages)
    return list_in_order(draft, ((message_label(citation), citation) for citation in citations))


def list_in_order(draft: AnswerDraft, lines: Iterable[tuple[str, Citation]]) -> Answer:
    """List quotations as an answer, the earliest first, each behind its label."""
    draft.say("In order of time:\n")
    for label, citation in lines:
        number = draft.cite(citation)
        words = quotation_line(citation)
        draft.say(f"\n- {label}: {words} [{number}]")
        draft.portions.append(Portion(label, words, number))
    return draft.answer()


def message_label(citation: Citation) -> str:
    """Name a message by who wrote it and when, or else by its document."""
    return citation.place.within_chapter or citation.path
