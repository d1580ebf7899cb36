"""Codes in pairs of bytes: many nodes are scored with half as many table lookups, column by column.

Knows: codes and a table of products. Does not know: codebooks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, overload

import numpy as np

from crystalcli.cpu import available_processors, map_in_threads

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array, UInt8Array

# Nodes scored at a time: the memory beside the result does not grow with their number. With fewer,
# threads wait for one another between two pieces.
_BATCH = 1 << 17
# With fewer nodes threads take longer to start than they save.
_FEWEST_FOR_THREADS = 4 * _BATCH
_MOST_THREADS = 8


class PairedCodes:
    """Codes of `count` nodes of `width` bytes each, an even number.

    Indexing by nodes returns their codes.
    """

    def __init__(self, count: int, width: int) -> None:
        # A row of memory for every two bytes of a code.
        self._columns = np.zeros((width // 2, count), "<u2")

    @classmethod
    def from_codes(cls, codes: UInt8Array) -> PairedCodes:
        """Pair codes, uint8 [n, width]."""
        paired = cls(*codes.shape)
        paired.fill(0, codes)
        return paired

    def fill(self, start: int, codes: UInt8Array) -> None:
        """Set the codes, uint8 [n, width], of the nodes from `start` on."""
        self._columns[:, start : start + len(codes)] = codes.view("<u2").T

    def __len__(self) -> int:
        return self._columns.shape[1]

    @overload
    def __getitem__(self, nodes: int) -> UInt8Array: ...
    @overload
    def __getitem__(self, nodes: Int64Array) -> UInt8Array: ...
    def __getitem__(self, nodes: int | Int64Array) -> UInt8Array:
        """Return the codes of nodes, uint8 [n, width]; of a single node, uint8 [width]."""
        return np.ascontiguousarray(self._columns[:, nodes].T).view(np.uint8)

    @property
    def nbytes(self) -> int:
        """Bytes in memory."""
        return self._columns.nbytes

    def scores(self, table: FloatArray) -> FloatArray:
        """Score every node: the sum over its code of `table[book, byte]`.

        Args:
            table: float32 [width, 256].

        Returns:
            Scores, float32 [n].
        """
        scores = np.zeros(len(self), np.float32)
        pairs = range(len(self._columns))
        if len(self) < _FEWEST_FOR_THREADS:
            for pair in pairs:
                self._add(scores, pair, _pair_sums(table, pair), 0, len(self))
            return scores
        sums = [_pair_sums(table, pair) for pair in pairs]
        threads = min(_MOST_THREADS, 2 * available_processors())
        # A share is as large as may be: the sums of a pair stay in the cache for longer.
        share = -(-len(self) // (threads * _BATCH)) * _BATCH

        def score(start: int) -> None:
            for pair in pairs:
                self._add(scores, pair, sums[pair], start, start + share)

        map_in_threads(score, range(0, len(self), share), threads)
        return scores

    def _add(self, scores: FloatArray, pair: int, sums: FloatArray, first: int, end: int) -> None:
        """Add the sums of a pair of bytes to the scores of the nodes `[first, end)`."""
        column = self._columns[pair, first:end]
        scores = scores[first:end]
        buffer = np.empty(min(len(column), _BATCH), np.float32)
        for start in range(0, len(column), _BATCH):
            codes = column[start : start + _BATCH]
            batch, of_batch = buffer[: len(codes)], scores[start : start + _BATCH]
            # No code is out of range: "clip" skips the check.
            sums.take(codes, out=batch, mode="clip")
            of_batch += batch


def _pair_sums(table: FloatArray, pair: int) -> FloatArray:
    """Sum up every two bytes of a pair, float32 [65536], which stay in the cache."""
    sums: FloatArray = (table[2 * pair + 1][:, None] + table[2 * pair][None]).ravel()
    return sums
