"""Pages of a PDF that pdfium cannot read, as pypdf reads them.

Knows: pypdf's text has lines and no places; each line becomes a fragment below the one before.
Does not know: pypdf itself (structure).
"""

from __future__ import annotations

from collections.abc import Generator

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.pdf.glyphs import Fragment, Page, tidied
from crystalcli.text.formats.pdf.structure import texts_apart
from crystalcli.text.source.read_request import ReadRequest

NOTE = "[Damaged PDF: read by other means, the order of its words may be wrong.]"
SIZE = 10.0  # points, of letters that are half as wide
LEADING = 12.0  # points from line to line
MOST_UNKNOWN = 0.3  # of the characters; a damaged page has more that are no letters


class PypdfPages:
    """The pages of a PDF that pdfium cannot open; one after the other, from the first.

    Attributes:
        count: number of pages.
        reason: pdfium's, for pages that pypdf cannot read either.
    """

    def __init__(self, asked: ReadRequest, count: int, reason: str) -> None:
        self.count = count
        self.reason = reason
        self._asked = asked
        self._texts: Generator[str, None, None] | None = None

    def page(self, number: int) -> Page:
        """Return the next page.

        Raises:
            SourceError: pypdf cannot read it, or takes too long.
        """
        if self._texts is None:
            self._texts = texts_apart(self._asked, 0, self.count)
        try:
            return page_of_text(next(self._texts, ""), number)
        except SourceError:
            raise SourceError(self.reason) from None

    def close(self) -> None:
        """End the process that reads the pages."""
        if self._texts is not None:
            self._texts.close()


def rescued_page(asked: ReadRequest, number: int) -> Page:
    """Return one page that pdfium cannot read.

    Args:
        asked: the file.
        number: page number, from 0.

    Raises:
        SourceError: pypdf cannot read it either.
    """
    return page_of_text(next(texts_apart(asked, number, number + 1), ""), number)


def page_of_text(text: str, number: int) -> Page:
    """Return a text as a page with one fragment a line.

    Raises:
        SourceError: the text is empty, or most of it is noise.
    """
    lines = [tidied(line) for line in text.splitlines()]
    shown = "".join("".join(lines).split())
    if shown.count("\ufffd") >= MOST_UNKNOWN * len(shown):
        raise SourceError(f"damaged PDF: page {number + 1} cannot be read", Reason.DAMAGED)
    height = LEADING * len(lines)
    return Page(
        [
            Fragment(0.0, SIZE / 2 * len(line), height - LEADING * index, SIZE, line)
            for index, line in enumerate(lines)
            if line
        ],
        [],
        height,
    )
