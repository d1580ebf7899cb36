"""What a language model is given: the best sentences with their neighbours, packed into messages within a budget of its own tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.answering import extract, templates, window
from crystalcli.answering.wishes import Wishes
from crystalcli.text.unwrap import unwrapped
from crystalcli.types import Passage, Speaker

BUDGET = 250  # tokens of passages: the default model makes more of the few best sentences than of 900 tokens, in a third of the time
NOTHING = "nothing in this crystal answers to that question"
SYSTEM = "Answer the question from the passages, in a few words, with the words of the passages."


class Given(NamedTuple):
    """passages: those that were taken. context: their text, as it is given. messages: the conversation, context and question in it."""

    passages: list[Passage]
    context: str
    messages: list[dict[str, str]]


def given(
    question: str,
    recalled: Sequence[Passage],
    best: Sequence[extract.Sentence],
    wishes: Wishes,
    model: Speaker | None,
    count: Callable[[str], int],
    placed: Callable[[Passage], Passage],
) -> Given:
    """What `model` is given to answer from; None: a model that nobody knows, whose window bounds nothing.

    best: sentences as `extract.ranked` gives them; what room they leave is for passages whose sentences were not looked at.
    count: tokens of a text. placed: a part of a passage with the place of just that part. Raises CrystalError as `window.fitted` does.
    """
    budget = wishes.budget or BUDGET
    context = ""

    def write(some: Sequence[Passage], room: int) -> tuple[list[Passage], list[dict[str, str]]]:
        nonlocal context
        taken, context = pack(question, some, count, room, "{context}")
        return taken, messages(templates.filled(wishes.template or templates.PLAIN, context, question), wishes.system)

    passages = [*map(placed, extract.windows(best, count, budget)), *recalled[extract.READ :]]
    taken, conversation = (
        write(passages, budget) if model is None else window.fitted(model, passages, wishes.max_tokens, budget, write)
    )
    return Given(taken, context, conversation)


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
