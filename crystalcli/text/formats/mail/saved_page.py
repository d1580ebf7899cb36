"""Reader of web pages that a browser saved with their pictures in one file (MHTML, RFC 2557).

Knows the title that the browser noted. Does not know which part of the file is the page
(web.saved_html), nor HTML (web.html_reader).
"""

from __future__ import annotations

from email.parser import BytesParser

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.mail.mail_headers import header
from crystalcli.text.formats.web.html_reader import HtmlReading
from crystalcli.text.formats.web.saved_html import saved_html


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
        page = saved_html(data)
        if page is None:
            raise SourceError("no text in it", Reason.NO_TEXT)
        return page
