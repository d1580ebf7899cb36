"""Passages fitted into a model's window: fewer of them, then a shorter one, then none.

Knows: counts of tokens, the model's own. Does not know: the rank of passages, the form of a prompt,
the model's answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crystalcli.datatypes import ChatModel, Passage
from crystalcli.errors import CrystalError

Conversation = list[dict[str, str]]

_MIN_TOKENS = 24  # of a passage that is worth asking about


def fit_context(
    model: ChatModel,
    passages: Sequence[Passage],
    max_tokens: int,
    budget: int,
    write: Callable[[Sequence[Passage], int], tuple[list[Passage], Conversation]],
) -> tuple[list[Passage], Conversation]:
    """Make a conversation that leaves room for the answer.

    Args:
        model: The model whose window is to be kept.
        passages: The passages, best first.
        max_tokens: The tokens of the answer.
        budget: The most tokens of passages.
        write: Makes the conversation of the passages that fit in so many tokens, at least one where
            there are any; gives the passages that it took, and the conversation.

    Returns:
        The passages taken, and the conversation. A passage that was cut is given back whole, since
        citations are read from its place.

    Raises:
        CrystalError: The question and the answer alone are too much for the model.
    """
    limit = model.context_length - max_tokens
    bare = model.prompt_size(write((), 0)[1])
    room = min(budget, limit - bare)
    whole: Passage | None = None
    while limit - bare >= _MIN_TOKENS:
        taken, conversation = write(passages, room)
        excess = model.prompt_size(conversation) - limit
        if excess <= 0:
            return ([whole] if whole is not None else taken), conversation
        if len(taken) > 1:
            room -= excess
            continue
        whole = whole or taken[0]
        text = taken[0].text
        shorter = model.truncate(text, max(model.count(text) - excess, 0))
        if not shorter:
            break
        passages = [replace(whole, text=shorter if len(shorter) < len(text) else text[: len(text) // 2])]
    raise CrystalError(
        f"{model.name} can take {model.context_length:,} tokens; the question, with {max_tokens:,} for the answer, leaves no room "
        "for a passage: ask a model that can take more, or for a shorter answer (--max-tokens)"
    )
