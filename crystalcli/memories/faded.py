"""Faded memories: those of which less than a half is left, and that are not pinned.

Age counts from the last recall, or from when a memory was told; what was told several times in the
same words fades as many times as slowly, what is superseded twice as fast.

Knows: the forgetting curve, rows of memories. Does not know: what becomes of faded memories; none
goes by itself.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from crystalcli.memories.memory import Memory, describe_memory
from crystalcli.neural_memory import Forgetting
from crystalcli.recall import read_recalls, strength_of
from crystalcli.storage import Store

FADED = 0.5  # the share that is left of a faded memory, at most
_DAY = 86_400.0  # seconds


class FadedMemory(NamedTuple):
    """A memory that has faded.

    Attributes:
        memory: The memory.
        retained: The share that is left, from 0 to 1.
    """

    memory: Memory
    retained: float


def faded_memories(store: Store, half_life: float, now: float) -> list[FadedMemory]:
    """List the memories that have faded, the most faded first.

    Args:
        store: The crystal.
        half_life: Days after which a half of a memory is left that was told once and not recalled.
        now: The time, in seconds since 1970.

    Raises:
        UsageError: The half-life is not a finite number above 0.
    """
    curve = Forgetting.by_half_life(half_life)
    recalls, rows = read_recalls(store), store.memories()
    told = Counter(row.text.casefold() for row in rows)
    faded = []
    for row in rows:
        strength = strength_of(row, recalls, told[row.text.casefold()])
        retained = float(curve.retained(strength.age(row.told, now) / _DAY, strength.factor * curve.stability))
        if retained < FADED:
            faded.append(FadedMemory(describe_memory(store, row), retained))
    return sorted(faded, key=lambda each: each.retained)
