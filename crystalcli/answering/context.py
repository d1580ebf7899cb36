"""Packs passages into the messages that a language model is given, within a budget counted in its own tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crystalcli.text.unwrap import unwrapped
from crystalcli.types import Passage

BUDGET = 250  # tokens of passages: the default model makes more of the few best sentences than of 900 tokens, in a third of the time
_ROOM = 256  # tokens that the template and the question need beside passages and answer
SYSTEM = "Answer the question from the passages, in a few words, with the words of the passages."


def budget(context_length: int, max_tokens: int) -> int:
    """How many tokens of passages a model that can have `context_length` before it is given, for an answer of `max_tokens`."""
    return max(1, min(BUDGET, context_length - max_tokens - _ROOM))


def pack(
    question: str, passages: Sequence[Passage], count: Callable[[str], int], budget: int = BUDGET
) -> tuple[list[Passage], str]:
    """The passages that fit in `budget` tokens, best first, and the user's message made of them. At least one is taken."""
    taken: list[Passage] = []
    used = 0
    for passage in passages:
        size = count(_entry(len(taken) + 1, passage))
        if taken and used + size > budget:
            continue
        taken.append(passage)
        used += size
    body = "\n\n".join(_entry(number, passage) for number, passage in enumerate(taken, 1))
    return taken, f"{body}\n\nQuestion: {question.strip()}"


def messages(user: str) -> list[dict[str, str]]:
    """The conversation that asks for an answer."""
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": user}]


def _entry(number: int, passage: Passage) -> str:
    return f"[{number}] {passage.path}, {passage.place}:\n{''.join(unwrapped(passage.text, passage.kind)).strip()}"
