"""Fits passages into what a language model can have before it: fewer of them, then less of the best one, then none at all.

Knows: counts of tokens, the model's own. Does not know: which passages are best, how they are written down, what is said.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from crystalcli.errors import CrystalError
from crystalcli.types import ChatModel, Passage

Conversation = list[dict[str, str]]

_LEAST = 24  # tokens of a passage that are worth asking about


def fit_context(
    model: ChatModel,
    passages: Sequence[Passage],
    max_tokens: int,
    budget: int,
    write: Callable[[Sequence[Passage], int], tuple[list[Passage], Conversation]],
) -> tuple[list[Passage], Conversation]:
    """The passages taken, and the conversation that asks about them: one that leaves `max_tokens` for the answer.

    write: makes the conversation of the passages that fit in so many tokens, at least one where there are any, and says which it
    took; budget: the most tokens of passages. A passage that was cut is given back whole: what is cited is read from its place.
    Raises CrystalError when the question and the answer alone are too much for the model.
    """
    most = model.context_length - max_tokens
    bare = model.prompt_size(write((), 0)[1])
    room = min(budget, most - bare)
    cut: Passage | None = None
    while most - bare >= _LEAST:
        taken, conversation = write(passages, room)
        over = model.prompt_size(conversation) - most
        if over <= 0:
            return ([cut] if cut is not None else taken), conversation
        if len(taken) > 1:
            room -= over
            continue
        cut = cut or taken[0]
        text = taken[0].text
        shorter = model.truncate(text, max(model.count(text) - over, 0))
        if not shorter:
            break
        passages = [replace(cut, text=shorter if len(shorter) < len(text) else text[: len(text) // 2])]
    raise CrystalError(
        f"{model.name} can take {model.context_length:,} tokens; the question, with {max_tokens:,} for the answer, leaves no room "
        "for a passage: ask a model that can take more, or for a shorter answer (--max-tokens)"
    )
