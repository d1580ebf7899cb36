"""Source code as a reading: its exact text, with a landmark where each definition begins.

Knows that a grammar needs the whole file at once. Does not know what a definition is (definitions does).
"""

from __future__ import annotations

from collections.abc import Iterator

from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.source.file_bytes import Decoder
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

LARGEST = 1 << 20  # bytes of a file whose definitions are looked for; its tree takes some thirty times as much


class CodeReading:
    """A file of source code. It is held whole for its definitions, unless it is too large or no grammar reads it."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self.title = ""
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """The text in pieces that begin and end at landmarks."""
        from crystalcli.text.formats.grammars import detect_language

        request = self._request
        head = Decoder(request.seen.encoding).decode(request.seen.head)
        if request.seen.fingerprint.size > LARGEST or not detect_language(request.path, head):
            yield from decode_pieces(request)
            return
        from crystalcli.text.formats.definitions import find_definitions

        text = "".join(decode_pieces(request))
        start = 0
        for mark in find_definitions(text, detect_language(request.path, text)):
            if mark.start > start:
                yield text[start : mark.start]
            yield mark
            start = mark.start
        if start < len(text):
            yield text[start:]
