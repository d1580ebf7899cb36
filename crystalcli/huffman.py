"""Huffman codes: bytes of which some are far more frequent than others, in fewer bits each.

Deflate without matches (RFC 1951). A byte takes one bit at least, so that what is unpacked is at
most eight times as large as what is stored.
"""

from __future__ import annotations

import zlib

_RAW = -15  # deflate without a header or a checksum
_MOST = 8  # bytes that a byte may hold


def pack_bytes(data: bytes) -> bytes:
    """Encode bytes."""
    coder = zlib.compressobj(9, zlib.DEFLATED, _RAW, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(data) + coder.flush()


def unpack_bytes(packed: bytes, size: int | None = None) -> bytes:
    """Decode the bytes of `pack_bytes`.

    Args:
        packed: The encoded bytes.
        size: The number of bytes once decoded; None where that is unknown.

    Raises:
        ValueError: They do not decode, or to another number of bytes.
    """
    most = _MOST * len(packed)
    if size is not None and not 0 <= size <= most:
        raise ValueError("it states more bytes than it can hold")
    decoder = zlib.decompressobj(_RAW)
    try:
        data = decoder.decompress(packed, most + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if not decoder.eof or decoder.unused_data or len(data) > most or size not in (None, len(data)):
        raise ValueError("it has another number of bytes than it states")
    return data
