"""One question asked of the model alone, of recall, and of both together.

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

_MAX_TOKENS = 48  # of an answer
# Of 12 planted facts in one text the small model says 9 from one passage, and 2 from three.
_PASSAGES = 1


class Reply(NamedTuple):
    """An answer of the model, or a quotation.

    Attributes:
        text: The words of the reply.
        right: True if the reply contains the expected words.
    """

    text: str
    right: bool


class Replies(NamedTuple):
    """The three replies to one question.

    Attributes:
        alone: The model's answer from the last tokens.
        recalled: The best sentence of recall.
        position: Position of that sentence, in tokens from the beginning.
        informed: The model's answer from the best passage of recall, instead of the last tokens.
    """

    alone: Reply
    recalled: Reply
    position: int
    informed: Reply


def ask_three_ways(
    model: ChatModel, fact: Fact, window: str, crystal: Path, encoder: Path | None, text: str
) -> Replies:
    """Ask the model, recall, and both together for a fact.

    Args:
        model: The language model.
        fact: The question, and the words that answer it.
        window: The last tokens, as text.
        crystal: The file that remembers `text`.
        encoder: The folder of the encoder's weights.
        text: The whole text that was read.

    Returns:
        The three replies.

    Raises:
        NotFoundError: Nothing is recalled.
        CrystalError: The model cannot be used.
    """
    alone = _generate(model, chat_messages(fill_template(DEFAULT_TEMPLATE, window, fact.question)))
    with Crystal.open(crystal, encoder=encoder) as reader:
        packed = reader.pack_context(fact.question, k=_PASSAGES, model=model)
        passage = packed.passages[0]
        start = passage.best[0]
        for document in reader.documents():  # consecutive parts of the text
            if document.path == passage.path:
                break
            start += document.characters
    informed = _generate(model, chat_messages(packed.user, packed.system))
    quotation = " ".join(passage.best_text.split())
    return Replies(
        Reply(alone, contains(alone, fact.answer)),
        Reply(quotation, contains(quotation, fact.answer)),
        model.count(text[:start]),
        Reply(informed, contains(informed, fact.answer)),
    )


def _generate(model: ChatModel, conversation: Sequence[dict[str, str]]) -> str:
    """Generate a short answer on one line."""
    pieces = model.say(
        conversation, Sampling(max_tokens=_MAX_TOKENS, repetition_penalty=REPETITION_PENALTY, stop=STOP_STRINGS)
    )
    return " ".join("".join(pieces).split())
