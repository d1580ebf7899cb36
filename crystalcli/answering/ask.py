"""A question answered: recall, pack, generate or extract, cite."""

from __future__ import annotations

import time
from collections.abc import Callable

from crystalcli.answering import broad, context, support
from crystalcli.answering.wishes import Wishes
from crystalcli.errors import NotFoundError
from crystalcli.memory.crystal import CrystalFile
from crystalcli.types import Answer, Passage, Speaker

# A model of this size says the same again and again when it is left alone.
_PENALTY = 1.15
_STOP = ("\n\n",)
_ROOM = 256  # tokens that the template and the question need beside passages and answer


def ask(
    crystal: CrystalFile,
    question: str,
    wishes: Wishes,
    *,
    speaker: Callable[[], Speaker],
    on_text: Callable[[str], None] | None = None,
    on_evidence: Callable[[list[Passage]], None] | None = None,
) -> Answer:
    """Answer from what the crystal recalls.

    speaker: opens the language model; called once there is something to say, and not at all for an extractive answer.
    on_evidence is told what was recalled before the model is opened; on_text receives the answer piece by piece.
    Raises UsageError for what cannot be asked, NotFoundError when nothing is recalled, and what `speaker` raises.
    """
    if (plan := broad.plan(crystal, question, wishes)) is not None:
        return broad.ask(crystal, question, wishes, plan, speaker=speaker, on_text=on_text, on_evidence=on_evidence)
    began = time.monotonic()
    passages = crystal.recall(question, wishes.k, wishes.depth)
    recalled = time.monotonic() - began
    if not passages:
        raise NotFoundError("nothing in this crystal answers to that question")
    if on_evidence is not None:
        on_evidence(passages)
    if wishes.extractive:
        cited = support.extracts(crystal, passages)
        text = "\n".join(f"“{' '.join(citation.quote.split())}” [{citation.number}]" for citation in cited)
        if on_text is not None:
            on_text(text)
        total = time.monotonic() - began
        seconds = {"recall": recalled, "first": total, "total": total}
        return Answer(question, text, cited, tuple(passages), "extractive", {}, seconds)

    model = speaker()
    room = model.context_length - wishes.max_tokens - _ROOM
    taken, user = context.pack(question, passages, model.count, min(context.BUDGET, room))
    conversation = context.messages(user)
    first = 0.0
    pieces: list[str] = []
    for piece in model.say(
        conversation, max_tokens=wishes.max_tokens, seed=wishes.seed, repetition_penalty=_PENALTY, stop=_STOP
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
        "context": sum(model.count(passage.text) for passage in taken),
        "prompt": model.prompt_size(conversation),
        "answer": model.count(text),
    }
    cited = support.citations(crystal, text, question, taken)
    seconds = {"recall": recalled, "first": first, "total": time.monotonic() - began}
    return Answer(question, text, cited, tuple(passages), model.name, tokens, seconds)
