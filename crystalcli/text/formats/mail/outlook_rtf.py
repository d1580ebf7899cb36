"""Text of a mail in the compressed RTF in which Outlook keeps it (MS-OXRTFCP).

Knows the compression. Does not know RTF (rtf.rtf_reader) nor HTML (mail_body).
"""

from __future__ import annotations

import struct

from crystalcli.text.formats.mail.mail_body import mail_body_text
from crystalcli.text.formats.rtf.rtf_reader import rtf_text

_COMPRESSED, _PLAIN = 0x75465A4C, 0x414C454D
_MAX_BYTES = 48 << 20  # of a text
_WINDOW = 4096  # bytes that a reference may go back
# The text that the window begins with.
_DICTIONARY = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor MS Sans SerifSymbol"
    b"ArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)


def outlook_rtf_text(data: bytes) -> str:
    """Return the text of a body in compressed RTF, as far as it can be read."""
    text, is_html = rtf_text(unpack_rtf(data))
    return mail_body_text(text) if is_html else text


def unpack_rtf(data: bytes) -> bytes:
    """Return the RTF in compressed RTF; b"" for other data."""
    if len(data) < 16:
        return b""
    _, raw_size, kind, _ = struct.unpack_from("<IIII", data)
    if kind == _PLAIN:
        return data[16 : 16 + raw_size]
    if kind != _COMPRESSED:
        return b""
    text = bytearray(_DICTIONARY)
    end = min(raw_size, _MAX_BYTES) + len(_DICTIONARY)
    position = 16
    while position < len(data) and len(text) < end:
        flags = data[position]
        position += 1
        for bit in range(8):
            if len(text) >= end or position >= len(data):
                break
            if not flags >> bit & 1:
                text.append(data[position])
                position += 1
                continue
            reference = int.from_bytes(data[position : position + 2], "big")
            position += 2
            # An offset in a ring of 4096 bytes; a reference to the present place is the end.
            back = (len(text) - (reference >> 4)) % _WINDOW
            if not back or back > len(text):
                return bytes(text[len(_DICTIONARY) :])
            for _ in range((reference & 15) + 2):
                text.append(text[-back])
    return bytes(text[len(_DICTIONARY) :])
