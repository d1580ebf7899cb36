"""Notes of what was recalled, kept in the crystal for later: memories, and text without layers.

Memories that were recalled fade less (`memory_strength`). Text that is still found by words alone
gets its layers sooner (`index.asked_segments`).

Knows: passages, citations, both rows of `meta`. Does not know: when it is time to write.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from crystalcli.datatypes import MEMORY_KIND
from crystalcli.index import note_asked, segments_met
from crystalcli.recall.memory_strength import is_due, memory_id_of, strengthen
from crystalcli.recall.recency import HALF_LIFE

if TYPE_CHECKING:
    from crystalcli.datatypes import Citation, Passage
    from crystalcli.index import IndexReader
    from crystalcli.storage import Store


@dataclass(slots=True)
class RecallNotes:
    """What recalls leave to be kept.

    Attributes:
        memories: The ids of memories, the last one recalled last.
        segments: For each recall that found text without layers, the ids of its segments, the best
            passage's first.
    """

    memories: dict[str, None] = field(default_factory=dict)
    segments: list[list[int]] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.memories or self.segments)

    def copy(self) -> Self:
        """Copy the notes as they are now."""
        return type(self)(dict(self.memories), list(self.segments))

    def add_memories(self, items: Iterable[Passage | Citation]) -> None:
        """Note which memories were recalled or cited."""
        for item in items:
            if item.place.kind == MEMORY_KIND and (number := memory_id_of(item.path)):
                self.memories.pop(number, None)
                self.memories[number] = None

    def add_segments(self, index: IndexReader, items: Iterable[Passage | Citation]) -> None:
        """Note which segments lack layers that a question would have needed.

        Args:
            index: The resident index.
            items: What was recalled or cited, best first.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        if not index.encoded and (met := segments_met(index, ((item.path, item.place.start) for item in items))):
            self.segments.append(met)

    def are_due(self, store: Store, now: int) -> bool:
        """Tell whether `keep` would change anything; `now` is in seconds since 1970."""
        return bool(self.segments) or is_due(store, self.memories, now)

    def keep(self, store: Store, now: int) -> None:
        """Write the notes into a crystal.

        Args:
            store: The crystal, open for writing.
            now: The time, in seconds since 1970.

        Raises:
            CrystalError: The crystal cannot be written.
        """
        if self.memories:
            strengthen(store, list(self.memories), HALF_LIFE, now)
        if self.segments:
            note_asked(store, self.segments)
