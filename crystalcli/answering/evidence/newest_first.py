"""The order of dated passages: of those that answer about as well the newest comes first.

    score   the passage's - weight · its age, as a share of the age of the oldest of them

The weight is ASKED_WEIGHT where the question asks how things are now, PRESENT_WEIGHT where it is in
the present tense, since of two statements about the same thing the newer holds, and TIE_WEIGHT
otherwise. Ages count from the newest of the passages that answer about as well as the best; what
has no date keeps its score.

Knows: the dates of messages, sections and names, English tenses. Does not know: what a passage
says.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from crystalcli.datatypes import Passage
from crystalcli.recall import CrystalReader

ASKED_WEIGHT, PRESENT_WEIGHT, TIE_WEIGHT = 0.3, 0.15, 0.02
_ABOUT_AS_WELL = 0.6  # the distance in score from the best passage
_PRESENT = re.compile(r"\b(?:is|are|am|do|does|has|have|who['’]s|what['’]s|where['’]s)\b", re.IGNORECASE)
_PAST = re.compile(
    r"\b(?:did|was|were|had|before|previous\w*|former\w*|first|used to|ago|ever|original\w*)\b", re.IGNORECASE
)


def newest_first(
    crystal: CrystalReader, question: str, passages: Sequence[Passage], *, asked: bool = False
) -> list[Passage]:
    """Put passages in order anew, by their scores and their dates.

    Args:
        crystal: The crystal.
        question: The question.
        passages: The passages, best first.
        asked: Whether the question asks how things are now.

    Returns:
        All passages, best first.
    """
    near = [passage for passage in passages if passage.score >= passages[0].score - _ABOUT_AS_WELL]
    days = [crystal.day_at(passage.path, passage.best[0]) for passage in near]
    known = [day for day in days if day is not None]
    if len(set(known)) < 2:
        return list(passages)
    weight = ASKED_WEIGHT if asked else PRESENT_WEIGHT if is_present(question) else TIE_WEIGHT
    newest, span = max(known), (max(known) - min(known)).days
    aged = [
        passage if day is None else _with_age(passage, -weight * (newest - day).days / span)
        for passage, day in zip(near, days, strict=True)
    ]
    return [*sorted(aged, key=lambda passage: -passage.score), *passages[len(near) :]]


def is_present(question: str) -> bool:
    """Tell whether a question asks how things are, in the present tense."""
    return bool(_PRESENT.search(question)) and not _PAST.search(question)


def _with_age(passage: Passage, penalty: float) -> Passage:
    return replace(passage, score=passage.score + penalty, recency=passage.recency + penalty)
