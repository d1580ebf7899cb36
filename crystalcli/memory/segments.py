"""Collects chunks into segments and commits them: text, spans, layers and lexical index in one transaction.

A commit is the unit of safety: what is in it is whole, what is not was never there. Knows nothing of files.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.errors import DamagedCrystalError
from crystalcli.lexical import postings, varint
from crystalcli.lexical.analysis import terms
from crystalcli.storage.rows import Segment
from crystalcli.storage.spans import Spans
from crystalcli.storage.store import Store, digest
from crystalcli.types import Chunk
from crystalcli.vectors.pyramid import layout

if TYPE_CHECKING:
    from crystalcli.memory.layers import ChunkEncoder

SEGMENT_BYTES = (
    1 << 17
)  # of text: about 30,000 tokens, a few seconds of encoding; what an interruption can cost at most
_FAN = 4  # lexical segments of one level that merge into one of the next


class SegmentWriter:
    """Adds chunks to a store. Identical text is stored once: `add` gives back the number it has already.

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
                raise DamagedCrystalError(
                    f"{store.path} is damaged: the hashes of segment {segment.id} contradict its counts"
                )
            for index in range(segment.chunks):
                self._known.setdefault(hashes[16 * index : 16 * index + 16], segment.first_chunk + index)
            self._next_chunk = segment.first_chunk + segment.chunks
            self._next_atom = segment.first_atom + segment.atoms
        self._pending: list[tuple[Chunk, bytes]] = []
        self._bytes = 0

    def add(self, chunk: Chunk) -> int:
        """The chunk's number in the crystal. May commit a segment."""
        key = digest(chunk.text.encode())
        known = self._known.get(key)
        if known is not None:
            return known
        number = self._next_chunk + len(self._pending)
        self._known[key] = number
        self._pending.append((chunk, key))
        self._bytes += len(chunk.text)
        return number

    @property
    def full(self) -> bool:
        """Whether it is time to commit."""
        return self._bytes >= SEGMENT_BYTES

    def commit(self) -> None:
        """Write what has been added since the last commit, and what `on_commit` writes, in one transaction."""
        chunks = [chunk for chunk, _ in self._pending]
        codes = self._encoder.codes(chunks) if self._encoder is not None and chunks else None
        text = "".join(chunk.text for chunk in chunks).encode()
        layouts = [layout(len(chunk.ids)) for chunk in chunks]
        with self._store.transaction():
            if chunks:
                segment = Segment(
                    0,
                    self._next_chunk,
                    len(chunks),
                    self._next_atom,
                    sum(len(each.atoms) - 1 for each in layouts),
                    sum(len(each.clusters) - 1 for each in layouts),
                    sum(len(each.units) - 1 for each in layouts),
                    sum(len(chunk.ids) for chunk in chunks),
                    len(text),
                    int(codes is not None),
                )
                number = self._store.add_segment(segment)
                self._store.add_text(number, text)
                spans = spans_of(chunks)
                self._store.add_part(number, "spans", varint.encode(spans.flat()))
                self._store.add_part(number, "hashes", b"".join(key for _, key in self._pending))
                counts = [count for chunk in chunks for count in atom_terms(chunk)]
                lengths = np.array([min(255, sum(count.values())) for count in counts], np.uint8)
                self._store.add_part(number, "lengths", lengths.tobytes())
                if codes is not None:
                    for name, data in zip(codes._fields, codes, strict=True):
                        self._store.add_part(number, name, data)
                    self.encoded_tokens += segment.tokens
                blocks = postings.index(counts, segment.first_atom)
                self._store.add_lexicon(0, segment.first_atom, segment.atoms, blocks)
                merge_tail(self._store)
                self._next_chunk += segment.chunks
                self._next_atom += segment.atoms
            self._on_commit()
        self._pending.clear()
        self._bytes = 0


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
    blocks = list(postings.merge([(lexicon.first_atom, store.blocks(lexicon.id)) for lexicon in chosen]))
    for lexicon in chosen:
        store.drop_lexicon(lexicon.id)
    store.add_lexicon(level, chosen[0].first_atom, sum(lexicon.atoms for lexicon in chosen), blocks)


def atom_terms(chunk: Chunk) -> list[Counter[str]]:
    """Each atom's terms with their frequencies."""
    shape = layout(len(chunk.ids))
    token_starts = shape.units[shape.clusters[shape.atoms[:-1]]]
    return count_terms(chunk.text, [0 if token == 0 else int(chunk.ends[token - 1]) for token in token_starts])


def count_terms(text: str, starts: list[int]) -> list[Counter[str]]:
    """The terms, with their frequencies, of atoms that begin at the characters `starts`; the first begins at 0.

    A word belongs to the atom in which it begins.
    """
    counts: list[Counter[str]] = [Counter() for _ in starts]
    if counts:
        for term, offset in terms(text):
            counts[bisect_right(starts, offset) - 1][term] += 1
    return counts


def spans_of(chunks: list[Chunk]) -> Spans:
    """Where chunks and their units begin and end."""
    units: list[np.ndarray] = [np.zeros(0, np.int64)]
    for chunk in chunks:
        bounds = layout(len(chunk.ids)).units
        if len(bounds) > 1:
            units.append(np.diff(chunk.ends[bounds[1:] - 1].astype(np.int64), prepend=0))
    return Spans(
        np.array([len(chunk.text.encode()) for chunk in chunks], np.int64),
        np.array([len(chunk.text) for chunk in chunks], np.int64),
        np.array([chunk.text.count("\n") for chunk in chunks], np.int64),
        np.array([len(chunk.ids) for chunk in chunks], np.int64),
        np.concatenate(units),
    )
