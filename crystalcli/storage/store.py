"""One crystal file: the sum of its tables, in and out.

How the file is opened, locked and queried is in `database`; what the parts of a segment mean is
written in docs/FORMAT.md. Does not know what a vector or a term is.
"""

from __future__ import annotations

from crystalcli.storage.tables.landmarks import LandmarkTable
from crystalcli.storage.tables.lexicons import LexiconTables
from crystalcli.storage.tables.memory_table import MemoryTable
from crystalcli.storage.tables.rows import typed_rows
from crystalcli.storage.tables.runs import RunTable
from crystalcli.storage.tables.segments import SegmentTables
from crystalcli.storage.tables.sources import SourceTable
from crystalcli.storage.tables.statements import StatementTables
from crystalcli.storage.tables.summaries import SummaryTable


class Store(
    SourceTable, RunTable, LandmarkTable, SegmentTables, LexiconTables, SummaryTable, MemoryTable, StatementTables
):
    """An open crystal with all of its tables.

    Use `Store.create` or `Store.open`; close it, or use it as a context manager.
    """

    def meta(self) -> dict[str, str]:
        """Read the table `meta`: the facts about the crystal as a whole."""
        return dict(typed_rows(self.rows("SELECT key, value FROM meta"), (str, str), self.path))

    def set_meta(self, key: str, value: str) -> None:
        """Insert or replace a value of `meta`, inside a transaction."""
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def drop_meta(self, key: str) -> None:
        """Delete a value of `meta`, inside a transaction."""
        self._db.execute("DELETE FROM meta WHERE key = ?", (key,))
