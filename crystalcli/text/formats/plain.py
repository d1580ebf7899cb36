"""Reader of text, code, Markdown and other markups: decoded exactly, in pieces.

Knows how bytes become pieces of text, newlines as they stand. Does not know encodings
(source.file_bytes), headings (markdown, rst, markup_headings and book_chapters) nor fields
(document.front_matter and markup_fields).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import UnsteadySourceError
from crystalcli.text.document.front_matter import parse_front_matter
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.book_chapters import gutenberg_title, with_chapters
from crystalcli.text.formats.markdown import markdown_title, with_headings
from crystalcli.text.formats.markup_fields import markup_fields, rst_fields
from crystalcli.text.formats.markup_headings import markup_title, with_markup_headings
from crystalcli.text.formats.rst import rst_title, with_rst_headings
from crystalcli.text.source.file_bytes import CHANGED, HEAD_BYTES, bytes_again
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.text_decoder import Decoder

# Characters of a line: a longer one comes in parts, so that a file without newlines is not held
# whole.
MAX_LINE_LENGTH = 1 << 20


class PlainReading:
    """A file that is text from end to end."""

    def __init__(self, request: ReadRequest) -> None:
        self.kind = request.kind
        self.title = ""
        self._fields = StatedFields()
        self._request = request
        self._suffix = request.path.suffix.lower()
        seen = request.seen
        if self.kind != "code":
            whole = seen.fingerprint.size <= HEAD_BYTES
            head = Decoder(seen.encoding).decode(seen.head, final=whole)
            self.title = (
                markdown_title(head, whole) if self.kind == "markdown" else _TITLES[self.kind](head, self._suffix)
            )
            if self.kind in _FIELDS:
                self._fields = _FIELDS[self.kind](head, self._suffix)

    def pieces(self) -> Iterator[str | Landmark]:
        r"""Yield the text with its headings, never cut inside `\r\n`; code has no headings."""
        yield from self._fields.landmarks()
        exact = decode_pieces(self._request)
        if self.kind == "markup":
            yield from with_markup_headings(exact, self._suffix)
        else:
            yield from _HEADINGS[self.kind](exact) if self.kind in _HEADINGS else exact


_TITLES: dict[str, Callable[[str, str], str]] = {
    "text": lambda head, _: gutenberg_title(head),
    "rst": lambda head, _: rst_title(head),
    "markup": markup_title,
}
_FIELDS: dict[str, Callable[[str, str], StatedFields]] = {
    "markdown": lambda head, _: parse_front_matter(head),
    "rst": lambda head, _: rst_fields(head),
    "markup": markup_fields,
}
_HEADINGS: dict[str, Callable[[Iterator[str]], Iterator[str | Landmark]]] = {
    "text": with_chapters,
    "markdown": with_headings,
    "rst": with_rst_headings,
}


def decode_pieces(request: ReadRequest) -> Iterator[str]:
    r"""Yield the exact text of a file in pieces, never cut inside `\r\n`.

    Raises:
        UnsteadySourceError: the file changed since it was surveyed.
    """
    decoder = Decoder(request.seen.encoding)
    carriage_return = ""  # its line feed may be in the next piece
    try:
        for part in bytes_again(request.path, request.seen.fingerprint, request.options.piece):
            text = carriage_return + decoder.decode(part)
            carriage_return = "\r" if text.endswith("\r") else ""
            if text := text.removesuffix(carriage_return):
                yield text
        text = carriage_return + decoder.decode(b"", final=True)
    except UnicodeDecodeError:  # the survey found it valid
        raise UnsteadySourceError(*CHANGED) from None
    if text:
        yield text


def decode_lines(request: ReadRequest) -> Iterator[str]:
    r"""Yield the lines of a file without their ends (`\n`, `\r\n` or `\r`), one at a time.

    Raises:
        UnsteadySourceError: the file changed since it was surveyed.
    """
    parts: list[str] = []
    size = 0
    for piece in decode_pieces(request):
        first, *rest = piece.replace("\r\n", "\n").replace("\r", "\n").split("\n")
        parts.append(first)
        size += len(first)
        for line in rest:
            yield "".join(parts)
            parts, size = [line], len(line)
        if size > MAX_LINE_LENGTH:
            yield "".join(parts)
            parts, size = [], 0
    if any(parts):
        yield "".join(parts)
