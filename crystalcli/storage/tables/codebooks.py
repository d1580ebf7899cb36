"""The table `codebook`: codebooks of the crystal's own encoder, as blobs.

Does not know what is in them; that is the codec's business.
"""

from __future__ import annotations

from collections.abc import Mapping

from crystalcli.storage.file.database import Database
from crystalcli.storage.tables.blobs import digest
from crystalcli.storage.tables.rows import typed_rows


def put_codebooks(store: Database, blobs: Mapping[str, bytes]) -> None:
    """Store codebooks by name, inside a transaction."""
    for name, data in blobs.items():
        store.rows("INSERT OR REPLACE INTO codebook VALUES (?, ?, ?)", (name, digest(data), data))


def stored_codebooks(store: Database) -> dict[str, bytes]:
    """Read the codebooks by name.

    Returns:
        The blobs; empty if the crystal uses the program's codebooks, or has yet to learn its own.

    Raises:
        DamagedCrystalError: A codebook does not match its digest.
    """
    codebooks = {}
    rows = store.rows("SELECT name, digest, data FROM codebook ORDER BY name")
    for name, stored_digest, data in typed_rows(rows, (str, bytes, bytes), store.path):
        if digest(data) != stored_digest:
            raise store.damaged(f"the codebook {name} does not match its digest")
        codebooks[name] = data
    return codebooks


def copy_codebooks(old: Database, new: Database) -> None:
    """Copy the codebooks of one crystal into another, in a transaction of its own.

    Raises:
        DamagedCrystalError: A codebook of `old` does not match its digest; no damage is copied.
    """
    with new.transaction():
        put_codebooks(new, stored_codebooks(old))
