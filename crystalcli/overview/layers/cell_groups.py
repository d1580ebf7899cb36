"""Groups of neighbouring nodes, so that a band has a bounded number of cells.

Knows: sizes in tokens. Does not know: what is grouped.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

MOST_CELLS = 160  # of a band of nodes; about 6 pixels each on a wide screen


def group_evenly(bounds: Int64Array, edges: Int64Array, most: int = MOST_CELLS) -> Int64Array:
    """Group nodes of similar sizes, inside of the cells of the layer above.

    Args:
        bounds: The first token of each node and, last, the token after them all, int64 [n + 1].
        edges: The same of the cells above, at bounds of nodes, int64 [cells + 1].
        most: The number of groups to aim for.

    Returns:
        The first node of each group and, last, the number of nodes, int64 [groups + 1].
    """
    nodes = len(bounds) - 1
    if nodes <= most:
        return np.arange(nodes + 1)
    parents = np.searchsorted(edges, bounds[:-1], side="right") - 1
    widths = np.maximum(1, np.diff(edges))
    bins = np.maximum(1, np.rint(most * widths / max(1, int(widths.sum())))).astype(np.int64)
    middles = (bounds[:-1] + bounds[1:]) // 2 - edges[parents]
    places = np.minimum(middles * bins[parents] // widths[parents], bins[parents] - 1)
    changes = np.flatnonzero((np.diff(parents) != 0) | (np.diff(places) != 0)) + 1
    return np.concatenate([[0], changes, [nodes]])


def group_small(sizes: Sequence[int], least: float) -> list[tuple[int, int]]:
    """Group neighbours that are too small to be seen; large ones stay alone.

    Args:
        sizes: The size of each, in order.
        least: The least size of a group, but for those between two large ones.

    Returns:
        The first of each group, and the one after its last.
    """
    groups: list[tuple[int, int]] = []
    first, total = 0, 0
    for number, size in enumerate(sizes):
        if size >= least:
            if number > first:
                groups.append((first, number))
            groups.append((number, number + 1))
            first, total = number + 1, 0
            continue
        total += size
        if total >= least:
            groups.append((first, number + 1))
            first, total = number + 1, 0
    if first < len(sizes):
        groups.append((first, len(sizes)))
    return groups
