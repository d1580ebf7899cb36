"""Documents of what was told: each memory is one, and so are the turns of a conversation.

What is told is first a row of the table `memory`, which a program may add while another ingests.
The row becomes a document as soon as a program has the crystal to itself: at once where no other
writes, else at that program's next commit.

Knows: rows that wait, names and locations of such documents. Does not know: what is told.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from crystalcli.datatypes import CONVERSATION_KIND, Chunk, DocumentState, Landmark
from crystalcli.index import (
    SEGMENT_BYTES,
    ChunkReader,
    Encoder,
    RunBuilder,
    append_chunks,
    chunks_of,
    encode_short_chunks,
)
from crystalcli.ingest.locations import PIPED
from crystalcli.storage import MemoryRow, SourceRow, Store
from crystalcli.text import Message, format_message

_WHO = {"": "You"}  # in a conversation, the name of a person who gave none


class ToldReading:
    """The reading of a memory, or of turns of a conversation.

    Args:
        rows: What was told: one memory, or turns in order.
    """

    title = ""

    def __init__(self, rows: Sequence[MemoryRow]) -> None:
        self.kind = rows[0].kind
        self._rows = rows

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield each text with its author, after a landmark of its author and date."""
        position = 0
        for row in self._rows:
            text = told_text(row)
            author = _WHO.get(row.author, row.author) if row.kind == CONVERSATION_KIND else row.author
            yield Landmark(position, "message", ", ".join(filter(None, (author, row.dated))))
            yield text
            position += len(text)


def told_text(row: MemoryRow) -> str:
    """Write what was told as its document has it: its author before it, as in a chat."""
    if row.kind == CONVERSATION_KIND:
        return format_message(Message(_WHO.get(row.author, row.author), row.dated, row.text))
    return f"{row.author}: {row.text}\n" if row.author else f"{row.text}\n"


def index_waiting(
    store: Store,
    encoder: Encoder,
    *,
    new_id: Callable[[], int] | None = None,
    is_taken: Callable[[str], bool] = lambda name: False,
) -> list[SourceRow]:
    """Make documents of all that was told and waits. Layers of long ones are left to an ingest.

    Args:
        store: The crystal, open for writing and not shared.
        encoder: Its encoder, whose tokenizer says where chunks end. Without it all goes on waiting.
        new_id: Gives the id of a new document; None: the next after those in the file.
        is_taken: Tells whether a name that is not in the file yet is taken all the same.

    Returns:
        The rows of the documents.
    """
    documents: list[SourceRow] = []
    if encoder.mark is not None and encoder.folder is None:
        return documents
    while rows := _first_rows(store.waiting_memories()):
        with store.transaction():
            documents += _write(store, encoder, rows, new_id or (lambda: _next_id(store)), is_taken)
    return documents


def _first_rows(rows: Sequence[MemoryRow]) -> list[MemoryRow]:
    """Take the first rows that fill a segment, with all turns of each conversation."""
    taken: list[MemoryRow] = []
    size = 0
    for row in sorted(rows, key=lambda row: row.document):
        if size >= SEGMENT_BYTES and row.document != taken[-1].document:
            break
        taken.append(row)
        size += len(row.text.encode())
    return taken


def _next_id(store: Store) -> int:
    return 1 + int(store.rows("SELECT coalesce(max(id), 0) FROM source")[0][0])


def _write(
    store: Store,
    encoder: Encoder,
    rows: Sequence[MemoryRow],
    new_id: Callable[[], int],
    is_taken: Callable[[str], bool],
) -> list[SourceRow]:
    """Write rows as documents, and their chunks as one segment, inside a transaction."""
    parts = []
    chunks: list[Chunk] = []
    for document, group in groupby(rows, key=lambda row: row.document):
        told = list(group)
        own = list(chunks_of(ToldReading(told), document, encoder))
        parts.append((document, told, len(chunks), own))
        chunks += own
    codes = encode_short_chunks(store, encoder, chunks)
    first_chunk = append_chunks(store, chunks, codes).first_chunk
    return [
        _write_document(store, document, told, first_chunk + offset, own, new_id, is_taken)
        for document, told, offset, own in parts
    ]


def _write_document(
    store: Store,
    document: str,
    told: Sequence[MemoryRow],
    first_chunk: int,
    chunks: Sequence[Chunk],
    new_id: Callable[[], int],
    is_taken: Callable[[str], bool],
) -> SourceRow:
    """Write one document, or append to the one that the crystal holds of a conversation."""
    kind = told[0].kind
    row = store.source_named(document) if kind == CONVERSATION_KIND else None
    if row is None or row.kind != kind:
        name = _free_name(store, document, is_taken)
        row = SourceRow(new_id(), name, PIPED + name, PIPED, kind, state=DocumentState.DONE)
    ordinal, lines = _end_of(store, row)
    runs = RunBuilder(row.id, row.characters, lines, ordinal)
    for number, chunk in enumerate(chunks, first_chunk):
        runs.add(number, len(chunk.text), chunk.text.count("\n"))
    landmarks = [
        (row.characters + piece.start, piece.kind, piece.label)
        for piece in ToldReading(told).pieces()
        if isinstance(piece, Landmark)
    ]
    data = "".join(map(told_text, told)).encode()
    row = row._replace(
        size=row.size + len(data),
        mtime_ns=told[-1].told * 1_000_000_000,
        digest=hashlib.sha256(row.digest + data).digest(),
        characters=runs.characters,
        tokens=row.tokens + sum(len(chunk.ids) for chunk in chunks),
        chunks=row.chunks + len(chunks),
    )
    store.put_source(row)
    store.add_runs(runs.take())
    store.add_landmarks(row.id, landmarks)
    for memory in told:
        if kind == CONVERSATION_KIND:
            store.drop_memory(memory.id)
        else:
            store.put_memory(memory._replace(source=row.id, document=""))
    return row


def _end_of(store: Store, row: SourceRow) -> tuple[int, int]:
    """Count the runs and the newlines of a document that the crystal holds."""
    runs = list(store.runs_of(row.id))
    if not runs:
        return 0, 0
    last, chunks = runs[-1], ChunkReader(store)
    numbers = range(last.first_chunk, last.first_chunk + last.chunks)
    return last.ordinal + 1, last.lines + sum(chunks.text(number).count("\n") for number in numbers)


def _free_name(store: Store, document: str, is_taken: Callable[[str], bool]) -> str:
    """Give a document its name, with a number behind it where a file has that name."""
    name, count = document, 1
    while is_taken(name) or store.source_named(name) is not None:
        count += 1
        name = f"{document}~{count}"
    return name
