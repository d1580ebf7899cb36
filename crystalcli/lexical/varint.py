"""Variable-length integers: LEB128, seven bits a byte, low bits first.

The high bit is set in all bytes of a number but the last.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    if len(ends) == len(raw):
        return raw.astype(np.int64)
    return _values(raw, ends, np.diff(ends, prepend=-1))


def running_sums(data: bytes | memoryview | UInt8Array) -> Int64Array:
    """Decode the bytes of `encode`, and add each number to the sum of those before it.

    Returns:
        The sums, int64 [n].

    Raises:
        ValueError: As of `decode`, or a sum is larger than int64.
    """
    raw = np.frombuffer(data, np.uint8)
    is_continued = raw > 127
    if not is_continued.any():
        return np.cumsum(raw, dtype=np.int64)
    if is_continued[-1] or (is_continued[1:] & is_continued[:-1]).any():
        sums = decode(raw)
        widest = int(sums.max())
        np.cumsum(sums, out=sums)
        if widest > (1 << 62) // len(sums):
            raise ValueError("a number is too large")
        return sums
    # Numbers of one byte or two, as nearly all are: the sum over the bytes, each times its place.
    parts = (raw & 127).astype(np.uint16)
    parts[1:] <<= 7 * is_continued[:-1].view(np.uint8)
    return np.cumsum(parts, dtype=np.int64)[~is_continued]


def _values(raw: UInt8Array, ends: Int64Array, lengths: Int64Array) -> Int64Array:
    """Assemble numbers from the bytes that end at `ends`, each of `lengths` bytes."""
    values = raw[ends].astype(np.int64)
    longest = int(lengths.max(initial=1))
    if longest > 9:
        raise ValueError("a number is too long")
    # Most numbers are one byte long: only the others are assembled, from the last byte to the
    # first.
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
    (numbers,) = decode_slices([data], [(start, count)])
    return numbers


def decode_slices(parts: Sequence[bytes], slices: Sequence[tuple[int, int]]) -> list[Int64Array]:
    """Decode a slice of each of some parts, in one pass over all of them.

    Args:
        parts: The parts, each as of `encode`.
        slices: For each part the first number and how many, `[start, start + count)`.

    Returns:
        The integers of each slice, int64 [count].

    Raises:
        ValueError: A part holds fewer numbers, or a number is cut off or too long.
    """
    raw = np.frombuffer(b"".join(parts), np.uint8)
    ends = np.flatnonzero(raw < 128)
    part_ends = np.cumsum([len(part) for part in parts])
    before = np.searchsorted(ends, np.concatenate((np.zeros(1, np.int64), part_ends)))
    starts, counts = np.array(slices, np.int64).reshape(-1, 2).T
    if (before[:-1] + starts + counts > before[1:]).any():
        raise ValueError("numbers are missing")
    last = np.cumsum(counts)
    wanted = np.arange(int(counts.sum())) + np.repeat(before[:-1] + starts - last + counts, counts)
    # The first number of a part would take the bytes before it, had the part before been cut off.
    if len(raw) and (raw[part_ends[part_ends > 0] - 1] > 127).any():
        raise ValueError("a number is cut off")
    lengths = ends[wanted] - np.where(wanted > 0, ends[wanted - 1], -1)
    values = _values(raw, ends[wanted], lengths)
    return np.split(values, last[:-1]) if len(parts) else []
