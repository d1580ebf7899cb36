"""Blobs: their digests, and zstd frames.

Knows BLAKE2b and zstd. Does not know where a blob is stored or what is in it.
"""

from __future__ import annotations

import hashlib

from crystalcli.storage.file.connection import LARGEST

_LEVEL = 19  # zstd: text is compressed once and read often; it takes 1/50 of the encoder's time


def digest(data: bytes) -> bytes:
    """Compute BLAKE2b with 16 bytes."""
    return hashlib.blake2b(data, digest_size=16).digest()


def compressed(text: bytes) -> bytes:
    """Compress text into one zstd frame, as a segment's text is stored."""
    import zstandard

    frame: bytes = zstandard.ZstdCompressor(level=_LEVEL).compress(text)
    return frame


def decompressed(frame: bytes, size: int) -> bytes:
    """Decompress one zstd frame.

    Args:
        frame: The frame.
        size: Bytes once decompressed, at most LARGEST; the frame's header must state the same.

    Raises:
        ValueError: The frame has another size or does not decompress; the message says which.
    """
    import zstandard

    try:
        if not 0 <= size <= LARGEST or zstandard.frame_content_size(frame) != size:
            raise ValueError("does not have the size that it states")
        data: bytes = zstandard.ZstdDecompressor().decompress(frame, max_output_size=size)
    except zstandard.ZstdError as error:
        raise ValueError("does not decompress") from error
    return data
