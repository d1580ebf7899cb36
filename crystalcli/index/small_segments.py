"""Small segments: a few chunks are appended as a segment, and small neighbours become one.

A memory is one chunk, and each would be a segment. So that a crystal of 100,000 memories has some
hundred segments, the last ones are joined while the one before is less than twice as large as all
after it, up to the size of a segment of an ingest. Numbers of chunks and atoms stay.

Knows: parts of segments, lexicons. Does not know: documents, the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.index.fidelity import add_fidelity
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.index.segment_reader import open_segment
from crystalcli.index.segment_writer import SEGMENT_BYTES, atom_terms, build_draft, chunk_spans_of, write_segment
from crystalcli.lexical import stored_code, varint
from crystalcli.storage import (
    LANGUAGES_SINCE,
    ChunkSpans,
    SegmentRow,
    Store,
    add_contexts,
    add_languages,
    compressed,
    contexts_of,
    digest,
    languages_of,
    stored_analysis,
)

# Atoms of the largest lexicon that an append merges; an ingest merges the larger ones.
_MAX_MERGED_ATOMS = 1 << 14


def append_chunks(store: Store, chunks: Sequence[Chunk], codes: LayerCodes | None = None) -> SegmentRow:
    """Append chunks as a segment of their own, inside a transaction.

    They are stored whether or not the crystal holds the same text already: nothing is read but the
    last segments.

    Args:
        store: The crystal, open for writing.
        chunks: The chunks, one or more.
        codes: Their codes; None to leave their layers to the next ingest.

    Returns:
        The row of the segment, as it is before small segments are joined.
    """
    rows = store.segments()
    first_chunk = rows[-1].first_chunk + rows[-1].chunks if rows else 0
    first_atom = rows[-1].first_atom + rows[-1].atoms if rows else 0
    languages = [stored_code(chunk.language) if store.format >= LANGUAGES_SINCE else "" for chunk in chunks]
    analysis = stored_analysis(store)
    draft = build_draft(
        first_atom,
        [chunk.text for chunk in chunks],
        [digest(chunk.text.encode()) for chunk in chunks],
        [chunk.context for chunk in chunks],
        languages,
        chunk_spans_of(list(chunks)),
        [count for chunk in chunks for count in atom_terms(chunk, analysis)],
    )
    segment = write_segment(store, first_chunk, first_atom, draft, codes, max_merged_atoms=_MAX_MERGED_ATOMS)
    if codes is not None:
        add_fidelity(store, codes.fidelity)
    join_small_segments(store, [*rows, segment])
    return segment


def join_small_segments(store: Store, rows: Sequence[SegmentRow]) -> None:
    """Join the last segments of a crystal while they are small, inside a transaction.

    Args:
        store: The crystal, open for writing.
        rows: The rows of its segments.
    """
    if not rows:
        return
    first, size = len(rows) - 1, rows[-1].bytes
    while first:
        before = rows[first - 1]
        if before.encoded != rows[-1].encoded or before.bytes >= 2 * size or before.bytes + size > SEGMENT_BYTES:
            break
        first, size = first - 1, size + before.bytes
    if first < len(rows) - 1:
        _join(store, rows[first:])


def _join(store: Store, rows: Sequence[SegmentRow]) -> None:
    """Put one segment in the place of consecutive ones."""
    readers = [open_segment(store, row) for row in rows]
    text = b"".join(store.text(row.id) for row in rows)
    contexts = [context for row in rows for context in contexts_of(store, row)]
    languages = [language for row in rows for language in languages_of(store, row)]
    spans = ChunkSpans(*(np.concatenate(column) for column in zip(*(each.spans for each in readers), strict=True)))
    names = ["hashes", "lengths", *(LayerCodes._fields if rows[0].encoded else ())]
    parts = {name: b"".join(store.part(row.id, name) for row in rows) for name in names}
    sums = {
        name: sum(getattr(row, name) for row in rows)
        for name in ("chunks", "atoms", "clusters", "units", "tokens", "bytes")
    }
    for row in rows:
        store.drop_segment(row.id)
    number = store.add_segment(rows[0]._replace(**sums))
    store.add_part(number, "text", compressed(text), len(text))
    store.add_part(number, "spans", varint.encode(spans.flat()))
    for name, data in parts.items():
        store.add_part(number, name, data)
    add_contexts(store, number, contexts)
    add_languages(store, number, languages)
