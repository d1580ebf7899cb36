"""Numbers of the chunks and atoms of several crystals that are read as one.

A chunk that several crystals hold, or that no document refers to any more, gets no number of its
own, as in their merge. So every count that a score depends on is that of the merge.

Knows: segments, hashes of chunks. Does not know: documents' names, terms, where rows are kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.index.segment_reader import SegmentReader, open_segment
from crystalcli.storage import SegmentRow, Store, stored_parts

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.datatypes import Int64Array


class KeptCounts(NamedTuple):
    """Numbers of what is kept of a segment."""

    chunks: int
    atoms: int
    clusters: int
    units: int
    tokens: int
    bytes: int


@dataclass(frozen=True)
class SegmentPiece:
    """The part of a crystal's segment that is kept.

    Attributes:
        store: The crystal.
        row: The segment's row there.
        kept: Whether each of its chunks is kept, bool [chunks]; None where all are.
    """

    store: Store
    row: SegmentRow
    kept: npt.NDArray[np.bool_] | None

    @cached_property
    def tree(self) -> SegmentReader:
        """The spans and the tree of the whole segment."""
        return open_segment(self.store, self.row)

    def counts(self) -> KeptCounts:
        """Count what is kept."""
        row = self.row
        if self.kept is None:
            return KeptCounts(row.chunks, row.atoms, row.clusters, row.units, row.tokens, row.bytes)
        spans = self.tree.spans
        return KeptCounts(
            chunks=int(self.kept.sum()),
            atoms=int(self.nodes("atoms").sum()),
            clusters=int(self.nodes("clusters").sum()),
            units=int(self.nodes("units").sum()),
            tokens=int(spans.tokens[self.kept].sum()),
            bytes=int(spans.bytes[self.kept].sum()),
        )

    def nodes(self, layer: str) -> npt.NDArray[np.bool_]:
        """Tell which nodes of a layer, "atoms", "clusters" or "units", are kept, bool [nodes]."""
        assert self.kept is not None
        tree = self.tree
        firsts = {
            "atoms": tree.chunk_atoms,
            "clusters": tree.atom_clusters[tree.chunk_atoms],
            "units": tree.chunk_units,
        }[layer]
        return np.repeat(self.kept, np.diff(firsts))


@dataclass(frozen=True)
class CrystalPiece:
    """What is kept of one crystal, with its numbers in the union.

    Attributes:
        store: The crystal.
        chunks: The number of each chunk in the union, int64 [chunks]; -1 for one that no document
            refers to. A chunk that an earlier crystal holds has the number that it has from there.
        atoms: The number of each atom, int64 [atoms], rising; -1 for one that is not kept. None
            where all are kept: then each is `first_atom` higher.
        segments: The segments of which something is kept.
        first_atom: The number of its first atom.
    """

    store: Store
    chunks: Int64Array
    atoms: Int64Array | None
    segments: list[SegmentPiece]
    first_atom: int

    @cached_property
    def lengths(self) -> tuple[Int64Array, Int64Array]:
        """The characters and the newlines of each chunk, kept or not, int64 [chunks] each."""
        spans = [open_segment(self.store, row).spans for row in self.store.segments()]
        return np.concatenate([part.characters for part in spans]), np.concatenate([part.newlines for part in spans])


def unite_chunks(stores: Sequence[Store], referred: Sequence[npt.NDArray[np.bool_]]) -> list[CrystalPiece]:
    """Number the chunks and atoms of several crystals.

    Args:
        stores: The crystals.
        referred: For each whether a document refers to each chunk, bool [chunks].

    Raises:
        DamagedCrystalError: A crystal is damaged.
    """
    hashes = [_short_hashes(store, len(alive)) for store, alive in zip(stores, referred, strict=True)]
    alive_hashes = [short[alive] for short, alive in zip(hashes, referred, strict=True)]
    known, counts = np.unique(np.concatenate([np.zeros(0, np.uint64), *alive_hashes]), return_counts=True)
    repeated = known[counts > 1]
    numbers_by_identity: dict[bytes, int] = {}
    pieces, first_chunk, first_atom = [], 0, 0
    for store, short, alive in zip(stores, hashes, referred, strict=True):
        reader = ChunkReader(store)
        candidates = np.flatnonzero(alive & np.isin(short, repeated))
        identities = [reader.identity(chunk) for chunk in candidates.tolist()]
        is_copy = np.array([identity in numbers_by_identity for identity in identities], bool)
        kept = alive.copy()
        kept[candidates[is_copy]] = False
        numbers = np.where(kept, first_chunk + np.cumsum(kept) - 1, -1)
        for chunk, identity in zip(candidates.tolist(), identities, strict=True):
            numbers[chunk] = numbers_by_identity.setdefault(identity, int(numbers[chunk]))
        piece = _piece(store, numbers, kept, first_atom)
        pieces.append(piece)
        first_chunk += int(kept.sum())
        first_atom += sum(segment.counts().atoms for segment in piece.segments)
    return pieces


def _piece(store: Store, numbers: Int64Array, kept: npt.NDArray[np.bool_], first_atom: int) -> CrystalPiece:
    """Cut a crystal's segments down to the chunks that are kept."""
    if kept.all():
        whole = [SegmentPiece(store, row, None) for row in store.segments()]
        return CrystalPiece(store, numbers, None, whole, first_atom)
    segments, kept_atoms = [], []
    for row in store.segments():
        of_row = kept[row.first_chunk : row.first_chunk + row.chunks]
        piece = SegmentPiece(store, row, None if of_row.all() else of_row)
        kept_atoms.append(np.full(row.atoms, bool(of_row.any())) if piece.kept is None else piece.nodes("atoms"))
        if of_row.any():
            segments.append(piece)
    atoms = np.concatenate([np.zeros(0, bool), *kept_atoms])
    return CrystalPiece(store, numbers, np.where(atoms, first_atom + np.cumsum(atoms) - 1, -1), segments, first_atom)


def _short_hashes(store: Store, chunks: int) -> npt.NDArray[np.uint64]:
    """Read the first eight bytes of the hash of each chunk's text, uint64 [chunks]."""
    segments = store.segments()
    parts = stored_parts(store, [row.id for row in segments], ("hashes",))
    data = b"".join(part.get("hashes", b"") for part in parts)
    if len(data) != 16 * chunks:
        raise store.damaged("the hashes of its chunks contradict its counts")
    return np.ascontiguousarray(np.frombuffer(data, "<u8").reshape(-1, 2)[:, 0])
