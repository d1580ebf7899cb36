"""The way down a pyramid in tensors: which nodes are looked at, and which of them are given. Knows nothing of how they are scored.

Everywhere `level` is 0 for units, 1 for clusters and 2 for atoms; a negative row is no node.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple, Self

import torch

if TYPE_CHECKING:
    from crystalcli.neural_memory.forgetting_curve import Forgetting
    from crystalcli.neural_memory.node_store import NodeLayer

    Tensor = torch.Tensor

NOTHING = float("-inf")  # the score of what is no node


class Candidates(NamedTuple):
    """Nodes of one layer that are looked at: rows int64, scores float32, and parents int64, the place of a node's parent among the
    candidates of the layer above, -1 where it has none there; each [batch, queries, candidates]."""

    level: int
    rows: Tensor
    scores: Tensor
    parents: Tensor

    @classmethod
    def all_of(cls, level: int, count: int, queries: Tensor) -> Candidates:
        """All `count` nodes of a layer, for queries [batch, queries, dimension]."""
        shape = (*queries.shape[:2], count)
        rows = torch.arange(count, device=queries.device).expand(shape)
        return cls(level, rows, queries.new_zeros(1).expand(shape), rows.new_full((1,), -1).expand(shape))

    def best(self, count: int) -> Candidates:
        """The best `count`, best first, or as many as there are."""
        scores, places = self.scores.topk(min(count, self.scores.shape[-1]))
        return Candidates(self.level, self.rows.gather(-1, places), scores, self.parents.gather(-1, places))


class BeamChoice(NamedTuple):
    """Memories, best first: layers int64, 1 to 3, 0 for none; rows int64; scores float32; each [batch, queries, k]."""

    layers: Tensor
    rows: Tensor
    scores: Tensor

    @classmethod
    def none(cls, queries: Tensor) -> BeamChoice:
        """None, for queries [batch, queries, dimension]."""
        empty = queries.new_zeros(*queries.shape[:2], 0)
        return cls(empty.long(), empty.long(), empty)


@dataclass(frozen=True, slots=True)
class Recalled:
    """Memories, best first, each tensor [k], or [..., k] for several queries.

    vectors: [..., k, dimension]. scores: float32, cosines with the query, less what was forgotten. layers: int64, 1 for a unit, 2 for
    a cluster, 3 for an atom, 0 for none. starts, ends: int64, the tokens each stands for. times: float64, of its last token.
    importance: float32, the mean of its tokens'. retained: float32, what is left of it by the forgetting curve, 1 where there
    is none.
    """

    vectors: Tensor
    scores: Tensor
    layers: Tensor
    starts: Tensor
    ends: Tensor
    times: Tensor
    importance: Tensor
    retained: Tensor

    def placed(self, ratios: tuple[int, int, int]) -> Self:
        """The same with starts and ends, which were rows of a layer, in tokens."""
        widths = torch.tensor([0, ratios[0], ratios[0] * ratios[1], ratios[0] * ratios[1] * ratios[2]])
        width = widths.to(self.layers.device)[self.layers]
        return replace(self, starts=self.starts * width, ends=self.ends * width)

    def shaped(self, shape: torch.Size) -> Self:
        """The same for queries of this shape; for a single one, without what is no memory."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        if not shape:
            there = self.layers[0, 0] > 0
            return replace(self, **{name: part[0, 0][there] for name, part in parts.items()})
        return replace(self, **{name: part.reshape(*shape, *part.shape[2:]) for name, part in parts.items()})


def children_of(above: Candidates, ratio: int, parents: int, count: int, breadth: int) -> Candidates:
    """What the best `breadth` candidates of the layer above are made of, and the nodes that have no parent yet.

    ratio: children of each; parents, count: how many nodes there are in the layer above and in this one.
    """
    scores, places = above.scores.topk(min(breadth, above.scores.shape[-1]))
    inner = torch.arange(ratio if parents else 0, device=places.device)  # so many there are, once there is a parent
    rows = above.rows.gather(-1, places)[..., None] * ratio + inner
    rows = rows.masked_fill((scores == NOTHING)[..., None], -1).flatten(-2)
    orphans = torch.arange(parents * ratio, count, device=places.device).expand(*rows.shape[:-1], -1)
    places = torch.cat([places.repeat_interleave(ratio, -1), torch.full_like(orphans, -1)], -1)
    rows = torch.cat([rows, orphans], -1)
    return Candidates(above.level - 1, rows, torch.zeros_like(rows, dtype=torch.float32), places)


def finest_best(found: list[Candidates], k: int) -> BeamChoice:
    """The best `k` of candidates, coarse to fine, of which no two overlap: a node gives way to anything in it that scores better,
    and stands for everything in it that does not."""
    below = [torch.full_like(each.scores, NOTHING) for each in found]  # the best score in each node
    for upper in range(len(found) - 2, -1, -1):
        here, lower = found[upper], found[upper + 1]
        room = here.scores.new_full((*here.scores.shape[:-1], here.scores.shape[-1] + 1), NOTHING)
        places = torch.where(lower.parents < 0, here.scores.shape[-1], lower.parents)
        best = torch.maximum(lower.scores, below[upper + 1])
        below[upper] = room.scatter_reduce(-1, places, best, "amax")[..., :-1]
    scores, covered = [], None
    for here, inside in zip(found, below, strict=True):
        kept = (here.scores > NOTHING) & (here.scores >= inside)
        within = torch.zeros_like(kept)
        if covered is not None and covered.shape[-1]:
            within = covered.gather(-1, here.parents.clamp_min(0)) & (here.parents >= 0)
        scores.append(here.scores.masked_fill(~kept | within, NOTHING))
        covered = kept | within
    layers = torch.cat([torch.full_like(each.rows, each.level + 1) for each in found], -1)
    total, rows = torch.cat(scores, -1), torch.cat([each.rows for each in found], -1)
    total, order = total.sort(dim=-1, descending=True, stable=True)
    total, order = total[..., :k], order[..., :k]
    return BeamChoice(layers.gather(-1, order).masked_fill(total == NOTHING, 0), rows.gather(-1, order), total)


def describe(
    layers: list[NodeLayer], dimension: int, chosen: BeamChoice, now: float, forgetting: Forgetting | None
) -> Recalled:
    """What is known of chosen nodes; `starts` and `ends` are their rows, and the row after."""
    shape = chosen.layers.shape
    streams = torch.arange(shape[0], device=chosen.rows.device)[:, None, None]
    known: dict[str, Tensor] = {}
    for level, layer in enumerate(layers):
        here = chosen.layers == level + 1
        if not layer.count:
            continue
        rows = torch.where(here, chosen.rows, 0)
        for name, column in layer.columns().items():
            values = column.rows[streams, rows]
            there = here[..., None] if values.dim() > here.dim() else here
            known[name] = torch.where(there, values, known.get(name, values.new_zeros(())))
    if not known:
        known = {"vectors": chosen.scores.new_zeros(*shape, dimension)}
        known |= {name: chosen.scores.new_zeros(shape) for name in ("weights", "stabilities")}
        known |= {name: chosen.scores.new_zeros(shape).double() for name in ("times", "recalled")}
    retained = torch.ones(shape, dtype=torch.float32, device=chosen.rows.device)
    if forgetting is not None:
        retained = forgetting.retained((now - known["recalled"]).float(), known["stabilities"])
    retained = retained.masked_fill(chosen.layers == 0, 0)
    rows = chosen.rows.masked_fill(chosen.layers == 0, 0)
    return Recalled(
        known["vectors"], chosen.scores, chosen.layers, rows, rows + 1, known["times"], known["weights"], retained
    )
