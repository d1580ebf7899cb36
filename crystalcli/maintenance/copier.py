"""Copies what lives in crystals into a new one: chunks with their hashes, contexts, units and codes, and the documents made of them.

Nothing is encoded or tokenized again. Chunks are taken in the order of the documents, so that what an edit tore apart stands
together again; numbers are given anew, and the lexical index is made from the text, as an ingest makes it. The copy is what one
ingest of the same documents, in the same order, would have written.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Sequence

import numpy as np

from crystalcli.index import (
    SEGMENT_BYTES,
    ChunkReader,
    LayerCodes,
    RunBuilder,
    StoredChunk,
    atom_starts,
    build_draft,
    chunk_identity,
    count_terms,
    write_segment,
)
from crystalcli.storage import ChunkSpans, RunRow, SourceRow, Store

Landmarks = Sequence[tuple[int, str, str]]


class CrystalCopier:
    """Writes into `target`, an empty crystal. Add documents' texts, enter the documents, finish."""

    def __init__(self, target: Store) -> None:
        self._target = target
        self._known: dict[bytes, int] = {}
        self._characters, self._newlines = array("q"), array("q")  # of every chunk of the copy
        self._pending: list[StoredChunk] = []
        self._size = 0
        self._first_chunk = self._first_atom = 0
        self._rows: list[tuple[SourceRow, list[RunRow], Landmarks]] = []
        self._sources = 0

    def add(self, chunks: ChunkReader, source: int) -> array[int]:
        """The numbers that the chunks of a source have in the copy; what is not there yet is copied. May write a segment."""
        numbers = array("q")
        for chunk in chunks.of(source):
            known = self._known.get(chunks.identity(chunk))
            numbers.append(self._take(chunks.get(chunk)) if known is None else known)
        return numbers

    def enter(self, row: SourceRow, numbers: Sequence[int], landmarks: Landmarks) -> None:
        """A document: its row of the ledger (the id is given anew), the numbers of its chunks, its landmarks."""
        self._sources += 1
        self._rows.append((row._replace(id=self._sources), self._runs(self._sources, numbers), landmarks))

    def finish(self) -> None:
        """Write what has not been written yet."""
        self._write()

    def _take(self, chunk: StoredChunk) -> int:
        if self._pending and (self._pending[-1].codes is None) != (chunk.codes is None):
            self._write()  # a segment has its layers for all of its chunks or for none
        number = self._first_chunk + len(self._pending)
        self._known[chunk_identity(chunk.key, chunk.context)] = number
        self._characters.append(len(chunk.text))
        self._newlines.append(chunk.text.count("\n"))
        self._pending.append(chunk)
        self._size += len(chunk.text.encode())
        if self._size >= SEGMENT_BYTES:
            self._write()
        return number

    def _runs(self, source: int, numbers: Sequence[int]) -> list[RunRow]:
        runs = RunBuilder(source)
        for number in numbers:
            runs.add(number, self._characters[number], self._newlines[number])
        return runs.take()

    def _write(self) -> None:
        pending, store = self._pending, self._target
        with store.transaction():
            if pending:
                texts, keys = [chunk.text for chunk in pending], [chunk.key for chunk in pending]
                contexts = [chunk.context for chunk in pending]
                counts = [count for chunk in pending for count in _counts(chunk)]
                draft = build_draft(self._first_atom, texts, keys, contexts, _spans(pending), counts)
                segment = write_segment(store, self._first_chunk, self._first_atom, draft, _codes(pending))
                self._first_chunk += segment.chunks
                self._first_atom += segment.atoms
            for row, runs, landmarks in self._rows:
                store.put_source(row)
                store.add_runs(runs)
                store.add_landmarks(row.id, landmarks)
        self._pending, self._size, self._rows = [], 0, []


def _spans(chunks: Sequence[StoredChunk]) -> ChunkSpans:
    return ChunkSpans(
        np.array([len(chunk.text.encode()) for chunk in chunks], np.int64),
        np.array([len(chunk.text) for chunk in chunks], np.int64),
        np.array([chunk.text.count("\n") for chunk in chunks], np.int64),
        np.array([chunk.tokens for chunk in chunks], np.int64),
        np.concatenate([chunk.units for chunk in chunks]),
    )


def _counts(chunk: StoredChunk) -> list[Counter[str]]:
    return count_terms(chunk.text, atom_starts(chunk.tokens, chunk.units), chunk.context)


def _codes(chunks: Sequence[StoredChunk]) -> LayerCodes | None:
    made = [chunk.codes for chunk in chunks if chunk.codes is not None]
    return LayerCodes(*(b"".join(parts) for parts in zip(*made, strict=True))) if made else None
