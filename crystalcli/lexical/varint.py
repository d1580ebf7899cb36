"""Unsigned integers in as few bytes as they need: LEB128, seven bits a byte, low bits first, high bit says "more"."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Bytes = npt.NDArray[np.uint8]


def encode(values: Integers) -> bytes:
    """values: int64 [n], each 0 or more."""
    if len(values) == 0:
        return b""
    lengths = np.ones(len(values), np.int64)
    rest = values >> 7
    while rest.any():
        lengths += rest > 0
        rest >>= 7
    ends = np.cumsum(lengths)
    result = np.zeros(int(ends[-1]), np.uint8)
    positions = ends - lengths
    for place in range(int(lengths.max())):
        live = lengths > place
        more = (lengths[live] > place + 1).astype(np.uint8) << 7
        result[positions[live] + place] = ((values[live] >> (7 * place)) & 127).astype(np.uint8) | more
    return result.tobytes()


def decode(data: bytes | memoryview) -> Integers:
    """The int64 [n] that `encode` was given. Raises ValueError when the data ends inside a number."""
    raw = np.frombuffer(data, np.uint8)
    if len(raw) == 0:
        return np.zeros(0, np.int64)
    last = raw < 128
    if not last[-1]:
        raise ValueError("a number is cut off")
    ends = np.flatnonzero(last)
    if len(ends) == len(raw):
        return raw.astype(np.int64)
    starts = np.concatenate(([0], ends[:-1] + 1))
    lengths = ends - starts + 1
    if lengths.max() > 9:
        raise ValueError("a number is too long")
    values = np.zeros(len(ends), np.int64)
    for place in range(int(lengths.max())):
        live = lengths > place
        values[live] |= (raw[starts[live] + place].astype(np.int64) & 127) << (7 * place)
    return values
