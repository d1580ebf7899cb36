"""Seals: sums over groups of rows that reveal missing or altered rows.

A blob's own digest cannot reveal that the blob is missing; a seal can. A group is one row of
`source`, `segment` or `lexicon` with every row that refers to it; every other table is a group of
its own; the group "" is every row. A group's seal is the sum of its rows' digests modulo 2^128 (an
incremental hash: Bellare and Micciancio, 1997), so that a commit costs in proportion to its
changes. The many groups of `source` have a table of their own, and half of the sum each, from
format version 7 on. Like the digests, seals find damage; a deliberate change can be sealed again.

Rows are counted by temporary triggers of the connection that writes, so that every write of a row
keeps its seal.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from crystalcli.storage.file.schema import table_names

_MODULUS = 1 << 128
_SHORT_BYTES = 8  # of a sum in `source_seal`
_SEAL_TABLES = ("seal", "source_seal")
_HEADS = ("source", "segment", "lexicon")  # tables whose rows each head a group
_BULK = "data"  # the column that the column `digest` stands for

# The table that heads the group, or the table itself, or ""; the id of the heading row, else 0.
Group = tuple[str, int]
Query = Callable[..., Iterable[Any]]  # runs a statement with its values


def sealed_tables() -> list[str]:
    """Name every table that counts for seals."""
    return [name for name in table_names() if name not in _SEAL_TABLES]


def sealed_columns(query: Query, table: str) -> list[str]:
    """Name the columns of a table that count for its seal, in order; none if it is not there."""
    names = [row[1] for row in query(f"PRAGMA main.table_info({table})")]
    return [name for name in names if name != _BULK or "digest" not in names]


def all_sealed_columns(query: Query) -> dict[str, list[str]]:
    """Name the columns that count for seals, as of `sealed_columns`, by table, in one query."""
    columns: dict[str, list[str]] = {table: [] for table in sealed_tables()}
    for table, name in query(
        "SELECT t.name, c.name FROM sqlite_master AS t, pragma_table_info(t.name, 'main') AS c "
        "WHERE t.type = 'table' ORDER BY t.name, c.cid"
    ):
        if table in columns:
            columns[table].append(name)
    return {
        table: [name for name in names if name != _BULK or "digest" not in names] for table, names in columns.items()
    }


def group_column(table: str, names: Sequence[str]) -> tuple[str, str]:
    """Find the group of a table's rows.

    Args:
        table: The table.
        names: Its columns.

    Returns:
        The group's name, and the SQL of its number.
    """
    if table in _HEADS:
        return table, "id"
    for head in _HEADS:
        if head in names:
            return head, head
    return table, "0"


def row_digest(table: str, values: Iterable[Any]) -> int:
    """Compute a row's share in its seals.

    Args:
        table: The table.
        values: The row's values, in the order of `sealed_columns`.

    Returns:
        BLAKE2b with 16 bytes, as a little-endian number, over the table's name and the values
        (numbers in decimal, text in UTF-8), each after its length in 4 bytes.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for value in (table, *values):
        data = value if isinstance(value, bytes) else str(value).encode()
        hasher.update(len(data).to_bytes(4, "little") + data)
    return int.from_bytes(hasher.digest(), "little")


class RowSealer:
    """Keeps the seals of all rows that one connection writes.

    Write only under `signals_held_back`: SQLite reports every exception of a function that it
    calls, Ctrl-C too, as an error of its own.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        # By group: rows added, and the sum of their digests.
        self._changes: defaultdict[Group, list[int]] = defaultdict(lambda: [0, 0])
        self._watched: set[str] = set()
        self._has_short_seals = bool(sealed_columns(db.execute, "source_seal"))
        db.create_function("crystal_seal", -1, self._count)
        # So that a row that is replaced is counted as deleted.
        db.execute("PRAGMA recursive_triggers = ON")
        db.execute("PRAGMA temp_store = MEMORY")
        for table in sealed_tables():
            self.watch(table)

    def watch(self, table: str) -> None:
        """Count the rows of a table from now on, if the file has it and they are not yet."""
        names = sealed_columns(self._db.execute, table)
        if not names or table in self._watched or table in _SEAL_TABLES:
            return
        self._watched.add(table)
        group, number = group_column(table, names)
        for event, rows in (("INSERT", ("NEW",)), ("DELETE", ("OLD",)), ("UPDATE", ("OLD", "NEW"))):
            calls = "".join(
                f"SELECT crystal_seal({-1 if row == 'OLD' else 1}, '{table}', '{group}', "
                f"{number if number == '0' else f'{row}.{number}'}, {', '.join(f'{row}.{name}' for name in names)}); "
                for row in rows
            )
            self._db.execute(f"CREATE TEMP TRIGGER seal_{table}_{event} AFTER {event} ON main.{table} BEGIN {calls}END")

    def _count(self, sign: int, table: str, name: str, number: int, *values: Any) -> None:
        """Count a row that was added (sign 1) or removed (-1)."""
        share = sign * row_digest(table, values)
        for group in ((name, number), ("", 0)):
            change = self._changes[group]
            change[0] += sign
            change[1] += share

    def write(self) -> None:
        """Bring the seals up to date, inside the transaction that changed the rows."""
        for group, (members, total) in self._changes.items():
            if not members and not total % _MODULUS:
                continue
            is_short = self._has_short_seals and group[0] == "source"
            table, key = ("source_seal", (group[1],)) if is_short else ("seal", group)
            where = "source = ?" if is_short else "name = ? AND number = ?"
            rows = self._db.execute(f"SELECT members, total FROM {table} WHERE {where}", key).fetchall()
            for sealed_members, sealed_total in rows:
                members += sealed_members
                total += int.from_bytes(sealed_total, "little")
            if members or group == ("", 0):
                values = (*key, members, stored_total(total, is_short))
                self._db.execute(f"INSERT OR REPLACE INTO {table} VALUES ({', '.join('?' * len(values))})", values)
            else:
                self._db.execute(f"DELETE FROM {table} WHERE {where}", key)
        self._changes.clear()

    def forget(self) -> None:
        """Discard the changes of a transaction that was rolled back."""
        self._changes.clear()


def stored_total(total: int, is_short: bool = False) -> bytes:
    """Encode a sum of digests as `seal.total` has it, or as `source_seal.total` has it."""
    whole = (total % _MODULUS).to_bytes(16, "little")
    return whole[:_SHORT_BYTES] if is_short else whole


def _group(name: Any, number: Any) -> Group:
    """Make a group of values from a file of unknown origin; -1 for a number that is no integer."""
    return str(name), number if type(number) is int else -1


def seal_holds(query: Query, group: Group, columns: Mapping[str, Sequence[str]] | None = None) -> bool:
    """Tell whether one group matches its seal.

    Args:
        query: Runs a statement.
        group: A group of `source`, `segment` or `lexicon`, or a table's name with number 0.
        columns: The columns of every table, as of `all_sealed_columns`; None: they are read.
    """
    name, number = group[0], int(group[1])
    members = total = 0
    if columns is None:
        columns = all_sealed_columns(query)
    for table, names in columns.items():
        table_group, column = group_column(table, names)
        if names and table_group == name:
            # By value, not in the statement's text: SQLite caches statements.
            for values in query(f"SELECT {', '.join(names)} FROM {table} WHERE {column} = ?", (number,)):
                members += 1
                total += row_digest(table, values)
    if name == "source" and columns["folder"]:  # format version 7
        rows = query("SELECT members, total FROM source_seal WHERE source = ?", (number,))
        return (members, stored_total(total, is_short=True)) in list(rows)
    rows = query("SELECT members, total FROM seal WHERE name = ? AND number = ?", (name, number))
    return (members, stored_total(total)) in list(rows)


def broken_seals(query: Query) -> Iterator[tuple[Group, int]]:
    """Find the groups that do not match their seals, with memory for a few numbers a group.

    Args:
        query: Runs a statement.

    Yields:
        The group, and how many rows it has more (or, below 0, fewer) than were sealed.
    """
    sums: defaultdict[Group, list[int]] = defaultdict(lambda: [0, 0])
    whole = sums[("", 0)]
    for table in sealed_tables():
        if not (names := sealed_columns(query, table)):
            continue
        name, column = group_column(table, names)
        for number, *values in query(f"SELECT {column}, {', '.join(names)} FROM {table} NOT INDEXED"):
            share = row_digest(table, values)
            for group_sum in (sums[_group(name, number)], whole):
                group_sum[0] += 1
                group_sum[1] += share
    sealed = {
        _group(name, number): (members, total)
        for name, number, members, total in query("SELECT name, number, members, total FROM seal")
    }
    has_short_seals = bool(sealed_columns(query, "source_seal"))
    if has_short_seals:
        for number, members, total in query("SELECT source, members, total FROM source_seal"):
            sealed[_group("source", number)] = (members, total)
    for group in sorted(sums.keys() | sealed.keys()):
        members, total = sums.get(group, [0, 0])
        sealed_members, sealed_total = sealed.get(group, (0, b""))
        is_short = has_short_seals and group[0] == "source"
        if type(sealed_members) is not int:
            yield group, 0
        elif group not in sealed or (members, stored_total(total, is_short)) != (sealed_members, sealed_total):
            yield group, members - sealed_members
