"""The table `source`: the ledger, one row for every file that was asked for.

Knows that files of format versions 1 and 2 have no reason codes, and how rows are packed from
version 7 on. Does not know when a file must be read again.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from typing import Any

from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import (
    CODES_SINCE,
    MEMORIES_SINCE,
    PACKED_SINCE,
    STATEMENTS_SINCE,
    SUMMARIES_SINCE,
)
from crystalcli.storage.tables.reason_codes import reason_code_of
from crystalcli.storage.tables.rows import SourceRow, checked_row, typed_rows

# A location that is "" in its row is that of `path` in the folder.
_LOCATION = (
    "CASE WHEN source.location <> '' THEN source.location WHEN folder.location = '.' THEN path "
    "WHEN folder.location LIKE '%/' THEN folder.location || path ELSE folder.location || '/' || path END"
)
_ROOT = SourceRow._fields.index("root")
_PACKED_COLUMNS = {"id": "source.id", "location": _LOCATION, "root": "folder.location"}


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
        return self._sources("ORDER BY source.id")

    def source(self, number: int) -> SourceRow:
        """Read one source by its id.

        Raises:
            DamagedCrystalError: The source is missing.
        """
        sources = self._sources("WHERE source.id = ?", (number,))
        if not sources:
            raise self.damaged(f"source {number} is missing")
        return sources[0]

    def kinds(self) -> list[str]:
        """Read the kinds of the documents with text."""
        return [str(kind) for (kind,) in self.rows("SELECT DISTINCT kind FROM source WHERE chunks > 0 ORDER BY kind")]

    def kinds_and_states(self) -> list[tuple[str, str]]:
        """Read each pair of a kind and a state that documents with text have."""
        query = "SELECT DISTINCT kind, state FROM source WHERE chunks > 0 ORDER BY kind, state"
        return typed_rows(self.rows(query), (str, str), self.path)

    def has_source(self, number: int) -> bool:
        """Tell whether a source has the id `number`."""
        return bool(self.rows("SELECT 1 FROM source WHERE id = ?", (number,)))

    def source_named(self, path: str) -> SourceRow | None:
        """Read the source that is cited as `path`; None without one."""
        sources = self._sources("WHERE path = ?", (path,))
        return sources[0] if sources else None

    def _sources(self, clause: str, values: tuple[str | int, ...] = ()) -> list[SourceRow]:
        """Read rows of `source`; without a column `code`, the codes follow from the sentences."""
        columns, table = list(SourceRow._fields), "source"
        if self.format >= PACKED_SINCE:
            columns = [_PACKED_COLUMNS.get(name, name) for name in columns]
            table = "source LEFT JOIN folder ON folder.id = source.root"
        else:
            columns.remove("reader")
        has_codes = self.format >= CODES_SINCE
        if not has_codes:
            columns[columns.index("code")] = "''"
        rows = self.rows(f"SELECT {', '.join(columns)} FROM {table} {clause}", values)
        if self.format < PACKED_SINCE:
            rows = [(*row, 0) for row in rows]
        elif any(row[_ROOT] is None for row in rows):
            raise self.damaged("the folder of a document is missing")
        sources = [checked_row(SourceRow, row, self.path) for row in rows]
        return sources if has_codes else [source._replace(code=reason_code_of(source.reason)) for source in sources]

    def put_source(self, source: SourceRow) -> int:
        """Insert a source (id 0) or replace it, inside a transaction; return its id."""
        return int(self._put("INSERT OR REPLACE", source, {}).lastrowid or 0)

    def add_sources(self, sources: Iterable[SourceRow]) -> None:
        """Insert sources with the ids that they have, inside a transaction."""
        folders: dict[str, int] = {}
        for source in sources:
            self._put("INSERT", source, folders)

    def _put(self, verb: str, source: SourceRow, folders: dict[str, int]) -> sqlite3.Cursor:
        """Insert a row; `folders` are numbers of folders that are known."""
        row: dict[str, Any] = {**source._asdict(), "id": source.id or None}
        if self.format >= PACKED_SINCE:
            if source.root not in folders:
                folders[source.root] = self._folder(source.root)
            row["root"] = folders[source.root]
            if source.location == location_in(source.root, source.path):
                row["location"] = ""
        else:
            del row["reader"]
        if self.format < CODES_SINCE:
            del row["code"]
        query = f"{verb} INTO source ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        return self._db.execute(query, tuple(row.values()))

    def _folder(self, location: str) -> int:
        """Find the number of a folder, or give it one, inside a transaction."""
        for (number,) in self._db.execute("SELECT id FROM folder WHERE location = ?", (location,)):
            return int(number)
        return int(self._db.execute("INSERT INTO folder (location) VALUES (?)", (location,)).lastrowid or 0)

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


def location_in(folder: str, path: str) -> str:
    """Give the location of a path in a folder, as `_LOCATION` does."""
    if folder == ".":
        return path
    return folder + path if folder.endswith("/") else f"{folder}/{path}"
