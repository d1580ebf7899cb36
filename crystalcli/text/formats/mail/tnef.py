"""Parts of a `winmail.dat`, into which Outlook packs what MIME has no place for (MS-OXTNEF).

Knows attributes, and the attachments and the body among them. Does not know what a body in RTF or
HTML says.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

SIGNATURE = b"\x78\x9f\x3e\x22"
_MESSAGE_PROPERTIES, _BODY = 0x00069003, 0x0002800C
_ATTACH_START, _ATTACH_TITLE, _ATTACH_DATA, _ATTACH_PROPERTIES = 0x00069002, 0x00018010, 0x0006800F, 0x00069005
_BODY_TEXT, _BODY_RTF, _BODY_HTML = 0x1000, 0x1009, 0x1013
_LONG_NAME = 0x3707
_MAX_VALUES = 4096  # of one property
# Bytes of a value by its type.
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}
_STRING, _UNICODE, _OBJECT, _BINARY = 0x1E, 0x1F, 0x0D, 0x102


class TnefPart(NamedTuple):
    """A part of a winmail.dat.

    Attributes:
        kind: "text", "html" or "rtf" for a body (RTF is compressed), "file" for an attachment.
        name: of an attachment, else "".
        data: its bytes; a text in Unicode is UTF-8.
    """

    kind: str
    name: str
    data: bytes


def tnef_parts(data: bytes) -> list[TnefPart]:
    """Return the bodies and the attachments, as far as they can be read.

    Args:
        data: the file.
    """
    bodies: list[TnefPart] = []
    files: list[TnefPart] = []
    name, content = "", b""
    for number, value in _attributes(data):
        if number == _ATTACH_START:
            files += _file(name, content)
            name, content = "", b""
        elif number == _ATTACH_TITLE:
            name = name or value.rstrip(b"\0").decode("cp1252", "replace")
        elif number == _ATTACH_DATA:
            content = value
        elif number == _ATTACH_PROPERTIES:
            names = [text for tag, text in _properties(value) if tag == _LONG_NAME]
            name = names[0].decode("utf-8", "replace") if names else name
        elif number == _BODY:
            bodies.append(TnefPart("text", "", value.rstrip(b"\0")))
        elif number == _MESSAGE_PROPERTIES:
            kinds = {_BODY_TEXT: "text", _BODY_HTML: "html", _BODY_RTF: "rtf"}
            bodies += [TnefPart(kinds[tag], "", text) for tag, text in _properties(value) if tag in kinds and text]
    return bodies + files + _file(name, content)


def _file(name: str, content: bytes) -> list[TnefPart]:
    return [TnefPart("file", name, content)] if content else []


def _attributes(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the value of each attribute."""
    position = 6 if data.startswith(SIGNATURE) else len(data)
    while position + 9 <= len(data):
        number, size = struct.unpack_from("<II", data, position + 1)
        yield number, data[position + 9 : position + 9 + size]
        position += 9 + size + 2  # a sum of the bytes follows


def _properties(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the number and the value of each property with a text or bytes.

    Texts are UTF-8, without the zero at their end.
    """
    position = 4
    try:
        (count,) = struct.unpack_from("<I", data)
        for _ in range(min(count, _MAX_VALUES)):
            kind, number = struct.unpack_from("<HH", data, position)
            position += 4
            if number >= 0x8000:  # a named one: its name stands before its value
                (named_by,) = struct.unpack_from("<I", data, position + 16)
                (size,) = struct.unpack_from("<I", data, position + 20)
                position += 24 + (_padded(size) if named_by else 0)
            values = 1
            if kind & 0x1000 or kind in (_STRING, _UNICODE, _OBJECT, _BINARY):
                (values,) = struct.unpack_from("<I", data, position)
                position += 4
            base = kind & ~0x1000
            for _ in range(min(values, _MAX_VALUES)):
                if base in _SIZES:
                    position += _SIZES[base]
                    continue
                (size,) = struct.unpack_from("<I", data, position)
                value = data[position + 4 : position + 4 + size]
                position += 4 + _padded(size)
                if base == _UNICODE:
                    value = value.decode("utf-16-le", "replace").rstrip("\0").encode()
                elif base == _STRING:
                    value = value.rstrip(b"\0")
                yield number, value[16:] if base == _OBJECT else value
    except struct.error:
        return


def _padded(size: int) -> int:
    return size + -size % 4
