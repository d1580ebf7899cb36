"""A question answered: recall, pack, generate or extract, cite."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from crystalcli.answering import context, support
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.memory.crystal import CrystalFile
from crystalcli.types import Answer, Passage

# A model of this size says the same again and again when it is left alone.
_PENALTY = 1.15
_STOP = ("\n\n",)


def ask(
    crystal: CrystalFile,
    question: str,
    *,
    model: Path | None,
    k: int = 5,
    depth: int = 3,
    max_tokens: int = 128,
    seed: int = 0,
    on_text: Callable[[str], None] | None = None,
) -> Answer:
    """Answer from what the crystal recalls. model: a language model's file, or None for the best sentences, quoted.

    on_text receives the answer piece by piece. Raises UsageError for what cannot be asked and NotFoundError when nothing is recalled.
    """
    if max_tokens < 1:
        raise UsageError(f"max-tokens is 1 or more, not {max_tokens}")
    began = time.monotonic()
    passages = crystal.recall(question, k, depth)
    recalled = time.monotonic() - began
    if not passages:
        raise NotFoundError("nothing in this crystal answers to that question")
    if model is None:
        return _extract(crystal, question, passages, began, recalled, on_text)

    from crystalcli.lm.model import LanguageModel

    language_model = LanguageModel.open(model)
    room = language_model.context_length - max_tokens - 256  # the template and the question need some of it too
    taken, user = context.pack(question, passages, language_model.count, min(context.BUDGET, room))
    prompt = language_model.chat_prompt(context.messages(user))
    first = 0.0
    pieces: list[str] = []
    for piece in language_model.generate(
        prompt, max_tokens=max_tokens, seed=seed, repetition_penalty=_PENALTY, stop=_STOP
    ):
        if not pieces:
            piece = piece.lstrip()
            if not piece:
                continue
            first = time.monotonic() - began
        pieces.append(piece)
        if on_text is not None:
            on_text(piece)
    text = "".join(pieces).strip()
    tokens = {
        "context": sum(language_model.count(passage.text) for passage in taken),
        "prompt": len(prompt),
        "answer": language_model.count(text),
    }
    cited = support.citations(crystal, text, question, taken)
    seconds = {"recall": recalled, "first": first, "total": time.monotonic() - began}
    return Answer(question, text, cited, tuple(passages), language_model.name, tokens, seconds)


def _extract(
    crystal: CrystalFile,
    question: str,
    passages: list[Passage],
    began: float,
    recalled: float,
    on_text: Callable[[str], None] | None,
) -> Answer:
    cited = support.extracts(crystal, passages)
    text = "\n".join(f"“{' '.join(citation.quote.split())}” [{citation.number}]" for citation in cited)
    if on_text is not None:
        on_text(text)
    total = time.monotonic() - began
    return Answer(
        question, text, cited, tuple(passages), "extractive", {}, {"recall": recalled, "first": total, "total": total}
    )
