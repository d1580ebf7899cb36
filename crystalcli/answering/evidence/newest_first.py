"""The order of dated passages: of those that answer about as well the newest comes first.

    score   the passage's + WEIGHT · log R(age in days), on the forgetting curve of recall

Ages count from the newest of the passages. What has no date keeps its score.

Knows: the dates of messages, sections and names. Does not know: what a passage says.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from crystalcli.datatypes import Passage
from crystalcli.recall import HALF_LIFE, CrystalReader, Recency

# A year costs as much as 0.2 of a cosine where the newest is asked for, else it breaks ties.
ASKED_WEIGHT, TIE_WEIGHT = 0.3, 0.03
_DAY = 86_400.0  # seconds


def newest_first(crystal: CrystalReader, passages: Sequence[Passage], *, asked: bool = False) -> list[Passage]:
    """Put passages in order anew, by their scores and their dates.

    Args:
        crystal: The crystal.
        passages: The passages, best first.
        asked: Whether the question asks how things are now.

    Returns:
        All passages, best first.
    """
    days = [crystal.day_at(passage.path, passage.best[0]) for passage in passages]
    known = [day for day in days if day is not None]
    if len(set(known)) < 2:
        return list(passages)
    rule = Recency(HALF_LIFE, weight=ASKED_WEIGHT if asked else TIE_WEIGHT)
    penalties = [0.0 if day is None else rule.penalty((max(known) - day).days * _DAY) for day in days]
    rescored = [
        replace(passage, score=passage.score + penalty, recency=passage.recency + penalty)
        for passage, penalty in zip(passages, penalties, strict=True)
    ]
    return sorted(rescored, key=lambda passage: -passage.score)
