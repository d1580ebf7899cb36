"""Reader of source code: its text, with a landmark where each definition begins.

Knows that a grammar needs the whole file at once. Does not know definitions (definitions.py).
"""

from __future__ import annotations

from collections.abc import Iterator

from crystalcli.datatypes import Landmark
from crystalcli.text.formats.json_escapes import ESCAPED_SUFFIXES, with_letters
from crystalcli.text.formats.plain import decode_pieces
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.text_decoder import Decoder

# Bytes of a file that is parsed for definitions; its tree takes some thirty times as much memory.
MAX_PARSED_BYTES = 1 << 20


class CodeReading:
    """A file of source code, held whole unless it is too large or its language has no grammar."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self.title = ""
        self._request = request

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text in pieces that begin and end at landmarks."""
        from crystalcli.text.formats.grammars import detect_language

        request = self._request
        head = Decoder(request.seen.encoding).decode(request.seen.head)
        if request.seen.fingerprint.size > MAX_PARSED_BYTES or not detect_language(request.path, head):
            pieces = decode_pieces(request)
            yield from with_letters(pieces) if request.path.suffix.lower() in ESCAPED_SUFFIXES else pieces
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
