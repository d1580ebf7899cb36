"""Collects chunks into segments and commits them: text, spans, layers and lexical index in one transaction.

A commit is the unit of safety: what is in it is whole, what is not was never there. Knows nothing of files.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index.atom_spans import atom_starts
from crystalcli.index.chunk_context import chunk_identity
from crystalcli.index.fidelity import add_fidelity
from crystalcli.lexical import Block, build_blocks, merge_blocks, terms, varint
from crystalcli.storage import (
    CONTEXTS_SINCE,
    ChunkSpans,
    SegmentRow,
    Store,
    add_contexts,
    compressed,
    contexts_of,
    digest,
    signals_held_back,
)
from crystalcli.types import Chunk
from crystalcli.vectors import node_counts, pyramid_layout

if TYPE_CHECKING:
    from crystalcli.index.layer_encoder import ChunkEncoder, LayerCodes
    from crystalcli.types import Int64Array

SEGMENT_BYTES = 1 << 17  # of text: about 30,000 tokens, a few seconds of encoding on most machines
PATIENCE = 10.0  # seconds of work, encoding included, that an interruption can cost, as far as that can be foreseen
_FAN = 4  # lexical segments of one level that merge into one of the next


class SegmentWriter:
    """Adds chunks to a store. Identical text in the same context is stored once: `add` gives back the number it has already.

    To a crystal of version 1 they are added without their contexts, as it has always been written.

    on_commit runs inside each transaction, so that what refers to the new chunks is committed with them.
    """

    def __init__(self, store: Store, encoder: ChunkEncoder | None, on_commit: Callable[[], None]) -> None:
        self.encoded_tokens = 0
        self._store = store
        self._encoder = encoder
        self._on_commit = on_commit
        self._known: dict[bytes, int] = {}
        self._next_chunk = self._next_atom = 0
        for segment in store.segments():
            hashes = store.part(segment.id, "hashes")
            if len(hashes) != 16 * segment.chunks:
                raise store.damaged(f"the hashes of segment {segment.id} contradict its counts")
            for index, context in enumerate(contexts_of(store, segment)):
                key = chunk_identity(hashes[16 * index : 16 * index + 16], context)
                self._known.setdefault(key, segment.first_chunk + index)
            self._next_chunk = segment.first_chunk + segment.chunks
            self._next_atom = segment.first_atom + segment.atoms
        self._pending: list[tuple[Chunk, bytes]] = []
        self._bytes = 0
        self._since = time.monotonic()  # when what waits for the next commit began to
        self._pace = 0.0  # seconds that a byte of text took to encode, then

    def add(self, chunk: Chunk) -> int:
        """The chunk's number in the crystal. May commit a segment."""
        if self._store.format < CONTEXTS_SINCE:
            chunk = replace(chunk, context="")
        data = chunk.text.encode()
        key = digest(data)
        which = chunk_identity(key, chunk.context)
        known = self._known.get(which)
        if known is not None:
            return known
        if not self._pending:
            self._since = time.monotonic()
        number = self._next_chunk + len(self._pending)
        self._pending.append((chunk, key))
        self._known[which] = number
        self._bytes += len(data)
        return number

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        waiting = time.monotonic() - self._since + self._pace * self._bytes
        return self._bytes >= SEGMENT_BYTES or waiting >= PATIENCE

    def commit(self, *, layers: bool = True) -> None:
        """Write what has been added since the last commit, and what `on_commit` writes, in one transaction.

        layers: False stores the text and its lexical index alone. A Ctrl-C while layers are made leaves everything as it was,
        for another call; one that comes while the transaction is written is raised after it.
        """
        began = time.monotonic()
        chunks = [chunk for chunk, _ in self._pending]
        codes = None
        with ThreadPoolExecutor(1) as beside:  # what one processor does at a time is done while all of them encode
            draft = beside.submit(self._draft, chunks)
            if layers and self._encoder is not None and chunks:
                codes = self._encoder.codes(chunks)
        with signals_held_back():
            self._write(draft.result(), codes)
            if codes is not None:
                self._pace = (time.monotonic() - began) / max(1, self._bytes)
            self._pending.clear()
            self._bytes = 0
            self._since = time.monotonic()

    def _draft(self, chunks: list[Chunk]) -> Draft:
        texts, keys = [chunk.text for chunk in chunks], [key for _, key in self._pending]
        counts = [count for chunk in chunks for count in atom_terms(chunk)]
        contexts = [chunk.context for chunk in chunks]
        return build_draft(self._next_atom, texts, keys, contexts, chunk_spans_of(chunks), counts)

    def _write(self, draft: Draft, codes: LayerCodes | None) -> None:
        with self._store.transaction():
            if draft.chunks:
                segment = write_segment(self._store, self._next_chunk, self._next_atom, draft, codes)
                if codes is not None:
                    add_fidelity(self._store, codes.fidelity)
                    self.encoded_tokens += segment.tokens
                self._next_chunk += segment.chunks
                self._next_atom += segment.atoms
            self._on_commit()


class Draft(NamedTuple):
    """A segment but for its layers, ready to be written: its text before (`size`, bytes) and after compression, its chunks'
    contexts, its other parts by name, and the blocks of its lexical index."""

    chunks: int
    spans: ChunkSpans
    size: int
    text: bytes
    contexts: Sequence[str]
    parts: dict[str, bytes]
    blocks: list[Block]


def build_draft(
    first_atom: int,
    texts: Sequence[str],
    keys: Sequence[bytes],
    contexts: Sequence[str],
    spans: ChunkSpans,
    counts: Sequence[Counter[str]],
) -> Draft:
    """A segment from the text, the hash and the context of each chunk, their spans, and the terms of each atom."""
    text = "".join(texts).encode()
    lengths = np.array([min(255, sum(count.values())) for count in counts], np.uint8)
    parts = {"spans": varint.encode(spans.flat()), "hashes": b"".join(keys), "lengths": lengths.tobytes()}
    blocks = list(build_blocks(counts, first_atom))
    return Draft(len(texts), spans, len(text), compressed(text), contexts, parts, blocks)


def write_segment(
    store: Store, first_chunk: int, first_atom: int, draft: Draft, codes: LayerCodes | None
) -> SegmentRow:
    """Write a segment, with its part of the lexical index, inside a transaction. codes: None when there are no weights."""
    units, clusters, atoms = (int(count.sum()) for count in node_counts(draft.spans.tokens))
    tokens, encoded = int(draft.spans.tokens.sum()), int(codes is not None)
    segment = SegmentRow(0, first_chunk, draft.chunks, first_atom, atoms, clusters, units, tokens, draft.size, encoded)
    number = store.add_segment(segment)
    store.add_part(number, "text", draft.text, draft.size)
    for name, data in draft.parts.items():
        store.add_part(number, name, data)
    add_contexts(store, number, draft.contexts)
    if codes is not None:
        for name, data in zip(codes._fields, codes, strict=True):
            store.add_part(number, name, data)
    store.add_lexicon(0, first_atom, atoms, draft.blocks)
    merge_tail(store)
    return segment._replace(id=number)


def merge_tail(store: Store) -> None:
    """Keep lexical segments few: as soon as there are four neighbours of one level they become one of the next.

    Inside a transaction.
    """
    while True:
        last = store.lexicons()[-_FAN:]
        if len(last) < _FAN or len({lexicon.level for lexicon in last}) > 1:
            return
        merge_lexicons(store, last[0].level + 1, [lexicon.id for lexicon in last])


def merge_lexicons(store: Store, level: int, numbers: list[int]) -> None:
    """Make one lexical segment of neighbouring ones, inside a transaction."""
    chosen = [lexicon for lexicon in store.lexicons() if lexicon.id in numbers]
    blocks = list(merge_blocks([(lexicon.first_atom, store.blocks(lexicon.id)) for lexicon in chosen]))
    for lexicon in chosen:
        store.drop_lexicon(lexicon.id)
    store.add_lexicon(level, chosen[0].first_atom, sum(lexicon.atoms for lexicon in chosen), blocks)


def atom_terms(chunk: Chunk) -> list[Counter[str]]:
    """Count the terms of each atom of a chunk."""
    return count_terms(chunk.text, atom_starts(len(chunk.ids), _unit_lengths(chunk)), chunk.context)


def count_terms(text: str, starts: list[int], context: str) -> list[Counter[str]]:
    """The terms, with their frequencies, of atoms that begin at the characters `starts`; the first begins at 0.

    A word belongs to the atom in which it begins. Each term of the context counts once more in the first atom: in every atom
    it found no more (docs/LOG.md), and took three times the room.
    """
    counts: list[Counter[str]] = [Counter() for _ in starts]
    if counts:
        for term, offset in terms(text):
            counts[bisect_right(starts, offset) - 1][term] += 1
        counts[0].update({term for term, _ in terms(context)})
    return counts


def chunk_spans_of(chunks: list[Chunk]) -> ChunkSpans:
    """Measure chunks and their units."""
    return ChunkSpans(
        np.array([len(chunk.text.encode()) for chunk in chunks], np.int64),
        np.array([len(chunk.text) for chunk in chunks], np.int64),
        np.array([chunk.text.count("\n") for chunk in chunks], np.int64),
        np.array([len(chunk.ids) for chunk in chunks], np.int64),
        np.concatenate([np.zeros(0, np.int64), *map(_unit_lengths, chunks)]),
    )


def _unit_lengths(chunk: Chunk) -> Int64Array:
    """Compute the characters from the end of the unit before (or the chunk's start) to each unit's own, int64 [units]."""
    bounds = pyramid_layout(len(chunk.ids)).units
    ends: Int64Array = chunk.ends[bounds[1:] - 1].astype(np.int64)
    lengths: Int64Array = ends - np.concatenate([np.zeros(1, np.int64), ends])[:-1]
    return lengths
