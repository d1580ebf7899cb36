"""What the chunks of a segment stand in, as it is stored: a line for each chunk, all of them one zstd frame.

Knows the part and its shape. What the lines say is written in docs/FORMAT.md.
"""

from __future__ import annotations

from collections.abc import Sequence

from crystalcli.storage.store import Store, compressed
from crystalcli.storage.tables.rows import SegmentRow

CONTEXTS_PART = "contexts"  # the part's name
CONTEXTS_SINCE = 2  # the format version from which on chunks have contexts


def add_contexts(store: Store, segment: int, contexts: Sequence[str]) -> None:
    """The contexts of a segment's chunks, inside a transaction; nothing where all are empty."""
    if any(contexts):
        text = "\n".join(contexts).encode()
        store.add_part(segment, CONTEXTS_PART, compressed(text), len(text))


def contexts_of(store: Store, row: SegmentRow) -> list[str]:
    """The context of each of a segment's chunks, "" where none is known. Raises DamagedCrystalError."""
    data = store.frame(row.id, CONTEXTS_PART)
    try:
        found = data.decode().split("\n") if data is not None else [""] * row.chunks
    except UnicodeDecodeError as error:
        raise store.damaged(f"the contexts of segment {row.id} are not UTF-8") from error
    if len(found) != row.chunks:
        raise store.damaged(f"segment {row.id} has not as many contexts as chunks")
    return found
