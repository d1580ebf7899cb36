"""`MemoryCrystal`: the pyramid as a memory for any model's embeddings, in tensors. Knows nothing of text or files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F

from crystalcli.errors import UsageError
from crystalcli.vectors.pyramid import RATIOS, Stream

if TYPE_CHECKING:
    from torch import Tensor

LAYERS = ("units", "clusters", "atoms")


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories, best first: `vectors` float32 [k, dimension]; `scores` float32 [k], cosines with the query; `layers` int64
    [k], 1 for a unit, 2 for a cluster, 3 for an atom; `starts` and `ends` int64 [k], the tokens each stands for."""

    vectors: Tensor
    scores: Tensor
    layers: Tensor
    starts: Tensor
    ends: Tensor


class MemoryCrystal:
    """Remembers a stream of embeddings as layers of means: units of 10 tokens, clusters of 5 units, atoms of 2 clusters.

    dimension: of the embeddings. ratios: tokens to a unit, units to a cluster, clusters to an atom. By token, the layers
    take dimension · 4 · (1/10 + 1/50 + 1/100) bytes, that is 0.13 of the float32 embeddings they stand for.
    """

    def __init__(self, dimension: int = 768, ratios: tuple[int, int, int] = RATIOS) -> None:
        if dimension < 1 or min(ratios) < 1:
            raise UsageError("dimension and ratios are 1 or more")
        self.dimension = dimension
        self.ratios = ratios
        self.reset()

    def reset(self) -> None:
        """Forget everything."""
        self.tokens = 0
        self._stream = Stream(self.ratios)
        self._layers: list[list[Tensor]] = [[], [], []]

    @property
    def crystal_layers(self) -> list[Tensor]:
        """Units, clusters and atoms, float32 [nodes, dimension] each, in the order they were read."""
        for parts in self._layers:
            if len(parts) != 1:
                parts[:] = [torch.cat(parts) if parts else torch.zeros(0, self.dimension)]
        return [parts[0] for parts in self._layers]

    def crystallize(self, context_embeddings: Tensor) -> list[Tensor]:
        """Read embeddings [tokens, dimension]; returns `crystal_layers` as they are then.

        Remainders that fill no group yet wait for the next call, so any split of the input gives the same layers. Raises
        UsageError for another shape or for values that are not finite.
        """
        x = context_embeddings.detach().float()
        if x.dim() == 3 and x.shape[0] == 1:
            x = x[0]
        if x.dim() != 2 or x.shape[1] != self.dimension:
            raise UsageError(f"embeddings are [tokens, {self.dimension}], not {list(context_embeddings.shape)}")
        if not torch.isfinite(x).all():
            raise UsageError("embeddings hold NaN or infinity")
        self.tokens += len(x)
        for parts, made in zip(self._layers, self._stream.push(x), strict=True):
            if len(made):
                parts.append(made)
        return self.crystal_layers

    def recall(self, query: Tensor, depth: int = 3, k: int = 8) -> Recalled:
        """The `k` memories nearest to `query` [dimension], coarse to fine through the last `depth` layers.

        depth 1 looks at atoms alone; 2 also at the clusters of the best atoms; 3 also at the units of the best clusters. Nodes
        that have no parent yet always take part. Raises UsageError for a wrong shape, depth or k; an empty memory gives none.
        """
        if query.shape != (self.dimension,):
            raise UsageError(f"the query is [{self.dimension}], not {list(query.shape)}")
        if depth not in (1, 2, 3):
            raise UsageError(f"depth is 1, 2 or 3, not {depth}")
        if k < 1:
            raise UsageError(f"k is 1 or more, not {k}")
        target = F.normalize(query.detach().float(), dim=0)
        found: list[tuple[int, Tensor, Tensor]] = []  # layer, rows, scores
        chosen: Tensor | None = None  # rows of the layer above whose children are looked at
        for layer in (3, 2, 1)[:depth]:
            nodes = self.crystal_layers[layer - 1]
            rows = torch.arange(len(nodes), device=nodes.device)
            if chosen is not None:
                ratio = self.ratios[layer]
                orphans = rows[len(self.crystal_layers[layer]) * ratio :]
                children = (chosen[:, None] * ratio + torch.arange(ratio, device=nodes.device)).flatten()
                rows = torch.cat([children, orphans])
            scores = F.normalize(nodes[rows], dim=1) @ target.to(nodes.device)
            best = scores.argsort(descending=True, stable=True)[: max(k, 4)]
            chosen = rows[best]
            found.append((layer, chosen, scores[best]))
        return self._merge(found, k)

    def _merge(self, found: list[tuple[int, Tensor, Tensor]], k: int) -> Recalled:
        vectors = torch.cat([self.crystal_layers[layer - 1][rows] for layer, rows, _ in found])
        scores = torch.cat([scores for _, _, scores in found])
        layers = torch.cat([torch.full_like(rows, layer) for layer, rows, _ in found])
        widths = [self.ratios[0], self.ratios[0] * self.ratios[1], self.ratios[0] * self.ratios[1] * self.ratios[2]]
        starts = torch.cat([rows * widths[layer - 1] for layer, rows, _ in found])
        ends = torch.cat([(rows + 1) * widths[layer - 1] for layer, rows, _ in found])
        order = scores.argsort(descending=True, stable=True)[:k]
        return Recalled(vectors[order], scores[order], layers[order], starts[order], ends[order])
