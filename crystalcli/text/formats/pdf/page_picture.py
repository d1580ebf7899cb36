"""Picture of a PDF's page, and the rectangles on it in which a passage stands.

Pages are drawn in another process, since strangers' files may crash pdfium. The letters come with
the picture, and a passage is looked for in them without white space, hyphens and letter case, piece
by piece: the crystal's text has other lines, and may run on from the page before.

Knows: pdfium, pixels. Does not know: crystals.
"""

from __future__ import annotations

import base64
import ctypes
import io
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from crystalcli.datatypes import Fingerprint
from crystalcli.errors import Reason, SourceError, UnsteadySourceError, refusal_of
from crystalcli.text.source.file_bytes import FileSurvey, open_bytes, survey_file
from crystalcli.text.source.read_request import NEEDS_PASSWORD, ReadRequest
from crystalcli.text.source.worker_process import Bounds, worker_values

_WIDTH = 1400  # pixels of a page
_MAX_PIXELS = 12_000_000  # of a page that is long and narrow
_MAX_LETTERS = 50_000  # of a page; a page of a newspaper has 30,000
_PIECE = 16  # letters of a passage that are looked for at a time
_SAME_LINE = 0.5  # share of the lower of two heights that letters of one line have in common
_BOUNDS = Bounds(silence=20.0, seconds=30.0)
_NAMED_CELL = re.compile(r"[^;]{1,90}: (?=[^ ]+)")
_UNIT_BEHIND = re.compile(r" \([^()]{1,40}\)\Z")
_INK = (255, 226, 110)  # by which the paper under a passage is multiplied


class Rectangle(NamedTuple):
    """A rectangle on a page, in pixels from its upper left corner."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A page as it is drawn.

    Attributes:
        png: The picture.
        height: Its height in pixels.
        letters: The letters that stand on it, in the order of the file.
        boxes: The rectangle of each letter.
    """

    png: bytes
    height: int
    letters: str
    boxes: tuple[Rectangle, ...]

    def marked(self, passage: str) -> bytes:
        """Give the picture with a passage marked on it; as it is where the passage is not found."""
        rectangles = find_rectangles(self, passage)
        if not rectangles:
            return self.png
        from PIL import Image, ImageChops, ImageDraw

        picture = Image.open(io.BytesIO(self.png)).convert("RGB")
        ink = Image.new("RGB", picture.size, "white")
        draw = ImageDraw.Draw(ink)
        for area in rectangles:
            draw.rectangle((area.left - 2, area.top - 2, area.right + 2, area.bottom + 2), fill=_INK)
        return _png_of(ImageChops.multiply(picture, ink))


def draw_page(path: Path, digest: bytes, page: int) -> PagePicture:
    """Draw a page of a PDF.

    Args:
        path: The file.
        digest: SHA-256 over the bytes that the file has to have.
        page: The page, from 1.

    Raises:
        SourceError: The file has changed, cannot be read, or has no such page.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise UnsteadySourceError(*refusal_of(error)) from None
    fingerprint = _fingerprint_of(path, status.st_size, status.st_mtime_ns)
    if fingerprint.digest != digest:
        raise SourceError("has changed since it was read", Reason.CHANGED_WHILE_READ)
    return _picture_of(path, fingerprint, page)


@lru_cache(maxsize=6)
def _picture_of(path: Path, fingerprint: Fingerprint, page: int) -> PagePicture:
    """Draw a page once for its picture and for what is marked on it."""
    request = ReadRequest(path, FileSurvey(fingerprint, "pdf", b""), "pdf")
    function = "formats.pdf.page_picture:drawn_pages"
    for drawn in worker_values(request, function, page - 1, page, _BOUNDS):
        boxes = tuple(Rectangle(*box) for box in drawn["boxes"])
        return PagePicture(base64.b64decode(drawn["png"]), drawn["height"], drawn["letters"], boxes)
    raise SourceError(f"has no page {page}", Reason.NOT_FOUND)


@lru_cache(maxsize=64)
def _fingerprint_of(path: Path, size: int, mtime_ns: int) -> Fingerprint:
    """Survey a file once for each state: pages of one file are asked for one after the other."""
    return survey_file(path, named_pdf=True).fingerprint


def find_rectangles(picture: PagePicture, passage: str) -> list[Rectangle]:
    """Find where a passage stands on a page: a rectangle for each line of it."""
    letters, origins = _folded(picture.letters)
    wanted, _ = _folded(passage)
    if not wanted:
        return []
    hits: set[int] = set()
    if (whole := letters.find(wanted)) >= 0:
        hits.update(origins[whole : whole + len(wanted)])
    else:
        low, high = _surroundings(letters, wanted)
        for start in range(max(0, len(wanted) - _PIECE) + 1):
            piece = wanted[start : start + _PIECE]
            if len(piece) == _PIECE and (place := letters.find(piece, low, high)) >= 0:
                hits.update(origins[place : place + _PIECE])
        for row in _table_rows(passage):
            if len(row) > 3 and (place := letters.find(row)) >= 0:
                hits.update(origins[place : place + len(row)])
    return _lines_of([picture.boxes[index] for index in sorted(hits)])


def _surroundings(letters: str, wanted: str) -> tuple[int, int]:
    """Find the part of a page that a passage stands in: around the longest stretch of its letters.

    Its words may stand elsewhere on the page, too.

    Args:
        letters: The letters of the page.
        wanted: The letters of the passage.

    Returns:
        The part, `[low, high)`; empty where no stretch of _PIECE letters is found.
    """
    longest, low, high = 0, 0, 0
    for start in range(0, max(0, len(wanted) - _PIECE) + 1, _PIECE):
        place = letters.find(wanted[start : start + _PIECE])
        while place >= 0:
            length = _PIECE
            limit = min(len(wanted) - start, len(letters) - place)
            while length < limit and wanted[start + length] == letters[place + length]:
                length += 1
            if length > longest:
                slack = _PIECE + len(wanted) // 2
                longest = length
                low, high = max(0, place - start - slack), place - start + len(wanted) + slack
            place = letters.find(wanted[start : start + _PIECE], place + 1)
    return low, high


def _table_rows(passage: str) -> Iterator[str]:
    """Yield the letters of rows of tables, without names that stand in the header alone."""
    for line in passage.splitlines():
        label, *cells = line.split("; ")
        if cells and all(_NAMED_CELL.match(cell) for cell in cells):
            label = _UNIT_BEHIND.sub("", label.rpartition(": ")[2])
            yield _folded(" ".join([label, *(_NAMED_CELL.sub("", cell) for cell in cells)]))[0]


def _folded(text: str) -> tuple[str, list[int]]:
    """Give the letters and digits of a text in one form, and where each stands in it."""
    letters: list[str] = []
    origins: list[int] = []
    for index, character in enumerate(text):
        for letter in unicodedata.normalize("NFKD", character).casefold():
            if letter.isalnum():
                letters.append(letter)
                origins.append(index)
    return "".join(letters), origins


def _lines_of(boxes: Sequence[Rectangle]) -> list[Rectangle]:
    """Join the rectangles of letters that follow one another on a line."""
    lines: list[Rectangle] = []
    for box in boxes:
        if box.right <= box.left or box.bottom <= box.top:
            continue
        if lines:
            line = lines[-1]
            common = min(line.bottom, box.bottom) - max(line.top, box.top)
            height = min(line.bottom - line.top, box.bottom - box.top)
            gap = max(line.bottom - line.top, box.bottom - box.top) * 2
            if common > _SAME_LINE * height and line.left - gap <= box.left <= line.right + gap:
                lines[-1] = Rectangle(
                    min(line.left, box.left),
                    min(line.top, box.top),
                    max(line.right, box.right),
                    max(line.bottom, box.bottom),
                )
                continue
        lines.append(box)
    return lines


# --- in the other process -------------------------------------------------------------------------


def drawn_pages(request: ReadRequest, first: int, end: int) -> Iterator[dict[str, Any]]:
    """Draw pages, as values that JSON can hold.

    Args:
        request: The file.
        first: The first page, from 0.
        end: The page after the last.

    Yields:
        For each page that the file has the keys `png` (base64), `height`, `letters` and `boxes`.

    Raises:
        SourceError: The file has changed, or pdfium cannot open it.
    """
    import pypdfium2

    with open_bytes(request.path) as (stream, mtime_ns):
        if mtime_ns != request.seen.fingerprint.mtime_ns:
            raise SourceError("has changed since it was read", Reason.CHANGED_WHILE_READ)
        try:
            document = pypdfium2.PdfDocument(stream)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == pypdfium2.raw.FPDF_ERR_PASSWORD:
                raise SourceError(*NEEDS_PASSWORD) from None
            raise SourceError("damaged PDF: no pages can be found in it", Reason.DAMAGED) from None
        try:
            for number in range(first, min(end, len(document))):
                yield _drawn(document, number)
        except pypdfium2.PdfiumError:
            raise SourceError("damaged PDF: the page cannot be drawn", Reason.DAMAGED) from None
        finally:
            document.close()


def _drawn(document: Any, number: int) -> dict[str, Any]:
    import pypdfium2.raw as raw

    page = document[number]
    width, height = page.get_size()
    scale = min(_WIDTH / max(width, 1.0), (_MAX_PIXELS / max(width * height, 1.0)) ** 0.5)
    bitmap = page.render(scale=scale)
    picture = bitmap.to_pil()
    text = page.get_textpage()
    letters: list[str] = []
    boxes: list[tuple[float, float, float, float]] = []
    x, y = ctypes.c_int(), ctypes.c_int()

    def pixel(right: float, up: float) -> tuple[int, int]:
        """Give the pixel of a point: the page may be turned, and begin anywhere."""
        size = (picture.width, picture.height)
        raw.FPDF_PageToDevice(page.raw, 0, 0, *size, 0, right, up, ctypes.byref(x), ctypes.byref(y))
        return x.value, y.value

    for index in range(min(text.count_chars(), _MAX_LETTERS)):
        code = raw.FPDFText_GetUnicode(text.raw, index)
        character = chr(code) if code <= 0x10FFFF and not 0xD800 <= code < 0xE000 else "\N{REPLACEMENT CHARACTER}"
        left, bottom, right, top = text.get_charbox(index, loose=True)
        (x0, y0), (x1, y1) = pixel(left, bottom), pixel(right, top)
        letters.append(character)
        boxes.append((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)))
    png = base64.b64encode(_png_of(picture)).decode()
    return {"png": png, "height": picture.height, "letters": "".join(letters), "boxes": boxes}


def _png_of(picture: Any) -> bytes:
    stream = io.BytesIO()
    picture.convert("RGB").save(stream, "PNG")
    return stream.getvalue()
