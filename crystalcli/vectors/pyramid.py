"""Layers 1 to 3: an exact mean pyramid over token states.

The encoder pools by the mean, so the mean of a span's token states is that span's embedding, read
in its context (late chunking: Günther et al., 2024). Units are means of 10 tokens, clusters of 5
units, atoms of 2 clusters (`types.RATIOS`).

Spans are closed, such as chunks: groups are of even size, near the ratio, without a remainder.
Input without an end, where remainders wait for more, is handled by `MemoryCrystal`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import RATIOS

if TYPE_CHECKING:
    import torch

    from crystalcli.datatypes import Int64Array, IntArray


class PyramidLayout(NamedTuple):
    """Bounds of a span's nodes, counted in their children; each array int32 [nodes + 1].

    Attributes:
        units: unit `i` holds tokens `units[i]:units[i + 1]`.
        clusters: cluster `i` holds units `clusters[i]:clusters[i + 1]`.
        atoms: atom `i` holds clusters `atoms[i]:atoms[i + 1]`.
    """

    units: IntArray
    clusters: IntArray
    atoms: IntArray


def node_counts(tokens: Int64Array, ratios: tuple[int, int, int] = RATIOS) -> tuple[Int64Array, Int64Array, Int64Array]:
    """Count the nodes of closed spans.

    Each count is rounded from the tokens, not from the layer below, so that the ratios hold on
    average however short the spans are.

    Args:
        tokens: int64, the tokens of each span.
        ratios: tokens to a unit, units to a cluster, clusters to an atom.

    Returns:
        Numbers of units, clusters and atoms, int64 of the same shape as `tokens`.
    """
    sizes = (ratios[0], ratios[0] * ratios[1], ratios[0] * ratios[1] * ratios[2])
    units, clusters, atoms = (
        np.where(tokens > 0, np.maximum(1, (2 * tokens + size) // (2 * size)), 0) for size in sizes
    )
    return units, clusters, atoms


def even_bounds(count: int, groups: int) -> IntArray:
    """Divide `count` items into groups whose sizes differ by at most one.

    Bounds, int32 [groups + 1].
    """
    bounds: IntArray = (np.arange(groups + 1, dtype=np.int64) * count // max(1, groups)).astype(np.int32)
    return bounds


def pyramid_layout(tokens: int, ratios: tuple[int, int, int] = RATIOS) -> PyramidLayout:
    """Lay out the pyramid of a closed span of `tokens` tokens."""
    units, clusters, atoms = (int(count) for count in node_counts(np.asarray(tokens, np.int64), ratios))
    return PyramidLayout(even_bounds(tokens, units), even_bounds(units, clusters), even_bounds(clusters, atoms))


def group_means(values: torch.Tensor, bounds: Int64Array) -> torch.Tensor:
    """Average groups of consecutive rows.

    Args:
        values: [rows, dimension].
        bounds: int64 [groups + 1], rising: group `i` is `values[bounds[i]:bounds[i + 1]]`.

    Returns:
        Means, float32 [groups, dimension].
    """
    import torch

    # Numpy takes a tenth of the time for these few numbers.
    sizes = np.diff(bounds)
    groups = torch.from_numpy(np.repeat(np.arange(len(sizes)), sizes)).to(values.device)
    divisors = torch.from_numpy(np.maximum(sizes, 1).astype(np.float32)).to(values.device)
    sums = torch.zeros(len(sizes), values.shape[1], dtype=torch.float32, device=values.device)
    sums.index_add_(0, groups, values[int(bounds[0]) : int(bounds[-1])].float())
    return sums.div_(divisors[:, None])


class Pyramid(NamedTuple):
    """The vectors of layers 1 to 3, float32 [nodes, dimension], not normalized."""

    units: torch.Tensor
    clusters: torch.Tensor
    atoms: torch.Tensor


def build_pyramid(states: torch.Tensor, layouts: list[PyramidLayout]) -> Pyramid:
    """Build the pyramid over the token states of closed spans.

    Every node is the mean of its own tokens' states, so an atom is exactly its span's embedding.

    Args:
        states: [tokens, dimension], the spans one after the other.
        layouts: of the spans.
    """
    token_bounds: list[list[Int64Array]] = [[np.zeros(1, np.int64)] for _ in range(3)]
    tokens = 0
    for layout in layouts:
        unit_ends = layout.units
        cluster_ends = unit_ends[layout.clusters]
        atom_ends = cluster_ends[layout.atoms]
        for bounds, ends in zip(token_bounds, (unit_ends, cluster_ends, atom_ends), strict=True):
            bounds.append(tokens + ends[1:].astype(np.int64))
        tokens += int(layout.units[-1])
    return Pyramid(*(group_means(states, np.concatenate(bounds)) for bounds in token_bounds))
