"""Reader of pictures of text: the letters that OCR recognizes, page by page.

Knows: that a picture is a page, and a TIFF may be several; lines go the way of a PDF's. Does not
know: how letters are recognized (formats.ocr).
"""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from crystalcli.datatypes import FIELD_JOINT, Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.ocr.letter_recognition import LONGEST_SIDE, PictureText, read_picture
from crystalcli.text.formats.pdf.glyphs import Fragment, Page, tidied
from crystalcli.text.formats.pdf.legibility import page_ranges
from crystalcli.text.formats.pdf.page_tables import PageTables
from crystalcli.text.formats.pdf.paragraphs import Words, paragraph_text
from crystalcli.text.formats.pdf.pdf_pages import blocks, with_edges
from crystalcli.text.source.read_request import ReadRequest

_FORMATS = ("PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF")  # what Pillow calls them; it tries no others
_MAX_BYTES = 256_000_000
_MAX_PIXELS = 150_000_000  # of one page; a sheet of A2 at 300 dots per inch has 35 million
_MAX_PAGES = 2000
_NOTHING = "a picture in which OCR finds no letters"


class PictureReading:
    """A picture, or several in one file."""

    kind = "picture"
    title = ""

    def __init__(self, asked: ReadRequest) -> None:
        self._asked = asked

    def pieces(self) -> Iterator[str | Landmark]:
        """Yield text, and a landmark for each page where there are several.

        Raises:
            SourceError: the picture is damaged or too large, or no letters are found.
        """
        given = 0
        labels: list[str] = []
        words = Words()
        tables = PageTables()
        pages = 0
        for number, count, pixels in _pictures(self._asked.whole_file(_MAX_BYTES)):
            yield ""  # a sign of life
            pages = count
            page = _page_of(read_picture(pixels))
            words.add([fragment.text for fragment in page.fragments])
            read = with_edges(number, page)
            text = "".join(line for _, line in paragraph_text(blocks(read, set(), tables), words)).rstrip("\n")
            if not text:
                continue
            labels.append(str(number + 1))
            if count > 1:
                yield Landmark(given, "page", labels[-1])
            given += len(text) + 2
            yield text + "\n\n"
        if not given:
            raise SourceError(_NOTHING, Reason.NO_LETTERS)
        where = f", {page_ranges(labels)}" if pages > 1 else ""
        doubts = [f"{Reason.OCR}: read by OCR, letters may be wrong{where.replace(FIELD_JOINT, ', ')}"]
        yield Landmark(given, "doubt", FIELD_JOINT.join(doubts))


def _page_of(text: PictureText) -> Page:
    """Make a page of the lines of a picture, in points for a sheet of the usual width."""
    scale = 600 / max(text.width, 1)
    fragments = [
        Fragment(
            round(line.x0 * scale, 2),
            round(line.x1 * scale, 2),
            round((text.height - line.base) * scale, 2),
            round(line.size * scale, 2),
            shown,
        )
        for line in text.lines
        if (shown := tidied(line.text))
    ]
    return Page(fragments, [], text.height * scale)


def _pictures(data: bytes) -> Iterator[tuple[int, int, NDArray[np.uint8]]]:
    """Yield the pages of a picture: number from 0, count, and pixels in blue, green and red.

    A picture that moves is its first one.

    Raises:
        SourceError: the picture is damaged or too large.
    """
    from PIL import Image

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        Image.MAX_IMAGE_PIXELS = _MAX_PIXELS
        try:
            with Image.open(io.BytesIO(data), formats=_FORMATS) as picture:
                count = getattr(picture, "n_frames", 1) if picture.format == "TIFF" else 1
                for number in range(min(count, _MAX_PAGES)):
                    picture.seek(number)
                    if picture.width * picture.height > _MAX_PIXELS:
                        raise SourceError(
                            f"a picture of more than {_MAX_PIXELS // 1_000_000} million pixels", Reason.TOO_LARGE
                        )
                    yield number, count, _pixels(picture)
        except Image.DecompressionBombError:
            reason = f"a picture of more than {_MAX_PIXELS // 1_000_000} million pixels"
            raise SourceError(reason, Reason.TOO_LARGE) from None
        except (OSError, SyntaxError, ValueError, EOFError):
            raise SourceError("damaged picture", Reason.DAMAGED) from None


def _pixels(picture: Any) -> NDArray[np.uint8]:
    """Give the pixels of a picture upright, on white, and no larger than OCR needs."""
    from PIL import Image, ImageOps

    if picture.format == "JPEG":
        picture.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # decodes at a half or a quarter of the size
    upright = ImageOps.exif_transpose(picture)
    upright.thumbnail((LONGEST_SIDE, LONGEST_SIDE)) if max(upright.size) > LONGEST_SIDE else None
    if upright.mode in ("RGBA", "LA", "P", "PA"):
        with_alpha = upright.convert("RGBA")
        paper = Image.new("RGBA", with_alpha.size, "white")
        upright = Image.alpha_composite(paper, with_alpha)
    return np.ascontiguousarray(np.asarray(upright.convert("RGB"))[:, :, ::-1])
