"""What a copy of a crystal takes over row by row: landmarks, and codebooks of its own where it has them."""

from __future__ import annotations

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.store import Store


def landmarks_of(store: Store, source: int) -> list[tuple[int, str, str]]:
    """(start, kind, label) of every landmark of a source, in order."""
    return store.rows("SELECT start, kind, label FROM landmark WHERE source = ? ORDER BY start, kind", (source,))


def codebooks_of(store: Store) -> list[tuple[object, ...]]:
    """The rows of a crystal's own codebooks, in order; none where the crystal goes by those of the program."""
    return store.rows("SELECT * FROM codebook ORDER BY 1") if _columns(store) else []


def carry_codebooks(old: Store, new: Store) -> None:
    """Give `new` the codebooks of `old`."""
    columns, rows = _columns(old), codebooks_of(old)
    if not rows:
        return
    with new.transaction():
        if not _columns(new):  # names and types of columns come from the other file: only their plain forms are taken
            declared = ", ".join(f"{name} {kind} NOT NULL" for name, kind in columns)
            new.rows(f"CREATE TABLE codebook ({declared}, PRIMARY KEY ({columns[0][0]})) STRICT")
        for row in rows:
            new.rows(f"INSERT INTO codebook VALUES ({', '.join('?' * len(row))})", row)


def _columns(store: Store) -> list[tuple[str, str]]:
    """Name and type of the columns of `codebook`. Raises DamagedCrystalError for names that no crystal has."""
    columns = [(str(row[1]), str(row[2])) for row in store.rows("PRAGMA table_info(codebook)")]
    if not all(name.isidentifier() and kind in ("TEXT", "INTEGER", "REAL", "BLOB") for name, kind in columns):
        raise DamagedCrystalError(f"{store.path} is damaged: its table codebook is none that this program makes")
    return columns
