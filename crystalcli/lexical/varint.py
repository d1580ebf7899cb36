"""Variable-length integers: LEB128, seven bits a byte, low bits first.

The high bit is set in all bytes of a number but the last.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from crystalcli.datatypes import Int64Array, UInt8Array


def encode(values: Int64Array) -> bytes:
    """Encode integers, one after the other.

    Args:
        values: int64 [n], each 0 or more.
    """
    if len(values) == 0:
        return b""
    lengths = np.ones(len(values), np.int64)
    rest = values >> 7
    while rest.any():
        lengths += rest > 0
        rest >>= 7
    ends = np.cumsum(lengths)
    encoded = np.zeros(int(ends[-1]), np.uint8)
    starts = ends - lengths
    for place in range(int(lengths.max())):
        has_byte = lengths > place
        more = (lengths[has_byte] > place + 1).astype(np.uint8) << 7
        encoded[starts[has_byte] + place] = ((values[has_byte] >> (7 * place)) & 127).astype(np.uint8) | more
    return encoded.tobytes()


def decode(data: bytes | memoryview | UInt8Array) -> Int64Array:
    """Decode the bytes of `encode`.

    Returns:
        The integers, int64 [n].

    Raises:
        ValueError: The data ends inside a number, or a number is longer than int64.
    """
    raw = np.frombuffer(data, np.uint8)
    if len(raw) == 0:
        return np.zeros(0, np.int64)
    if raw[-1] > 127:
        raise ValueError("a number is cut off")
    ends = np.flatnonzero(raw < 128)
    values = raw[ends].astype(np.int64)
    if len(ends) == len(raw):
        return values
    # Most numbers are one byte long: only the others are assembled, from the last byte to the
    # first.
    lengths = np.diff(ends, prepend=-1)
    longest = int(lengths.max())
    if longest > 9:
        raise ValueError("a number is too long")
    for place in range(1, longest):
        has_byte = np.flatnonzero(lengths > place)
        values[has_byte] = values[has_byte] << 7 | (raw[ends[has_byte] - place] & 127)
    return values


def decode_slice(data: bytes, start: int, count: int) -> Int64Array:
    """Decode the numbers `[start, start + count)` alone.

    Returns:
        The integers, int64 [count]: a slice of what `decode` returns.

    Raises:
        ValueError: The data holds fewer numbers, or a number is cut off.
    """
    raw = np.frombuffer(data, np.uint8)
    ends = np.flatnonzero(raw < 128)
    if len(ends) < start + count:
        raise ValueError("numbers are missing")
    if count == 0:
        return np.zeros(0, np.int64)
    first = int(ends[start - 1]) + 1 if start else 0
    return decode(raw[first : int(ends[start + count - 1]) + 1])
