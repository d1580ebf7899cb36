"""The prompt of a language model: the best passages, packed within a token budget.

The best passage comes first. Of dated passages the day stands beside the place, and relative dates
are resolved.

Knows: passages and their dates, the user's template. Does not know: recall, the model's answer.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from crystalcli.answering.evidence.question_type import asks_for_several
from crystalcli.answering.prompt import context_fit
from crystalcli.answering.prompt.answer_form import form_request
from crystalcli.answering.request import prompt_template
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import ChatModel, Passage
from crystalcli.recall import format_day, with_resolved_dates
from crystalcli.text import shown_text

DEFAULT_BUDGET = 800
"""Tokens of passages for a question that may need several, or for a model elsewhere."""

# The same for a question after one thing: on two cores a model of 1.5 billion reads them in two
# seconds, and as many known answers stand in them (110 of 160; 111 in 800).
_BUDGET_FOR_ONE = 600
NO_MATCH = "nothing in this crystal answers to that question"
SYSTEM = (
    "Answer the question from the passages, in one to three short sentences, with the names, numbers, dates and code "
    "that the passages have."
)
# Said where the question has "I" or "my": it is the writer of the notes who asks.
OWN_NOTES = (
    " The passages are from the notes and messages of the person who asks: I and my in them are that person. "
    "Answer with you and your."
)
# The same where the crystal knows who that is.
NAMED_NOTES = (
    " The passages are from the notes and messages of {me}, who asks: I and my in notes, and in what {me} wrote, are {me}. "
    "Answer with you and your."
)
_FIRST_PERSON = re.compile(r"\b(?:I|me|my|mine|we|us|our|ours)\b", re.IGNORECASE)


class PromptContext(NamedTuple):
    """The messages for a language model.

    Attributes:
        passages: The passages that were taken, best first.
        context: Their text, as the model is given it.
        messages: The conversation, with context and question.
    """

    passages: list[Passage]
    context: str
    messages: list[dict[str, str]]


def build_prompt(
    question: str,
    passages: Sequence[Passage],
    options: AskOptions,
    model: ChatModel | None,
    count: Callable[[str], int],
    me: str = "",
) -> PromptContext:
    """Pack passages into messages within a budget.

    Args:
        question: The question.
        passages: The passages, best first.
        options: The options of the question.
        model: The model whose window bounds the prompt; None: the budget alone does.
        count: Counts the tokens of a text.
        me: Who "I" is in the question; "" where that is not known.

    Returns:
        The messages, and the passages in them.

    Raises:
        CrystalError: The question alone is too much for the model (`context_fit.fit_context`).
    """
    usual = DEFAULT_BUDGET if model is None or asks_for_several(question) else _BUDGET_FOR_ONE
    budget = options.budget or usual
    context = ""
    system = options.system
    if system is None:
        own = NAMED_NOTES.format(me=me) if me else OWN_NOTES
        system = SYSTEM + own * bool(_FIRST_PERSON.search(question)) + form_request(question, passages)

    def write(candidates: Sequence[Passage], room: int) -> tuple[list[Passage], list[dict[str, str]]]:
        nonlocal context
        taken, context = pack_passages(question, candidates, count, room, "{context}")
        template = options.template or prompt_template.DEFAULT_TEMPLATE
        return taken, chat_messages(prompt_template.fill_template(template, context, question), system)

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
        The passages taken, best first, and the message.
    """
    taken: list[Passage] = []
    entries: list[str] = []
    used = 0
    for passage in passages:
        entry = _entry(len(taken) + 1, passage)
        size = count(entry)
        if taken and used + size > budget:
            continue
        taken.append(passage)
        entries.append(entry)
        used += size
    return taken, prompt_template.fill_template(template, "\n\n".join(entries), question)


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
    """Format a passage with its number, place and date."""
    place = passage.place
    text = shown_text(passage.text, place).strip()
    written = ""
    if passage.date is not None:
        text, written = with_resolved_dates(text, passage.date), f", {format_day(passage.date)}"
    return f"[{number}] {passage.path}, {place}{written}:\n{text}"
