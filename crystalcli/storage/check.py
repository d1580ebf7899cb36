"""Checks of a crystal's storage: SQLite's own, seals, and digests of blobs.

Does not know what the rows mean; `crystal verify` adds those checks.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.storage.file.seal import Group, broken_seals, seal_holds, sealed_tables
from crystalcli.storage.store import Store
from crystalcli.storage.tables.blobs import digest
from crystalcli.storage.tables.rows import SourceRow


class StorageFault(NamedTuple):
    """A fault in a crystal's storage.

    Attributes:
        group: The group of rows that it is in, as in `seal`; ("", 0) if that is unknown.
        message: The fault, in words.
    """

    group: Group
    message: str


def check_seal(store: Store, source: SourceRow) -> None:
    """Check that a source's rows match their seal, before they are cited or copied.

    Its rows are those of `source`, `run` and `landmark`.

    Raises:
        DamagedCrystalError: They do not.
    """
    origin, number = store.origin(source.id)
    if not seal_holds(origin.stream, ("source", number), origin.sealed_columns()):
        raise origin.damaged(
            f"the rows of {source.path} are not what was written; `crystal repair` keeps what can be read"
        )


def file_faults(store: Store) -> Iterator[StorageFault]:
    """Find what SQLite's own checks find: faults of pages, types, indexes, references."""
    for (message,) in store.stream("PRAGMA integrity_check"):
        for line in str(message).splitlines():
            if line != "ok":
                yield StorageFault(("", 0), line)
    for table, _, parent, _ in store.stream("PRAGMA foreign_key_check"):
        yield StorageFault(("", 0), f"a row of the table {table} refers to a missing {parent}")


def seal_faults(store: Store) -> Iterator[StorageFault]:
    """Find groups of rows that are not what was written.

    The whole crystal comes last, and only if no group is broken.
    """
    any_broken = False
    for group, surplus in sorted(broken_seals(store.stream), reverse=True):
        name, number = group
        if name == "" and any_broken:
            continue
        any_broken = True
        label = f"{name} {number}" if number else name or "the crystal as a whole"
        rows = "row" if abs(surplus) == 1 else "rows"
        difference = f"{abs(surplus)} {rows} {'too many' if surplus > 0 else 'missing'}"
        yield StorageFault(group, f"{label} is not what was written: {difference if surplus else 'a row is altered'}")


def blob_faults(store: Store) -> Iterator[StorageFault]:
    """Find blobs that do not match their digests."""
    for table in sealed_tables():
        names = [row[1] for row in store.stream(f"PRAGMA main.table_info({table})")]
        if not {"digest", "data"} <= set(names):
            continue
        for values in store.stream(f"SELECT * FROM {table} NOT INDEXED"):
            row = dict(zip(names, values, strict=True))
            if not isinstance(row["data"], bytes) or digest(row["data"]) != row["digest"]:
                head = next((name for name in ("segment", "lexicon") if name in names), "")
                number = row.get(head, 0)
                label = row.get("name", row.get("first_term", ""))
                yield StorageFault((head, number), f"{table} {label} of {head} {number} does not match its digest")
