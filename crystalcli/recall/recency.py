"""Recall that prefers what was said lately: what is dated loses by its age, on the forgetting curve. Knows the dates of messages alone.

    score of an atom + WEIGHT · log R(age in days)

A book, a paper or a file of code has no such date and keeps its score, whatever its age; so does a message whose date is told in words.
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from crystalcli.errors import UsageError
from crystalcli.index import IndexReader
from crystalcli.neural_memory import Forgetting
from crystalcli.recall.query import ScoredAtom

WEIGHT = 0.03  # a half-life costs as much as 0.02 of a cosine: of two that answer alike, the later comes first
HALF_LIFE = 365.0  # days, where none is given: benchmarks/fading.py finds as much by it as where nothing fades
_DAY = 86_400.0  # seconds
_DATED = re.compile(r"(?:.*, )?(\d{4}-\d\d-\d\d(?: \d\d:\d\d)?)(?: UTC)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Recency:
    """How dated messages lose in score by their age. Times are clock times; time zones are not told apart.

    Attributes:
        half_life: Days after which half is left of a message.
        now: The time from which ages count, in seconds since 1970; None: that of the newest message among those that
            are ranked, so that the same question has the same answer tomorrow.
        weight: The weight of log R in a score.

    Raises:
        UsageError: The half-life is not above 0.
    """

    half_life: float
    now: float | None = None
    weight: float = WEIGHT

    def __post_init__(self) -> None:
        if not 0 < self.half_life < math.inf:
            raise UsageError(f"half-life: expected a number of days above 0, got {self.half_life}")

    def lost(self, age: float) -> float:
        """Give what a score loses for an age in seconds: 0 or less."""
        curve = Forgetting.by_half_life(self.half_life)
        return self.weight * curve.log_retained(age / _DAY, curve.stability)


def recency_of(half_life: object, now: float | None) -> Recency | None:
    """Read the option `half_life`.

    Args:
        half_life: A half-life in days; "auto": HALF_LIFE; "off": no message loses.
        now: The time from which ages count, in seconds since 1970; None: the system's clock where days are given, and
            the newest message that is ranked for "auto".

    Returns:
        The rule, or None where no message loses.

    Raises:
        UsageError: The half-life is none of these.
    """
    if half_life == "off":
        return None
    if half_life == "auto":
        return Recency(HALF_LIFE, now)
    if isinstance(half_life, bool) or not isinstance(half_life, int | float):
        raise UsageError(f'half-life: expected "auto", "off" or a number of days, got {half_life!r}')
    return Recency(float(half_life), time.time() if now is None else now)


def apply_recency(shelf: IndexReader, ranked: Sequence[ScoredAtom], recency: Recency) -> list[ScoredAtom]:
    """Lower the scores of dated atoms by their age and order all again, best first. Raises DamagedCrystalError."""
    times = [written_at(shelf, scored.atom) for scored in ranked]
    told = [written for written in times if written is not None]
    if not told:
        return list(ranked)
    now = max(told) if recency.now is None else recency.now
    found = []
    for scored, written in zip(ranked, times, strict=True):
        if written is not None:
            lost = recency.lost(now - written)
            shares = {**scored.shares, "age": lost}
            scored = scored._replace(score=scored.score + lost, shares=shares, recency=lost)
        found.append(scored)
    return sorted(found, key=lambda scored: -scored.score)


def written_at(shelf: IndexReader, atom: int) -> float | None:
    """When the message was written in which an atom begins, seconds since 1970; None where it is none, or has no date."""
    place = shelf.place(atom)
    runs = shelf.store.runs_over(place.chunk)
    if not runs:
        return None
    start, _ = shelf.before(runs[0], place.chunk)
    return parse_message_time(shelf.store.landmark_before(runs[0].source, "message", start + place.start))


def parse_message_time(label: str) -> float | None:
    """The time in the label of a message, `Ann, 2024-05-01 10:30`, in seconds since 1970; None where there is none."""
    told = _DATED.fullmatch(label)
    if told is None:
        return None
    try:
        return datetime.fromisoformat(told[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
