"""Rules and areas of a page, as pdfium finds them among the things that it draws.

Knows: pdfium. Does not know: which of them make a table (ruled_grids).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

from crystalcli.text.formats.pdf.ruled_grids import (
    HIGHEST_BAND,
    LOWEST_BAND,
    THICKEST,
    Area,
    Grid,
    Rule,
    bold_rows,
    grids_of,
)

MOST_OBJECTS = 8_000  # of a page that are looked at, beside its letters
MOST_LETTERS = 80_000  # stretches of letters and other objects of a page
MOST_SEGMENTS = 6_000  # of all of them; a page with more is a drawing
STRAIGHT = 0.5  # points by which a rule may be off
_DEEPEST = 3  # forms in one another
_BOLD = 600  # weight of a font, from 100 to 900
_BOLD_NAMES = (b"bold", b"black", b"heavy")
_LINE, _BOX = 2, 6  # segments of a single line, and of a rectangle at most
_Matrix = tuple[float, float, float, float, float, float]
_PAGE: _Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)


def page_grids(raw: Any, page: Any, turn: int) -> list[Grid]:
    """Return the ruled tables of a page.

    Args:
        raw: pdfium.
        page: the page.
        turn: quarter turns of its letters, with the clock.
    """
    calls = _calls(raw)
    address = ctypes.cast(page, ctypes.c_void_p).value
    count = raw.FPDFPage_CountObjects(page)
    if count > MOST_LETTERS:
        return []
    things = list(map(partial(calls.object_at, address), range(count)))
    kinds = list(map(calls.kind, things))
    drawn = [thing for thing, kind in zip(things, kinds, strict=True) if kind != raw.FPDF_PAGEOBJ_TEXT]
    if not drawn or len(drawn) > MOST_OBJECTS:
        return []
    rules: list[Rule] = []
    areas: list[Area] = []
    for thing in _Outlines(raw, calls).of(drawn, _PAGE, 0):
        if isinstance(thing, Rule):
            rules.append(Rule(*_turned(thing, turn)))
        else:
            areas.append(Area(*_turned(thing[:4], turn), thing.color))
    grids = grids_of(rules, areas)
    if not grids:
        return []
    texts = [thing for thing, kind in zip(things, kinds, strict=True) if kind == raw.FPDF_PAGEOBJ_TEXT]
    bold = list(_bold_letters(raw, calls, texts, turn))
    return [grid._replace(marked=max(grid.marked, bold_rows(grid, bold))) for grid in grids]


class _Calls(NamedTuple):
    """Functions of pdfium with addresses in place of typed pointers, in half the time.

    They are called for each of the letters and lines of a page. A page may have thousands.

    Attributes:
        object_at: returns an object of a page by its number.
        kind: returns the kind of an object.
        bounds: writes the left, lower, right and upper end of an object.
        font: returns the font of a text.
        segments: returns the number of segments of an outline.
        mode: writes whether an outline is filled, and whether its line is drawn.
        segment: returns a segment of an outline by its number.
        segment_kind: returns whether a segment moves, or is a line or a curve.
        point: writes the point at which a segment ends.
        closes: returns whether a segment closes an outline.
        color: writes the color of an area: red, green, blue and how opaque it is.
    """

    object_at: Callable[..., int]
    kind: Callable[..., int]
    bounds: Callable[..., int]
    font: Callable[..., int | None]
    segments: Callable[..., int]
    mode: Callable[..., int]
    segment: Callable[..., int]
    segment_kind: Callable[..., int]
    point: Callable[..., int]
    closes: Callable[..., int]
    color: Callable[..., int]


@cache
def _calls(raw: Any) -> _Calls:
    pointer, number = ctypes.c_void_p, ctypes.c_int

    def call(name: str, result: Any, *arguments: Any) -> Any:
        address = ctypes.cast(getattr(raw, name), pointer).value or 0
        return ctypes.PYFUNCTYPE(result, *arguments)(address)

    return _Calls(
        call("FPDFPage_GetObject", pointer, pointer, number),
        call("FPDFPageObj_GetType", number, pointer),
        call("FPDFPageObj_GetBounds", number, *[pointer] * 5),
        call("FPDFTextObj_GetFont", pointer, pointer),
        call("FPDFPath_CountSegments", number, pointer),
        call("FPDFPath_GetDrawMode", number, *[pointer] * 3),
        call("FPDFPath_GetPathSegment", pointer, pointer, number),
        call("FPDFPathSegment_GetType", number, pointer),
        call("FPDFPathSegment_GetPoint", number, *[pointer] * 3),
        call("FPDFPathSegment_GetClose", number, pointer),
        call("FPDFPageObj_GetFillColor", number, *[pointer] * 5),
    )


class _Bounds:
    """The rectangle of an object, as pdfium writes it."""

    def __init__(self, calls: _Calls) -> None:
        self._box = (ctypes.c_float * 4)()
        self._places = [ctypes.addressof(self._box) + 4 * number for number in range(4)]
        self._write = calls.bounds

    def of(self, thing: int) -> tuple[float, float, float, float] | None:
        """Return the left, lower, right and upper end of an object in points; None without any."""
        if not self._write(thing, *self._places):
            return None
        x0, y0, x1, y1 = self._box
        return x0, y0, x1, y1


def _bold_letters(raw: Any, calls: _Calls, texts: Sequence[int], turn: int) -> Iterator[tuple[float, float, bool]]:
    """Yield the middle of each stretch of letters, as x and y, and whether it is bold.

    Yields none where all letters are bold, or all are light.
    """
    fonts = list(map(calls.font, texts))
    weights = {font: font is not None and _is_bold(raw, ctypes.cast(font, raw.FPDF_FONT)) for font in set(fonts)}
    if len(set(weights.values())) < 2:
        return
    bounds = _Bounds(calls)
    for thing, font in zip(texts, fonts, strict=True):
        if (box := bounds.of(thing)) is None:
            continue
        x0, y0, x1, y1 = _turned(box, turn)
        if x1 > x0:
            yield (x0 + x1) / 2, (y0 + y1) / 2, weights[font]


def _is_bold(raw: Any, font: Any) -> bool:
    name = ctypes.create_string_buffer(200)
    raw.FPDFFont_GetBaseFontName(font, name, len(name))
    return raw.FPDFFont_GetWeight(font) >= _BOLD or any(word in name.value.lower() for word in _BOLD_NAMES)


def _turned(box: tuple[float, ...], turn: int) -> tuple[float, float, float, float]:
    """Return a rectangle in the coordinates in which letters turned so stand upright."""
    x0, y0, x1, y1 = box
    if turn == 1:
        return -y1, x0, -y0, x1
    if turn == 2:
        return -x1, -y1, -x0, -y0
    return (y0, -x1, y1, -x0) if turn == 3 else (x0, y0, x1, y1)


class _Outlines:
    """The straight outlines of a page."""

    def __init__(self, raw: Any, calls: _Calls) -> None:
        self._raw, self._calls = raw, calls
        self._left = MOST_SEGMENTS
        self._fill, self._stroke = ctypes.c_int(), ctypes.c_int()
        self._fill_at, self._stroke_at = ctypes.addressof(self._fill), ctypes.addressof(self._stroke)
        self._bounds = _Bounds(calls)
        self._point = (ctypes.c_float * 2)()
        self._point_at = [ctypes.addressof(self._point) + 4 * number for number in range(2)]
        self._color = (ctypes.c_uint * 4)()
        self._color_at = [ctypes.addressof(self._color) + 4 * number for number in range(4)]

    def of(self, things: Iterable[int], outer: _Matrix, depth: int) -> Iterator[Rule | Area]:
        """Yield the rules and filled rectangles of objects and of those in them.

        Args:
            things: the objects.
            outer: the matrix of the form that they are in.
            depth: of that form.
        """
        raw = self._raw
        for thing in things:
            if self._left <= 0:
                return
            kind = self._calls.kind(thing)
            if kind == raw.FPDF_PAGEOBJ_PATH:
                yield from self._path(thing, outer)
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
                form = ctypes.cast(thing, raw.FPDF_PAGEOBJECT)
                count = min(raw.FPDFFormObj_CountObjects(form), MOST_OBJECTS)
                self._left -= count // 10  # thousands of letters in a form take time, too
                inner = (raw.FPDFFormObj_GetObject(form, index) for index in range(count))
                addresses = (ctypes.cast(one, ctypes.c_void_p).value or 0 for one in inner)
                yield from self.of(addresses, _product(self._matrix(form), outer), depth + 1)

    def _matrix(self, thing: Any) -> _Matrix:
        matrix = self._raw.FS_MATRIX()
        if not self._raw.FPDFPageObj_GetMatrix(thing, ctypes.byref(matrix)):
            return _PAGE
        return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f

    def _path(self, thing: int, outer: _Matrix) -> Iterator[Rule | Area]:
        """Yield the rules and the area of one outline; of lines and boxes its bounds are enough."""
        count = self._calls.segments(thing)
        self._left -= max(count, 1)
        if self._left < 0 or not self._calls.mode(thing, self._fill_at, self._stroke_at):
            return
        if self._stroke.value and count > _LINE:
            matrix = self._matrix(ctypes.cast(thing, self._raw.FPDF_PAGEOBJECT))
            for points, is_closed in self._parts(thing, count, _product(matrix, outer)):
                ends = [*points, points[0]] if is_closed else points
                for (x0, y0), (x1, y1) in pairwise(ends):
                    if abs(x1 - x0) <= STRAIGHT or abs(y1 - y0) <= STRAIGHT:
                        yield Rule(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        if (self._stroke.value and count <= _LINE) or (self._fill.value and count <= _BOX):
            if (bounds := self._bounds.of(thing)) is None:
                return
            box = _moved(bounds, outer)
            width, height = box[2] - box[0], box[3] - box[1]
            if min(width, height) <= THICKEST < max(width, height):
                yield Rule(*box)
            elif self._fill.value and min(width, height) >= LOWEST_BAND and min(width, height) <= HIGHEST_BAND:
                yield Area(*box, self._color_of(thing))

    def _parts(self, thing: int, count: int, matrix: _Matrix) -> Iterator[tuple[list[tuple[float, float]], bool]]:
        """Yield the straight parts of an outline: their points, and whether they are closed.

        An outline that begins neither level nor upright is a drawing, and is left out.
        """
        raw, calls = self._raw, self._calls
        a, b, c, d, e, f = matrix
        points: list[tuple[float, float]] = []
        is_straight, is_closed = True, False
        for index in range(count):
            segment = calls.segment(thing, index)
            kind = calls.segment_kind(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO and points:
                if is_straight and len(points) > 1:
                    yield points, is_closed
                points, is_straight, is_closed = [], True, False
            is_straight = is_straight and kind != raw.FPDF_SEGMENT_BEZIERTO
            if not calls.point(segment, *self._point_at):
                return
            x, y = self._point
            points.append((a * x + c * y + e, b * x + d * y + f))
            if index == 1 and (not is_straight or min(abs(p - q) for p, q in zip(*points, strict=True)) > STRAIGHT):
                return
            is_closed = is_closed or bool(calls.closes(segment))
        if is_straight and len(points) > 1:
            yield points, is_closed

    def _color_of(self, thing: int) -> int:
        if not self._calls.color(thing, *self._color_at):
            return 0
        red, green, blue, _ = self._color
        return red << 16 | green << 8 | blue


def _moved(box: Sequence[float], matrix: _Matrix) -> tuple[float, float, float, float]:
    """Return a rectangle behind a matrix, which seldom is another one than that of the page."""
    x0, y0, x1, y1 = box
    if matrix == _PAGE:
        return x0, y0, x1, y1
    a, b, c, d, e, f = matrix
    xs = [a * x + c * y + e for x in (x0, x1) for y in (y0, y1)]
    ys = [b * x + d * y + f for x in (x0, x1) for y in (y0, y1)]
    return min(xs), min(ys), max(xs), max(ys)


def _product(inner: _Matrix, outer: _Matrix) -> _Matrix:
    a, b, c, d, e, f = inner
    g, h, i, j, k, m = outer
    return a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j, e * g + f * i + k, e * h + f * j + m
