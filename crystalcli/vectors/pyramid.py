"""Layers 1 to 3: an exact mean pyramid over token states.

The encoder pools by the mean, so the mean of a span's token states is that span's embedding, read in its context
(late chunking: Günther et al., 2024). Units are means of 10 tokens, clusters of 5 units, atoms of 2 clusters.

Spans are closed, such as chunks: groups are of even size, near the ratio, and none is a leftover. Input without an end, where
remainders wait for what comes next, is `memory/tensors.py`'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    import torch

    from crystalcli.types import IntArray

    Integers = npt.NDArray[np.int64]

RATIOS = (10, 5, 2)  # tokens to a unit, units to a cluster, clusters to an atom


class Layout(NamedTuple):
    """Where nodes begin and end, in their children: unit `i` holds tokens `units[i]:units[i + 1]`, cluster `i`
    units `clusters[i]:clusters[i + 1]`, atom `i` clusters `atoms[i]:atoms[i + 1]`. Each int32 [nodes + 1]."""

    units: IntArray
    clusters: IntArray
    atoms: IntArray


def nodes(tokens: Integers, ratios: tuple[int, int, int] = RATIOS) -> tuple[Integers, Integers, Integers]:
    """How many units, clusters and atoms closed spans of `tokens` tokens have, int64 of the same shape.

    Each number is rounded from the tokens, not from the layer below, so that ratios hold on average however short the spans.
    """
    sizes = (ratios[0], ratios[0] * ratios[1], ratios[0] * ratios[1] * ratios[2])
    units, clusters, atoms = (
        np.where(tokens > 0, np.maximum(1, (2 * tokens + size) // (2 * size)), 0) for size in sizes
    )
    return units, clusters, atoms


def even(count: int, groups: int) -> IntArray:
    """Bounds, int32 [groups + 1], of `count` things in `groups` groups whose sizes differ by one at most."""
    bounds: IntArray = (np.arange(groups + 1, dtype=np.int64) * count // max(1, groups)).astype(np.int32)
    return bounds


def layout(tokens: int, ratios: tuple[int, int, int] = RATIOS) -> Layout:
    """How a closed span of `tokens` tokens is divided."""
    units, clusters, atoms = (int(count) for count in nodes(np.asarray(tokens, np.int64), ratios))
    return Layout(even(tokens, units), even(units, clusters), even(clusters, atoms))


def group_means(values: torch.Tensor, bounds: torch.Tensor) -> torch.Tensor:
    """Means [groups, dimension] of consecutive rows of values [rows, dimension]; bounds int64 [groups + 1], rising."""
    import torch

    sizes = bounds.diff()
    groups = torch.repeat_interleave(torch.arange(len(sizes), device=values.device), sizes)
    sums = torch.zeros(len(sizes), values.shape[1], dtype=torch.float32, device=values.device)
    sums.index_add_(0, groups, values[bounds[0] : bounds[-1]].float())
    return sums / sizes.clamp(min=1)[:, None]


class Levels(NamedTuple):
    """The vectors of layers 1 to 3, float32 [nodes, dimension], not normalised."""

    units: torch.Tensor
    clusters: torch.Tensor
    atoms: torch.Tensor


def build(states: torch.Tensor, spans: list[Layout]) -> Levels:
    """The pyramid over token states [tokens, dimension] of closed spans, one after the other.

    Every node is the mean of its own tokens' states, so an atom is exactly its span's embedding.
    """
    import torch

    token_bounds: list[list[int]] = [[0], [0], [0]]
    for span in spans:
        unit_ends = span.units
        cluster_ends = unit_ends[span.clusters]
        atom_ends = cluster_ends[span.atoms]
        for bounds, ends in zip(token_bounds, (unit_ends, cluster_ends, atom_ends), strict=True):
            base = bounds[-1]
            bounds.extend((ends[1:] + base).tolist())
    return Levels(*(group_means(states, torch.tensor(bounds)) for bounds in token_bounds))
