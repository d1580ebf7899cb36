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
        return self._summaries("WHERE source = ? ORDER BY start, characters, model", (source,))

    def all_summaries(self) -> list[SummaryRow]:
        """Read the summaries of the parts of all documents."""
        return self._summaries("ORDER BY source, start, characters, model", ())

    def _summaries(self, clause: str, values: tuple[int, ...]) -> list[SummaryRow]:
        if self.format < SUMMARIES_SINCE:
            return []
        query = f"SELECT {', '.join(SummaryRow._fields)} FROM summary {clause}"
        return [checked_row(SummaryRow, row, self.path) for row in self.rows(query, values)]

    def add_summaries(self, rows: Iterable[SummaryRow]) -> None:
        """Insert or replace summaries, inside a transaction; `add_new_tables` comes first."""
        self._db.executemany("INSERT OR REPLACE INTO summary VALUES (?, ?, ?, ?, ?, ?)", rows)
