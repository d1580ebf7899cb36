"""What a language model would be given for a question, for use with any other one. No model speaks here."""

from __future__ import annotations

from dataclasses import dataclass

from crystalcli.answering import context, extract
from crystalcli.answering.wishes import Wishes
from crystalcli.errors import NotFoundError
from crystalcli.lm import estimate_tokens
from crystalcli.memory.crystal import CrystalFile
from crystalcli.types import Passage, Speaker


@dataclass(frozen=True, slots=True)
class Packed:
    """context: the passages, numbered from 1, each with its place. passages: the same, in that order, each with its best sentence.

    system, user: the messages, context and question included. tokens: what context has, by `counted_by`, the name of the model
    whose vocabulary counted, "" where it is an estimate, as for a model behind a server; budget: what it might have.
    """

    question: str
    context: str
    passages: tuple[Passage, ...]
    system: str
    user: str
    tokens: int
    budget: int
    counted_by: str


def packed(
    crystal: CrystalFile, question: str, wishes: Wishes, model: Speaker | None = None, *, bounded: bool = True
) -> Packed:
    """Recall, and pack what `ask` would give a model of what was recalled; nothing is loaded to speak.

    model: its vocabulary counts; None: an estimate does. bounded: whether its window bounds what is given, too.
    Raises UsageError for what cannot be asked, NotFoundError when nothing is recalled, CrystalError when nothing fits.
    """
    found = crystal.recall(question, wishes.k, wishes.depth, decay=wishes.decay)
    if not found:
        raise NotFoundError(context.NOTHING)
    count = model.count if model is not None else estimate_tokens
    best = extract.ranked(crystal.recaller(), question, found)
    given = context.given(question, found, best, wishes, model if bounded else None, count, crystal.placed)
    system, user = ("", *(message["content"] for message in given.messages))[-2:]
    return Packed(
        question,
        given.context,
        tuple(given.passages),
        system,
        user,
        count(given.context),
        wishes.budget or context.BUDGET,
        "" if model is None or model.estimates else model.name,
    )
