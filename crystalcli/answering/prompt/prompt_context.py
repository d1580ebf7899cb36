"""What a language model is given: the best sentences with their neighbours, packed into messages within a budget of its own tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.prompt import context_fit
from crystalcli.answering.request import prompt_template
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.text import unwrap_lines
from crystalcli.types import ChatModel, Passage

BUDGET = 250  # tokens of passages: the default model makes more of the few best sentences than of 900 tokens, in a third of the time
NOTHING = "nothing in this crystal answers to that question"
SYSTEM = "Answer the question from the passages, in a few words, with the words of the passages."


class PromptContext(NamedTuple):
    """The messages for a language model.

    Attributes:
        passages: The passages that were taken.
        context: Their text, as the model is given it.
        messages: The conversation, context and question in it.
    """

    passages: list[Passage]
    context: str
    messages: list[dict[str, str]]


def build_prompt(
    question: str,
    recalled: Sequence[Passage],
    best: Sequence[sentence_ranking.RankedSentence],
    options: AskOptions,
    model: ChatModel | None,
    count: Callable[[str], int],
    with_place: Callable[[Passage], Passage],
) -> PromptContext:
    """Pack the best sentences into messages within a budget.

    Args:
        question: The question.
        recalled: The passages, best first.
        best: Their sentences, as `extract.read` ranks them; passages whose sentences were not read fill the room left.
        options: The options of the question.
        model: The model whose window bounds the prompt; None: the budget alone does.
        count: Counts the tokens of a text.
        with_place: Gives a part of a passage the place of just that part.

    Raises:
        CrystalError: The question alone is too much for the model (`window.fitted`).
    """
    budget = options.budget or BUDGET
    context = ""

    def write(some: Sequence[Passage], room: int) -> tuple[list[Passage], list[dict[str, str]]]:
        nonlocal context
        taken, context = pack_passages(question, some, count, room, "{context}")
        return taken, chat_messages(
            prompt_template.fill_template(options.template or prompt_template.DEFAULT_TEMPLATE, context, question),
            options.system,
        )

    passages = [
        *map(with_place, sentence_ranking.sentence_windows(best, count, budget)),
        *recalled[sentence_ranking.READ :],
    ]
    taken, conversation = (
        write(passages, budget)
        if model is None
        else context_fit.fit_context(model, passages, options.max_tokens, budget, write)
    )
    return PromptContext(taken, context, conversation)


def pack_passages(
    question: str,
    passages: Sequence[Passage],
    count: Callable[[str], int],
    budget: int = BUDGET,
    template: str = prompt_template.DEFAULT_TEMPLATE,
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
    return taken, prompt_template.fill_template(template, body, question)


def chat_messages(user: str, system: str | None = None) -> list[dict[str, str]]:
    """The conversation that asks for an answer. system: see `AskOptions`."""
    said = SYSTEM if system is None else system
    return [{"role": role, "content": text} for role, text in (("system", said), ("user", user)) if text]


def _entry(number: int, passage: Passage) -> str:
    return f"[{number}] {passage.path}, {passage.place}:\n{''.join(unwrap_lines(passage.text, passage.place.kind)).strip()}"
