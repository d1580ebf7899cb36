"""Segments taken by themselves: the spans of one and who is whose parent in it, and whether all of them follow one another.

What stands in the file is held against itself here, before anything is made room for. `shelf` has the whole crystal at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.lexical import varint
from crystalcli.storage import ChunkSpans, SegmentRow, Store, typed_rows
from crystalcli.vectors import node_counts

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]


class SegmentReader(NamedTuple):
    """One segment's spans, and who is whose parent, as offsets inside the segment.

    chunk_atoms, chunk_units: the first atom and unit of each chunk, int64 [chunks + 1]. atom_clusters: the first cluster of
    each atom, int64 [atoms + 1]. cluster_units: the first unit of each cluster, int64 [clusters + 1].
    """

    row: SegmentRow
    spans: ChunkSpans
    chunk_atoms: Integers
    chunk_units: Integers
    atom_clusters: Integers
    cluster_units: Integers


def open_segment(store: Store, row: SegmentRow) -> SegmentReader:
    """A segment's spans and who is whose parent. Raises DamagedCrystalError."""
    try:
        spans = ChunkSpans.from_flat(varint.decode(store.part(row.id, "spans")), row.chunks, row.units)
    except ValueError as error:
        raise store.damaged(f"the spans of segment {row.id} do not decode ({error})") from error
    units, clusters, atoms = node_counts(spans.tokens)
    if (units.sum(), clusters.sum(), atoms.sum()) != (row.units, row.clusters, row.atoms):
        raise store.damaged(f"segment {row.id} contradicts its counts")
    return SegmentReader(
        row, spans, _starts(atoms), _starts(units), _children(clusters, atoms), _children(units, clusters)
    )


def check_numbering(store: Store, segments: list[SegmentRow]) -> None:
    """That segments follow one another, and that none counts more than its parts have bytes for, before anything is made room for.

    Raises DamagedCrystalError.
    """
    query = "SELECT segment, length(data) FROM part WHERE name = 'spans' AND typeof(data) = 'blob'"
    sizes = dict(typed_rows(store.rows(query), (int, int), store.path))
    before: SegmentRow | None = None
    for row in segments:
        check_row(store, row, before, sizes.get(row.id, 0))
        before = row


def check_row(store: Store, row: SegmentRow, before: SegmentRow | None, size: int) -> None:
    """The same of one segment, whose spans take `size` bytes, and the one before it."""
    expected = (before.first_chunk + before.chunks, before.first_atom + before.atoms) if before else (0, 0)
    if (row.first_chunk, row.first_atom) != expected:
        raise store.damaged(f"segment {row.id} does not follow the one before it")
    if 4 * row.chunks + row.units > size or not row.atoms <= row.clusters <= row.units:
        raise store.damaged(f"segment {row.id} counts more than its spans hold")


def _starts(counts: Integers) -> Integers:
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(counts)))


def _children(children: Integers, parents: Integers) -> Integers:
    """The first child of every parent, over all chunks, int64 [all parents + 1]; counts are per chunk."""
    base = np.repeat(_starts(children)[:-1], parents)
    position = np.arange(int(parents.sum())) - np.repeat(_starts(parents)[:-1], parents)
    first = base + position * np.repeat(children, parents) // np.maximum(1, np.repeat(parents, parents))
    return np.concatenate((first, [int(children.sum())]))
