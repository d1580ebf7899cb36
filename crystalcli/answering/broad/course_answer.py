"""The course of a conversation: its messages, each quoted by its first words, in order of time.

A question for the order of events, or for a summary of what was said, is answered so. No model
speaks: what was said when is to be seen, and not to be told anew.

Knows: messages that recall has put in order. Does not know: how they are found and judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.answering.grounding.answer_draft import AnswerDraft
from crystalcli.answering.grounding.attribution import quotation_line
from crystalcli.datatypes import Answer, Passage, Portion
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
    draft.say("In order of time:\n")
    for message in messages:
        citation = crystal.cite(message.path, *message.best)
        number = draft.cite(citation)
        label = citation.place.within_chapter or message.path
        words = quotation_line(citation)
        draft.say(f"\n- {label}: {words} [{number}]")
        draft.portions.append(Portion(label, words, number))
    draft.passages = list(messages)
    return draft.answer()
