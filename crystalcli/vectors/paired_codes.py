"""Codes of one byte a slice, held two by two: many nodes are scored by half as many table look-ups, one column after the other.

Knows nothing of codebooks: a table of products comes in, scores go out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from crystalcli.types import FloatArray

    Codes = npt.NDArray[np.uint8]
    Integers = npt.NDArray[np.int64]

_AT_ONCE = 1 << 14  # nodes scored at a time: what they need beside the result stays the same however many there are


class PairedCodes:
    """Codes of `count` nodes, an even number `width` of bytes each. Indexed by nodes it gives their codes back."""

    def __init__(self, count: int, width: int) -> None:
        self._columns = np.zeros((width // 2, count), "<u2")  # a row of memory for every two bytes of a code

    @classmethod
    def of(cls, codes: Codes) -> PairedCodes:
        """Of codes, uint8 [n, width]."""
        made = cls(*codes.shape)
        made.put(0, codes)
        return made

    def put(self, start: int, codes: Codes) -> None:
        """Fill in the codes, uint8 [n, width], of the nodes from `start` on."""
        self._columns[:, start : start + len(codes)] = codes.view("<u2").T

    def __len__(self) -> int:
        return self._columns.shape[1]

    @overload
    def __getitem__(self, nodes: int) -> Codes: ...
    @overload
    def __getitem__(self, nodes: Integers) -> Codes: ...
    def __getitem__(self, nodes: int | Integers) -> Codes:
        """The codes, uint8 [n, width], of nodes; uint8 [width] of a single one."""
        return np.ascontiguousarray(self._columns[:, nodes].T).view(np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self._columns.nbytes

    def scores(self, table: FloatArray) -> FloatArray:
        """For every node the sum over its code of `table[slice, byte]`, float32 [n]; table: float32 [width, 256]."""
        scores = np.zeros(len(self), np.float32)
        room = np.empty(min(len(self), _AT_ONCE), np.float32)
        for pair, column in enumerate(self._columns):
            products = (
                table[2 * pair + 1][:, None] + table[2 * pair][None]
            ).ravel()  # of every two bytes; stays in the cache
            for start in range(0, len(column), _AT_ONCE):
                codes = column[start : start + _AT_ONCE]
                found = room[: len(codes)]
                products.take(
                    codes, out=found, mode="clip"
                )  # 65,536 products: no code lies outside, and none is checked
                scores[start : start + _AT_ONCE] += found
        return scores
