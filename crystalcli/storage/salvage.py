"""Reads a damaged crystal row by row, around what is broken, and puts a repaired one in its place.

Knows pages that cannot be read and tables that are not there. Does not know what the rows mean, nor believes them.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.storage.file.connection import connect
from crystalcli.storage.file.query_guard import QueryGuard
from crystalcli.storage.file.schema import FORMAT_VERSION, contradiction, statements
from crystalcli.storage.file.seal import Group, group_column, row_digest, sealed_tables
from crystalcli.storage.store import Store

_PROBED = 50_000  # row numbers tried one by one where a page in the middle of a table cannot be read
_BEYOND = 2_000  # the same where nothing behind that page can be read
_MADE_AGAIN = ("lexicon", "posting")  # tables that nobody reads from a wreck
_MODULUS = 1 << 128


class DamagedFile:
    """A damaged crystal, open for reading. Raises DamagedCrystalError when not even its list of tables can be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable: set[str] = set()  # tables of which some row could not be read
        self.version = _version_of(path)
        self._copy: Path | None = None
        self._db = self._connect()
        self._db.text_factory = lambda data: data.decode("utf-8", "replace")
        self._guard = QueryGuard(self._db, path)
        self._read: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._columns = {name: _columns(name, self.version) for name in (*sealed_tables(), "seal")}
        found = self._guard.stream("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        self._tables = {
            name for name, sql in found if sql and "GENERATED" not in sql.upper() and " AS " not in sql.upper()
        }

    def _connect(self) -> sqlite3.Connection:
        """The file itself, or, where its schema is damaged, a copy of it with the schema as it should be."""
        try:
            db = connect(self.path, False)
            schema = list(QueryGuard(db, self.path).stream("SELECT type, name, sql FROM sqlite_master"))
            for version in (self.version, *range(FORMAT_VERSION, 0, -1)):
                if not contradiction(schema, version):
                    self.version = version
                    return db
            db.close()
        except DamagedCrystalError:
            pass
        self._copy = self.path.with_name(self.path.name + "-repair-copy")
        try:
            for suffix in ("", "-wal"):
                if Path(f"{self.path}{suffix}").exists():
                    shutil.copy(f"{self.path}{suffix}", f"{self._copy}{suffix}")
        except OSError as error:
            raise CrystalError(f"cannot write {self._copy}: {error.strerror}") from error
        try:
            _mend_schema(self._copy, self.version)
            return connect(self._copy, False)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._drop_copy()
            raise DamagedCrystalError(self.path, f"its list of tables cannot be read ({error})") from error
        except BaseException:
            self._drop_copy()
            raise

    def close(self) -> None:
        """Give the file back."""
        self._db.close()
        self._drop_copy()

    def _drop_copy(self) -> None:
        if self._copy is not None:
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{self._copy}{suffix}").unlink(missing_ok=True)

    def table(self, name: str, *, without: str = "") -> list[dict[str, Any]]:
        """The rows of a table that can be read, by column, in order of their keys. without: a column to leave out.

        Rows of tables that have row numbers carry theirs as `rowid`.
        """
        if (name, without) not in self._read:
            self._read[name, without] = self._rows_of(name, without)
        return [dict(row) for row in self._read[name, without]]

    def _rows_of(self, name: str, without: str) -> list[dict[str, Any]]:
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
                high = min((each for each in rows if type(each) is int and each > low), default=low + _BEYOND)
                query = f"SELECT {shown} FROM {name} NOT INDEXED WHERE rowid = ?"
                for number in range(low + 1, min(high, low + _PROBED)):
                    with contextlib.suppress(DamagedCrystalError):
                        rows.update((row[0], row) for row in self._guard.stream(query, (number,)))
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
        for table in (each for each in sealed_tables() if each not in _MADE_AGAIN):
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


def _mend_schema(path: Path, version: int) -> None:
    """Write each table into its place in the list of tables, as a file of that format version has it.

    Its first page is believed where it names one; what is no table of this program's goes. Raises sqlite3.Error.
    """
    db = sqlite3.connect(":memory:")
    with contextlib.closing(db):
        for statement in statements(version):
            db.execute(statement)
        wanted = db.execute("SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master").fetchall()
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    with contextlib.closing(db):
        db.execute("PRAGMA trusted_schema = OFF")
        db.execute("PRAGMA writable_schema = ON")
        found = {}
        with contextlib.suppress(sqlite3.DatabaseError):
            for row in db.execute("SELECT rowid, name, rootpage FROM sqlite_master"):
                found[row[0]] = row
        by_name = {row[1]: row[2] for row in found.values()}
        last = db.execute("PRAGMA page_count").fetchone()[0]
        db.execute("DELETE FROM sqlite_master")
        for rowid, kind, name, table, expected, sql in wanted:
            root = by_name.get(name.encode(), found[rowid][2] if rowid in found else expected)
            root = root if type(root) is int and 1 < root <= last else expected
            if root <= last:
                values = (rowid, kind, name, table, root, sql)
                db.execute(
                    "INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)",
                    values,
                )


def _version_of(path: Path) -> int:
    """The format version in the file's header; this program's own where that is damaged."""
    try:
        with path.open("rb") as file:
            version = int.from_bytes(file.read(64)[60:], "big")
    except OSError:
        return FORMAT_VERSION
    return version if 0 < version <= FORMAT_VERSION else FORMAT_VERSION


def _columns(table: str, version: int) -> list[str]:
    """A table's columns in a file of a format version."""
    db = sqlite3.connect(":memory:")
    with contextlib.closing(db):
        for statement in statements(version):
            db.execute(statement)
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def insert_rows(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
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
                shutil.copy2(path, kept)
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
