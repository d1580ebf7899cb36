"""Web pages as readings: the main text with its headings, lists, tables and lines.

Knows which encoding a page says it is in. Does not know HTML's elements (html_flow) nor what is boilerplate (html_main).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

from crystalcli.errors import Reason, SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, descendants, parse_html
from crystalcli.text.document.outline import heading_label
from crystalcli.text.formats.web.html_blocks import HtmlBlocks, element_text
from crystalcli.text.formats.web.main_content import MainText
from crystalcli.text.source.file_bytes import Decoder, bytes_again
from crystalcli.text.source.legacy_encodings import GUESSED
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.types import Landmark

LARGEST = 64_000_000  # bytes: the whole page is in memory as a tree
_CHARSET = re.compile(
    rb"""<(?:meta\b[^>]{0,300}?\bcharset|\?xml[^>]{0,100}?\bencoding)\s*=\s*["']?\s*([\w.:-]{1,40})""", re.IGNORECASE
)
_SAID = re.compile(r"""(?:og|twitter|dc|citation)[:._]title""", re.IGNORECASE)


class HtmlReading:
    """A page. It is parsed when its title or its pieces are request for, and not before."""

    kind = "html"

    def __init__(self, request: ReadRequest) -> None:
        self._request = request
        self._page: tuple[Element] | None = None

    @property
    def title(self) -> str:
        """What the page calls itself, or its first heading, or ""."""
        try:
            root = self._parsed()
        except SourceError:
            return ""
        return html_title(root)

    def pieces(self) -> Iterator[str | Landmark]:
        """The main text. Raises SourceError when there is none, when the page is too large or nested too deeply."""
        root = self._parsed()
        self._page = None
        composer = compose_page(root) if root is not None else Composer()
        if not composer.start:
            raise SourceError("no text in it", Reason.NO_TEXT)
        yield from composer.drain()

    def _parsed(self) -> Element:
        if self._page is None:
            seen = self._request.seen
            if seen.fingerprint.size > LARGEST:
                raise SourceError(f"a page of more than {LARGEST // 1_000_000} MB", Reason.TOO_LARGE)
            data = b"".join(bytes_again(self._request.path, seen.fingerprint, self._request.options.piece))
            self._page = (parse_html(decode_html(data, seen.encoding)),)
        return self._page[0]


def decode_html(data: bytes, encoding: str) -> str:
    """A page's text. What it says of its encoding counts where its bytes do not show that they are UTF-8 or UTF-16.

    encoding: as of a Survey.
    """
    said = _CHARSET.search(data[:4096])
    name = said[1].decode("ascii").lower() if said else ""
    if (name and (encoding in ("windows-1252", "utf-8 with strays") or encoding in GUESSED)) or name.startswith(
        "iso-2022"
    ):
        try:
            codec = codecs.lookup(name)
            if codec.name not in ("utf-8", "iso8859-1", "ascii", "utf-16", "utf-32") and codec._is_text_encoding:
                return codec.decode(data, "replace")[0]
        except LookupError:
            pass
    decoder = Decoder(encoding)
    return decoder.decode(data, final=True)


def html_title(root: Element) -> str:
    """What the page calls itself, or its first heading, or ""."""
    if root is None:
        return ""
    for each in descendants(root, "title", "meta", "body"):
        if each.tag.endswith("title") and (title := heading_label(one_line("".join(each.itertext())))):
            return title
        if _SAID.fullmatch(str(each.get("property") or each.get("name") or "")) and each.get("content"):
            return heading_label(one_line(str(each.get("content"))))
        if each.tag.endswith("body"):
            break
    heading = next(descendants(root, "h1"), None)
    return heading_label(one_line(element_text(heading))) if heading is not None else ""


def compose_page(root: Element) -> Composer:
    """The page's main text, written; all of its text where the main text would be next to nothing."""
    main = MainText(root)
    composer = Composer()
    for _ in HtmlBlocks(composer, leave_out=main.is_aside, counts_lines=True).write(main.root):
        pass
    if not main.is_enough(composer.start):
        composer = Composer()
        for _ in HtmlBlocks(composer, counts_lines=True).write(main.page):
            pass
    composer.end_line()
    return composer
