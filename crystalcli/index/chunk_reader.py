"""Stored chunks one by one: text, hash, context, language, units, codes.

For programs that go through a crystal from end to end; recall has `index_reader`. All that is read
is checked against its hash and its counts.

Knows: segments, hashes, contexts. Does not know: vectors, questions.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from crystalcli.errors import DamagedCrystalError
from crystalcli.index.chunk_context import chunk_identity
from crystalcli.index.chunk_language import read_languages
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.index.segment_reader import SegmentReader, open_segment, prefix_sums
from crystalcli.storage import SegmentRow, Store, contexts_of, digest

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

_CACHED = 32  # segments whose text is kept in memory, 128 KB each


class StoredChunk(NamedTuple):
    """A chunk with everything that is stored of it.

    Attributes:
        text: Its text.
        key: The hash of the text, 16 bytes.
        context: Its context, see `chunk_context`.
        language: The code of its language, "" for English.
        tokens: Its number of tokens.
        units: Characters of each unit, int64 [units].
        codes: Its codes; None while the layers of its segment are still to be made.
    """

    text: str
    key: bytes
    context: str
    language: str
    tokens: int
    units: Int64Array
    codes: LayerCodes | None


class _OpenSegment(NamedTuple):
    """A segment that was read.

    Attributes:
        tree: Its spans and its tree.
        text: Its text as UTF-8.
        bounds: The byte of `text` at which each chunk begins, int64 [chunks + 1].
        codes: Its codes; None without layers.
    """

    tree: SegmentReader
    text: bytes
    bounds: Int64Array
    codes: LayerCodes | None


class ChunkReader:
    """Reads the chunks of one store, as of the time when the reader is made."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._segments = store.segments()
        self._firsts = [segment.first_chunk for segment in self._segments]
        self._read: Callable[[int], _OpenSegment] = lru_cache(maxsize=_CACHED)(self._open)
        self._keys: Callable[[int], bytes] = lru_cache(maxsize=None)(self._read_hashes)
        self._contexts: Callable[[int], list[str]] = lru_cache(maxsize=_CACHED)(self._read_contexts)
        self._languages: Callable[[int], list[str]] = lru_cache(maxsize=_CACHED)(self._read_languages)

    def of(self, source: int) -> list[int]:
        """List the numbers of a document's chunks, in order.

        Raises:
            DamagedCrystalError: A run of the document cannot be read.
        """
        numbers: list[int] = []
        for run in self.store.runs_of(source):
            numbers.extend(range(run.first_chunk, run.first_chunk + run.chunks))
        return numbers

    def key(self, chunk: int) -> bytes:
        """Read the stored hash of a chunk's text.

        Raises:
            DamagedCrystalError: The chunk or its hash is missing.
        """
        index, local = self._find(chunk)
        return self._keys(index)[16 * local : 16 * local + 16]

    def identity(self, chunk: int) -> bytes:
        """Compute the identity of a chunk from its hash and its context, see `chunk_identity`.

        Raises:
            DamagedCrystalError: The chunk, its hash or its context is missing.
        """
        return chunk_identity(self.key(chunk), self.context(chunk))

    def context(self, chunk: int) -> str:
        """Read the context of a chunk.

        Raises:
            DamagedCrystalError: The chunk is missing, or its context cannot be read.
        """
        index, local = self._find(chunk)
        return self._contexts(index)[local]

    def tokens(self, chunk: int) -> int:
        """Read the number of a chunk's tokens."""
        index, local = self._find(chunk)
        return int(self._read(index).tree.spans.tokens[local])

    def text(self, chunk: int) -> str:
        """Read the exact text of a chunk.

        Raises:
            DamagedCrystalError: The text does not match its hash or its counts.
        """
        index, local = self._find(chunk)
        segment = self._read(index)
        data = segment.text[int(segment.bounds[local]) : int(segment.bounds[local + 1])]
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self._damaged(f"chunk {chunk} is not UTF-8") from error
        if digest(data) != self.key(chunk) or len(text) != int(segment.tree.spans.characters[local]):
            raise self._damaged(f"the text of chunk {chunk} does not match its hash")
        return text

    def get(self, chunk: int) -> StoredChunk:
        """Read everything that is stored of a chunk.

        Raises:
            DamagedCrystalError: A part of it is missing or contradicts another.
        """
        text = self.text(chunk)
        index, local = self._find(chunk)
        tree = self._read(index).tree
        units = tree.spans.units[int(tree.chunk_units[local]) : int(tree.chunk_units[local + 1])]
        tokens, context = int(tree.spans.tokens[local]), self.context(chunk)
        language = self._languages(index)[local]
        return StoredChunk(text, self.key(chunk), context, language, tokens, units, self._codes(index, local))

    def _codes(self, index: int, local: int) -> LayerCodes | None:
        """Cut the codes of a chunk out of those of its segment."""
        segment, row = self._read(index), self._segments[index]
        if segment.codes is None:
            return None
        tree = segment.tree
        atoms = tree.chunk_atoms[local : local + 2]

        def part(data: bytes, count: int, bounds: Int64Array) -> bytes:
            width = len(data) // max(1, count)
            return data[width * int(bounds[0]) : width * int(bounds[1])]

        return LayerCodes(
            part(segment.codes.atoms, row.atoms, atoms),
            part(segment.codes.clusters, row.clusters, tree.atom_clusters[atoms]),
            part(segment.codes.units, row.units, tree.chunk_units[local : local + 2]),
        )

    # --- segments ---------------------------------------------------------------------------------

    def _find(self, chunk: int) -> tuple[int, int]:
        """Find the index of a chunk's segment, and the chunk's index in it."""
        index = bisect_right(self._firsts, chunk) - 1
        if index < 0 or chunk - self._firsts[index] >= self._segments[index].chunks:
            raise self._damaged(f"a document refers to chunk {chunk}, which is missing")
        return index, chunk - self._firsts[index]

    def _open(self, index: int) -> _OpenSegment:
        row = self._segments[index]
        tree = open_segment(self.store, row)
        text = self.store.text(row.id)
        bounds = prefix_sums(tree.spans.bytes)
        if len(text) != int(bounds[-1]):
            raise self._damaged(f"segment {row.id} contradicts its counts")
        codes = LayerCodes(*(self._layer(row, name) for name in LayerCodes._fields)) if row.encoded else None
        return _OpenSegment(tree, text, bounds, codes)

    def _layer(self, row: SegmentRow, name: str) -> bytes:
        data, count = self.store.part(row.id, name), int(getattr(row, name))
        if len(data) % max(1, count) or (data and not count):
            raise self._damaged(f"part {name} of segment {row.id} contradicts its counts")
        return data

    def _read_hashes(self, index: int) -> bytes:
        row = self._segments[index]
        data = self.store.part(row.id, "hashes")
        if len(data) != 16 * row.chunks:
            raise self._damaged(f"part hashes of segment {row.id} contradicts its counts")
        return data

    def _read_contexts(self, index: int) -> list[str]:
        return contexts_of(self.store, self._segments[index])

    def _read_languages(self, index: int) -> list[str]:
        return read_languages(self.store, self._segments[index])

    def _damaged(self, message: str) -> DamagedCrystalError:
        return self.store.damaged(message)
