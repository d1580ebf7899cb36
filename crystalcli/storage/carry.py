"""What a copy of a crystal takes over row by row: landmarks, and codebooks of its own where it has them."""

from __future__ import annotations

from crystalcli.storage.store import Store


def landmarks_of(store: Store, source: int) -> list[tuple[int, str, str]]:
    """(start, kind, label) of every landmark of a source, in order."""
    return store.rows("SELECT start, kind, label FROM landmark WHERE source = ? ORDER BY start, kind", (source,))


def codebooks_of(store: Store) -> list[tuple[str, bytes, bytes]]:
    """(name, digest, data) of a crystal's own codebooks; none where it goes by those of the program."""
    if not store.rows("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'codebook'"):
        return []  # made before there were any
    return store.rows("SELECT name, digest, data FROM codebook ORDER BY name")


def carry_codebooks(old: Store, new: Store) -> None:
    """Give `new` the codebooks of `old`."""
    with new.transaction():
        for row in codebooks_of(old):
            new.rows("INSERT INTO codebook VALUES (?, ?, ?)", row)
