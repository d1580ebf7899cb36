"""Beam search down a pyramid of nodes in tensors: candidates by layer, and the best of them.

Everywhere `level` is 0 for units, 1 for clusters and 2 for atoms. A negative row means "no node".

Knows: rows, parents and children, scores.
Does not know: how nodes are scored, or how they were made.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import torch

if TYPE_CHECKING:
    from crystalcli.neural_memory.forgetting_curve import Forgetting
    from crystalcli.neural_memory.node_store import NodeLayer

    Tensor = torch.Tensor

NO_NODE_SCORE = float("-inf")  # the score of a row that is no node


class Candidates(NamedTuple):
    """Nodes of one layer that are scored; each tensor is [batch, queries, candidates].

    Attributes:
        level: the layer.
        rows: int64, the nodes' rows in the layer.
        scores: float32.
        parents: int64, the place of a node's parent among the candidates of the layer above; -1 for
            a node without a parent there.
    """

    level: int
    rows: Tensor
    scores: Tensor
    parents: Tensor

    @classmethod
    def all_of(cls, level: int, count: int, queries: Tensor) -> Candidates:
        """Make candidates of all nodes of a layer.

        Args:
            level: the layer.
            count: its number of nodes.
            queries: [batch, queries, dimension].
        """
        shape = (*queries.shape[:2], count)
        rows = torch.arange(count, device=queries.device).expand(shape)
        return cls(level, rows, queries.new_zeros(1).expand(shape), rows.new_full((1,), -1).expand(shape))

    def top(self, count: int) -> Candidates:
        """Return the best `count` candidates, best first, or as many as there are."""
        scores, places = self.scores.topk(min(count, self.scores.shape[-1]))
        return Candidates(self.level, self.rows.gather(-1, places), scores, self.parents.gather(-1, places))


class BeamChoice(NamedTuple):
    """The nodes that a search chose, best first; each tensor is [batch, queries, k].

    Attributes:
        layers: int64, 1 for a unit to 3 for an atom; 0 for an empty place.
        rows: int64, rows in those layers.
        scores: float32.
    """

    layers: Tensor
    rows: Tensor
    scores: Tensor

    @classmethod
    def empty(cls, queries: Tensor) -> BeamChoice:
        """Make a choice of no nodes, for queries [batch, queries, dimension]."""
        scores = queries.new_zeros(*queries.shape[:2], 0)
        return cls(scores.long(), scores.long(), scores)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Recalled memories, best first; each tensor is [k], or [..., k] for several queries.

    Attributes:
        vectors: [..., k, dimension], in the dtype of the memory's nodes.
        scores: float32, cosines with the query, lowered by forgetting.
        layers: int64, 1 for a unit, 2 for a cluster, 3 for an atom, 0 for an empty place.
        starts: int64, the number of a memory's first token.
        ends: int64, the number after that of its last token.
        times: float64, the time of its last token.
        importance: float32, the mean importance of its tokens.
        retained: float32, the share that is left by the forgetting curve; 1 without a curve.
    """

    vectors: Tensor
    scores: Tensor
    layers: Tensor
    starts: Tensor
    ends: Tensor
    times: Tensor
    importance: Tensor
    retained: Tensor

    def in_tokens(self, ratios: tuple[int, int, int]) -> Self:
        """Convert starts and ends from rows of a layer to token numbers."""
        widths = torch.tensor([0, ratios[0], ratios[0] * ratios[1], ratios[0] * ratios[1] * ratios[2]])
        width = widths.to(self.layers.device)[self.layers]
        return replace(self, starts=self.starts * width, ends=self.ends * width)

    def reshaped(self, shape: torch.Size) -> Self:
        """Reshape to the shape of the queries; for a single query, drop empty places too."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        if not shape:
            filled = self.layers[0, 0] > 0
            return replace(self, **{name: part[0, 0][filled] for name, part in parts.items()})
        return replace(self, **{name: part.reshape(*shape, *part.shape[2:]) for name, part in parts.items()})


def children_of(above: Candidates, ratio: int, parents: int, count: int, breadth: int) -> Candidates:
    """Expand the best candidates of the layer above, and add the nodes that have no parent yet.

    Args:
        above: the candidates of the layer above.
        ratio: children of a node of that layer.
        parents: nodes of the layer above.
        count: nodes of this layer.
        breadth: the number of candidates that are expanded.

    Returns:
        The children with scores of 0.
    """
    scores, places = above.scores.topk(min(breadth, above.scores.shape[-1]))
    # Without a parent in the layer there are no children to list.
    offsets = torch.arange(ratio if parents else 0, device=places.device)
    rows = above.rows.gather(-1, places)[..., None] * ratio + offsets
    rows = rows.masked_fill((scores == NO_NODE_SCORE)[..., None], -1).flatten(-2)
    orphans = torch.arange(parents * ratio, count, device=places.device).expand(*rows.shape[:-1], -1)
    places = torch.cat([places.repeat_interleave(ratio, -1), torch.full_like(orphans, -1)], -1)
    rows = torch.cat([rows, orphans], -1)
    return Candidates(above.level - 1, rows, torch.zeros_like(rows, dtype=torch.float32), places)


def best_disjoint(layers: list[Candidates], k: int) -> BeamChoice:
    """Choose the best `k` candidates of which no two overlap.

    A node gives way to any of its descendants that scores better, and stands for all those that do
    not.

    Args:
        layers: the candidates by layer, coarse to fine.
        k: the number of nodes to choose.
    """
    # The best score among the descendants of each candidate.
    below = [torch.full_like(candidates.scores, NO_NODE_SCORE) for candidates in layers]
    for upper in range(len(layers) - 2, -1, -1):
        here, lower = layers[upper], layers[upper + 1]
        # One more place than candidates: for nodes that have no parent among them.
        table = here.scores.new_full((*here.scores.shape[:-1], here.scores.shape[-1] + 1), NO_NODE_SCORE)
        places = torch.where(lower.parents < 0, here.scores.shape[-1], lower.parents)
        best = torch.maximum(lower.scores, below[upper + 1])
        below[upper] = table.scatter_reduce(-1, places, best, "amax")[..., :-1]
    scores, covered = [], None
    for here, best in zip(layers, below, strict=True):
        kept = (here.scores > NO_NODE_SCORE) & (here.scores >= best)
        inside = torch.zeros_like(kept)
        if covered is not None and covered.shape[-1]:
            inside = covered.gather(-1, here.parents.clamp_min(0)) & (here.parents >= 0)
        scores.append(here.scores.masked_fill(~kept | inside, NO_NODE_SCORE))
        covered = kept | inside
    numbers = torch.cat([torch.full_like(here.rows, here.level + 1) for here in layers], -1)
    total, rows = torch.cat(scores, -1), torch.cat([here.rows for here in layers], -1)
    total, order = total.sort(dim=-1, descending=True, stable=True)
    total, order = total[..., :k], order[..., :k]
    return BeamChoice(numbers.gather(-1, order).masked_fill(total == NO_NODE_SCORE, 0), rows.gather(-1, order), total)


def look_up(
    layers: list[NodeLayer], dimension: int, choice: BeamChoice, now: float, forgetting: Forgetting | None
) -> Recalled:
    """Look up the vectors, times and weights of chosen nodes.

    Args:
        layers: units, clusters and atoms.
        dimension: of the vectors; needed where there are no layers.
        choice: the nodes.
        now: the time from which ages count.
        forgetting: the curve of `retained`; None for 1 everywhere.

    Returns:
        Memories whose `starts` and `ends` are still rows of their layers: a node's row, and the
        next.
    """
    shape = choice.layers.shape
    streams = torch.arange(shape[0], device=choice.rows.device)[:, None, None]
    known: dict[str, Tensor] = {}
    for level, layer in enumerate(layers):
        here = choice.layers == level + 1
        if not layer.count:
            continue
        rows = torch.where(here, choice.rows, 0)
        for name, column in layer.columns().items():
            values = column.rows[streams, rows]
            filled = here[..., None] if values.dim() > here.dim() else here
            known[name] = torch.where(filled, values, known.get(name, values.new_zeros(())))
    if not known:
        known = {"vectors": choice.scores.new_zeros(*shape, dimension)}
        known |= {name: choice.scores.new_zeros(shape) for name in ("weights", "stabilities")}
        known |= {name: choice.scores.new_zeros(shape).double() for name in ("times", "recalled")}
    retained = torch.ones(shape, dtype=torch.float32, device=choice.rows.device)
    if forgetting is not None:
        retained = forgetting.retained((now - known["recalled"]).float(), known["stabilities"])
    retained = retained.masked_fill(choice.layers == 0, 0)
    rows = choice.rows.masked_fill(choice.layers == 0, 0)
    return Recalled(
        known["vectors"], choice.scores, choice.layers, rows, rows + 1, known["times"], known["weights"], retained
    )
