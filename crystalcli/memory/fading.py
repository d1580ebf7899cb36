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
from crystalcli.memory.decay import Forgetting
from crystalcli.memory.passages import Scored
from crystalcli.memory.shelf import Shelf

WEIGHT = 0.03  # a half-life costs as much as 0.02 of a cosine: of two that answer alike, the later comes first
HALF_LIFE = 365.0  # days, where none is given: benchmarks/fading.py finds as much by it as where nothing fades
_DAY = 86_400.0  # seconds
_DATED = re.compile(r"(?:.*, )?(\d{4}-\d\d-\d\d(?: \d\d:\d\d)?)(?: UTC)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Fading:
    """half_life: days after which half is left of a message. now: seconds since 1970 from which ages count; None: the newest of
    those that are ranked, so that the same question has the same answer tomorrow. weight: of log R in a score.

    Times are as they stand on clocks; time zones are not told apart. Raises UsageError for a half-life that is not above 0.
    """

    half_life: float
    now: float | None = None
    weight: float = WEIGHT

    def __post_init__(self) -> None:
        if not 0 < self.half_life < math.inf:
            raise UsageError(f"a half-life is a number of days above 0, not {self.half_life}")

    def lost(self, age: float) -> float:
        """What a score loses for an age in seconds: 0 or less."""
        curve = Forgetting.by_half_life(self.half_life)
        return self.weight * curve.log_retained(age / _DAY, curve.stability)


def fading_of(decay: object, now: float | None) -> Fading | None:
    """By a half-life in days, seen from `now`, seconds since 1970, else from the system's clock; "auto": by HALF_LIFE, else from the
    newest that is ranked; "off": None. Raises UsageError."""
    if decay == "off":
        return None
    if decay == "auto":
        return Fading(HALF_LIFE, now)
    if isinstance(decay, bool) or not isinstance(decay, int | float):
        raise UsageError(f'decay is "auto", "off" or a half-life in days, not {decay!r}')
    return Fading(float(decay), time.time() if now is None else now)


def faded(shelf: Shelf, ranked: Sequence[Scored], fading: Fading) -> list[Scored]:
    """The same atoms, best first, when the dated ones have lost by their age. Raises DamagedCrystalError."""
    times = [written_at(shelf, scored.atom) for scored in ranked]
    told = [written for written in times if written is not None]
    if not told:
        return list(ranked)
    now = max(told) if fading.now is None else fading.now
    found = []
    for scored, written in zip(ranked, times, strict=True):
        if written is not None:
            lost = fading.lost(now - written)
            scored = scored._replace(score=scored.score + lost, shares={**scored.shares, "age": lost})
        found.append(scored)
    return sorted(found, key=lambda scored: -scored.score)


def written_at(shelf: Shelf, atom: int) -> float | None:
    """When the message was written in which an atom begins, seconds since 1970; None where it is none, or has no date."""
    place = shelf.place(atom)
    runs = shelf.store.runs_over(place.chunk)
    if not runs:
        return None
    start, _ = shelf.before(runs[0], place.chunk)
    return time_told(shelf.store.landmark_before(runs[0].source, "message", start + place.start))


def time_told(label: str) -> float | None:
    """The time in the label of a message, `Ann, 2024-05-01 10:30`, in seconds since 1970; None where there is none."""
    told = _DATED.fullmatch(label)
    if told is None:
        return None
    try:
        return datetime.fromisoformat(told[1]).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
