"""Sample of a text by which its encoding is guessed: lines with letters beyond ASCII.

Knows bytes and lines. Does not know encodings.
"""

from __future__ import annotations

import re

SAMPLE_BYTES = 4096
_BYTES_BEFORE = 64  # of ASCII that are looked at before the first letter of a line
_HIGH_BYTE = re.compile(rb"[\x80-\xff]")


class LetterSample:
    """The lines of a text that have bytes beyond ASCII, from the first such byte on.

    They decide about the encoding wherever they are: a log or a source file may begin with pages of
    ASCII. It does not matter in which pieces the text comes.
    """

    def __init__(self) -> None:
        self._sample = bytearray()
        self._before = b""  # the last bytes of the line so far, all of them ASCII
        self._is_taking = False

    def feed(self, part: bytes) -> None:
        """Look at the next bytes."""
        position = 0
        while position < len(part) and len(self._sample) < SAMPLE_BYTES:
            if self._is_taking:
                end = part.find(b"\n", position) + 1 or len(part)
                self._sample += part[position:end]
                self._is_taking = part[end - 1] != 10
                position = end
                continue
            rest = part[position:] if position else part
            high = None if rest.isascii() else _HIGH_BYTE.search(rest)
            ascii_end = high.start() if high else len(rest)
            line = rest.rfind(b"\n", 0, ascii_end) + 1
            self._before = ((b"" if line else self._before) + rest[line:ascii_end])[-_BYTES_BEFORE:]
            if high:
                self._sample += self._before
                self._before, self._is_taking = b"", True
            position += ascii_end

    def lines(self) -> bytes:
        """At most SAMPLE_BYTES of the lines."""
        return bytes(self._sample[:SAMPLE_BYTES])
