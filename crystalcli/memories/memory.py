"""A memory as callers see it.

Knows: rows of the table `memory`. Does not know: how one is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from crystalcli.memories.supersession import HOLDS
from crystalcli.storage import MemoryRow, Store


@dataclass(frozen=True, slots=True)
class Memory:
    """A sentence or a note that was told.

    Attributes:
        id: Eight hexadecimal digits, the same in every crystal that it is merged into.
        text: The text, as it was told.
        dated: The day that it speaks of, with or without a time: "2026-09-20 14:30".
        told: The time at which it was told.
        author: Who told it; "" if that was not said.
        tags: Its tags, in order.
        pinned: Whether it is pinned.
        successor: The id of the memory that superseded it; "" while it holds.
        upheld: Whether it was decided by hand that it holds.
        document: The name of its document, by which it is cited; "" while it waits to be indexed.
    """

    id: str
    text: str
    dated: str
    told: datetime
    author: str = ""
    tags: tuple[str, ...] = ()
    pinned: bool = False
    document: str = ""
    successor: str = ""
    upheld: bool = False

    def __str__(self) -> str:
        return self.text

    @property
    def waits(self) -> bool:
        """True while another program writes the crystal, which indexes it at its next commit."""
        return not self.document


def describe_memory(store: Store, row: MemoryRow) -> Memory:
    """Describe a row of the table `memory`, inside a snapshot."""
    document = store.source(row.source).path if row.source else ""
    told = datetime.fromtimestamp(row.told, UTC)
    upheld = row.successor == HOLDS
    return Memory(
        row.id, row.text, row.dated, told, row.author, tuple(row.tags.split()), bool(row.pinned), document,
        "" if upheld else row.successor, upheld,
    )  # fmt: skip
