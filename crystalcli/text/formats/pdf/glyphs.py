"""Letters of a PDF with their places; also title, page labels and outline, should pypdf fail.

Knows: pdfium.
Does not know: lines, columns or paragraphs. It gives fragments, which are stretches of letters that
the file draws one after the other without a gap. Coordinates are points, x to the right and y
upwards, turned so that most of the page's letters stand upright. A page follows from the file's
bytes alone.

The ligatures of typesetting (`ﬁ`) become their letters again, since searches are typed without
them; control characters (glyphs that the file does not explain) go; an accent drawn over a letter
becomes part of it.
"""

from __future__ import annotations

import ctypes
import io
import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, BinaryIO, NamedTuple

from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.pdf.bidi import as_letters, is_mark, runs_left, unturned
from crystalcli.text.formats.pdf.note_marks import RAISED, SMALLER, mark_behind
from crystalcli.text.formats.pdf.page_rules import page_grids
from crystalcli.text.formats.pdf.ruled_grids import Grid
from crystalcli.text.source.read_request import NEEDS_PASSWORD, WRONG_PASSWORD

LIGATURES = str.maketrans({"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "ft", "ﬆ": "st"})
CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff\ufffe\uffff]")
# Accents that old fonts draw as letters of their own, and the combining mark for each.
ACCENTS = {
    "¨": "\u0308",
    "´": "\u0301",
    "`": "\u0300",
    "ˆ": "\u0302",
    "˜": "\u0303",
    "¯": "\u0304",
    "˚": "\u030a",
    "ˇ": "\u030c",
}
# TeX draws the accent first, and its letter next.
DRAWN_ACCENT = re.compile(f"([{''.join(ACCENTS)}]) ?([A-Za-zı])")
# pdfium's codes for a hyphen at the end of a line, and the soft hyphen.
HYPHENS = frozenset("\x02\xad\ufffe")
# Characters that pdfium adds to a text by itself.
GENERATED = frozenset(map(ord, " \r\n-\u2010")) | set(map(ord, HYPHENS))
LONGEST_TITLE = 300
DEEPEST = 12  # headings above one another
MOST_HEADINGS = 20_000
FEW_LETTERS = 120  # of a page; one with more is no scan with a stamp on it
MOST_OBJECTS = 2000  # pictures and outlines of a page that are looked at
MOST_LETTERS = 200_000  # on one page; a page of a newspaper has 30,000


class Fragment(NamedTuple):
    """Letters in a row.

    Attributes:
        x0: left end, in points.
        x1: right end, in points.
        y: base line, in points.
        size: about the size of the font, in points.
        text: the letters.
    """

    x0: float
    x1: float
    y: float
    size: float
    text: str


class Heading(NamedTuple):
    """An entry of the outline.

    Attributes:
        page: number of the page that it points to, from 0.
        path: titles of the entries above it, outermost first, and its own.
    """

    page: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Page:
    """Letters of one page.

    Attributes:
        fragments: those in the direction of most letters, as they are drawn.
        turned: those turned otherwise, a list for each angle.
        height: height of the page in points.
        pictured: share of the page that pictures cover, 0 to 1, where it has few letters or none.
        grids: ruled tables, the upper first.
    """

    fragments: list[Fragment]
    turned: list[list[Fragment]]
    height: float
    pictured: float = 0.0
    grids: list[Grid] = field(default_factory=list)


class PagePixels(NamedTuple):
    """A page as it is drawn.

    Attributes:
        pixels: blue, green and red, uint8 [height, width, 3].
        scale: pixels for each point.
        left: x of the left edge, in points, where letters have their places.
        top: y of the upper edge.
        is_turned: whether the page is shown turned, so that letters have other places than pixels.
    """

    pixels: Any
    scale: float
    left: float
    top: float
    is_turned: bool


class Glyphs:
    """An open PDF.

    Attributes:
        count: number of pages.
    """

    def __init__(self, stream: BinaryIO, password: str = "") -> None:
        """Open a PDF.

        Raises:
            SourceError: not a PDF, damaged, or encrypted with another password.
        """
        import pypdfium2
        import pypdfium2.raw as raw

        try:
            self._document: Any = pypdfium2.PdfDocument(stream, password=password or None)
        except pypdfium2.PdfiumError as error:
            if getattr(error, "err_code", None) == raw.FPDF_ERR_PASSWORD:
                raise SourceError(*(WRONG_PASSWORD if password else NEEDS_PASSWORD)) from None
            if getattr(error, "err_code", None) == raw.FPDF_ERR_SECURITY:
                raise SourceError("encrypted in a way that is not supported", Reason.CANNOT_DECRYPT) from None
            raise SourceError("damaged PDF: no pages can be found in it", Reason.DAMAGED) from None
        self._raw: Any = raw
        self.count: int = len(self._document)

    def close(self) -> None:
        """Close the document; the stream stays open."""
        self._document.close()

    def decrypted(self) -> BinaryIO:
        """Return the file as pdfium writes it without encryption, at its beginning."""
        out = io.BytesIO()
        self._document.save(out, flags=self._raw.FPDF_REMOVE_SECURITY)
        out.seek(0)
        return out

    @property
    def title(self) -> str:
        """Title as the file states it, or ""."""
        title = cleaned(self._document.get_metadata_value("Title"))
        return "" if title.lower() == "untitled" else title[:LONGEST_TITLE]

    def label(self, number: int) -> str:
        """Return the label of a page, or its number from 1 if the file has none.

        Args:
            number: page number, from 0.
        """
        return cleaned(self._document.get_page_label(number)) or str(number + 1)

    def headings(self) -> Iterator[Heading]:
        """Yield the outline in its order. Entries without a page only stand above others."""
        above: list[str] = []
        for met, mark in enumerate(self._document.get_toc(max_depth=DEEPEST)):
            if met == MOST_HEADINGS:
                return
            title = cleaned(mark.get_title() or "")[:LONGEST_TITLE]
            del above[mark.level :]
            above.append(title)
            target = mark.get_dest()
            page = target.get_index() if target is not None else None
            if title and page is not None and 0 <= page < self.count:
                yield Heading(page, tuple(each for each in above if each))

    def page(self, number: int) -> Page:
        """Return the letters of a page.

        Args:
            number: page number, from 0.

        Raises:
            SourceError: the page cannot be read.
        """
        raw = self._raw
        page = raw.FPDF_LoadPage(self._document.raw, number)
        if not page:
            raise SourceError(f"damaged PDF: page {number + 1} cannot be read", Reason.DAMAGED)
        try:
            text = raw.FPDFText_LoadPage(page)
            if not text:
                raise SourceError(f"damaged PDF: page {number + 1} cannot be read", Reason.DAMAGED)
            try:
                letters = list(self._letters(text))
            finally:
                raw.FPDFText_ClosePage(text)
            width, height = raw.FPDF_GetPageWidthF(page), raw.FPDF_GetPageHeightF(page)
            pictured = _pictured(raw, page, width * height) if len(letters) < FEW_LETTERS else 0.0
            by_turn: dict[int, list[_Letter]] = defaultdict(list)
            for turn, letter in letters:
                by_turn[turn].append(letter)
            order = sorted(by_turn, key=lambda turn: (-len(by_turn[turn]), turn))
            grids = page_grids(raw, page, order[0]) if order else []
        finally:
            raw.FPDF_ClosePage(page)
        walls = [(x, grid.ys[-1], grid.ys[0]) for grid in grids for x in grid.xs]
        fragments = [fragments_of(by_turn[turn], walls if turn == order[0] else ()) for turn in order]
        height = max(width, height) if order and order[0] % 2 else height
        return Page(fragments[0] if fragments else [], fragments[1:], height, pictured, grids)

    def pixels(self, number: int, longest: int) -> PagePixels:
        """Draw a page.

        Args:
            number: page number, from 0.
            longest: pixels of its longer side.

        Raises:
            SourceError: the page cannot be drawn.
        """
        import pypdfium2

        try:
            page = self._document[number]
            try:
                width, height = page.get_size()
                scale = longest / max(width, height, 1.0)
                pixels = page.render(scale=scale, prefer_bgrx=False).to_numpy().copy()
                x, y = ctypes.c_double(), ctypes.c_double()
                rows, columns = pixels.shape[:2]
                at = (ctypes.byref(x), ctypes.byref(y))
                self._raw.FPDF_DeviceToPage(page.raw, 0, 0, columns, rows, 0, 0, 0, *at)
                return PagePixels(pixels, scale, x.value, y.value, bool(page.get_rotation()))
            finally:
                page.close()
        except (pypdfium2.PdfiumError, ValueError):
            raise SourceError(f"damaged PDF: page {number + 1} cannot be drawn", Reason.DAMAGED) from None

    def _letters(self, text: Any) -> Iterator[tuple[int, _Letter]]:
        """Yield quarter turns, and the letter in coordinates in which it stands upright.

        Spaces that pdfium guessed are letters as well.
        """
        raw = self._raw
        unicode, generated, angle_of = raw.FPDFText_GetUnicode, raw.FPDFText_IsGenerated, raw.FPDFText_GetCharAngle
        loose, origin, size_of = raw.FPDFText_GetLooseCharBox, raw.FPDFText_GetCharOrigin, raw.FPDFText_GetFontSize
        box, x, y = raw.FS_RECTF(), ctypes.c_double(), ctypes.c_double()
        box_at, x_at, y_at = ctypes.byref(box), ctypes.byref(x), ctypes.byref(y)
        turn, high, known, em = 0, "", -1.0, 0.0
        # A call costs as much as all other work on a letter: none with a known answer is made.
        for index in range(min(raw.FPDFText_CountChars(text), MOST_LETTERS)):
            code = unicode(text, index)
            if 0xD800 <= code < 0xDC00:  # the first half of a pair
                high = chr(code)
                continue
            character = _paired(high, code)
            high = ""
            if code in GENERATED and generated(text, index) == 1:
                if character == " ":
                    yield turn, _Letter(" ", 0.0, 0.0, 0.0, 0.0, True)
                if character not in HYPHENS:
                    continue
            if not loose(text, index, box_at) or not origin(text, index, x_at, y_at):
                continue
            left, right, bottom, top, base_x, base_y = box.left, box.right, box.bottom, box.top, x.value, y.value
            # Only upright letters begin at the left of their boxes, between bottom and top.
            is_upright = abs(left - base_x) < 0.02 and bottom - 0.02 < base_y < top - 0.1 * (top - bottom)
            turn = 0 if is_upright else round(angle_of(text, index) / (math.pi / 2)) % 4
            height = right - left if turn % 2 else top - bottom
            if abs(height - known) > 0.001:  # another font
                known, em = height, _em(size_of(text, index), height)
            if turn == 0:
                yield 0, _Letter(character, left, right, base_y, em, False)
            elif turn == 1:  # the angle goes with the clock: letters run downwards
                yield 1, _Letter(character, -top, -bottom, base_x, em, False)
            elif turn == 2:
                yield 2, _Letter(character, -right, -left, -base_y, em, False)
            else:
                yield 3, _Letter(character, bottom, top, -base_x, em, False)


class _Letter(NamedTuple):
    """A letter; x0, x1, y and em in points. made: a space that is not in the file."""

    text: str
    x0: float
    x1: float
    y: float
    em: float
    made: bool


def _pictured(raw: Any, page: Any, area: float) -> float:
    """Return the share of a page that is covered by pictures, or by many outlines."""
    covered, outlines = 0.0, 0
    left, bottom, right, top = (ctypes.c_float() for _ in range(4))
    for index in range(min(raw.FPDFPage_CountObjects(page), MOST_OBJECTS)):
        thing = raw.FPDFPage_GetObject(page, index)
        kind = raw.FPDFPageObj_GetType(thing)
        outlines += kind == raw.FPDF_PAGEOBJ_PATH
        if kind in (raw.FPDF_PAGEOBJ_IMAGE, raw.FPDF_PAGEOBJ_FORM) and raw.FPDFPageObj_GetBounds(
            thing, *map(ctypes.byref, (left, bottom, right, top))
        ):
            covered += max(0.0, right.value - left.value) * max(0.0, top.value - bottom.value)
    return 1.0 if outlines >= FEW_LETTERS else round(min(1.0, covered / max(area, 1.0)), 3)


def _em(size: float, height: float) -> float:
    """Return the size of a letter's font in points.

    Args:
        size: as the file states it; files that scale their letters otherwise state another one.
        height: height of the letter's box, in points.
    """
    return size if 0.3 * height < size < 2 * height else max(EM * height, 0.1)


def _paired(high: str, code: int) -> str:
    if high and 0xDC00 <= code < 0xE000:
        return chr(0x10000 + ((ord(high) - 0xD800) << 10) + (code - 0xDC00))
    return "\ufffd" if 0xD800 <= code < 0xE000 or code > 0x10FFFF else chr(code)


# Size of a font by the height of a letter's box, from the font's lowest point to its highest.
EM = 0.8
GAP = 0.9  # ems; letters that are further apart belong to two fragments
SPACE = 0.22  # ems; letters that are further apart belong to two words
GUESSED_SPACE = 0.08  # ems; in a wider gap, a space that pdfium guessed is believed
LARGE_INITIAL = 2.2  # of the size of the text that it begins; an index is half as large as its letter
WIDER = 0.15  # ems; if letters overlap, in one so much wider than the gap before


_Wall = tuple[float, float, float]  # x of a rule between columns, y of its lower and upper end


def fragments_of(letters: list[_Letter], walls: Sequence[_Wall] = ()) -> list[Fragment]:
    """Join letters into fragments while one follows the other on about the same line.

    Args:
        letters: in the order in which they are drawn.
        walls: rules between columns; no word goes on behind one.
    """
    out: list[Fragment] = []
    held: list[str] = []  # texts of the letters of the fragment
    raised: list[int] = []  # places in it of those that stand above the others
    x0 = x1 = y = size = start = end = usual = 0.0
    spaced = guessed = False
    way: bool | None = None  # true if a letter runs to the left; None: it goes with those around it
    leftward: bool | None = None  # the same of the letters of the fragment
    both_ways = any(runs_left(letter.text) for letter in letters)

    def close() -> None:
        text = tidied("".join(_with_marks(held, raised) if raised else held))
        if text:
            out.append(Fragment(round(x0, 2), round(x1, 2), round(y, 2), round(size, 2), text))
        held.clear()
        raised.clear()

    for letter in _as_read(letters) if both_ways else letters:
        if letter.made:
            guessed = True
            continue
        if letter.text.isspace():
            spaced = spaced or bool(held)
            continue
        em = letter.em
        if held and letter.text in ACCENTS and held[-1].isalpha() and start <= (letter.x0 + letter.x1) / 2 <= end:
            # Drawn after its letter, as over a letter of a formula.
            held[-1] += ACCENTS[letter.text]
            continue
        if both_ways:
            if held and is_mark(letter.text) and start - em / 2 <= (letter.x0 + letter.x1) / 2 <= end + em / 2:
                held.append(letter.text)
                continue
            way = True if runs_left(letter.text) else False if letter.text.isalnum() else None
        is_same = held and letter.x0 == start and letter.x1 == end  # one glyph for many letters
        if is_same:
            held += [" "] if spaced and both_ways else []
        elif held and None not in (way, leftward) and way != leftward:
            close()
        elif held:
            gap = x0 - letter.x1 if way or (way is None and leftward) else letter.x0 - x1
            larger = max(em, size)
            is_large = len(held) < 3 and size > LARGE_INITIAL * em
            is_initial = is_large and held[-1].isupper() and letter.text.isalpha()
            shift, is_script = abs(letter.y - y), not 0.85 < em / size < 1.18
            near = shift <= 0.2 * larger or (is_script and shift <= 0.6 * larger)
            is_parted = gap > SPACE * larger and _is_parted(walls, x1, letter.x0, letter.y)
            if is_initial or is_parted or not near or not -0.6 * larger < gap < GAP * larger:
                close()
            elif (
                spaced
                or gap > SPACE * larger
                or (guessed and gap > min(GUESSED_SPACE * larger, usual + WIDER * larger))
            ):
                held.append(" ")
            else:
                usual = gap
        if held:
            leftward = way if leftward is None else leftward
            x0, x1 = (letter.x0 if leftward and letter.x0 < x0 else x0), max(x1, letter.x1)
            if em > 1.18 * size:  # what came before was an index or a small capital
                y, size = letter.y, em
        else:
            x0, x1, y, size, usual, leftward = letter.x0, letter.x1, letter.y, em, 0.0, way
        start, end = letter.x0, letter.x1
        if em < SMALLER * size and letter.y - y > RAISED * size:
            raised.append(len(held))
        held.append("-" if letter.text in HYPHENS else letter.text)
        spaced = guessed = False
    close()
    return out


def _is_parted(walls: Sequence[_Wall], end: float, start: float, y: float) -> bool:
    return any(end <= x <= start and low < y < high for x, low, high in walls)


def _with_marks(letters: Sequence[str], raised: Sequence[int]) -> list[str]:
    """Return letters with the marks of notes set apart.

    Args:
        letters: the letters of a fragment.
        raised: places of those above the base line, rising.
    """
    out = list(letters[: raised[0]])
    for index, first in enumerate(raised):
        if index and raised[index - 1] == first - 1:
            continue
        last = index
        while last + 1 < len(raised) and raised[last + 1] == raised[last] + 1:
            last += 1
        end = raised[last] + 1
        after = letters[end : raised[last + 1] if last + 1 < len(raised) else None]
        out.append(mark_behind("".join(out), "".join(letters[first:end]), "".join(after)))
        out += after
    return out


def _as_read(letters: list[_Letter]) -> list[_Letter]:
    """Return letters in reading order: one glyph may stand for several that run to the left."""
    out: list[_Letter] = []
    for _, run in groupby(letters, key=lambda letter: letter[1:4]):
        glyph = list(run)
        characters = "".join(letter.text for letter in glyph)
        turned = any(map(runs_left, characters)) and not unturned(characters)
        out += reversed(glyph) if turned else glyph
    return out


def tidied(text: str) -> str:
    """Return a text with ligatures as letters, accents on their letters, and without controls."""
    if text.isascii():
        return CONTROLS.sub("", text).strip()
    text = CONTROLS.sub("", as_letters(text.translate(LIGATURES))).replace("\xa0", " ")
    text = DRAWN_ACCENT.sub(lambda pair: pair[2].replace("ı", "i") + ACCENTS[pair[1]], text)
    return unicodedata.normalize("NFC", text).strip()


def cleaned(text: str) -> str:
    """Return a title or a label as one line."""
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return " ".join(CONTROLS.sub("", text).translate(LIGATURES).split())
