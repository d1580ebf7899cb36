"""ZIP archives that a password opens."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib


def locked(name: str, content: bytes, password: bytes) -> bytes:
    """Make a ZIP archive with one file, stored, in the traditional encryption (APPNOTE 6.1).

    Args:
        name: The name of the file.
        content: Its bytes.
        password: The password.
    """
    keys = [0x12345678, 0x23456789, 0x34567890]

    def step(byte: int) -> None:
        keys[0] = zlib.crc32(bytes((byte,)), keys[0] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF
        keys[1] = ((keys[1] + (keys[0] & 255)) * 134775813 + 1) & 0xFFFFFFFF
        keys[2] = zlib.crc32(bytes((keys[1] >> 24,)), keys[2] ^ 0xFFFFFFFF) ^ 0xFFFFFFFF

    for byte in password:
        step(byte)
    crc, out = zlib.crc32(content), bytearray()
    for byte in bytes(11) + bytes((crc >> 24,)) + content:
        mixed = (keys[2] | 2) & 0xFFFF
        out.append(byte ^ (mixed * (mixed ^ 1) >> 8) & 255)
        step(byte)
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(zipfile.ZipInfo(name), bytes(out))
    data = bytearray(held.getvalue())
    for at, flags in ((0, 6), (data.index(b"PK\x01\x02"), 8)):
        struct.pack_into("<H", data, at + flags, 1)
        struct.pack_into("<I", data, at + flags + 8, crc)
        struct.pack_into("<I", data, at + flags + 16, len(content))
    return bytes(data)
