"""Text, code, Markdown and reStructuredText files as readings: decoded in pieces, exactly, newlines as they stand.

Knows how to turn bytes into pieces of text. Does not know what an encoding is (reader_bytes says) nor what makes a
heading (reader_markdown, reader_rst and chapters do).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crystalcli.errors import UnsteadySourceError
from crystalcli.text.formats.book_chapters import gutenberg_title, with_chapters
from crystalcli.text.formats.markdown import markdown_title, with_headings
from crystalcli.text.formats.rst import rst_title, with_rst_headings
from crystalcli.text.source.file_bytes import CHANGED, HEAD, Decoder, bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark


class PlainReading:
    """A file that is text from end to end."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self.title = ""
        self._request = request
        seen = request.seen
        if self.kind != "code":
            whole = seen.fingerprint.size <= HEAD
            head = Decoder(seen.encoding).decode(seen.head, final=whole)
            self.title = markdown_title(head, whole) if self.kind == "markdown" else _TITLES[self.kind](head)

    def pieces(self) -> Iterator[str | Landmark]:
        """The text, never cut between the two halves of a newline, with its headings; code has none."""
        exact = decode_pieces(self._request)
        return _HEADINGS[self.kind](exact) if self.kind in _HEADINGS else exact


_TITLES = {"text": gutenberg_title, "rst": rst_title}
_HEADINGS: dict[str, Callable[[Iterator[str]], Iterator[str | Landmark]]] = {
    "text": with_chapters,
    "markdown": with_headings,
    "rst": with_rst_headings,
}


def decode_pieces(request: ReadRequest) -> Iterator[str]:
    """A text file's exact text in pieces, decoded. Raises UnsteadySourceError when it is no longer what it was."""
    decoder = Decoder(request.seen.encoding)
    held = ""  # a carriage return whose line feed may be in the next piece
    try:
        for part in bytes_again(request.path, request.seen.fingerprint, request.options.piece):
            text = held + decoder.decode(part)
            held = "\r" if text.endswith("\r") else ""
            if text := text.removesuffix(held):
                yield text
        text = held + decoder.decode(b"", final=True)
    except UnicodeDecodeError:  # it was valid a moment ago
        raise UnsteadySourceError(*CHANGED) from None
    if text:
        yield text
