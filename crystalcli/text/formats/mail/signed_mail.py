"""Mail inside a signature: the content of S/MIME (RFC 8551) that is signed and not encrypted.

Knows as much of BER as leads to the content of CMS SignedData (RFC 5652). Does not check
signatures.
"""

from __future__ import annotations

from typing import NamedTuple

SIGNED_DATA = bytes.fromhex("2a864886f70d010702")  # 1.2.840.113549.1.7.2
ENVELOPED_DATA = bytes.fromhex("2a864886f70d010703")  # encrypted
_SEQUENCE, _OCTETS, _OBJECT_ID = 0x10, 0x04, 0x06
_MAX_DEPTH = 12  # nested values
_MAX_VALUES = 100_000  # of one constructed value


class _Value(NamedTuple):
    """A value of BER.

    Attributes:
        tag: its first byte without the bit for constructed values.
        is_constructed: whether it holds other values.
        start: of its content.
        end: of its content.
        after: the offset behind it.
    """

    tag: int
    is_constructed: bool
    start: int
    end: int
    after: int


def signed_content(data: bytes) -> bytes:
    """Return the content of a signed message: a mail with headers of its own.

    Args:
        data: the DER or BER of a `.p7m` file.

    Returns:
        The content; b"" for other data, and for an encrypted message.
    """
    try:
        root = _value(data, 0, len(data), 0)
        content_type, *rest = _values(data, root, 1)
        if data[content_type.start : content_type.end] != SIGNED_DATA:
            return b""
        (signed,) = _values(data, rest[0], 2)
        # Version, digest algorithms, and the content with its type before it.
        content = _values(data, _values(data, signed, 3)[2], 4)
        return _octets(data, content[1], 5) if len(content) > 1 else b""
    except (IndexError, ValueError):
        return b""


def is_encrypted(data: bytes) -> bool:
    """Tell whether the data of a `.p7m` file is encrypted."""
    return ENVELOPED_DATA in data[:64]


def _octets(data: bytes, value: _Value, depth: int) -> bytes:
    """Return the bytes of a string, which may be in pieces."""
    if not value.is_constructed:
        return data[value.start : value.end]
    return b"".join(_octets(data, part, depth + 1) for part in _values(data, value, depth))


def _values(data: bytes, outer: _Value, depth: int) -> list[_Value]:
    """Return the values inside another. Raises ValueError, IndexError where there are none."""
    if depth > _MAX_DEPTH or not outer.is_constructed:
        raise ValueError
    values: list[_Value] = []
    position = outer.start
    while position < outer.end and len(values) < _MAX_VALUES:
        values.append(_value(data, position, outer.end, depth))
        position = values[-1].after
    return values


def _value(data: bytes, position: int, end: int, depth: int) -> _Value:
    """Return the value at a position; one that is cut ends with the data."""
    first, length = data[position], data[position + 1]
    start = position + 2
    if length == 0x80:  # up to two zeros
        if depth > _MAX_DEPTH:
            raise ValueError
        inside = start
        while data[inside : inside + 2] not in (b"\0\0", b"") and inside < end:
            inside = _value(data, inside, end, depth + 1).after
        return _Value(first & ~0x20, bool(first & 0x20), start, min(inside, end), inside + 2)
    if length > 0x80:
        count = length & 0x7F
        if count > 4:
            raise ValueError
        length = int.from_bytes(data[start : start + count], "big")
        start += count
    after = start + length
    return _Value(first & ~0x20, bool(first & 0x20), start, min(after, end), after)
