"""Nodes of a layer in tensors, and layers that grow by them.

Knows: columns that grow, rows, dtypes and devices.
Does not know: queries, or how nodes are made.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import torch

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

# A full column grows to hold an eighth more rows than it needs.
_GROWTH = 8


class LayerNodes(NamedTuple):
    """Consecutive nodes, or tokens.

    Attributes:
        vectors: float32 [batch, nodes, dimension].
        weights: float32 [batch, nodes], the mean importance of a node's tokens. A node of weight 0
            is never recalled, but keeps its place.
        times: float64 [batch, nodes], the time of a node's last token.
        pinned: bool [batch, nodes], whether a node is never forgotten.
    """

    vectors: Tensor
    weights: Tensor
    times: Tensor
    pinned: Tensor

    def part(self, start: int, stop: int | None = None) -> LayerNodes:
        """Return nodes `start` up to `stop`."""
        return LayerNodes(*(tensor[:, start:stop] for tensor in self))

    def joined(self, others: LayerNodes) -> LayerNodes:
        """Return these nodes followed by others."""
        return LayerNodes(*(torch.cat(pair, 1) for pair in zip(self, others, strict=True)))

    def mapped(self, change: Callable[[Tensor], Tensor]) -> LayerNodes:
        """Return nodes whose tensors are those of these, each changed by `change`."""
        return LayerNodes(*(change(tensor) for tensor in self))


class Column:
    """A tensor [batch, rows, ...] that rows are appended to, with spare capacity.

    Rows with a gradient are concatenated instead, since a tensor in a graph of gradients cannot be
    written to in place.
    """

    def __init__(self, values: Tensor) -> None:
        self._buffer, self._count = values, values.shape[1]

    @property
    def rows(self) -> Tensor:
        """All rows so far; a view."""
        return self._buffer[:, : self._count]

    @property
    def bytes(self) -> int:
        """Bytes in memory, spare capacity included."""
        return self._buffer.numel() * self._buffer.element_size()

    def append(self, rows: Tensor) -> None:
        """Add `rows`, [batch, any number, ...]."""
        rows, count = rows.to(self._buffer.dtype), self._count + rows.shape[1]
        if rows.requires_grad or self._buffer.requires_grad:
            self._buffer = torch.cat([self.rows, rows], 1)
        else:
            if count > self._buffer.shape[1]:
                buffer = self._buffer.new_empty(len(rows), count + count // _GROWTH, *rows.shape[2:])
                buffer[:, : self._count] = self.rows
                self._buffer = buffer
            self._buffer[:, self._count : count] = rows
        self._count = count

    def to(self, device: torch.device | str | None, dtype: torch.dtype | None = None) -> None:
        """Move the column with its spare capacity; copies only where device or dtype change."""
        self._buffer = self._buffer.to(device=device, dtype=dtype)

    def clear(self, streams: Tensor) -> None:
        """Set all rows of some streams to zero.

        Args:
            streams: bool [batch].
        """
        mask = streams.reshape(-1, *[1] * (self._buffer.dim() - 1))
        # float8 has no masked_fill.
        self.change(lambda values: torch.where(mask, values.new_zeros(()), values))

    def change(self, change: Callable[[Tensor], Tensor]) -> None:
        """Replace all rows by the result of `change`."""
        self._buffer = change(self.rows)


@dataclass(slots=True)
class NodeLayer:
    """A layer's nodes in order.

    Attributes:
        vectors: [batch, nodes, dimension], in the dtype of the memory's nodes.
        weights: float32 [batch, nodes], as in LayerNodes.
        times: float64 [batch, nodes], the time of a node's last token.
        recalled: float64 [batch, nodes], the time of a node's last recall; at first its own time.
        stabilities: float32 [batch, nodes], in the unit of the times.
    """

    vectors: Column
    weights: Column
    times: Column
    recalled: Column
    stabilities: Column

    @classmethod
    def empty(cls, like: Tensor, dtype: torch.dtype) -> NodeLayer:
        """Make a layer without nodes.

        Args:
            like: [batch, any, dimension]; the layer has its batch, dimension and device.
            dtype: of the vectors.
        """
        batch, dimension = like.shape[0], like.shape[2]
        dtypes = (torch.float32, torch.float64, torch.float64, torch.float32)
        columns = (Column(torch.zeros(batch, 0, dtype=number, device=like.device)) for number in dtypes)
        return cls(Column(torch.zeros(batch, 0, dimension, dtype=dtype, device=like.device)), *columns)

    @property
    def count(self) -> int:
        """The number of nodes."""
        return self.vectors.rows.shape[1]

    @property
    def bytes(self) -> int:
        """Bytes in memory, spare capacity included."""
        return sum(column.bytes for column in self.columns().values())

    def append(self, nodes: LayerNodes, stabilities: Tensor) -> None:
        """Add nodes.

        Args:
            nodes: the new nodes.
            stabilities: float32 [batch, nodes].
        """
        self.vectors.append(nodes.vectors)
        self.weights.append(nodes.weights.detach())
        self.times.append(nodes.times)
        self.recalled.append(nodes.times)
        self.stabilities.append(stabilities.detach())

    def columns(self) -> dict[str, Column]:
        """Return the columns by name."""
        return {name: getattr(self, name) for name in self.__slots__}
