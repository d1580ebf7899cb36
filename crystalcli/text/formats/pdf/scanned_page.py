"""Pages that are pictures of text: which they are, and their letters as OCR reads them.

Such a page becomes fragments with places, as pages with letters do, so that columns, tables,
paragraphs and running headers are found in the same way.

Knows: pages, shares of pictures. Does not know: how letters are recognized (letter_recognition).
"""

from __future__ import annotations

from crystalcli.text.formats.ocr.letter_recognition import LONGEST_SIDE, read_picture
from crystalcli.text.formats.pdf.glyphs import FEW_LETTERS, Fragment, Glyphs, Page, tidied
from crystalcli.text.formats.pdf.legibility import is_legible
from crystalcli.text.formats.pdf.pdf_pages import PageRead, with_edges

_SCANNED = 0.5  # of a page that pictures cover at least
_SAME_PLACE = 0.8  # ems between the base lines of a letter of the file and of OCR's, at most


def is_scanned(page: PageRead) -> bool:
    """Tell whether a page is a picture with few letters on it, as of a stamp, or none."""
    return page.pictured >= _SCANNED and _letters(page) < FEW_LETTERS


def awaits_ocr(page: PageRead) -> bool:
    """Tell whether OCR may read more of a page: it is a picture, or its letters mean nothing."""
    if not _letters(page):
        return page.pictured > 0
    return is_scanned(page) or not is_legible(" ".join(fragment.text for fragment in page.fragments))


def recognized(page: PageRead, source: Glyphs) -> PageRead:
    """Return a page with the letters that OCR reads on it; those of a stamp stay as they are.

    Args:
        page: the page.
        source: the file.

    Raises:
        SourceError: the page cannot be drawn.
    """
    drawn = source.pixels(page.number, LONGEST_SIDE)
    text = read_picture(drawn.pixels)
    lies_otherwise = drawn.is_turned or (text.width, text.height) != drawn.pixels.shape[1::-1]
    left, top = (0.0, text.height / drawn.scale) if lies_otherwise else (drawn.left, drawn.top)
    kept = [] if lies_otherwise or not is_scanned(page) else page.fragments
    fragments = list(kept)
    for line in text.lines:
        fragment = Fragment(
            round(left + line.x0 / drawn.scale, 2),
            round(left + line.x1 / drawn.scale, 2),
            round(top - line.base / drawn.scale, 2),
            round(line.size / drawn.scale, 2),
            tidied(line.text),
        )
        if fragment.text and not any(_covers(letters, fragment) for letters in kept):
            fragments.append(fragment)
    return with_edges(page.number, Page(fragments, [], text.height / drawn.scale))


def _letters(page: PageRead) -> int:
    return sum(len(fragment.text) for fragment in page.fragments) + sum(
        len(fragment.text) for fragments in page.turned for fragment in fragments
    )


def _covers(letters: Fragment, line: Fragment) -> bool:
    is_level = abs(letters.y - line.y) < _SAME_PLACE * max(letters.size, line.size)
    return is_level and letters.x0 < line.x1 and line.x0 < letters.x1
