"""The prompt for a question, packed for use with any other language model.

Knows: recall, and the prompt that `ask` builds. Does not know: models that speak; none does here.
"""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.answering.evidence.newest_first import newest_first
from crystalcli.answering.prompt import prompt_context
from crystalcli.answering.prompt.passage_choice import choose_passages
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.answering.request.filter_reading import read_filter
from crystalcli.datatypes import ChatModel, Passage
from crystalcli.errors import NotFoundError
from crystalcli.lm import estimate_tokens
from crystalcli.recall import CrystalReader


@dataclass(frozen=True, slots=True)
class PackedContext:
    """The messages to a language model for a question. `str(packed)` is the context.

    Attributes:
        question: The question.
        context: The passages, numbered from 1, each with its place.
        passages: The same passages, best first.
        system: The system message; None without one.
        user: The user's message, context and question included.
        tokens: The tokens of the context.
        budget: The tokens that it might have.
        counted_by: The name of the model whose vocabulary counted; None: an estimate, as for a
            model behind a server.
    """

    question: str
    context: str
    passages: tuple[Passage, ...]
    system: str | None
    user: str
    tokens: int
    budget: int
    counted_by: str | None

    def __str__(self) -> str:
        return self.context


def pack_context(
    crystal: CrystalReader, question: str, options: AskOptions, model: ChatModel | None = None, *, bounded: bool = True
) -> PackedContext:
    """Recall passages, and pack the prompt that `ask` would give a language model.

    Args:
        crystal: The crystal.
        question: The question.
        options: The options of the question.
        model: The model whose vocabulary counts tokens; None: they are estimated.
        bounded: Whether its window bounds the context too.

    Returns:
        The prompt, its context, and their figures.

    Raises:
        UsageError: The question is empty, or an option is out of range.
        NotFoundError: Nothing was recalled.
        CrystalError: Nothing fits into the model's window.
    """
    reading = read_filter(crystal, question, options.where, options.today)
    results = crystal.recall(question, options.k, depth=options.depth, half_life=options.half_life, where=reading)
    if not results:
        raise NotFoundError(prompt_context.NO_MATCH)
    count = model.count if model is not None else estimate_tokens
    passages = newest_first(question, results.passages, asked=reading.newest)
    chosen = choose_passages(crystal, question, passages, newest=reading.newest)
    prompt = prompt_context.build_prompt(question, chosen, options, model if bounded else None, count, reading.me)
    contents = {message["role"]: message["content"] for message in prompt.messages}
    return PackedContext(
        question=question,
        context=prompt.context,
        passages=tuple(prompt.passages),
        system=contents.get("system"),
        user=contents["user"],
        tokens=count(prompt.context),
        budget=options.budget or prompt_context.DEFAULT_BUDGET,
        counted_by=None if model is None or model.estimates else model.name,
    )
