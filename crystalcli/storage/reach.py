"""Which chunks documents refer to, read a stretch at a time, so that many documents take no more memory than few."""

from __future__ import annotations

from collections.abc import Iterator

from crystalcli.storage.rows import typed
from crystalcli.storage.store import Store

_AT_ONCE = 1024  # chunks in a stretch


def runs_by_chunk(store: Store, chunks: int) -> Iterator[tuple[int, int]]:
    """(first chunk, chunks) of every run that begins before chunk `chunks`, in order of their first chunks."""
    query = "SELECT first_chunk, chunks FROM run WHERE first_chunk >= ? AND first_chunk < ? ORDER BY first_chunk"
    for start in range(0, chunks, _AT_ONCE):
        yield from typed(store.rows(query, (start, min(chunks, start + _AT_ONCE))), (int, int), store.path)
