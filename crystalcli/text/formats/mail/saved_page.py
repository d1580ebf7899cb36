"""Reader of web pages that a browser saved with their pictures in one file (MHTML, RFC 2557).

Knows which part of the file is the page. Does not know HTML (web.html_reader).
"""

from __future__ import annotations

from email.message import Message
from email.parser import BytesParser

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.mail.mail_headers import header
from crystalcli.text.formats.web.html_reader import HtmlReading
from crystalcli.text.source.stated_encoding import stated_encoding
from crystalcli.text.source.text_decoder import decode_labelled


class SavedPageReading(HtmlReading):
    """A saved page; frames and pictures are left out."""

    counts_lines = False

    @property
    def title(self) -> str:
        """The page's own title, or the one that the browser noted."""
        return super().title or header(BytesParser().parsebytes(self._request.seen.head, headersonly=True), "Subject")

    def page_of(self, data: bytes) -> str:
        """Return the page in the bytes of the file.

        Raises:
            SourceError: There is none.
        """
        message = BytesParser().parsebytes(data)
        start = str(message.get_param("start") or "").strip("<>")
        pages = [part for part in message.walk() if part.get_content_type() in ("text/html", "application/xhtml+xml")]
        page = next((part for part in pages if start and _identity(part) == start), pages[0] if pages else None)
        content = page.get_payload(decode=True) if page is not None else None
        if page is None or not isinstance(content, bytes):
            raise SourceError("no text in it", Reason.NO_TEXT)
        return decode_labelled(content, page.get_content_charset("") or stated_encoding(content[:4096]))


def _identity(part: Message) -> str:
    return str(part.get("Content-ID", "")).strip("<> ")
