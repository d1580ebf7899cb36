"""Strength of memories: how slowly what was told fades, by its importance and its use.

One curve serves dated messages, memories and `MemoryCrystal` (`Forgetting`): importance multiplies
the stability of a memory, and each recall raises it as FSRS-5 does. So what is needed again stays,
as in ACT-R's base level (Anderson and Schooler, 1991), with two numbers for a memory instead of the
times of all its recalls.

    pinned             never fades
    superseded         a half of the stability of another memory
    told n times       n times the stability, counted by who lists what has faded
    recalled           stronger by FSRS, at most once a day, and its age counts anew

Recalls are kept in one row of the table `meta`, for the 2,000 memories that were recalled last.

Knows: rows of the table `memory`. Does not know: scores, commands.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

from crystalcli.neural_memory import Forgetting
from crystalcli.storage import MemoryRow, Store

RECALLS_KEY = "recalls"  # in the table `meta`
_MOST_RECALLS = 2_000  # memories; the row has about 40 bytes for each
_DAY = 86_400  # seconds
_SUPERSEDED = 0.5  # importance
_NAME = re.compile(r"(?:\A|/)memories/\d{4}-\d\d-\d\d-([0-9a-f]{8})(?:~\d+)?\Z")
_CURVE = Forgetting(1.0)  # stabilities are shares of that of a memory of importance 1


class MemoryStrength(NamedTuple):
    """How slowly a memory fades.

    Attributes:
        factor: Its stability, as a multiple of that of a new memory of importance 1; infinity where
            it never fades.
        recalled: The time of its last recall, in seconds since 1970; 0 for none.
    """

    factor: float = 1.0
    recalled: int = 0

    def age(self, since: float, now: float) -> float:
        """Count the seconds from a time, or from the last recall, to another."""
        return max(0.0, now - max(since, self.recalled))


def read_recalls(store: Store) -> dict[str, MemoryStrength]:
    """Read the recalls of memories, by the id of the memory; a row that cannot be read is none."""
    try:
        kept = json.loads(store.meta().get(RECALLS_KEY, "{}"))
        return {str(number): MemoryStrength(float(factor), int(at)) for number, (factor, at) in kept.items()}
    except (ValueError, TypeError, AttributeError):
        return {}


def strength_of(row: MemoryRow, recalls: Mapping[str, MemoryStrength], told: int = 1) -> MemoryStrength:
    """Give the strength of a memory.

    Args:
        row: The memory.
        recalls: As of `read_recalls`.
        told: How often it was told in the same words.
    """
    use = recalls.get(row.id, MemoryStrength())
    importance = math.inf if row.pinned else told * (_SUPERSEDED if len(row.successor) > 1 else 1.0)
    return use._replace(factor=use.factor * importance)


def memory_id_of(document: str) -> str:
    """Give the id of the memory that a document's name has; "" for the name of another document."""
    match = _NAME.search(document)
    return match[1] if match is not None else ""


def is_due(store: Store, numbers: Iterable[str], now: int) -> bool:
    """Tell whether `strengthen` would change anything."""
    recalls = read_recalls(store)
    return any(_age(store, recalls, number, now) >= _DAY for number in numbers)


def strengthen(store: Store, numbers: Collection[str], half_life: float, now: int) -> bool:
    """Keep that memories were recalled, in one transaction.

    Args:
        store: The crystal, open for writing.
        numbers: The ids of the memories.
        half_life: Days after which half of a memory of importance 1 is left.
        now: The time, in seconds since 1970.

    Returns:
        Whether there was anything to keep: a second recall within a day counts for nothing.

    Raises:
        CrystalError: The crystal cannot be written.
    """
    recalls = read_recalls(store)
    unit = Forgetting.by_half_life(half_life).stability
    ages = {number: _age(store, recalls, number, now) for number in numbers}
    due = {number: age for number, age in ages.items() if age >= _DAY}
    for number, age in due.items():
        factor = recalls.get(number, MemoryStrength()).factor
        recalls[number] = MemoryStrength(float(_CURVE.strengthened(factor, age / _DAY / unit)), now)
    if due:
        with store.transaction():
            store.set_meta(RECALLS_KEY, _written(recalls))
    return bool(due)


def join_recalls(stores: Iterable[Store]) -> str:
    """Join the recalls of several crystals, as the table `meta` has them; "" without any."""
    joined: dict[str, MemoryStrength] = {}
    for store in stores:
        for number, use in read_recalls(store).items():
            joined[number] = max(use, joined.get(number, use), key=lambda strength: strength.recalled)
    return _written(joined)


def _written(recalls: Mapping[str, MemoryStrength]) -> str:
    """Write recalls as JSON, those of the memories that were recalled last."""
    last = sorted(recalls, key=lambda number: recalls[number].recalled)[-_MOST_RECALLS:]
    kept = {number: (round(recalls[number].factor, 3), recalls[number].recalled) for number in sorted(last)}
    return json.dumps(kept, separators=(",", ":")) if kept else ""


def _age(store: Store, recalls: Mapping[str, MemoryStrength], number: str, now: int) -> float:
    """Count the seconds since a memory was told or recalled; 0 for one that is not there."""
    rows = [row for row in store.memories_like(number) if row.id == number]
    return recalls.get(number, MemoryStrength()).age(rows[0].told, now) if rows else 0.0
