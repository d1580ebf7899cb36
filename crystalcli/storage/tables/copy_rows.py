"""What a copy of a crystal takes over row by row: landmarks, and codebooks of its own where it has them."""

from __future__ import annotations

from crystalcli.storage.store import Store
from crystalcli.storage.tables.codebooks import put_codebooks, stored_codebooks
from crystalcli.storage.tables.rows import typed_rows


def landmark_triples(store: Store, source: int) -> list[tuple[int, str, str]]:
    """(start, kind, label) of every landmark of a source, in order."""
    query = "SELECT start, kind, label FROM landmark WHERE source = ? ORDER BY start, kind"
    return typed_rows(store.rows(query, (source,)), (int, str, str), store.path)


def copy_codebooks(old: Store, new: Store) -> None:
    """Give `new` the codebooks of `old`. Raises DamagedCrystalError, as what is damaged is not written anew."""
    with new.transaction():
        put_codebooks(new, stored_codebooks(old))
