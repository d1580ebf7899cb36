"""A crystal's chunks one by one, as they are stored: text, hash, units and codes. Knows nothing of vectors or questions.

For what goes through a crystal from end to end; recall has `shelf`. What is read is held against its hash and its counts.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.index.chunk_context import chunk_identity
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.lexical import varint
from crystalcli.storage import ChunkSpans, SegmentRow, Store, contexts_of, digest
from crystalcli.vectors import node_counts

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]

_HELD = 32  # segments whose text is kept at hand, 128 KB each


class StoredChunk(NamedTuple):
    """text; key: the hash of the text; context: what it stands in; tokens: how many; units: characters of each unit, int64
    [units]; codes: None when the layers of its segment are still to be made."""

    text: str
    key: bytes
    context: str
    tokens: int
    units: Integers
    codes: LayerCodes | None


class _Open(NamedTuple):
    """A segment that has been read. `bounds` and the three `_firsts` are offsets of every chunk, int64 [chunks + 1]."""

    text: bytes
    spans: ChunkSpans
    bounds: Integers
    unit_firsts: Integers
    cluster_firsts: Integers
    atom_firsts: Integers
    codes: LayerCodes | None


class ChunkReader:
    """The chunks of one store as of now."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._segments = store.segments()
        self._firsts = [segment.first_chunk for segment in self._segments]
        self._read: Callable[[int], _Open] = lru_cache(maxsize=_HELD)(self._segment)
        self._keys: Callable[[int], bytes] = lru_cache(maxsize=None)(self._hashes)
        self._contexts: Callable[[int], list[str]] = lru_cache(maxsize=_HELD)(self._contexts_of)

    def of(self, source: int) -> list[int]:
        """The numbers of a source's chunks, in order. Raises DamagedCrystalError."""
        numbers: list[int] = []
        for run in self.store.runs_of(source):
            numbers.extend(range(run.first_chunk, run.first_chunk + run.chunks))
        return numbers

    def key(self, chunk: int) -> bytes:
        """The hash of a chunk's text, as it is stored. Raises DamagedCrystalError when there is no such chunk."""
        index, local = self._find(chunk)
        return self._keys(index)[16 * local : 16 * local + 16]

    def identity(self, chunk: int) -> bytes:
        """What tells a chunk from others: the hash of its text, and its context. Raises DamagedCrystalError."""
        return chunk_identity(self.key(chunk), self.context(chunk))

    def context(self, chunk: int) -> str:
        """What a chunk stands in. Raises DamagedCrystalError."""
        index, local = self._find(chunk)
        return self._contexts(index)[local]

    def tokens(self, chunk: int) -> int:
        """How many tokens a chunk has."""
        index, local = self._find(chunk)
        return int(self._read(index).spans.tokens[local])

    def text(self, chunk: int) -> str:
        """A chunk's exact text. Raises DamagedCrystalError when it is not what its hash and its counts say."""
        index, local = self._find(chunk)
        opened = self._read(index)
        data = opened.text[int(opened.bounds[local]) : int(opened.bounds[local + 1])]
        try:
            text = data.decode()
        except UnicodeDecodeError as error:
            raise self._damaged(f"chunk {chunk} is not UTF-8") from error
        if digest(data) != self.key(chunk) or len(text) != int(opened.spans.characters[local]):
            raise self._damaged(f"the text of chunk {chunk} does not match its hash")
        return text

    def get(self, chunk: int) -> StoredChunk:
        """All there is of a chunk. Raises DamagedCrystalError."""
        text = self.text(chunk)
        index, local = self._find(chunk)
        opened = self._read(index)
        units = opened.spans.units[int(opened.unit_firsts[local]) : int(opened.unit_firsts[local + 1])]
        tokens, context = int(opened.spans.tokens[local]), self.context(chunk)
        return StoredChunk(text, self.key(chunk), context, tokens, units, self._codes(index, local))

    def _codes(self, index: int, local: int) -> LayerCodes | None:
        opened, row = self._read(index), self._segments[index]
        if opened.codes is None:
            return None

        def part(data: bytes, count: int, firsts: Integers) -> bytes:
            width = len(data) // max(1, count)
            return data[width * int(firsts[local]) : width * int(firsts[local + 1])]

        return LayerCodes(
            part(opened.codes.atoms, row.atoms, opened.atom_firsts),
            part(opened.codes.clusters, row.clusters, opened.cluster_firsts),
            part(opened.codes.units, row.units, opened.unit_firsts),
        )

    # --- segments ---------------------------------------------------------------------------------------

    def _find(self, chunk: int) -> tuple[int, int]:
        """The index of a chunk's segment, and its place there."""
        index = bisect_right(self._firsts, chunk) - 1
        if index < 0 or chunk - self._firsts[index] >= self._segments[index].chunks:
            raise self._damaged(f"a document refers to chunk {chunk}, which is missing")
        return index, chunk - self._firsts[index]

    def _segment(self, index: int) -> _Open:
        row, store = self._segments[index], self.store
        try:
            flat = varint.decode(store.part(row.id, "spans"))
        except ValueError as error:
            raise self._damaged(f"the spans of segment {row.id} do not decode") from error
        spans = ChunkSpans.from_flat(flat, row.chunks, row.units)
        units, clusters, atoms = node_counts(spans.tokens)
        text = store.text(row.id)
        said = (len(text), row.units, row.clusters, row.atoms)
        if said != tuple(int(counts.sum()) for counts in (spans.bytes, units, clusters, atoms)):
            raise self._damaged(f"segment {row.id} contradicts its counts")
        codes = LayerCodes(*(self._layer(row, name) for name in LayerCodes._fields)) if row.encoded else None
        return _Open(text, spans, _firsts(spans.bytes), _firsts(units), _firsts(clusters), _firsts(atoms), codes)

    def _layer(self, row: SegmentRow, name: str) -> bytes:
        data, count = self.store.part(row.id, name), int(getattr(row, name))
        if len(data) % max(1, count) or (data and not count):
            raise self._damaged(f"part {name} of segment {row.id} contradicts its counts")
        return data

    def _hashes(self, index: int) -> bytes:
        row = self._segments[index]
        data = self.store.part(row.id, "hashes")
        if len(data) != 16 * row.chunks:
            raise self._damaged(f"part hashes of segment {row.id} contradicts its counts")
        return data

    def _contexts_of(self, index: int) -> list[str]:
        return contexts_of(self.store, self._segments[index])

    def _damaged(self, what: str) -> DamagedCrystalError:
        return self.store.damaged(what)


def _firsts(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))
