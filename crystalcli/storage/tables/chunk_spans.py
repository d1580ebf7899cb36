"""Where a segment's chunks, and the units in them, begin and end: one stream of varints.

chunks × bytes of UTF-8, chunks × characters, chunks × newlines, chunks × tokens,
then for every unit, chunk by chunk, the characters from the end of the unit before (or the chunk's start) to its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.errors import DamagedCrystalError

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]


_MOST = 1 << 24  # no chunk is longer than a part may be, so that no sum of spans overflows


class ChunkSpans(NamedTuple):
    """Per chunk, int64 [chunks]: `bytes`, `characters`, `newlines`, `tokens`; per unit, int64 [units]: `units`, characters."""

    bytes: Integers
    characters: Integers
    newlines: Integers
    tokens: Integers
    units: Integers

    def flat(self) -> Integers:
        """The numbers in the order they are stored."""
        return np.concatenate(self)

    @classmethod
    def from_flat(cls, values: Integers, chunks: int, units: int) -> ChunkSpans:
        """The inverse of `flat`. Raises DamagedCrystalError when the counts do not add up."""
        if len(values) != 4 * chunks + units:
            raise DamagedCrystalError(None, "a segment's spans contradict its counts")
        if len(values) and int(values.max()) >= _MOST:
            raise DamagedCrystalError(None, "a segment's spans are longer than any segment")
        by, characters, newlines, tokens = values[: 4 * chunks].reshape(4, chunks)
        return cls(by, characters, newlines, tokens, values[4 * chunks :])
