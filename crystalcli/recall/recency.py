"""Recency: dated messages lose score by their age, on the forgetting curve.

    score of an atom + WEIGHT · log R(age in days)

A book, a paper or a file of code has no such date and keeps its score at any age; so does a message
whose date is written in words. Where a question asks how things are now, sections and documents
with a date lose score too, and all of it by NEWEST_WEIGHT.

Memories fade as slowly as they are strong: pinned ones never.

Knows: dates of messages, sections and names. Does not know: other signals, times of files.
"""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from crystalcli.errors import UsageError
from crystalcli.index import IndexReader
from crystalcli.neural_memory import Forgetting
from crystalcli.recall.content_dates import MESSAGE_TIME, day_at, has_dates
from crystalcli.recall.memory_strength import MemoryStrength, read_recalls, strength_of
from crystalcli.recall.query import ScoredAtom
from crystalcli.storage import first_sources

# A half-life costs as much as 0.02 of a cosine: of two messages that answer alike, the later one
# comes first.
WEIGHT = 0.03
# Where the newest is asked for; benchmarks/fading.py recalls as much with it as without recency.
NEWEST_WEIGHT = 0.1
# Days, by default: benchmarks/fading.py recalls as much with it as without recency.
HALF_LIFE = 365.0
_DAY = 86_400.0  # seconds


@dataclass(frozen=True, slots=True)
class Recency:
    """The rule by which dated messages lose score. Times are clock times, without time zones.

    Attributes:
        half_life: Days after which half of a message is retained.
        now: The time from which ages count, in seconds since 1970; None: that of the newest message
            among the ranked, so that the same question has the same answer tomorrow.
        weight: The weight of log R in a score.
        sections: Whether dated sections and documents lose score too. An atom is then as old as the
            last message or section in it.

    Raises:
        UsageError: The half-life is not a finite number above 0.
    """

    half_life: float
    now: float | None = None
    weight: float = WEIGHT
    sections: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.half_life < math.inf:
            raise UsageError(f"half-life: expected a number of days above 0, got {self.half_life}")

    def penalty(self, age: float, factor: float = 1.0) -> float:
        """Compute the change of a score: 0 or less.

        Args:
            age: The age in seconds.
            factor: How many times as slowly as others it fades, as of `MemoryStrength`.
        """
        curve = Forgetting.by_half_life(self.half_life)
        return self.weight * curve.log_retained(age / _DAY, factor * curve.stability)


def recency_of(half_life: object, now: float | None, *, newest: bool = False) -> Recency | None:
    """Read the option `half_life`.

    Args:
        half_life: A half-life in days; "auto": HALF_LIFE; "off": messages keep their scores.
        now: The time from which ages count, in seconds since 1970; None: the system's clock for a
            half-life in days, and the newest of the ranked messages for "auto".
        newest: Whether the question asks for the newest; counts for "auto" alone.

    Returns:
        The rule, or None for "off".

    Raises:
        UsageError: The half-life is neither "auto", "off" nor a finite number above 0.
    """
    if half_life == "off":
        return None
    if half_life == "auto":
        return Recency(HALF_LIFE, now, NEWEST_WEIGHT, sections=True) if newest else Recency(HALF_LIFE, now)
    if isinstance(half_life, bool) or not isinstance(half_life, int | float):
        raise UsageError(f'half-life: expected "auto", "off" or a number of days, got {half_life!r}')
    return Recency(float(half_life), time.time() if now is None else now)


def apply_recency(index: IndexReader, ranked: Sequence[ScoredAtom], recency: Recency) -> list[ScoredAtom]:
    """Lower the scores of dated atoms by their age.

    Args:
        index: The resident index.
        ranked: Atoms, best first.
        recency: The rule.

    Returns:
        All atoms, best first.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    if recency.sections:
        is_dated = _are_dated(index, [scored.atom for scored in ranked])
        times = [
            dated_at(index, scored.atom) if dated else None for scored, dated in zip(ranked, is_dated, strict=True)
        ]
    else:
        times = [written_at(index, scored.atom) for scored in ranked]
    known_times = [written for written in times if written is not None]
    if not known_times:
        return list(ranked)
    now = max(known_times) if recency.now is None else recency.now
    strengths = _strengths(index, [scored.atom for scored in ranked])
    rescored = []
    for scored, written in zip(ranked, times, strict=True):
        if written is not None:
            strength = strengths.get(scored.atom, MemoryStrength())
            penalty = recency.penalty(strength.age(written, now), strength.factor)
            signals = {**scored.signals, "age": penalty}
            scored = scored._replace(score=scored.score + penalty, signals=signals, recency=penalty)
        rescored.append(scored)
    return sorted(rescored, key=lambda scored: -scored.score)


def _strengths(index: IndexReader, atoms: Sequence[int]) -> dict[int, MemoryStrength]:
    """Find the strengths of the memories among atoms, by atom; those of other text are all 1."""
    if not index.store.memories(limit=1):
        return {}
    recalls = read_recalls(index.store)
    chunks = index.nesting.chunk_of(np.array(atoms, np.int64)).tolist()
    sources = {chunk: source for chunk, (source, *_) in first_sources(index.store, sorted(set(chunks))).items()}
    rows = {source: index.store.memory_of(source) for source in set(sources.values())}
    strengths = {}
    for atom, chunk in zip(atoms, chunks, strict=True):
        if (row := rows.get(sources.get(chunk, 0))) is not None:
            strengths[atom] = strength_of(row, recalls)
    return strengths


def written_at(index: IndexReader, atom: int) -> float | None:
    """Read the time of the message that an atom begins in.

    Returns:
        Seconds since 1970; None outside of messages, and for a message without a date.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    span = _span_of(index, atom)
    return None if span is None else parse_message_time(index.store.landmark_before(span[0], "message", span[1]))


def _are_dated(index: IndexReader, atoms: Sequence[int]) -> list[bool]:
    """Tell for each atom whether its document has dates; looking at its place costs far more."""
    chunks = index.nesting.chunk_of(np.array(atoms, np.int64)).tolist()
    sources = {chunk: source for chunk, (source, *_) in first_sources(index.store, sorted(set(chunks))).items()}
    dated = {source: has_dates(index, index.store.source(source)) for source in set(sources.values())}
    return [dated.get(sources.get(chunk, 0), False) for chunk in chunks]


def dated_at(index: IndexReader, atom: int) -> float | None:
    """Read the date of the message, section or document that an atom ends in.

    Returns:
        Seconds since 1970; None without a date.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    span = _span_of(index, atom)
    if span is None:
        return None
    source, start, end = span
    last = max(start, end - 1)
    written = parse_message_time(index.store.landmark_before(source, "message", last))
    day = day_at(index, index.store.source(source), last) if written is None else None
    return written if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _span_of(index: IndexReader, atom: int) -> tuple[int, int, int] | None:
    """Find the document of an atom, and its first character and the one after its last in it.

    Returns:
        The document's id and both characters; None where no document has the atom.
    """
    place = index.place(atom)
    runs = index.store.runs_over(place.chunk)
    if not runs:
        return None
    chunk_start, _ = index.before(runs[0], place.chunk)
    return runs[0].source, chunk_start + place.start, chunk_start + place.end


def parse_message_time(label: str) -> float | None:
    """Read the time in the label of a message, `Ann, 2024-05-01 10:30`.

    Returns:
        Seconds since 1970; None without a time.
    """
    match = MESSAGE_TIME.fullmatch(label)
    if match is None:
        return None
    try:
        return datetime.fromisoformat(match[1] + (match[2] or "")).replace(tzinfo=UTC).timestamp()
    except ValueError:
        return None
