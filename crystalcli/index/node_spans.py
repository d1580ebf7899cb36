"""Nodes of one layer of a document, in its order, with their places in its text.

Knows: the tree of a crystal, runs, spans. Does not know: text, codes, questions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

import numpy as np

from crystalcli.index.index_reader import IndexReader
from crystalcli.index.segment_reader import SegmentReader, prefix_sums
from crystalcli.storage import SourceRow

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

LayerName: TypeAlias = Literal["atoms", "clusters", "units"]
LAYER_NAMES: tuple[LayerName, ...] = ("atoms", "clusters", "units")  # from the top


@dataclass(frozen=True, slots=True, eq=False)
class NodeSpans:
    """Consecutive nodes of one layer of a document.

    Attributes:
        numbers: Their numbers in the crystal, int64 [n].
        starts: The first character of each, in the document, int64 [n].
        ends: The character after the last of each, int64 [n].
        tokens: The first token of each in the document and, last, the token after them all,
            int64 [n + 1].
    """

    numbers: Int64Array
    starts: Int64Array
    ends: Int64Array
    tokens: Int64Array

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def middles(self) -> Int64Array:
        """The middle character of each, int64 [n]."""
        return (self.starts + self.ends) // 2

    def part(self, first: int, end: int) -> NodeSpans:
        """Select the nodes `[first, end)`."""
        return NodeSpans(
            self.numbers[first:end], self.starts[first:end], self.ends[first:end], self.tokens[first : end + 1]
        )


def layer_nodes(
    index: IndexReader, source: SourceRow, layer: LayerName, tokens: tuple[int, int] | None = None
) -> NodeSpans:
    """Find the nodes of a layer in a document.

    Args:
        index: The resident index.
        source: The document.
        layer: The layer.
        tokens: The nodes that begin among these tokens of the document `[start, end)`; None: all.

    Raises:
        DamagedCrystalError: A run or a segment of the document is damaged.
    """
    low, high = tokens or (0, np.iinfo(np.int64).max)
    pieces = [
        _shifted(_nodes_of(stretch, layer), int(getattr(index.nesting, layer)[stretch.segment.row.first_chunk]))
        for stretch in _stretches(index, source, low, high)
    ]
    if not pieces:
        empty = np.zeros(0, np.int64)
        return NodeSpans(empty, empty, empty, np.zeros(1, np.int64))
    numbers, starts, ends = (
        np.concatenate([getattr(piece, name) for piece in pieces]) for name in ("numbers", "starts", "ends")
    )
    bounds = np.concatenate([*(piece.tokens[:-1] for piece in pieces), pieces[-1].tokens[-1:]])
    nodes = NodeSpans(numbers, starts, ends, bounds)
    first, end = np.searchsorted(nodes.tokens[:-1], [low, high])
    return nodes.part(int(first), int(end))


class _Stretch(NamedTuple):
    """Consecutive chunks of a document in one segment.

    Attributes:
        segment: The segment.
        first: The first chunk, counted in the segment.
        end: The chunk after the last.
        position: The first character of the first chunk, in the document.
        token: The first token of the first chunk, in the document.
    """

    segment: SegmentReader
    first: int
    end: int
    position: int
    token: int


def _stretches(index: IndexReader, source: SourceRow, low: int, high: int) -> Iterator[_Stretch]:
    """Find the chunks that hold some of the tokens `[low, high)` of a document."""
    token = 0
    for run in index.store.runs_of(source.id):
        position = run.start
        for segment, first, end in index.chunk_ranges(run.first_chunk, run.first_chunk + run.chunks):
            tokens = token + prefix_sums(segment.spans.tokens[first:end])
            characters = position + prefix_sums(segment.spans.characters[first:end])
            inside = np.flatnonzero((tokens[1:] > low) & (tokens[:-1] < high))
            if len(inside):
                begin, last = int(inside[0]), int(inside[-1])
                yield _Stretch(segment, first + begin, first + last + 1, int(characters[begin]), int(tokens[begin]))
            token, position = int(tokens[-1]), int(characters[-1])


def _nodes_of(stretch: _Stretch, layer: LayerName) -> NodeSpans:
    """Place the nodes of a stretch; their numbers count in the segment."""
    segment, first, end = stretch.segment, stretch.first, stretch.end
    chunk_units = segment.chunk_units[first : end + 1]
    low = int(chunk_units[0])
    counts = np.diff(chunk_units)
    chunks = np.repeat(np.arange(end - first), counts)
    # A chunk's tokens are divided evenly among its units (`vectors.pyramid_layout`).
    sizes = segment.spans.tokens[first:end].astype(np.int64)
    tokens = stretch.token + prefix_sums(sizes)
    ordinals = np.arange(len(chunks)) - (chunk_units[:-1] - low)[chunks]
    bounds = np.append(tokens[chunks] + ordinals * sizes[chunks] // counts[chunks], tokens[-1])
    lengths = segment.spans.units[low : int(chunk_units[-1])]
    offsets = prefix_sums(lengths)
    # Characters behind a chunk's last unit belong to no node.
    shifts = stretch.position + prefix_sums(segment.spans.characters[first:end])[:-1] - offsets[chunk_units[:-1] - low]
    starts, ends = offsets[:-1] + shifts[chunks], offsets[1:] + shifts[chunks]
    if layer == "units":
        return NodeSpans(np.arange(len(lengths)) + low, starts, ends, bounds)
    atoms = segment.atom_clusters[int(segment.chunk_atoms[first]) : int(segment.chunk_atoms[end]) + 1]
    if layer == "atoms":
        numbers, edges = np.arange(len(atoms) - 1) + segment.chunk_atoms[first], segment.cluster_units[atoms]
    else:
        numbers = np.arange(atoms[0], atoms[-1])
        edges = segment.cluster_units[atoms[0] : atoms[-1] + 1]
    edges = edges - low
    return NodeSpans(numbers, starts[edges[:-1]], ends[edges[1:] - 1], bounds[edges])


def _shifted(nodes: NodeSpans, first: int) -> NodeSpans:
    """Give nodes their numbers in the crystal."""
    return replace(nodes, numbers=nodes.numbers + first)
