"""Single segments: their spans, their trees, and their numbering.

The rows of the file are checked against one another here, before memory is allocated by them.

Knows: spans, node counts. Does not know: the crystal as a whole (`index_reader`), codes, text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.lexical import varint
from crystalcli.storage import PACKED_SINCE, ChunkSpans, SegmentRow, Store, typed_rows
from crystalcli.vectors import node_counts

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array


class SegmentReader(NamedTuple):
    """One segment's spans and tree. All offsets count from the start of the segment.

    Attributes:
        row: Its row in the table `segment`.
        spans: Lengths of its chunks and units.
        chunk_atoms: The first atom of each chunk, int64 [chunks + 1].
        chunk_units: The first unit of each chunk, int64 [chunks + 1].
        atom_clusters: The first cluster of each atom, int64 [atoms + 1].
        cluster_units: The first unit of each cluster, int64 [clusters + 1].
    """

    row: SegmentRow
    spans: ChunkSpans
    chunk_atoms: Int64Array
    chunk_units: Int64Array
    atom_clusters: Int64Array
    cluster_units: Int64Array

    def unit_bounds(self, chunk: int) -> Int64Array:
        """Compute the bounds of a chunk's units, in characters of the chunk, int64 [units + 1]."""
        return prefix_sums(self.spans.units[int(self.chunk_units[chunk]) : int(self.chunk_units[chunk + 1])])

    def atom_spans(self, first: int, end: int) -> tuple[Int64Array, Int64Array]:
        """Compute the character spans of the atoms in the chunks `[first, end)`.

        Returns:
            The first character of each atom and the one after its last, int64 [atoms] each,
            counted from the start of the atom's chunk.
        """
        base = int(self.chunk_units[first])
        ends = prefix_sums(self.spans.units[base : int(self.chunk_units[end])])
        atoms = slice(int(self.chunk_atoms[first]), int(self.chunk_atoms[end]) + 1)
        bounds = ends[self.cluster_units[self.atom_clusters[atoms]] - base]
        chunk_starts = ends[self.chunk_units[first:end] - base]
        shift = np.repeat(chunk_starts, np.diff(self.chunk_atoms[first : end + 1]))
        return bounds[:-1] - shift, bounds[1:] - shift


def open_segment(store: Store, row: SegmentRow) -> SegmentReader:
    """Read a segment's spans and derive its tree.

    Raises:
        DamagedCrystalError: The spans do not decode or contradict the counts in `row`.
    """
    try:
        spans = ChunkSpans.from_flat(varint.decode(store.part(row.id, "spans")), row.chunks, row.units)
    except ValueError as error:
        raise store.damaged(f"the spans of segment {row.id} do not decode ({error})") from error
    units, clusters, atoms = node_counts(spans.tokens)
    if (units.sum(), clusters.sum(), atoms.sum()) != (row.units, row.clusters, row.atoms):
        raise store.damaged(f"segment {row.id} contradicts its counts")
    return SegmentReader(
        row, spans, prefix_sums(atoms), prefix_sums(units), _children(clusters, atoms), _children(units, clusters)
    )


def chunk_lengths(store: Store, row: SegmentRow) -> Int64Array:
    """Read the characters and the newlines of a segment's chunks, and no more of its spans.

    Returns:
        int64 [2, chunks].

    Raises:
        DamagedCrystalError: The spans do not decode, or a chunk is longer than the segment.
    """
    try:
        lengths = varint.decode_slice(store.part(row.id, "spans"), row.chunks, 2 * row.chunks)
    except ValueError as error:
        raise store.damaged(f"the spans of segment {row.id} do not decode ({error})") from error
    if len(lengths) and int(lengths.max()) > row.bytes:
        raise store.damaged(f"segment {row.id} contradicts its counts")
    return lengths.reshape(2, row.chunks)


def check_numbering(store: Store, segments: list[SegmentRow]) -> None:
    """Check that segments follow one another and count no more than their parts have bytes for.

    Raises:
        DamagedCrystalError: A segment breaks one of the two.
    """
    # Spans that are packed take an eighth of their size at least.
    packed = store.format >= PACKED_SINCE
    size = "min(size, 8 * length(data))" if packed else "length(data)"
    query = f"SELECT segment, {size} FROM part WHERE name = 'spans' AND typeof(data) = 'blob'"
    sizes = dict(typed_rows(store.rows(query), (int, int), store.path))
    previous: SegmentRow | None = None
    for row in segments:
        check_row(store, row, previous, sizes.get(row.id, 0))
        previous = row


def check_row(store: Store, row: SegmentRow, previous: SegmentRow | None, size: int) -> None:
    """Check one segment's row as `check_numbering` does.

    Args:
        store: The crystal.
        row: The segment's row.
        previous: The row of the segment before it; None for the first.
        size: Bytes of the segment's spans.

    Raises:
        DamagedCrystalError: It does not follow `previous`, or counts more than its spans hold.
    """
    expected = (previous.first_chunk + previous.chunks, previous.first_atom + previous.atoms) if previous else (0, 0)
    if (row.first_chunk, row.first_atom) != expected:
        raise store.damaged(f"segment {row.id} does not follow the one before it")
    if 4 * row.chunks + row.units > size or not row.atoms <= row.clusters <= row.units:
        raise store.damaged(f"segment {row.id} counts more than its spans hold")


def prefix_sums(lengths: Int64Array) -> Int64Array:
    """Compute the bounds, int64 [n + 1], of consecutive pieces from their lengths, int64 [n]."""
    return np.concatenate((np.zeros(1, np.int64), np.cumsum(lengths)))


def _children(children: Int64Array, parents: Int64Array) -> Int64Array:
    """Compute the first child of every parent.

    Args:
        children: Nodes of the lower layer in each chunk, int64 [chunks].
        parents: Nodes of the upper layer in each chunk, int64 [chunks].

    Returns:
        The first child of each parent and, last, the number of children, int64 [all parents + 1].
    """
    base = np.repeat(prefix_sums(children)[:-1], parents)
    position = np.arange(int(parents.sum())) - np.repeat(prefix_sums(parents)[:-1], parents)
    first = base + position * np.repeat(children, parents) // np.maximum(1, np.repeat(parents, parents))
    return np.concatenate((first, [int(children.sum())]))
