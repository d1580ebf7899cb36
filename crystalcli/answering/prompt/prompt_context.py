"""The prompt of a language model: the best sentences, packed within a token budget.

Knows: passages, their best sentences, the user's template. Does not know: recall, the model's
answer.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.prompt import context_fit
from crystalcli.answering.request import prompt_template
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import ChatModel, Passage
from crystalcli.text import unwrap_lines

# Tokens of passages. The default model makes more of the few best sentences than of 900 tokens, in
# a third of the time.
DEFAULT_BUDGET = 250
NO_MATCH = "nothing in this crystal answers to that question"
SYSTEM = "Answer the question from the passages, in a few words, with the words of the passages."


class PromptContext(NamedTuple):
    """The messages for a language model.

    Attributes:
        passages: The passages that were taken.
        context: Their text, as the model is given it.
        messages: The conversation, with context and question.
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
        best: Their sentences, best first, as of `sentence_ranking.read_passages`; passages whose
            sentences were not read fill the room left.
        options: The options of the question.
        model: The model whose window bounds the prompt; None: the budget alone does.
        count: Counts the tokens of a text.
        with_place: Gives a part of a passage the place of just that part.

    Returns:
        The messages, and the passages in them.

    Raises:
        CrystalError: The question alone is too much for the model (`context_fit.fit_context`).
    """
    budget = options.budget or DEFAULT_BUDGET
    context = ""

    def write(candidates: Sequence[Passage], room: int) -> tuple[list[Passage], list[dict[str, str]]]:
        nonlocal context
        taken, context = pack_passages(question, candidates, count, room, "{context}")
        return taken, chat_messages(
            prompt_template.fill_template(options.template or prompt_template.DEFAULT_TEMPLATE, context, question),
            options.system,
        )

    passages = [
        *map(with_place, sentence_ranking.sentence_windows(best, count, budget)),
        *recalled[sentence_ranking.MAX_PASSAGES :],
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
    budget: int = DEFAULT_BUDGET,
    template: str = prompt_template.DEFAULT_TEMPLATE,
) -> tuple[list[Passage], str]:
    """Make the user's message of the passages that fit in a budget.

    Args:
        question: The question.
        passages: The passages, best first.
        count: Counts the tokens of a text.
        budget: The tokens that all may come to; the first passage is taken whatever its size.
        template: The template of the message.

    Returns:
        The passages taken, and the message.
    """
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
    """Make the conversation that asks for an answer.

    Args:
        user: The user's message.
        system: The system message; None: the usual; "": without one.

    Returns:
        The messages, each with `role` and `content`.
    """
    system = SYSTEM if system is None else system
    return [{"role": role, "content": text} for role, text in (("system", system), ("user", user)) if text]


def _entry(number: int, passage: Passage) -> str:
    """Format a passage with its number and place."""
    place = passage.place
    text = "".join(unwrap_lines(passage.text, place.kind, names=place.marks.get("table", "")))
    return f"[{number}] {passage.path}, {place}:\n{text.strip()}"
