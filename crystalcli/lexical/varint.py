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


def decode(data: bytes | memoryview | Bytes) -> Integers:
    """The int64 [n] that `encode` was given. Raises ValueError when the data ends inside a number."""
    raw = np.frombuffer(data, np.uint8)
    if len(raw) == 0:
        return np.zeros(0, np.int64)
    if raw[-1] > 127:
        raise ValueError("a number is cut off")
    ends = np.flatnonzero(raw < 128)
    values = raw[ends].astype(np.int64)
    if len(ends) == len(raw):
        return values
    # Most numbers are one byte long: only the others are put together, from the last byte to the first.
    lengths = np.diff(ends, prepend=-1)
    longest = int(lengths.max())
    if longest > 9:
        raise ValueError("a number is too long")
    for place in range(1, longest):
        live = np.flatnonzero(lengths > place)
        values[live] = values[live] << 7 | (raw[ends[live] - place] & 127)
    return values


def decode_some(data: bytes, start: int, count: int) -> Integers:
    """Numbers `start` to `start + count` of those that `decode` gives, int64 [count], without decoding the others.

    Raises ValueError when there are not so many, or one is cut off.
    """
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 128)
    if len(ends) < start + count:
        raise ValueError("numbers are missing")
    if count == 0:
        return np.zeros(0, np.int64)
    first = int(ends[start - 1]) + 1 if start else 0
    return decode(raw[first : int(ends[start + count - 1]) + 1])
