"""What can be said of a file without knowing what it means: SQLite's own checks, seals, and the digest of every blob."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from crystalcli.storage.file.seal import Group, broken, holds, sealed_tables
from crystalcli.storage.store import Store
from crystalcli.storage.tables.blobs import digest
from crystalcli.storage.tables.rows import SourceRow


class StorageFault(NamedTuple):
    """Something that does not hold. group: the row it is about, as in `seal`; ("", 0) where that cannot be said."""

    group: Group
    message: str


def check_seal(store: Store, source: SourceRow) -> None:
    """That a source's row, runs and landmarks match their seal: before anything is cited or copied by them.

    Raises DamagedCrystalError.
    """
    if not holds(store.stream, ("source", source.id)):
        raise store.damaged(
            f"what it says of {source.path} is not what was written; `crystal repair` keeps what can be read"
        )


def file_faults(store: Store) -> Iterator[StorageFault]:
    """What SQLite finds: pages, types, indexes, references."""
    for (message,) in store.stream("PRAGMA integrity_check"):
        for line in str(message).splitlines():
            if line != "ok":
                yield StorageFault(("", 0), line)
    for table, _, parent, _ in store.stream("PRAGMA foreign_key_check"):
        yield StorageFault(("", 0), f"a row of the table {table} refers to a {parent} that is not there")


def seal_faults(store: Store) -> Iterator[StorageFault]:
    """Groups of rows that are not what was written; the whole comes last, and only where no group is to blame."""
    blamed = False
    for group, more in sorted(broken(store.stream), reverse=True):
        name, number = group
        if name == "" and blamed:
            continue
        blamed = True
        what = f"{name} {number}" if number else name or "the crystal as a whole"
        lost = f"{abs(more)} {'row' if abs(more) == 1 else 'rows'} {'too many' if more > 0 else 'missing'}"
        yield StorageFault(group, f"{what} is not what was written: {lost if more else 'a row is altered'}")


def blob_faults(store: Store) -> Iterator[StorageFault]:
    """Blobs that do not match their digests."""
    for table in sealed_tables():
        names = [row[1] for row in store.stream(f"PRAGMA main.table_info({table})")]
        if not {"digest", "data"} <= set(names):
            continue
        for row in store.stream(f"SELECT * FROM {table} NOT INDEXED"):
            found = dict(zip(names, row, strict=True))
            if not isinstance(found["data"], bytes) or digest(found["data"]) != found["digest"]:
                head = next((name for name in ("segment", "lexicon") if name in names), "")
                number = found.get(head, 0)
                label = found.get("name", found.get("first_term", ""))
                yield StorageFault((head, number), f"{table} {label} of {head} {number} does not match its digest")
