"""The codebooks of a crystal with an encoder of its own, as named blobs. What is in them is the codec's business."""

from __future__ import annotations

from collections.abc import Mapping

from crystalcli.storage.store import Store, digest
from crystalcli.storage.tables.rows import typed_rows


def put_codebooks(store: Store, blobs: Mapping[str, bytes]) -> None:
    """Keep codebooks by name, inside a transaction."""
    for name, data in blobs.items():
        store.rows("INSERT OR REPLACE INTO codebook VALUES (?, ?, ?)", (name, digest(data), data))


def stored_codebooks(store: Store) -> dict[str, bytes]:
    """The codebooks by name; none where the crystal goes by those of the program, or has yet to learn its own.

    Raises DamagedCrystalError when one is not what was written, or no blob.
    """
    found = {}
    rows = store.rows("SELECT name, digest, data FROM codebook ORDER BY name")
    for name, wanted, data in typed_rows(rows, (str, bytes, bytes), store.path):
        if digest(data) != wanted:
            raise store.damaged(f"the codebook {name} does not match its digest")
        found[name] = data
    return found
