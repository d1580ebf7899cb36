"""Packs passages into the messages that a language model is given, within a budget counted in its own tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crystalcli.answering import templates
from crystalcli.text.unwrap import unwrapped
from crystalcli.types import Passage

BUDGET = 250  # tokens of passages: the default model makes more of the few best sentences than of 900 tokens, in a third of the time
SYSTEM = "Answer the question from the passages, in a few words, with the words of the passages."


def pack(
    question: str,
    passages: Sequence[Passage],
    count: Callable[[str], int],
    budget: int = BUDGET,
    template: str = templates.PLAIN,
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
    return taken, templates.filled(template, body, question)


def messages(user: str, system: str | None = None) -> list[dict[str, str]]:
    """The conversation that asks for an answer. system: see `Wishes`."""
    said = SYSTEM if system is None else system
    return [{"role": role, "content": text} for role, text in (("system", said), ("user", user)) if text]


def _entry(number: int, passage: Passage) -> str:
    return f"[{number}] {passage.path}, {passage.place}:\n{''.join(unwrapped(passage.text, passage.kind)).strip()}"
