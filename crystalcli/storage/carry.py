"""What a copy of a crystal takes over row by row: landmarks, and codebooks of its own where it has them."""

from __future__ import annotations

from crystalcli.storage.rows import typed
from crystalcli.storage.store import Store


def landmarks_of(store: Store, source: int) -> list[tuple[int, str, str]]:
    """(start, kind, label) of every landmark of a source, in order."""
    query = "SELECT start, kind, label FROM landmark WHERE source = ? ORDER BY start, kind"
    return typed(store.rows(query, (source,)), (int, str, str), store.path)


def codebooks_of(store: Store) -> list[tuple[str, bytes, bytes]]:
    """(name, digest, data) of a crystal's own codebooks; none where it goes by those of the program."""
    found = store.rows("SELECT name, digest, data FROM codebook ORDER BY name")
    return typed(found, (str, bytes, bytes), store.path)


def carry_codebooks(old: Store, new: Store) -> None:
    """Give `new` the codebooks of `old`."""
    with new.transaction():
        for row in codebooks_of(old):
            new.rows("INSERT INTO codebook VALUES (?, ?, ?)", row)
