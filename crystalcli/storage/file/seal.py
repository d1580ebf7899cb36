"""Seals: what groups of rows add up to. A row that is missing, altered or foreign breaks its group's seal.

A blob's own digest says nothing of a blob that is not there; a seal does. A group is one row of `source`, `segment` or
`lexicon` with every row that refers to it; every other table is a group of its own. A group's seal is the sum of its rows'
digests modulo 2^128 (an incremental hash: Bellare and Micciancio, 1997), so that a commit costs what it changes. The group
"" is everything. Like the digests, seals find damage; whoever alters a file on purpose can seal it again.

Rows are counted by temporary triggers of the connection that writes, so that whatever writes a row keeps its seal.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from crystalcli.storage.file.schema import tables

_MODULUS = 1 << 128
_HEADS = ("source", "segment", "lexicon")  # tables whose rows each head a group
_BULK = "data"  # the column that the column `digest` stands for

Group = tuple[str, int]
Query = Callable[..., Iterable[Any]]  # a statement and its values


def sealed_tables() -> list[str]:
    """Every table that seals are kept over."""
    return [name for name in tables() if name != "seal"]


def columns(query: Query, table: str) -> list[str]:
    """The columns of a table that count for its seal, in order."""
    names = [row[1] for row in query(f"PRAGMA main.table_info({table})")]
    return [name for name in names if name != _BULK or "digest" not in names]


def group_column(table: str, names: Sequence[str]) -> tuple[str, str]:
    """The group that rows of a table belong to: its name, and the SQL of its number."""
    if table in _HEADS:
        return table, "id"
    for head in _HEADS:
        if head in names:
            return head, head
    return table, "0"


def row_digest(table: str, values: Iterable[Any]) -> int:
    """A row's share in its seals: BLAKE2b-16 over the table's name and the values, each after its length (4 bytes).

    Numbers are in decimal, text in UTF-8, and the digest is read as a little-endian number.
    """
    hasher = hashlib.blake2b(digest_size=16)
    for value in (table, *values):
        data = value if isinstance(value, bytes) else str(value).encode()
        hasher.update(len(data).to_bytes(4, "little") + data)
    return int.from_bytes(hasher.digest(), "little")


class RowSealer:
    """Follows what one connection writes. `write` brings the seals up to date, inside the transaction that changed them.

    Write only while signals are held back (`signals.held_back`): SQLite reports whatever is raised in a function that it calls,
    a Ctrl-C too, as an error of its own.
    """

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._changes: defaultdict[Group, list[int]] = defaultdict(lambda: [0, 0])
        db.create_function("crystal_seal", -1, self._count)
        db.execute("PRAGMA recursive_triggers = ON")  # so that a row that is replaced is counted as deleted
        db.execute("PRAGMA temp_store = MEMORY")
        for table in sealed_tables():
            names = columns(db.execute, table)
            name, number = group_column(table, names)
            for event, rows in (("INSERT", ("NEW",)), ("DELETE", ("OLD",)), ("UPDATE", ("OLD", "NEW"))):
                calls = "".join(
                    f"SELECT crystal_seal({-1 if row == 'OLD' else 1}, '{table}', '{name}', "
                    f"{number if number == '0' else f'{row}.{number}'}, {', '.join(f'{row}.{each}' for each in names)}); "
                    for row in rows
                )
                db.execute(f"CREATE TEMP TRIGGER seal_{table}_{event} AFTER {event} ON main.{table} BEGIN {calls}END")

    def _count(self, sign: int, table: str, name: str, number: int, *values: Any) -> None:
        share = sign * row_digest(table, values)
        for group in ((name, number), ("", 0)):
            change = self._changes[group]
            change[0] += sign
            change[1] += share

    def write(self) -> None:
        """Add what has changed since the last time to the seals."""
        for (name, number), (members, total) in self._changes.items():
            if not members and not total % _MODULUS:
                continue
            rows = self._db.execute(
                "SELECT members, total FROM seal WHERE name = ? AND number = ?", (name, number)
            ).fetchall()
            for before, sealed in rows:
                members += before
                total += int.from_bytes(sealed, "little")
            if members or name == "":
                values = (name, number, members, (total % _MODULUS).to_bytes(16, "little"))
                self._db.execute("INSERT OR REPLACE INTO seal VALUES (?, ?, ?, ?)", values)
            else:
                self._db.execute("DELETE FROM seal WHERE name = ? AND number = ?", (name, number))
        self._changes.clear()

    def forget(self) -> None:
        """The transaction was rolled back: nothing has changed."""
        self._changes.clear()


def _group(name: Any, number: Any) -> Group:
    """A group as it stands in a file that may be anybody's."""
    return str(name), number if type(number) is int else -1


def holds(query: Query, group: Group) -> bool:
    """Whether one group's seal holds; of `source`, `segment` or `lexicon`, or a table's name with number 0."""
    name, number = group[0], int(group[1])
    members = total = 0
    for table in sealed_tables():
        names = columns(query, table)
        if (found := group_column(table, names))[0] == name:
            # By value, not in the statement's text: SQLite keeps statements, and there are many groups.
            for values in query(f"SELECT {', '.join(names)} FROM {table} WHERE {found[1]} = ?", (number,)):
                members += 1
                total += row_digest(table, values)
    wanted = (members, (total % _MODULUS).to_bytes(16, "little"))
    return wanted in list(query("SELECT members, total FROM seal WHERE name = ? AND number = ?", (name, number)))


def broken(query: Query) -> Iterator[tuple[Group, int]]:
    """The groups whose seal does not hold, each with how many rows it has more (or, below 0, fewer) than were sealed.

    Memory: a few numbers for each group.
    """
    sums: defaultdict[Group, list[int]] = defaultdict(lambda: [0, 0])
    whole = sums[("", 0)]
    for table in sealed_tables():
        names = columns(query, table)
        name, number = group_column(table, names)
        for found, *values in query(f"SELECT {number}, {', '.join(names)} FROM {table} NOT INDEXED"):
            share = row_digest(table, values)
            for added in (sums[_group(name, found)], whole):
                added[0] += 1
                added[1] += share
    sealed = {
        _group(name, number): (members, total)
        for name, number, members, total in query("SELECT name, number, members, total FROM seal")
    }
    for group in sorted(sums.keys() | sealed.keys()):
        members, total = sums.get(group, [0, 0])
        before, wanted = sealed.get(group, (0, b""))
        if type(before) is not int:
            yield group, 0
        elif group not in sealed or (members, (total % _MODULUS).to_bytes(16, "little")) != (before, wanted):
            yield group, members - before
