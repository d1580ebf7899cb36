"""What a language model is given of the passages that were recalled.

    asked how things are now    nothing older than the best passage, if that seems to answer
    and of a chat               no message that a later one of the passage changes
    asked of a person, a time   of a conversation the parts by that person, of that time

A small model that is given an old statement beside the new one often takes the old one.

Knows: dates, and the parts that a filter lets through. Does not know: prompts, models.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crystalcli.answering.evidence.later_message import without_former_messages
from crystalcli.answering.evidence.newest_first import is_present
from crystalcli.answering.request.ask_options import MOST_IN_MIND
from crystalcli.datatypes import Passage
from crystalcli.recall import CrystalReader

_MAX_IN_MIND = 400  # characters of each
_SEEMS_TO_ANSWER = -5.0  # a reranker's logit; those of foreign texts are from -7 to -11


def choose_passages(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], *, newest: bool
) -> list[Passage]:
    """Choose the passages to give to a language model.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        newest: Whether the words of the question ask for the newest.

    Returns:
        The passages that hold, best first, each with its allowed parts alone.
    """
    holds = newest or (is_present(question) and bool(passages) and _seems_to_answer(passages[0]))
    day = passages[0].date if passages and holds else None
    chosen = passages if day is None else [each for each in passages if each.date is None or each.date >= day]
    given: list[Passage] = []
    for passage in chosen:
        given += (
            [_allowed_part(crystal, passage)]
            if passage.allowed
            else without_former_messages(crystal, question, passage)
        )
    return given


def passages_in_mind(crystal: CrystalReader, names: Sequence[str], recalled: Sequence[Passage]) -> list[Passage]:
    """Read what a language model is given beside what was recalled, such as pinned memories.

    Args:
        crystal: The crystal.
        names: The names of the documents; of each the beginning is taken.
        recalled: The passages that were recalled, which are not given twice.
    """
    known = {passage.path for passage in recalled}
    passages = []
    for name in [name for name in dict.fromkeys(names) if name not in known][:MOST_IN_MIND]:
        citation = crystal.cite(name, 0, min(crystal.find_document(name).characters, _MAX_IN_MIND))
        passages.append(Passage(citation.place, citation.quote, 0.0, date=citation.date))
    return passages


def _seems_to_answer(passage: Passage) -> bool:
    return passage.logit is None or passage.logit > _SEEMS_TO_ANSWER


def _allowed_part(crystal: CrystalReader, passage: Passage) -> Passage:
    """Cut a passage to what is between the first and the last of its allowed parts."""
    start = max(passage.start, min(start for start, _ in passage.allowed))
    end = min(passage.end, max(end for _, end in passage.allowed))
    text = passage.text[start - passage.start : end - passage.start]
    return crystal.with_place(replace(passage, place=replace(passage.place, start=start, end=end), text=text))
