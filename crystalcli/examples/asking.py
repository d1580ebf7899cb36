"""One question asked in three ways: of the model with its window alone, of recall, and of the model with the passages recalled.

Knows: the model's prompt in each case. Does not know: how the text was read, how answers are shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from crystalcli.answering import DEFAULT_TEMPLATE, REPETITION_PENALTY, STOP_STRINGS, chat_messages, fill_template
from crystalcli.datatypes import ChatModel, Sampling
from crystalcli.examples.planted import Fact, contains
from crystalcli.library import Crystal

_LONGEST = 48  # tokens of an answer
_PASSAGES = 1  # of 12 such facts in one text the small model says 9 from one passage, and 2 from three


class Reply(NamedTuple):
    """An answer, or a quotation.

    Attributes:
        text: Its words.
        right: Whether the words that were asked for stand in it.
    """

    text: str
    right: bool


class Replies(NamedTuple):
    """The three replies to one question.

    Attributes:
        alone: The model's, with the last tokens.
        recalled: The sentence that recall puts first.
        position: Where that sentence stands, in tokens from the beginning.
        told: The model's, with the passage that recall puts first in place of the last tokens.
    """

    alone: Reply
    recalled: Reply
    position: int
    told: Reply


def ask_three_ways(
    model: ChatModel, fact: Fact, window: str, crystal: Path, encoder: Path | None, text: str
) -> Replies:
    """Ask for the fact.

    Args:
        model: The language model.
        fact: The question, and the words that answer it.
        window: The last tokens, as text.
        crystal: The file that remembers `text`.
        encoder: The folder of the encoder's weights.
        text: All that was read.

    Raises:
        NotFoundError: When nothing is recalled.
        CrystalError: When the model cannot be used.
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
    return Replies(
        Reply(alone, contains(alone, fact.answer)),
        Reply(quoted, contains(quoted, fact.answer)),
        model.count(text[:start]),
        Reply(told, contains(told, fact.answer)),
    )


def _spoken(model: ChatModel, conversation: Sequence[dict[str, str]]) -> str:
    pieces = model.say(
        conversation, Sampling(max_tokens=_LONGEST, repetition_penalty=REPETITION_PENALTY, stop=STOP_STRINGS)
    )
    return " ".join("".join(pieces).split())
