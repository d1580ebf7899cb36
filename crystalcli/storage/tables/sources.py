"""The table `source`: the ledger, one row for every file that was asked for.

Knows that files of format versions 1 and 2 have no reason codes. Does not know when a file must be
read again.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import CODES_SINCE, MEMORIES_SINCE, STATEMENTS_SINCE, SUMMARIES_SINCE
from crystalcli.storage.tables.reason_codes import reason_code_of
from crystalcli.storage.tables.rows import SourceRow, checked_row


class SourceTable(Database):
    """The rows of `source`."""

    def origin(self, number: int) -> tuple[SourceTable, int]:
        """Find where a source is from.

        Args:
            number: Its id.

        Returns:
            The crystal, and the source's id there: others where several crystals are read as one.
        """
        return self, number

    def sources(self) -> list[SourceRow]:
        """Read every source, in order of its id."""
        return self._sources("ORDER BY id")

    def source(self, number: int) -> SourceRow:
        """Read one source by its id.

        Raises:
            DamagedCrystalError: The source is missing.
        """
        sources = self._sources("WHERE id = ?", (number,))
        if not sources:
            raise self.damaged(f"source {number} is missing")
        return sources[0]

    def kinds(self) -> list[str]:
        """Read the kinds of the documents with text."""
        return [str(kind) for (kind,) in self.rows("SELECT DISTINCT kind FROM source WHERE chunks > 0 ORDER BY kind")]

    def has_source(self, number: int) -> bool:
        """Tell whether a source has the id `number`."""
        return bool(self.rows("SELECT 1 FROM source WHERE id = ?", (number,)))

    def source_named(self, path: str) -> SourceRow | None:
        """Read the source that is cited as `path`; None without one."""
        sources = self._sources("WHERE path = ?", (path,))
        return sources[0] if sources else None

    def _sources(self, clause: str, values: tuple[str | int, ...] = ()) -> list[SourceRow]:
        """Read rows of `source`; without a column `code`, the codes follow from the sentences."""
        has_codes = self.format >= CODES_SINCE
        columns = ", ".join(name if has_codes or name != "code" else "''" for name in SourceRow._fields)
        rows = self.rows(f"SELECT {columns} FROM source {clause}", values)
        sources = [checked_row(SourceRow, row, self.path) for row in rows]
        return sources if has_codes else [source._replace(code=reason_code_of(source.reason)) for source in sources]

    def put_source(self, source: SourceRow) -> int:
        """Insert a source (id 0) or replace it, inside a transaction; return its id."""
        row = {**source._asdict(), "id": source.id or None}
        if self.format < CODES_SINCE:
            del row["code"]
        query = f"INSERT OR REPLACE INTO source ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        return int(self._db.execute(query, tuple(row.values())).lastrowid or 0)

    def add_sources(self, sources: Iterable[SourceRow]) -> None:
        """Insert sources with the ids that they have, inside a transaction."""
        names = SourceRow._fields
        query = f"INSERT INTO source ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        self._db.executemany(query, sources)

    def drop_source(self, number: int) -> None:
        """Delete a source from the ledger, with what was told of a memory, inside a transaction."""
        self._db.execute("DELETE FROM source WHERE id = ?", (number,))
        if self.format >= MEMORIES_SINCE and number:
            self._db.execute("DELETE FROM memory WHERE source = ?", (number,))

    def clear_source(self, number: int) -> None:
        """Delete a source's runs, landmarks, summaries and statements, inside a transaction."""
        self._db.execute("DELETE FROM run WHERE source = ?", (number,))
        self._db.execute("DELETE FROM landmark WHERE source = ?", (number,))
        if self.format >= SUMMARIES_SINCE:
            self._db.execute("DELETE FROM summary WHERE source = ?", (number,))
        if self.format >= STATEMENTS_SINCE:
            self._db.execute("DELETE FROM statement WHERE source = ?", (number,))
            self._db.execute("DELETE FROM statement_reading WHERE source = ?", (number,))
