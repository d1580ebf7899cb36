"""Salvage: a damaged crystal is read row by row, and replaced.

The repaired crystal takes the damaged one's name. Knows how to read around unreadable pages and
missing tables. Does not know what the rows mean, and does not trust them.
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
from crystalcli.storage.file.btree_pages import empty_first_page, page_size_of, root_pages
from crystalcli.storage.file.connection import connect
from crystalcli.storage.file.query_guard import QueryGuard
from crystalcli.storage.file.schema import FORMAT_VERSION, PACKED_SINCE, schema_fault, schema_statements
from crystalcli.storage.file.seal import Group, group_column, row_digest, sealed_tables, stored_total
from crystalcli.storage.store import Store
from crystalcli.storage.tables.sources import location_in

_GAP_PROBES = 50_000  # row numbers tried one by one across an unreadable page in a table
_END_PROBES = 2_000  # the same when no page after that one can be read
_REBUILT = ("lexicon", "posting")  # tables that repair makes anew, not from the damaged file
_KEYS = {
    "meta": "key",
    "run": "source, ordinal",
    "landmark": "source, kind, start",
    "seal": "name, number",
    "summary": "source, start, characters, model",
    "statement": "source, start",
}


class DamagedFile:
    """A damaged crystal, open for reading.

    Attributes:
        path: The file.
        unreadable: The tables of which a row could not be read.
        version: Its format version.

    Raises:
        DamagedCrystalError: Its list of tables cannot be read.
        CrystalError: The file, or a copy beside it, cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unreadable: set[str] = set()
        self.version = _version_of(path)
        self._copy: Path | None = None
        self._db = self._connect()
        self._db.text_factory = lambda data: data.decode("utf-8", "replace")
        self._guard = QueryGuard(self._db, path)
        self._read: dict[tuple[str, str], list[dict[str, Any]]] = {}
        self._columns = {name: _columns(name, self.version) for name in (*sealed_tables(), "seal", "source_seal")}
        tables = self._guard.stream("SELECT name, sql FROM sqlite_master WHERE type = 'table'")
        self._tables = {
            name for name, sql in tables if sql and "GENERATED" not in sql.upper() and " AS " not in sql.upper()
        }

    def _connect(self) -> sqlite3.Connection:
        """Open the file itself, or, if its schema is damaged, a copy with a correct schema."""
        try:
            db = connect(self.path, False)
            schema = list(QueryGuard(db, self.path).stream("SELECT type, name, sql FROM sqlite_master"))
            for version in (self.version, *range(FORMAT_VERSION, 0, -1)):
                if not schema_fault(schema, version):
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
            _rewrite_schema(self._copy, self.version)
            return connect(self._copy, False)
        except (sqlite3.Error, UnicodeDecodeError) as error:
            self._drop_copy()
            raise DamagedCrystalError(self.path, f"its list of tables cannot be read ({error})") from error
        except BaseException:
            self._drop_copy()
            raise

    def close(self) -> None:
        """Close the file, and remove the copy."""
        self._db.close()
        self._drop_copy()

    def _drop_copy(self) -> None:
        if self._copy is not None:
            for suffix in ("", "-wal", "-shm", "-journal"):
                Path(f"{self._copy}{suffix}").unlink(missing_ok=True)

    def table(self, name: str, *, without: str = "") -> list[dict[str, Any]]:
        """Read the rows of a table that can be read, in order of their keys.

        Args:
            name: The table.
            without: A column to leave out.

        Returns:
            The rows by column; in tables with row numbers with `rowid`, too.
        """
        if (name, without) not in self._read:
            self._read[name, without] = self._rows_of(name, without)
        return [dict(row) for row in self._read[name, without]]

    def _rows_of(self, name: str, without: str) -> list[dict[str, Any]]:
        """Read a table from both ends, then row by row across the gap between."""
        if not self._columns[name]:  # the file's version does not have the table
            return []
        if name not in self._tables:
            self.unreadable.add(name)
            return []
        columns = [column for column in self._columns[name] if column != without]
        keyed = name in _KEYS
        key = _KEYS.get(name, "rowid").split(", ")
        names = columns if keyed else ["rowid", *columns]
        selected = ", ".join(names)
        rows: dict[Any, tuple[Any, ...]] = {}

        def take(where: str, values: tuple[Any, ...], direction: str) -> bool:
            """Read rows until one is unreadable; tell whether all were read."""
            order = ", ".join(column + direction for column in key)
            try:
                for row in self._guard.stream(
                    f"SELECT {selected} FROM {name} NOT INDEXED {where} ORDER BY {order}", values
                ):
                    rows.setdefault(row if keyed else row[0], row)
            except DamagedCrystalError:
                return False
            return True

        if not take("", (), ""):
            self.unreadable.add(name)
            low = max((number for number in rows if type(number) is int), default=0)
            take("", (), " DESC")
            if keyed:
                for value in self._key_values(columns[0]):
                    for direction in ("", " DESC"):
                        take(f"WHERE {columns[0]} = ?", (value,), direction)
            else:
                high = min(
                    (number for number in rows if type(number) is int and number > low), default=low + _END_PROBES
                )
                query = f"SELECT {selected} FROM {name} NOT INDEXED WHERE rowid = ?"
                for number in range(low + 1, min(high, low + _GAP_PROBES)):
                    with contextlib.suppress(DamagedCrystalError):
                        rows.update((row[0], row) for row in self._guard.stream(query, (number,)))
        return [dict(zip(names, rows[number], strict=True)) for number in sorted(rows, key=repr if keyed else None)]

    def _key_values(self, column: str) -> list[Any]:
        """Give the values to look up in a key's first column: the ids of sources, or none."""
        return [row["id"] for row in self.table("source")] if column == "source" else []

    def sources(self) -> list[dict[str, Any]]:
        """Read the rows of `source` that can be read, with locations and folders in full.

        Without the row of its folder, a document's location is its path.
        """
        folders = {row["id"]: row["location"] for row in self.table("folder")}
        sources = self.table("source")
        for row in sources:
            row.setdefault("reader", 0)
            if self.version >= PACKED_SINCE:
                root = folders.get(row["root"])
                row["root"] = "" if root is None else root
                if row["location"] == "":
                    row["location"] = row["path"] if root is None else location_in(str(root), str(row["path"]))
        return sources

    def cell(self, table: str, column: str, rowid: int) -> Any:
        """Read one value; None if it cannot be read."""
        try:
            rows = list(self._guard.stream(f"SELECT {column} FROM {table} NOT INDEXED WHERE rowid = ?", (rowid,)))
        except DamagedCrystalError:
            return None
        return rows[0][0] if rows else None

    def seals(self) -> dict[Group, bool]:
        """Tell for each group with a seal whether its readable rows are those sealed."""
        sums: defaultdict[Group, int] = defaultdict(int)
        for table in (table for table in sealed_tables() if table not in _REBUILT):
            columns = self._columns[table]
            names = [name for name in columns if name != "data" or "digest" not in columns]
            group, column = group_column(table, names)
            for row in self.table(table, without="data"):
                with contextlib.suppress(TypeError, OverflowError):
                    number = 0 if column == "0" else row[column]
                    sums[(group, number)] += row_digest(table, [row[name] for name in names])
        rows = self.table("seal")
        holds = {
            (row["name"], row["number"]): stored_total(sums.get((row["name"], row["number"]), 0)) == row["total"]
            for row in rows
        }
        for row in self.table("source_seal"):
            head = ("source", row["source"])
            holds[head] = stored_total(sums.get(head, 0), is_short=True) == row["total"]
        return holds


def _rewrite_schema(path: Path, version: int) -> None:
    """Rewrite the list of tables as a file of a format version has it; every other entry goes.

    A table begins where the list says, as far as that can be read; else where it begins in a new
    file; else at a page that looks like its root.

    Args:
        path: The file.
        version: The format version.

    Raises:
        sqlite3.Error: The file cannot be opened or written.
    """
    with _empty_database(version, page_size_of(path)) as db:
        expected = db.execute("SELECT rowid, type, name, tbl_name, rootpage, sql FROM sqlite_master").fetchall()
        rowless = {row[1]: row[4] for row in db.execute("PRAGMA table_list")}
        shapes = {name: (not rowless[name], len(_columns(name, version))) for name in rowless}
    entries = _schema_entries(path)
    pages = root_pages(path)
    last_page = max(pages, default=1)
    listed = dict(entries.values())
    roots: dict[str, int] = {}
    for rowid, kind, name, _, usual_root, _ in expected:
        root = listed.get(name.encode(), entries[rowid][1] if rowid in entries else None)
        if type(root) is int and 1 < root <= last_page:
            roots[name] = root
        elif kind != "table" or _fits(pages.get(usual_root), shapes[name]):
            roots[name] = usual_root
    taken = {roots[name] for _, kind, name, *_ in expected if kind == "table" and name in roots}
    for _, _, name, _, usual_root, _ in expected:
        if name not in roots:
            found = (page for page in sorted(pages) if page not in taken and _fits(pages[page], shapes[name]))
            roots[name] = next(found, usual_root)
            taken.add(roots[name])
    values = [
        (rowid, kind, name, table, roots[name], sql)
        for rowid, kind, name, table, _, sql in expected
        if roots[name] <= last_page
    ]
    empty_first_page(path)
    with contextlib.closing(_schema_writer(path)) as db:
        db.execute("BEGIN")
        db.executemany(
            "INSERT INTO sqlite_master (rowid, type, name, tbl_name, rootpage, sql) VALUES (?, ?, ?, ?, ?, ?)", values
        )
        db.execute("COMMIT")


def _schema_entries(path: Path) -> dict[int, tuple[bytes, Any]]:
    """Read what can be read of a file's list of tables, and write its log into the file.

    Returns:
        By row number, the name and the first page.

    Raises:
        sqlite3.Error: The file cannot be opened.
    """
    entries: dict[int, tuple[bytes, Any]] = {}
    with contextlib.closing(_schema_writer(path)) as db:
        for order in ("", " DESC"):  # from both ends, around a page that cannot be read
            with contextlib.suppress(sqlite3.DatabaseError):
                for rowid, name, root in db.execute(
                    f"SELECT rowid, name, rootpage FROM sqlite_master ORDER BY rowid{order}"
                ):
                    entries[rowid] = (name, root)
        db.execute("PRAGMA journal_mode = DELETE").fetchall()
    return entries


def _schema_writer(path: Path) -> sqlite3.Connection:
    """Open a file whose list of tables may be damaged, and may be written."""
    db = sqlite3.connect(path, isolation_level=None)
    db.text_factory = bytes
    db.execute("PRAGMA trusted_schema = OFF")
    db.execute("PRAGMA writable_schema = ON")
    return db


def _fits(root: tuple[bool, int] | None, shape: tuple[bool, int]) -> bool:
    """Tell whether a root as `root_pages` describes it may be that of a table."""
    return root is not None and root[0] == shape[0] and root[1] in (0, shape[1])


@contextlib.contextmanager
def _empty_database(version: int, page_size: int = 0) -> Iterator[sqlite3.Connection]:
    """Make an empty database in memory with the tables of a format version, as a new file has them.

    Args:
        version: The format version.
        page_size: Bytes of a page, which decide where tables begin; 0 where that does not matter.
    """
    with contextlib.closing(sqlite3.connect(":memory:")) as db:
        if page_size:
            db.execute(f"PRAGMA page_size = {page_size}")
        for statement in schema_statements(version):
            db.execute(statement)
        yield db


def _version_of(path: Path) -> int:
    """Read the format version in the file's header; this program's own if that is damaged."""
    try:
        with path.open("rb") as file:
            version = int.from_bytes(file.read(64)[60:], "big")
    except OSError:
        return FORMAT_VERSION
    return version if 0 < version <= FORMAT_VERSION else FORMAT_VERSION


def _columns(table: str, version: int) -> list[str]:
    """Name a table's columns in a file of a format version."""
    with _empty_database(version) as db:
        return [row[1] for row in db.execute(f"PRAGMA table_info({table})")]


def insert_rows(store: Store, table: str, rows: Iterable[dict[str, Any]]) -> None:
    """Insert or replace rows as `DamagedFile.table` gives them, inside a transaction."""
    for row in rows:
        names = [name for name in row if name != "rowid"]
        store.rows(
            f"INSERT OR REPLACE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})",
            [row[name] for name in names],
        )


def put_in_place(repaired: Path, path: Path, backup: bool) -> Path | None:
    """Replace the damaged file by the repaired one.

    SQLite's files beside the damaged file go with it: SQLite would take them for the new one's.

    Args:
        repaired: The repaired file.
        path: The damaged file.
        backup: Whether to keep the damaged file.

    Returns:
        The path of the damaged file now; None without a backup.

    Raises:
        CrystalError: The system refuses.
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
    """Yield names for the damaged file that are not taken: `NAME.crystal.damaged`, `NAME-2...`."""
    number = 1
    while True:
        middle = "" if number == 1 else f"-{number}"
        name = path.with_name(f"{path.stem}{middle}{path.suffix}.damaged")
        if not name.exists():
            yield name
        number += 1
