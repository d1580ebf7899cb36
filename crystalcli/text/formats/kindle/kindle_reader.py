"""Reader of books for Kindle and Mobipocket: their pages in order, under their chapters.

Knows how a book becomes blocks of text. Does not know records (book_file) nor HTML
(web.html_blocks). It runs in a process of its own, since unpacking a bad file may take long.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import descendants, parse_html
from crystalcli.text.document.outline import Outline
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.formats.kindle.book_file import AUTHOR, PUBLISHED, SUBJECT, BookFile
from crystalcli.text.formats.kindle.book_parts import book_parts
from crystalcli.text.formats.web.html_blocks import HtmlBlocks
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.unforeseen import contained_errors

_MAX_BYTES = 256_000_000  # of a file; most of it may be pictures
_PRINT_REPLICA = b"%MOP"


class KindleReading:
    """A book."""

    kind = "mobi"

    def __init__(self, asked: ReadRequest) -> None:
        self._asked = asked

    @cached_property
    def _book(self) -> BookFile:
        return BookFile(self._asked.whole_file(_MAX_BYTES))

    @property
    def title(self) -> str:
        """Title and up to three authors, or ""; an error is left for `pieces` to raise."""
        try:
            book = self._book
        except SourceError:
            return ""
        title, writers = one_line(book.title), [one_line(name) for name in book.field(AUTHOR)][:3]
        return f"{title} — {', '.join(writers)}" if title and writers else title

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the text with its fields and chapters. An empty string is a sign of life.

        Raises:
            SourceError: the book is encrypted, damaged, too large, or without text.
        """
        with contained_errors("Kindle book"):
            yield from self._pieces()

    def _pieces(self) -> Iterator[str | Landmark]:
        book = self._book
        records = []
        for record in book.text_records():
            records.append(record)
            yield ""
        text = b"".join(records)
        if not text:
            raise SourceError("damaged: its text is cut off", Reason.DAMAGED)
        if text.startswith(_PRINT_REPLICA):
            raise SourceError("a PDF in a Kindle book (convert it to PDF)", Reason.UNSUPPORTED)
        fields = StatedFields(
            tuple(book.field(AUTHOR)), next(iter(book.field(PUBLISHED)), ""), tuple(book.field(SUBJECT))
        )
        yield from fields.landmarks()
        composer = Composer()
        for _ in _plain_blocks(book, text, composer) if book.is_plain else _page_blocks(book, text, composer):
            yield from composer.drain()
        composer.end_line()
        yield from composer.drain()
        if not composer.start:
            raise SourceError("no text", Reason.NO_TEXT)


def _plain_blocks(book: BookFile, text: bytes, composer: Composer) -> Iterator[None]:
    for paragraph in text.decode(book.encoding, "replace").split("\n"):
        composer.write_block(paragraph)
        yield


def _page_blocks(book: BookFile, text: bytes, composer: Composer) -> Iterator[None]:
    outline = Outline()
    for part in book_parts(book, text):
        page = parse_html(part.markup.decode(book.encoding, "replace"))
        if page is not None:
            blocks = HtmlBlocks(composer, outline=outline, anchors=part.anchors)
            for _ in blocks.write(next(descendants(page, "body"), page)):
                yield
            outline = blocks.outline
        yield
