"""Reads a damaged crystal row by row, around what is broken, and puts a repaired one in its place.

Knows pages that cannot be read and tables that are not there. Does not know what the rows mean, nor believes them.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.storage.query import Guard
from crystalcli.storage.schema import statements
from crystalcli.storage.seal import Group, group_column, row_digest, sealed_tables
from crystalcli.storage.store import Store, connect_readable

_PROBED = 50_000  # row numbers tried one by one where a page in the middle of a table cannot be read
_MODULUS = 1 << 128


class Wreck:
    """A damaged crystal, open for reading. Raises DamagedCrystalError when not even its list of tables can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable: set[str] = set()  # tables of which some row could not be read
        self._db = connect_readable(path)
        self._db.text_factory = lambda data: data.decode("utf-8", "replace")
        self._guard = Guard(self._db, path)
        self._columns = {name: _columns(name) for name in (*sealed_tables(), "seal")}
        found = self._guard.stream("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        self._tables = {
            name for name, sql in found if sql and "GENERATED" not in sql.upper() and " AS " not in sql.upper()
        }

    def close(self) -> None:
        """Give the file back."""
        self._db.close()

    def table(self, name: str, *, without: str = "") -> list[dict[str, Any]]:
        """The rows of a table that can be read, by column, in order of their keys. without: a column to leave out.

        Rows of tables that have row numbers carry theirs as `rowid`.
        """
        if name not in self._tables:
            self.unreadable.add(name)
            return []
        columns = [each for each in self._columns[name] if each != without]
        keyed = name in _KEYS
        key = _KEYS.get(name, "rowid")
        shown = ", ".join(columns if keyed else ["rowid", *columns])
        rows: dict[Any, tuple[Any, ...]] = {}
        names = columns if keyed else ["rowid", *columns]

        def take(where: str, values: tuple[Any, ...], order: str) -> bool:
            """Rows until one cannot be read; whether all could."""
            try:
                for row in self._guard.stream(
                    f"SELECT {shown} FROM {name} NOT INDEXED {where} ORDER BY {order}", values
                ):
                    rows.setdefault(row if keyed else row[0], row)
            except DamagedCrystalError:
                return False
            return True

        first = key.split(", ")
        if not take("", (), key):
            self.unreadable.add(name)
            low = max((each for each in rows if type(each) is int), default=0)
            take("", (), ", ".join(f"{each} DESC" for each in first))
            if keyed:
                for number in self._numbers(columns[0]):
                    for direction in ("", " DESC"):
                        take(f"WHERE {columns[0]} = ?", (number,), ", ".join(each + direction for each in first))
            else:
                high = min((each for each in rows if type(each) is int and each > low), default=low + _PROBED)
                for number in range(low + 1, min(high, low + _PROBED)):
                    take("WHERE rowid = ?", (number,), key)
        return [dict(zip(names, rows[each], strict=True)) for each in sorted(rows, key=repr if keyed else None)]

    def _numbers(self, column: str) -> list[Any]:
        """Values to look for in a key's first column: the sources, where rows of documents are looked for."""
        return [row["id"] for row in self.table("source")] if column == "source" else []

    def cell(self, table: str, column: str, rowid: int) -> Any:
        """One value, or None when it cannot be read."""
        try:
            rows = list(self._guard.stream(f"SELECT {column} FROM {table} NOT INDEXED WHERE rowid = ?", (rowid,)))
        except DamagedCrystalError:
            return None
        return rows[0][0] if rows else None

    def seals(self) -> dict[Group, bool]:
        """For each group that has a seal, whether the rows that can be read are those that were sealed."""
        sums: defaultdict[Group, int] = defaultdict(int)
        for table in sealed_tables():
            names = [each for each in self._columns[table] if each != "data" or "digest" not in self._columns[table]]
            group, column = group_column(table, names)
            for row in self.table(table, without="data"):
                with contextlib.suppress(TypeError, OverflowError):
                    number = 0 if column == "0" else row[column]
                    sums[(group, number)] += row_digest(table, [row[each] for each in names])
        return {
            (row["name"], row["number"]): (sums.get((row["name"], row["number"]), 0) % _MODULUS).to_bytes(16, "little")
            == row["total"]
            for row in self.table("seal")
        }


_KEYS = {"meta": "key", "run": "source, ordinal", "landmark": "source, kind, start", "seal": "name, number"}


def _columns(table: str) -> list[str]:
    """A table's columns as this program makes it."""
    db = sqlite3.connect(":memory:")
    with contextlib.closing(db):
        for statement in statements():
            db.execute(statement)
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def insert(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Rows as they were read, inside a transaction."""
    for row in rows:
        names = [each for each in row if each != "rowid"]
        store.rows(
            f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            [row[each] for each in names],
        )


def put_in_place(repaired: Path, path: Path, backup: bool) -> Path | None:
    """The repaired file takes the damaged one's name; where the damaged one is kept now. Raises CrystalError.

    What SQLite left beside the damaged file goes with it: it would be taken for the new one's.
    """
    kept = next(_free_names(path)) if backup else None
    try:
        if kept is not None:
            try:
                os.link(path, kept)
            except OSError:  # a file system without links
                path.rename(kept)
        wal = Path(f"{path}-wal")
        if wal.exists():
            if kept is not None:
                wal.rename(f"{kept}-wal")
            else:
                wal.unlink()
        Path(f"{path}-shm").unlink(missing_ok=True)
        repaired.replace(path)
    except OSError as error:
        raise CrystalError(f"cannot put {repaired.name} in place of {path.name}: {error.strerror}") from error
    return kept


def _free_names(path: Path) -> Iterator[Path]:
    number = 1
    while True:
        middle = "" if number == 1 else f"-{number}"
        name = path.with_name(f"{path.stem}{middle}{path.suffix}.damaged")
        if not name.exists():
            yield name
        number += 1
