"""The tables `statement` and `statement_reading`: what dated documents say, and which were read.

Knows: rows, and that files of format versions 1 to 5 have none. Does not know: what a sentence
says.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from crystalcli.storage.file.database import Database
from crystalcli.storage.file.schema import STATEMENTS_SINCE
from crystalcli.storage.tables.rows import StatementRow, checked_row

_COLUMNS = ", ".join(StatementRow._fields)


class StatementTables(Database):
    """The rows of `statement` and `statement_reading`."""

    @property
    def keeps_statements(self) -> bool:
        """True if the file has a place for statements; `add_new_tables` makes one."""
        return self.format >= STATEMENTS_SINCE

    def statements(self, source: int, start: int = 0, end: int | None = None) -> list[StatementRow]:
        """Read the statements of a document that begin in its span `[start, end)`, in order."""
        last = (1 << 62) if end is None else end
        return self._statements("WHERE source = ? AND start >= ? AND start < ? ORDER BY start", (source, start, last))

    def statements_claiming(self, key: str) -> list[StatementRow]:
        """Read the statements that claim the same, the oldest first."""
        return self._statements("WHERE claim = ? ORDER BY dated, source, start", (key,))

    def statements_about(self, prefix: str) -> list[StatementRow]:
        """Read the statements whose claim begins so, the oldest first; none of an older file."""
        if not self.keeps_statements:
            return []
        return self._statements(
            "WHERE claim >= ? AND claim < ? ORDER BY dated, source, start", (prefix, f"{prefix}\U0010ffff")
        )

    def contested_statements(self) -> list[StatementRow]:
        """Read the statements of which several claim the same, by claim, the oldest first."""
        several = "SELECT claim FROM statement GROUP BY claim HAVING count(*) > 1"
        return self._statements(f"WHERE claim IN ({several}) ORDER BY claim, dated, source, start", ())

    def has_statements(self) -> bool:
        """Tell whether any document makes a statement."""
        return self.format >= STATEMENTS_SINCE and bool(self.rows("SELECT 1 FROM statement LIMIT 1"))

    def statement_rules(self) -> dict[int, int]:
        """Read the version of the rules by which each document was read for statements."""
        if self.format < STATEMENTS_SINCE:
            return {}
        return {int(source): int(rules) for source, rules in self.rows("SELECT source, rules FROM statement_reading")}

    def put_statements(self, rows: Iterable[StatementRow]) -> None:
        """Insert or replace statements, inside a transaction; `add_new_tables` comes first."""
        marks = ", ".join("?" * len(StatementRow._fields))
        self._db.executemany(f"INSERT OR REPLACE INTO statement ({_COLUMNS}) VALUES ({marks})", rows)

    def put_statement_rules(self, sources: Iterable[int], rules: int) -> None:
        """Say by which rules documents were read for statements, inside a transaction."""
        pairs = ((source, rules) for source in sources)
        self._db.executemany("INSERT OR REPLACE INTO statement_reading VALUES (?, ?)", pairs)

    def drop_statements(self, source: int) -> None:
        """Delete the statements of a document, inside a transaction: it waits to be read again."""
        if self.format >= STATEMENTS_SINCE:
            self._db.execute("DELETE FROM statement WHERE source = ?", (source,))
            self._db.execute("DELETE FROM statement_reading WHERE source = ?", (source,))

    def _statements(self, where: str, values: Sequence[Any]) -> list[StatementRow]:
        if self.format < STATEMENTS_SINCE:
            return []
        return [
            checked_row(StatementRow, row, self.path)
            for row in self.rows(f"SELECT {_COLUMNS} FROM statement {where}", values)
        ]
