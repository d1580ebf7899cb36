"""Reader of web pages: the main text with its headings, lists, tables and lines.

Knows the title of a page. Does not know the elements of HTML (html_blocks) nor boilerplate
(main_content).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, descendants, parse_html
from crystalcli.text.document.outline import heading_label
from crystalcli.text.formats.web.html_blocks import HtmlBlocks
from crystalcli.text.formats.web.html_text import element_text
from crystalcli.text.formats.web.main_content import MainText
from crystalcli.text.formats.web.page_fields import page_fields
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import Decoder, decode_labelled

MAX_PAGE_BYTES = 64_000_000  # the whole page is in memory as a tree
_BOOKMARKS = re.compile(r"\s*<!DOCTYPE\s+NETSCAPE-Bookmark", re.IGNORECASE)
_META_TITLE = re.compile(r"""(?:og|twitter|dc|citation)[:._]title""", re.IGNORECASE)


class HtmlReading:
    """A page, parsed when its title or its pieces are first read.

    A subclass finds the page in a file that holds more.
    """

    kind = "html"
    counts_lines = True  # whether the lines of the page are those of the file

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._page: tuple[Element] | None = None
        self._is_bookmarks = False

    @property
    def title(self) -> str:
        """The page's own title, or its first heading, or ""."""
        try:
            root = self._parsed()
        except SourceError:
            return ""
        return html_title(root)

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield the main text.

        Raises:
            SourceError: the page has no text, is too large, or is nested too deeply.
        """
        root = self._parsed()
        self._page = None
        fields = page_fields(root)  # before scripts and the like are taken out
        composer = (
            compose_page(root, is_bookmarks=self._is_bookmarks, counts_lines=self.counts_lines)
            if root is not None
            else Composer()
        )
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)
        yield from fields.landmarks()
        yield from composer.drain()

    def _parsed(self) -> Element:
        if self._page is None:
            data = self._request.whole_file(MAX_PAGE_BYTES)
            page = self.page_of(data)
            self._is_bookmarks = _BOOKMARKS.match(page) is not None
            self._page = (parse_html(page),)
        return self._page[0]

    def page_of(self, data: bytes) -> str:
        """Return the page in the bytes of the file."""
        return Decoder(self._request.seen.encoding).decode(data, final=True)


def decode_part(data: bytes) -> str:
    """Decode a page that is a part of another file, and has no survey: UTF-8, or as it declares."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return decode_labelled(data, stated_encoding(data[:4096]))


def html_title(root: Element) -> str:
    """Return the page's own title, or its first heading, or ""."""
    if root is None:
        return ""
    for element in descendants(root, "title", "meta", "body"):
        if element.tag.endswith("title") and (title := heading_label(one_line("".join(element.itertext())))):
            return title
        if _META_TITLE.fullmatch(str(element.get("property") or element.get("name") or "")) and element.get("content"):
            return heading_label(one_line(str(element.get("content"))))
        if element.tag.endswith("body"):
            break
    heading = next(descendants(root, "h1"), None)
    return heading_label(one_line(element_text(heading))) if heading is not None else ""


def compose_page(root: Element, *, is_bookmarks: bool = False, counts_lines: bool = True) -> Composer:
    """Write the page's main text; all of its text if the main text would be next to nothing.

    Args:
        root: the page.
        is_bookmarks: it is a browser's list of bookmarks, of which the addresses are text too.
        counts_lines: whether its lines are those of a file.
    """
    main = MainText(root)
    composer = Composer()
    if is_bookmarks:
        for _ in HtmlBlocks(composer, shows_links=True).write(main.page):
            pass
        composer.end_line()
        return composer
    for _ in HtmlBlocks(composer, leave_out=main.is_aside, counts_lines=counts_lines).write(main.root):
        pass
    if not main.is_enough(composer.start):
        composer = Composer()
        for _ in HtmlBlocks(composer, counts_lines=counts_lines).write(main.page):
            pass
    composer.end_line()
    return composer
