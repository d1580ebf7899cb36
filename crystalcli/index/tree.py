"""Who is whose parent: for every chunk of a crystal its first atom, cluster and unit, and with that every node's children.

All of it follows from how many tokens each chunk has, so none of it is stored. Nodes are numbered from 0 across the crystal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.vectors import node_counts

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Firsts = npt.NDArray[np.int32]


_PIECE = 1 << 12  # chunks worked on at a time


class NodeTree:
    """atoms, clusters, units: the first one of each chunk, and how many there are in all, int32 [chunks + 1]."""

    def __init__(self, tokens: npt.NDArray[np.uint16]) -> None:
        """tokens: of each chunk, [chunks]."""
        self.units, self.clusters, self.atoms = (np.zeros(len(tokens) + 1, np.int32) for _ in range(3))
        for start in range(0, len(tokens), _PIECE):  # a piece at a time: there are many chunks, and memory is counted
            piece = tokens[start : start + _PIECE].astype(np.int64)
            for firsts, counts in zip((self.units, self.clusters, self.atoms), node_counts(piece), strict=True):
                firsts[start + 1 : start + 1 + len(piece)] = counts
        for firsts in (self.units, self.clusters, self.atoms):
            np.cumsum(firsts, out=firsts)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self.atoms.nbytes + self.clusters.nbytes + self.units.nbytes

    def chunk_of(self, atoms: Integers) -> Integers:
        """The chunk that each atom is of, int64."""
        return np.searchsorted(self.atoms, atoms.astype(np.int32), side="right") - 1

    def clusters_of(self, atoms: Integers) -> tuple[Integers, Integers]:
        """The first cluster of each atom, and the one after its last, int64 each."""
        return _children(atoms, self.chunk_of(atoms), self.atoms, self.clusters)

    def units_of(self, clusters: Integers) -> tuple[Integers, Integers]:
        """The first unit of each cluster, and the one after its last, int64 each."""
        chunks = np.searchsorted(self.clusters, clusters.astype(np.int32), side="right") - 1
        return _children(clusters, chunks, self.clusters, self.units)


def ranges(starts: Integers, ends: Integers) -> tuple[Integers, Integers]:
    """The numbers of all ranges `[start, end)`, one after the other, and for each which range it is from."""
    sizes = ends - starts
    owners = np.repeat(np.arange(len(starts)), sizes)
    offsets = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return starts[owners] + offsets, owners


def _children(parents: Integers, chunks: Integers, own: Firsts, below: Firsts) -> tuple[Integers, Integers]:
    """Of a chunk's c children, parent i of g has those from floor(i * c / g) up to floor((i + 1) * c / g)."""
    first = below[chunks].astype(np.int64)
    count = below[chunks + 1] - first
    position = parents - own[chunks]
    groups = own[chunks + 1] - own[chunks]
    return first + position * count // groups, first + (position + 1) * count // groups
