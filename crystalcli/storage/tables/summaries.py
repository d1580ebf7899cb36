"""The table `summary`: what a language model has said of parts of documents.

Knows: rows, and that files of format versions 1 to 3 have none. Does not know: what is asked of a
model, or which parts a document has.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import SUMMARIES_SINCE
from crystalcli.storage.tables.rows import SummaryRow, checked_row


class SummaryTable(Database):
    """The rows of `summary`."""

    def summaries(self, source: int) -> list[SummaryRow]:
        """Read the summaries of a document's parts, in order."""
        if self.format < SUMMARIES_SINCE:
            return []
        query = (
            f"SELECT {', '.join(SummaryRow._fields)} FROM summary WHERE source = ? ORDER BY start, characters, model"
        )
        return [checked_row(SummaryRow, row, self.path) for row in self.rows(query, (source,))]

    def add_summaries(self, rows: Iterable[SummaryRow]) -> None:
        """Insert or replace summaries, inside a transaction; `add_new_tables` comes first."""
        self._db.executemany("INSERT OR REPLACE INTO summary VALUES (?, ?, ?, ?, ?, ?)", rows)
