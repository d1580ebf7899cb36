"""The table `memory`: what was told, each with its date, its tags and its document.

Knows: rows, and that files of format versions 1 to 4 have none. Does not know: how a memory becomes
a document.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import MEMORIES_SINCE
from crystalcli.storage.tables.rows import MemoryRow, checked_row

_COLUMNS = ", ".join(MemoryRow._fields)


class MemoryTable(Database):
    """The rows of `memory`."""

    def memories(
        self,
        *,
        author: str = "",
        tags: Sequence[str] = (),
        pinned: bool = False,
        superseded: bool | None = None,
        limit: int | None = None,
    ) -> list[MemoryRow]:
        """Read memories, those of the newest date first.

        Args:
            author: Only those that this person told; "" for all.
            tags: Only those with all of these tags.
            pinned: Only those that are pinned.
            superseded: True: only those that others have superseded; False: only those that hold.
            limit: The most rows; None for all.
        """
        where, values = ["kind = 'memory'"], list[Any]()
        if author:
            where.append("author = ? COLLATE NOCASE")
            values.append(author)
        for tag in tags:
            where.append("instr(' ' || tags || ' ', ' ' || ? || ' ') > 0")
            values.append(tag)
        if pinned:
            where.append("pinned = 1")
        if superseded is not None:
            where.append("length(successor) > 1" if superseded else "length(successor) < 2")
        query = f"WHERE {' AND '.join(where)} ORDER BY dated DESC, told DESC, rowid DESC"
        if limit is not None:
            query += " LIMIT ?"
            values.append(limit)
        return self._memories(query, values)

    def memories_claiming(self, key: str) -> list[MemoryRow]:
        """Read the memories that claim the same, the oldest first."""
        return self._memories("WHERE claim = ? AND claim <> '' ORDER BY dated, told, rowid", (key,))

    def claim_keys(self) -> list[str]:
        """Read what memories claim, each key once."""
        if self.format < MEMORIES_SINCE:
            return []
        return [key for (key,) in self.rows("SELECT DISTINCT claim FROM memory WHERE claim <> ''")]

    def memory_count(self) -> int:
        """Count the memories."""
        if self.format < MEMORIES_SINCE:
            return 0
        return int(self.rows("SELECT count(*) FROM memory WHERE kind = 'memory'")[0][0])

    def memory_authors(self) -> frozenset[str]:
        """Read who told memories; "" stands for the person without a name."""
        if self.format < MEMORIES_SINCE:
            return frozenset()
        return frozenset(
            str(author) for (author,) in self.rows("SELECT DISTINCT author FROM memory WHERE kind = 'memory'")
        )

    def memories_like(self, prefix: str, limit: int = 3) -> list[MemoryRow]:
        """Read the memories whose id begins with `prefix`."""
        return self._memories(
            "WHERE kind = 'memory' AND id >= ? AND id < ? ORDER BY id LIMIT ?", (prefix, prefix + "g", limit)
        )

    def memory_of(self, source: int) -> MemoryRow | None:
        """Read the memory that a document holds; None for another document."""
        rows = self._memories("WHERE kind = 'memory' AND source = ?", (source,)) if source else []
        return rows[0] if rows else None

    def waiting_memories(self) -> list[MemoryRow]:
        """Read what was told and is not indexed yet, in the order in which it was told."""
        return self._memories("WHERE source = 0 ORDER BY told, rowid", ())

    def told_rows(self) -> list[MemoryRow]:
        """Read everything that was told, in the order of the table."""
        return self._memories("ORDER BY rowid", ())

    def has_waiting(self) -> bool:
        """Tell whether something was told that is not indexed yet."""
        return self.format >= MEMORIES_SINCE and bool(self.rows("SELECT 1 FROM memory WHERE source = 0 LIMIT 1"))

    def put_memory(self, row: MemoryRow) -> None:
        """Insert or replace a memory, inside a transaction; `add_new_tables` comes first."""
        self.put_memories([row])

    def put_memories(self, rows: Iterable[MemoryRow]) -> None:
        """Insert or replace memories, inside a transaction."""
        marks = ", ".join("?" * len(MemoryRow._fields))
        changes = ", ".join(f"{name} = excluded.{name}" for name in MemoryRow._fields[1:])
        query = f"INSERT INTO memory ({_COLUMNS}) VALUES ({marks}) ON CONFLICT (id) DO UPDATE SET {changes}"
        self._db.executemany(query, rows)

    def drop_memory(self, number: str) -> None:
        """Delete a memory, inside a transaction; its document stays."""
        self._db.execute("DELETE FROM memory WHERE id = ?", (number,))

    def has_memory(self, number: str) -> bool:
        """Tell whether a memory has the id `number`."""
        return bool(self.rows("SELECT 1 FROM memory WHERE id = ?", (number,)))

    def free_memory_id(self, row: MemoryRow) -> str:
        """Compute the id of a memory from what was told; another where that one is taken."""
        count = 0
        while True:
            said = (row.kind, row.document, row.dated, str(row.told), row.author, row.text, str(count or ""))
            number = hashlib.blake2b("\0".join(said).encode(), digest_size=4).hexdigest()
            if not self.has_memory(number):
                return number
            count += 1

    def _memories(self, where: str, values: Sequence[Any]) -> list[MemoryRow]:
        if self.format < MEMORIES_SINCE:
            return []
        return [
            checked_row(MemoryRow, row, self.path)
            for row in self.rows(f"SELECT {_COLUMNS} FROM memory {where}", values)
        ]
