"""The tree of a crystal's nodes: each chunk's first atom, cluster and unit.

Every node's children follow from these. All of it follows from the number of tokens of each chunk,
so none of it is stored. Nodes are numbered from 0 across the crystal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.vectors import node_counts

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array, IntArray, UInt16Array


_BATCH = 1 << 12  # chunks worked on at a time, since memory is bounded and chunks are many


class NodeTree:
    """The parents and children of a crystal's nodes.

    Attributes:
        atoms: The first atom of each chunk and, last, the number of atoms, int32 [chunks + 1].
        clusters: The same of clusters.
        units: The same of units.
    """

    def __init__(self, tokens: UInt16Array) -> None:
        """Derive the tree.

        Args:
            tokens: The number of tokens of each chunk, uint16 [chunks].
        """
        self.units, self.clusters, self.atoms = (np.zeros(len(tokens) + 1, np.int32) for _ in range(3))
        for start in range(0, len(tokens), _BATCH):
            batch = tokens[start : start + _BATCH].astype(np.int64)
            for firsts, counts in zip((self.units, self.clusters, self.atoms), node_counts(batch), strict=True):
                firsts[start + 1 : start + 1 + len(batch)] = counts
        for firsts in (self.units, self.clusters, self.atoms):
            np.cumsum(firsts, out=firsts)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.atoms.nbytes + self.clusters.nbytes + self.units.nbytes

    def chunk_of(self, atoms: Int64Array) -> Int64Array:
        """Find the chunk of each atom, int64."""
        return np.searchsorted(self.atoms, atoms.astype(np.int32), side="right") - 1

    def clusters_of(self, atoms: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Find the first cluster of each atom, and the one after its last, int64 each."""
        return _children(atoms, self.chunk_of(atoms), self.atoms, self.clusters)

    def units_of(self, clusters: Int64Array) -> tuple[Int64Array, Int64Array]:
        """Find the first unit of each cluster, and the one after its last, int64 each."""
        chunks = np.searchsorted(self.clusters, clusters.astype(np.int32), side="right") - 1
        return _children(clusters, chunks, self.clusters, self.units)


def ranges(starts: Int64Array, ends: Int64Array) -> tuple[Int64Array, Int64Array]:
    """Enumerate the numbers of ranges `[start, end)`, one range after the other.

    Returns:
        The numbers, int64 [n], and the index of the range that each is from, int64 [n].
    """
    sizes = ends - starts
    owners = np.repeat(np.arange(len(starts)), sizes)
    offsets = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return starts[owners] + offsets, owners


def _children(
    parents: Int64Array, chunks: Int64Array, parent_firsts: IntArray, child_firsts: IntArray
) -> tuple[Int64Array, Int64Array]:
    """Find the children of nodes.

    Of a chunk's c children, parent i of g has those from floor(i * c / g) up to
    floor((i + 1) * c / g).

    Args:
        parents: Nodes of one layer, int64 [n].
        chunks: The chunk of each, int64 [n].
        parent_firsts: The first node of that layer in each chunk, int32 [chunks + 1].
        child_firsts: The same of the layer below.

    Returns:
        The first child of each, and the one after its last, int64 [n] each.
    """
    first = child_firsts[chunks].astype(np.int64)
    count = child_firsts[chunks + 1] - first
    position = parents - parent_firsts[chunks]
    groups = parent_firsts[chunks + 1] - parent_firsts[chunks]
    return first + position * count // groups, first + (position + 1) * count // groups
