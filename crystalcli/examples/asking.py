"""One question asked in three ways: of the model with its window alone, of recall, and of the model with what was recalled.

Knows: what the model is given in each case. Does not know: how the text was read, how answers are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.answering import DEFAULT_TEMPLATE, REPETITION_PENALTY, STOP_STRINGS, chat_messages, fill_template
from crystalcli.examples.planted import Fact, says
from crystalcli.library import Crystal
from crystalcli.types import ChatModel, Sampling

_LONGEST = 48  # tokens of an answer
_PASSAGES = 1  # of 12 such facts in one text the small model says 9 from one passage, and 2 from three


class Said(NamedTuple):
    """An answer, or a quotation, and whether the words that were asked for stand in it."""

    text: str
    right: bool


class Answers(NamedTuple):
    """alone: of the model with the last tokens; recalled: the sentence that recall puts first, at `position`, tokens from the
    beginning; told: of the model with the passage that recall puts first, in place of the last tokens."""

    alone: Said
    recalled: Said
    position: int
    told: Said


def answers(model: ChatModel, fact: Fact, window: str, crystal: Path, encoder: Path | None, text: str) -> Answers:
    """Ask for the fact. window: the last tokens as text; crystal: the file that remembers `text`; encoder: its folder.

    Raises NotFoundError where nothing at all is recalled, and what a model raises that cannot be used.
    """
    alone = _spoken(model, chat_messages(fill_template(DEFAULT_TEMPLATE, window, fact.question)))
    with Crystal.open(crystal, encoder=encoder) as opened:
        packed = opened.pack_context(fact.question, k=_PASSAGES, model=model)
        best = packed.passages[0]
        start = best.best[0]
        for document in opened.documents():  # stretches of the text, one after the other
            if document.path == best.path:
                break
            start += document.characters
    told = _spoken(model, chat_messages(packed.user, packed.system))
    quoted = " ".join(best.best_text.split())
    return Answers(
        Said(alone, says(alone, fact.answer)),
        Said(quoted, says(quoted, fact.answer)),
        model.count(text[:start]),
        Said(told, says(told, fact.answer)),
    )


def _spoken(model: ChatModel, conversation: Sequence[dict[str, str]]) -> str:
    pieces = model.say(
        conversation, Sampling(max_tokens=_LONGEST, repetition_penalty=REPETITION_PENALTY, stop=STOP_STRINGS)
    )
    return " ".join("".join(pieces).split())
