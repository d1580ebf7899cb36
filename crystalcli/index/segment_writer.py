"""Segments, collected from chunks and committed: text, spans, codes, terms.

A commit is one transaction and the unit of safety: after an interruption it is there as a whole or
not at all.

Knows: chunks, parts of segments, lexicons. Does not know: files, the ledger.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import Chunk
from crystalcli.index.atom_spans import atom_starts
from crystalcli.index.chunk_context import chunk_identity
from crystalcli.index.fidelity import add_fidelity
from crystalcli.lexical import (
    ANALYSIS,
    NAMES_ONCE_SINCE,
    Block,
    build_blocks,
    merge_blocks,
    plain_block,
    stored_code,
    terms,
    varint,
)
from crystalcli.storage import (
    CONTEXTS_SINCE,
    LANGUAGES_SINCE,
    PACKED_SINCE,
    ChunkSpans,
    SegmentRow,
    Store,
    add_contexts,
    add_languages,
    compressed,
    contexts_of,
    digest,
    signals_held_back,
    stored_analysis,
)
from crystalcli.text import names_in_rows
from crystalcli.vectors import node_counts, pyramid_layout

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array
    from crystalcli.index.layer_encoder import ChunkEncoder, LayerCodes

# Bytes of a segment's text: about 30,000 tokens, a few seconds of encoding on most machines.
SEGMENT_BYTES = 1 << 17
# Seconds of work, encoding included, that an interruption can cost, by estimate.
PATIENCE = 10.0
_FAN = 4  # lexical segments of one level that merge into one of the next
# Atoms of the largest lexical segment that the end of an ingest makes: some seconds of work.
_MAX_SETTLED_ATOMS = 1 << 15


class SegmentWriter:
    """Adds chunks to a crystal. Identical text in the same context is stored once.

    Chunks are added without their contexts to a crystal of format version 1, and as English to one
    of version 1 or 2, as ever.

    Attributes:
        encoded_tokens: Tokens that were encoded by this writer.
    """

    def __init__(self, store: Store, encoder: ChunkEncoder | None, on_commit: Callable[[], None]) -> None:
        """Read the identities of the chunks that are stored.

        Args:
            store: The crystal, open for writing.
            encoder: Makes the codes; None when there are no weights.
            on_commit: Called inside each transaction, to write the rows that refer to its chunks.

        Raises:
            DamagedCrystalError: The hashes or the contexts of a segment contradict its counts.
        """
        self.encoded_tokens = 0
        self._store = store
        self._encoder = encoder
        self._on_commit = on_commit
        self._analysis = stored_analysis(store)
        self._known: dict[bytes, int] = {}
        self._next_chunk = self._next_atom = 0
        for segment in store.segments():
            hashes = store.part(segment.id, "hashes")
            if len(hashes) != 16 * segment.chunks:
                raise store.damaged(f"the hashes of segment {segment.id} contradict its counts")
            for index, context in enumerate(contexts_of(store, segment)):
                identity = chunk_identity(hashes[16 * index : 16 * index + 16], context)
                self._known.setdefault(identity, segment.first_chunk + index)
            self._next_chunk = segment.first_chunk + segment.chunks
            self._next_atom = segment.first_atom + segment.atoms
        self._pending: list[tuple[Chunk, bytes]] = []
        self._bytes = 0
        self._since = time.monotonic()  # the time when the oldest pending chunk was added
        self._pace = 0.0  # seconds for each byte of text in the last commit
        self._has_written = False  # a segment, since lexical segments were settled

    def add(self, chunk: Chunk) -> int:
        """Add a chunk; return its number in the crystal, the old one where it is stored already."""
        if self._store.format < CONTEXTS_SINCE:
            chunk = replace(chunk, context="")
        language = stored_code(chunk.language) if self._store.format >= LANGUAGES_SINCE else ""
        if language != chunk.language:
            chunk = replace(chunk, language=language)
        data = chunk.text.encode()
        key = digest(data)
        identity = chunk_identity(key, chunk.context)
        known = self._known.get(identity)
        if known is not None:
            return known
        if not self._pending:
            self._since = time.monotonic()
        number = self._next_chunk + len(self._pending)
        self._pending.append((chunk, key))
        self._known[identity] = number
        self._bytes += len(data)
        return number

    def resume(self) -> None:
        """Number the next chunks after those that were appended since the last commit."""
        assert not self._pending
        if segments := self._store.segments():
            self._next_chunk = segments[-1].first_chunk + segments[-1].chunks
            self._next_atom = segments[-1].first_atom + segments[-1].atoms

    @property
    def full(self) -> bool:
        """True once enough text or work is pending for a commit."""
        waiting = time.monotonic() - self._since + self._pace * self._bytes
        return self._bytes >= SEGMENT_BYTES or waiting >= PATIENCE

    def commit(self, *, layers: bool = True) -> None:
        """Write the pending chunks, and the rows of `on_commit`, in one transaction.

        A Ctrl-C while layers are made leaves everything as it was, for another call. One that comes
        while the transaction is written is raised after it.

        Args:
            layers: False stores the text and its lexical index alone.
        """
        began = time.monotonic()
        chunks = [chunk for chunk, _ in self._pending]
        codes = None
        # The draft needs one processor, and is made while all of them encode.
        with ThreadPoolExecutor(1) as pool:
            draft = pool.submit(self._draft, chunks)
            if layers and self._encoder is not None and chunks:
                codes = self._encoder.codes(chunks)
        with signals_held_back():
            self._write(draft.result(), codes)
            if codes is not None:
                self._pace = (time.monotonic() - began) / max(1, self._bytes)
            self._pending.clear()
            self._bytes = 0
            self._since = time.monotonic()

    def settle(self) -> None:
        """Merge the lexical segments that this writer has left small, in a transaction."""
        if self._has_written:
            with signals_held_back(), self._store.transaction():
                settle_tail(self._store)
            self._has_written = False

    def _draft(self, chunks: list[Chunk]) -> Draft:
        texts, keys = [chunk.text for chunk in chunks], [key for _, key in self._pending]
        contexts = [chunk.context for chunk in chunks]
        languages = [chunk.language for chunk in chunks]
        # Compressing takes a third of the work, and leaves the interpreter's lock.
        with ThreadPoolExecutor(1) as pool:
            frame = pool.submit(compressed, "".join(texts).encode())
            counts = [count for chunk in chunks for count in atom_terms(chunk, self._analysis)]
            spans = chunk_spans_of(chunks)
        return build_draft(self._next_atom, texts, keys, contexts, languages, spans, counts, frame.result())

    def _write(self, draft: Draft, codes: LayerCodes | None) -> None:
        with self._store.transaction():
            if draft.chunks:
                segment = write_segment(self._store, self._next_chunk, self._next_atom, draft, codes)
                self._has_written = True
                if codes is not None:
                    add_fidelity(self._store, codes.fidelity)
                    self.encoded_tokens += segment.tokens
                self._next_chunk += segment.chunks
                self._next_atom += segment.atoms
            self._on_commit()


class Draft(NamedTuple):
    """A segment that is ready to be written, without its layers.

    Attributes:
        chunks: The number of its chunks.
        spans: Lengths of its chunks and units.
        size: Bytes of its text.
        text: Its text, compressed.
        contexts: The context of each chunk.
        languages: The code of each chunk's language, "" for English.
        parts: Its other parts by name.
        blocks: The blocks of its lexical index.
    """

    chunks: int
    spans: ChunkSpans
    size: int
    text: bytes
    contexts: Sequence[str]
    languages: Sequence[str]
    parts: dict[str, bytes]
    blocks: list[Block]


def build_draft(
    first_atom: int,
    texts: Sequence[str],
    keys: Sequence[bytes],
    contexts: Sequence[str],
    languages: Sequence[str],
    spans: ChunkSpans,
    counts: Sequence[Counter[str]],
    frame: bytes | None = None,
) -> Draft:
    """Build a segment without its layers.

    Args:
        first_atom: The number of its first atom.
        texts: The text of each chunk.
        keys: The hash of each text, 16 bytes.
        contexts: The context of each chunk.
        languages: The code of each chunk's language, "" for English.
        spans: Lengths of the chunks and their units.
        counts: The terms of each atom with their frequencies.
        frame: The texts, compressed; None: they are not yet.
    """
    text = "".join(texts).encode()
    lengths = np.array([min(255, sum(count.values())) for count in counts], np.uint8)
    parts = {"spans": varint.encode(spans.flat()), "hashes": b"".join(keys), "lengths": lengths.tobytes()}
    blocks = list(build_blocks(counts, first_atom))
    return Draft(len(texts), spans, len(text), frame or compressed(text), contexts, languages, parts, blocks)


def write_segment(
    store: Store,
    first_chunk: int,
    first_atom: int,
    draft: Draft,
    codes: LayerCodes | None,
    *,
    max_merged_atoms: int | None = None,
) -> SegmentRow:
    """Write a segment and its part of the lexical index, inside a transaction.

    Args:
        store: The crystal, open for writing.
        first_chunk: The number of its first chunk.
        first_atom: The number of its first atom.
        draft: The segment.
        codes: Its codes; None when there are no weights.
        max_merged_atoms: As of `merge_tail`.

    Returns:
        The row of the segment.
    """
    units, clusters, atoms = (int(count.sum()) for count in node_counts(draft.spans.tokens))
    tokens, encoded = int(draft.spans.tokens.sum()), int(codes is not None)
    segment = SegmentRow(0, first_chunk, draft.chunks, first_atom, atoms, clusters, units, tokens, draft.size, encoded)
    number = store.add_segment(segment)
    store.add_part(number, "text", draft.text, draft.size)
    for name, data in draft.parts.items():
        store.add_part(number, name, data)
    add_contexts(store, number, draft.contexts)
    add_languages(store, number, draft.languages)
    if codes is not None:
        for name, data in zip(codes._fields, codes, strict=True):
            store.add_part(number, name, data)
    add_blocks(store, 0, first_atom, atoms, draft.blocks)
    merge_tail(store, max_merged_atoms)
    return segment._replace(id=number)


def merge_tail(store: Store, max_atoms: int | None = None) -> None:
    """Merge the last lexical segments while four neighbours are of one level, inside a transaction.

    Four become one of the next level, so that their number stays small.

    Args:
        store: The crystal, open for writing.
        max_atoms: The most atoms of the result, which bounds the time; None for any number.
    """
    while True:
        last = store.lexicons()[-_FAN:]
        if len(last) < _FAN or len({lexicon.level for lexicon in last}) > 1:
            return
        if max_atoms is not None and sum(lexicon.atoms for lexicon in last) > max_atoms:
            return
        merge_lexicons(store, last[0].level + 1, [lexicon.id for lexicon in last])


def settle_tail(store: Store) -> None:
    """Merge the last lexical segments into one, inside a transaction, so that questions read few.

    The first is one that has less than twice the atoms of all after it, so that adding to a
    crystal a little at a time merges no part of it often.
    """
    rows = store.lexicons()
    first, atoms = len(rows), 0
    for index in reversed(range(len(rows))):
        row = rows[index]
        if row.atoms + atoms > _MAX_SETTLED_ATOMS:
            break
        if row.atoms < 2 * atoms:
            first = index
        atoms += row.atoms
    if tail := rows[first:]:
        merge_lexicons(store, max(row.level for row in tail), [row.id for row in tail])


def merge_lexicons(store: Store, level: int, numbers: list[int]) -> None:
    """Merge neighbouring lexical segments into one, inside a transaction.

    Args:
        store: The crystal, open for writing.
        level: The level of the new segment.
        numbers: Ids of the segments to merge.
    """
    lexicons = [lexicon for lexicon in store.lexicons() if lexicon.id in numbers]
    blocks = list(merge_blocks([(lexicon.first_atom, store.blocks(lexicon.id)) for lexicon in lexicons]))
    for lexicon in lexicons:
        store.drop_lexicon(lexicon.id)
    add_blocks(store, level, lexicons[0].first_atom, sum(lexicon.atoms for lexicon in lexicons), blocks)


def add_blocks(store: Store, level: int, first_atom: int, atoms: int, blocks: Iterable[Block]) -> None:
    """Insert a lexical segment, in the layout of the crystal's format version, in a transaction.

    Args:
        store: The crystal, open for writing.
        level: How often it has been merged.
        first_atom: Its first atom.
        atoms: The number of its atoms.
        blocks: Its blocks.
    """
    if store.format < PACKED_SINCE:
        blocks = (block._replace(data=plain_block(block.data)) for block in blocks)
    store.add_lexicon(level, first_atom, atoms, blocks)


def atom_terms(chunk: Chunk, analysis: int) -> list[Counter[str]]:
    """Count the terms of each atom of a chunk, by the analysis of its crystal."""
    starts = atom_starts(len(chunk.ids), _unit_lengths(chunk))
    return count_terms(chunk.text, starts, chunk.context, chunk.language, analysis)


def count_terms(
    text: str, starts: list[int], context: str, language: str, analysis: int = ANALYSIS
) -> list[Counter[str]]:
    """Count the terms of a chunk's atoms.

    A word belongs to the atom in which it begins. The name of a table's column counts once in an
    atom, however many rows repeat it. Each term of the context counts once more, in the
    first atom. Counted in every atom it improved nothing (docs/LOG.md) and took three times the
    space.

    Args:
        text: The text of the chunk.
        starts: The character at which each atom begins; the first is 0.
        context: The context of the chunk.
        language: The code of the language that both are in, "" for English.
        analysis: The analysis of the crystal that the terms are for.

    Returns:
        The terms of each atom with their frequencies.
    """
    counts: list[Counter[str]] = [Counter() for _ in starts]
    if counts:
        repeated = _repeated_names(text, starts) if analysis >= NAMES_ONCE_SINCE else []
        for term, offset in terms(text, language, analysis):
            if not (repeated and bisect_right(repeated, offset) % 2):
                counts[bisect_right(starts, offset) - 1][term] += 1
        counts[0].update({term for term, _ in terms(context, language, analysis)})
    return counts


def _repeated_names(text: str, starts: list[int]) -> list[int]:
    """Find the names of columns that an atom has had before.

    Args:
        text: The text of a chunk.
        starts: The character at which each of its atoms begins.

    Returns:
        The first character of each such name and the character after its last, rising.
    """
    edges: list[int] = []
    had: set[tuple[int, str]] = set()
    for start, end in names_in_rows(text):
        name = bisect_right(starts, start), text[start:end]
        if name in had:
            edges += (start, end)
        had.add(name)
    return edges


def chunk_spans_of(chunks: list[Chunk]) -> ChunkSpans:
    """Measure the lengths of chunks and their units."""
    return ChunkSpans(
        np.array([len(chunk.text.encode()) for chunk in chunks], np.int64),
        np.array([len(chunk.text) for chunk in chunks], np.int64),
        np.array([chunk.text.count("\n") for chunk in chunks], np.int64),
        np.array([len(chunk.ids) for chunk in chunks], np.int64),
        np.concatenate([np.zeros(0, np.int64), *map(_unit_lengths, chunks)]),
    )


def _unit_lengths(chunk: Chunk) -> Int64Array:
    """Measure the characters of each unit, int64 [units], from the end of the unit before it."""
    bounds = pyramid_layout(len(chunk.ids)).units
    ends = np.concatenate((np.zeros(1, np.int64), chunk.ends[bounds[1:] - 1].astype(np.int64)))
    return ends[1:] - ends[:-1]
