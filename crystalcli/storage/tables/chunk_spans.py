"""The spans of a segment's chunks and units, as one list of integers.

The list holds the sizes of all chunks in bytes of UTF-8, then in characters, newlines and tokens,
then for every unit, chunk by chunk, the characters from the end of the last unit (or the chunk's
start) to its own end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array

# No chunk is longer than a part may be, so that no sum of spans overflows.
_LARGEST_SPAN = 1 << 24


class ChunkSpans(NamedTuple):
    """The sizes of a segment's chunks and units.

    Attributes:
        bytes: int64 [chunks], bytes of UTF-8.
        characters: int64 [chunks].
        newlines: int64 [chunks].
        tokens: int64 [chunks].
        units: int64 [units], characters from the end of the last unit, or the chunk's start, to the
            unit's end.
    """

    bytes: Int64Array
    characters: Int64Array
    newlines: Int64Array
    tokens: Int64Array
    units: Int64Array

    def flat(self) -> Int64Array:
        """Give the numbers in the order in which they are stored."""
        return np.concatenate(self)

    @classmethod
    def from_flat(cls, values: Int64Array, chunks: int, units: int) -> ChunkSpans:
        """Invert `flat`.

        Args:
            values: int64 [4 · chunks + units].
            chunks: The number of chunks.
            units: The number of units.

        Raises:
            DamagedCrystalError: The counts do not match the values, or a value is out of range.
        """
        if len(values) != 4 * chunks + units:
            raise DamagedCrystalError(None, "a segment's spans contradict its counts")
        if len(values) and int(values.max()) >= _LARGEST_SPAN:
            raise DamagedCrystalError(None, "a segment's spans exceed the size of a segment")
        sizes, characters, newlines, tokens = values[: 4 * chunks].reshape(4, chunks)
        return cls(sizes, characters, newlines, tokens, values[4 * chunks :])
