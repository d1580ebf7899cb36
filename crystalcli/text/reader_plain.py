"""Text, code and Markdown files as readings: decoded in pieces, exactly, newlines as they stand.

Knows how to turn bytes into pieces of text. Does not know what an encoding is (reader_bytes says) nor what makes a
heading (reader_markdown does).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from crystalcli.errors import UnsteadySourceError
from crystalcli.text.reader_bytes import CHANGED, HEAD, PIECE, Decoder, Survey, bytes_again
from crystalcli.text.reader_markdown import title_of, with_headings
from crystalcli.types import Landmark


class PlainReading:
    """A file that is text from end to end."""

    def __init__(self, path: Path, seen: Survey, kind: str, piece: int = PIECE) -> None:
        self.kind = kind
        self.title = ""
        self._path = path
        self._seen = seen
        self._piece = piece
        if kind == "markdown":
            whole = seen.fingerprint.size <= HEAD
            self.title = title_of(Decoder(seen.encoding).decode(seen.head, final=whole), whole)

    def pieces(self) -> Iterator[str | Landmark]:
        """The text, never cut between the two halves of a newline; in Markdown with its headings."""
        return with_headings(self._texts()) if self.kind == "markdown" else self._texts()

    def _texts(self) -> Iterator[str]:
        decoder = Decoder(self._seen.encoding)
        held = ""  # a carriage return whose line feed may be in the next piece
        try:
            for part in bytes_again(self._path, self._seen.fingerprint, self._piece):
                text = held + decoder.decode(part)
                held = "\r" if text.endswith("\r") else ""
                if text := text.removesuffix(held):
                    yield text
            text = held + decoder.decode(b"", final=True)
        except UnicodeDecodeError:  # it was valid a moment ago
            raise UnsteadySourceError(CHANGED) from None
        if text:
            yield text
