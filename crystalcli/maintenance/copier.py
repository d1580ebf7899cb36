"""Copies documents, with their chunks and codes, into a new crystal.

Nothing is encoded or tokenized again: chunks keep their hashes, contexts, languages, units and
codes. They are copied in the order of the documents, so that chunks which an edit separated are
consecutive again. Chunks get new numbers, and the lexical index is made from the text, as an ingest
makes it. The copy is what one ingest of the same documents, in the same order, would have written.

Knows: chunks, segments, rows of the ledger. Does not know: why documents are copied.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

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
    settle_tail,
    write_segment,
)
from crystalcli.storage import (
    ChunkSpans,
    MemoryRow,
    RunRow,
    SourceRow,
    StatementRow,
    Store,
    SummaryRow,
    without_reader,
)

Landmarks = Sequence[tuple[int, str, str]]  # (start, kind, label)


class DocumentNotes(NamedTuple):
    """What a crystal keeps of a document beside its text.

    Attributes:
        summaries: What language models have said of it.
        memory: The memory that it holds; None for another document.
        statements: What it states.
        statement_rules: The version of the rules by which it was read for statements; 0: none.
    """

    summaries: Sequence[SummaryRow] = ()
    memory: MemoryRow | None = None
    statements: Sequence[StatementRow] = ()
    statement_rules: int = 0


def notes_on(store: Store, source: int, statement_rules: Mapping[int, int]) -> DocumentNotes:
    """Read what a crystal keeps of a document beside its text.

    Args:
        store: The crystal.
        source: The id of the document.
        statement_rules: As of `Store.statement_rules`.
    """
    rules = statement_rules.get(source, 0)
    return DocumentNotes(store.summaries(source), store.memory_of(source), store.statements(source), rules)


class CrystalCopier:
    """Writes documents into an empty crystal.

    For each document call `copy_chunks`, then `add_document`; at the end call `finish`.
    """

    def __init__(self, target: Store) -> None:
        """Start with an empty crystal.

        Args:
            target: The crystal to write into.
        """
        self._target = target
        self._numbers: dict[bytes, int] = {}  # identity of a chunk: its number in the copy
        self._characters, self._newlines = array("q"), array("q")  # of every chunk of the copy
        self._pending: list[StoredChunk] = []
        self._pending_bytes = 0
        self._first_chunk = self._first_atom = 0
        self._documents: list[tuple[SourceRow, list[RunRow], Landmarks, DocumentNotes]] = []
        self._sources = 0

    def copy_chunks(self, chunks: ChunkReader, source: int) -> array[int]:
        """Copy the chunks of a document, except those that the copy has already.

        This may write a segment.

        Args:
            chunks: The crystal to copy from.
            source: The id of the document there.

        Returns:
            The number that each chunk has in the copy, in order.
        """
        numbers = array("q")
        for chunk in chunks.of(source):
            number = self._numbers.get(chunks.identity(chunk))
            numbers.append(self._copy_chunk(chunks.get(chunk)) if number is None else number)
        return numbers

    def add_document(
        self,
        row: SourceRow,
        numbers: Sequence[int],
        landmarks: Landmarks,
        notes: DocumentNotes,
    ) -> None:
        """Add a document to the ledger of the copy.

        Args:
            row: Its row in the old ledger; its id is replaced by a new one.
            numbers: The numbers of its chunks in the copy.
            landmarks: Its landmarks.
            notes: What else was kept of it, which stays true of the same text.
        """
        self._sources += 1
        number = self._sources
        landmarks, reader = without_reader(landmarks)
        row = row._replace(reader=row.reader or reader)
        notes = DocumentNotes(
            [summary._replace(source=number) for summary in notes.summaries],
            notes.memory._replace(source=number) if notes.memory is not None else None,
            [statement._replace(source=number) for statement in notes.statements],
            notes.statement_rules,
        )
        self._documents.append((row._replace(id=number), self._runs(number, numbers), landmarks, notes))

    def finish(self) -> None:
        """Write the rest, and settle the lexical index as an ingest does."""
        self._write()
        with self._target.transaction():
            settle_tail(self._target)

    def add_waiting(self, memories: Sequence[MemoryRow]) -> None:
        """Add what was told and waits to be indexed, unless it is there already."""
        store = self._target
        with store.transaction():
            store.put_memories(memory for memory in memories if not store.has_memory(memory.id))

    def _copy_chunk(self, chunk: StoredChunk) -> int:
        # A segment has codes for all of its chunks or for none.
        if self._pending and (self._pending[-1].codes is None) != (chunk.codes is None):
            self._write()
        number = self._first_chunk + len(self._pending)
        self._numbers[chunk_identity(chunk.key, chunk.context)] = number
        self._characters.append(len(chunk.text))
        self._newlines.append(chunk.text.count("\n"))
        self._pending.append(chunk)
        self._pending_bytes += len(chunk.text.encode())
        if self._pending_bytes >= SEGMENT_BYTES:
            self._write()
        return number

    def _runs(self, source: int, numbers: Sequence[int]) -> list[RunRow]:
        runs = RunBuilder(source)
        for number in numbers:
            runs.add(number, self._characters[number], self._newlines[number])
        return runs.take()

    def _write(self) -> None:
        """Write the pending chunks as a segment, and the pending documents, in one transaction."""
        pending, store = self._pending, self._target
        with store.transaction():
            if pending:
                texts, keys = [chunk.text for chunk in pending], [chunk.key for chunk in pending]
                contexts = [chunk.context for chunk in pending]
                counts = [count for chunk in pending for count in _term_counts(chunk)]
                languages = [chunk.language for chunk in pending]
                spans = _chunk_spans(pending)
                draft = build_draft(self._first_atom, texts, keys, contexts, languages, spans, counts)
                segment = write_segment(store, self._first_chunk, self._first_atom, draft, _layer_codes(pending))
                self._first_chunk += segment.chunks
                self._first_atom += segment.atoms
            for row, runs, landmarks, notes in self._documents:
                store.put_source(row)
                store.add_runs(runs)
                store.add_landmarks(row.id, landmarks)
                store.add_summaries(notes.summaries)
                store.put_statements(notes.statements)
                if notes.statement_rules:
                    store.put_statement_rules([row.id], notes.statement_rules)
                if (memory := notes.memory) is not None:
                    # Two crystals may have given one id to two memories.
                    is_taken = store.has_memory(memory.id)
                    store.put_memory(memory._replace(id=store.free_memory_id(memory)) if is_taken else memory)
        self._pending, self._pending_bytes, self._documents = [], 0, []


def _chunk_spans(chunks: Sequence[StoredChunk]) -> ChunkSpans:
    return ChunkSpans(
        np.array([len(chunk.text.encode()) for chunk in chunks], np.int64),
        np.array([len(chunk.text) for chunk in chunks], np.int64),
        np.array([chunk.text.count("\n") for chunk in chunks], np.int64),
        np.array([chunk.tokens for chunk in chunks], np.int64),
        np.concatenate([chunk.units for chunk in chunks]),
    )


def _term_counts(chunk: StoredChunk) -> list[Counter[str]]:
    return count_terms(chunk.text, atom_starts(chunk.tokens, chunk.units), chunk.context, chunk.language)


def _layer_codes(chunks: Sequence[StoredChunk]) -> LayerCodes | None:
    codes = [chunk.codes for chunk in chunks if chunk.codes is not None]
    return LayerCodes(*(b"".join(parts) for parts in zip(*codes, strict=True))) if codes else None
