"""Nodes of a layer, and layers that grow by them, in tensors. Knows nothing of queries, or of how nodes are made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

_SPARE = 8  # a layer that is full makes room for an eighth more than it holds


class LayerNodes(NamedTuple):
    """Consecutive nodes, or tokens.

    vectors: float32 [batch, nodes, dimension]. weights: float32 [batch, nodes], the mean importance of a node's tokens; what has 0 is
    no memory, but fills its place. times: float64 [batch, nodes], of a node's last token. pinned: bool [batch, nodes].
    """

    vectors: Tensor
    weights: Tensor
    times: Tensor
    pinned: Tensor

    def part(self, start: int, stop: int | None = None) -> LayerNodes:
        """Nodes `start` up to `stop`."""
        return LayerNodes(*(each[:, start:stop] for each in self))

    def joined(self, others: LayerNodes) -> LayerNodes:
        """These, then the others."""
        return LayerNodes(*(torch.cat(pair, 1) for pair in zip(self, others, strict=True)))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> LayerNodes:
        """The same with a change made to each tensor."""
        return LayerNodes(*(change(each) for each in self))


class Column:
    """A tensor [batch, rows, ...] to which rows are appended, with room to spare. Rows with a gradient are joined to it instead,
    since what a gradient goes through cannot be written over."""

    def __init__(self, held: Tensor) -> None:
        self._held, self._count = held, held.shape[1]

    @property
    def rows(self) -> Tensor:
        """All rows so far; a view."""
        return self._held[:, : self._count]

    @property
    def bytes(self) -> int:
        """What it takes, room to spare included."""
        return self._held.numel() * self._held.element_size()

    def append(self, rows: Tensor) -> None:
        """Add `rows`, [batch, any number, ...]."""
        rows, count = rows.to(self._held.dtype), self._count + rows.shape[1]
        if rows.requires_grad or self._held.requires_grad:
            self._held = torch.cat([self.rows, rows], 1)
        else:
            if count > self._held.shape[1]:
                room = self._held.new_empty(len(rows), count + count // _SPARE, *rows.shape[2:])
                room[:, : self._count] = self.rows
                self._held = room
            self._held[:, self._count : count] = rows
        self._count = count

    def to(self, device: torch.device | str | None, dtype: torch.dtype | None = None) -> None:
        """Move it, its room to spare included; nothing is copied where it is there already."""
        self._held = self._held.to(device=device, dtype=dtype)

    def clear(self, forgotten: Tensor) -> None:
        """Put zeros in the place of streams: bool [batch]."""
        there = forgotten.reshape(-1, *[1] * (self._held.dim() - 1))
        self.change(lambda held: torch.where(there, held.new_zeros(()), held))  # float8 has no masked_fill

    def change(self, change: Callable[[Tensor], Tensor]) -> None:
        """Put in the place of all rows what `change` makes of them."""
        self._held = change(self.rows)


@dataclass(slots=True)
class NodeLayer:
    """A layer's nodes in order. vectors and weights as in Nodes, each [batch, nodes, ...]; times float64, of a node's last token;
    recalled float64, of its last recall, or its time where there was none; stabilities float32, in the same unit."""

    vectors: Column
    weights: Column
    times: Column
    recalled: Column
    stabilities: Column

    @classmethod
    def empty(cls, like: Tensor, dtype: torch.dtype) -> NodeLayer:
        """None yet, for the rows, dimension and device of `like` [batch, any, dimension]; vectors are kept in `dtype`."""
        batch, dimension = like.shape[0], like.shape[2]
        numbers = (torch.float32, torch.float64, torch.float64, torch.float32)
        columns = (Column(torch.zeros(batch, 0, dtype=each, device=like.device)) for each in numbers)
        return cls(Column(torch.zeros(batch, 0, dimension, dtype=dtype, device=like.device)), *columns)

    @property
    def count(self) -> int:
        """How many nodes there are."""
        return self.vectors.rows.shape[1]

    @property
    def bytes(self) -> int:
        """What they take."""
        return sum(column.bytes for column in self.columns().values())

    def append(self, nodes: LayerNodes, stabilities: Tensor) -> None:
        """Add nodes, and how stable each is."""
        self.vectors.append(nodes.vectors)
        self.weights.append(nodes.weights.detach())
        self.times.append(nodes.times)
        self.recalled.append(nodes.times)
        self.stabilities.append(stabilities.detach())

    def columns(self) -> dict[str, Column]:
        """Each by its name."""
        return {name: getattr(self, name) for name in self.__slots__}
