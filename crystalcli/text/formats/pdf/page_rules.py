"""Rules and areas of a page, as pdfium finds them among the things that it draws.

Knows: pdfium. Does not know: which of them make a table (ruled_grids).
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

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

MOST_OBJECTS = 8_000  # of a page that are looked at
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
    rules: list[Rule] = []
    areas: list[Area] = []
    for thing in _Outlines(raw).of(page):
        if isinstance(thing, Rule):
            rules.append(Rule(*_turned(thing, turn)))
        else:
            areas.append(Area(*_turned(thing[:4], turn), thing.color))
    grids = grids_of(rules, areas)
    if not grids:
        return []
    bold = list(_bold_letters(raw, page, turn))
    return [grid._replace(marked=max(grid.marked, bold_rows(grid, bold))) for grid in grids]


def _bold_letters(raw: Any, page: Any, turn: int) -> Iterator[tuple[float, float, bool]]:
    """Yield the middle of each stretch of letters, as x and y, and whether it is bold."""
    weights: dict[int, bool] = {}
    bounds = [ctypes.c_float() for _ in range(4)]
    for index in range(raw.FPDFPage_CountObjects(page)):
        thing = raw.FPDFPage_GetObject(page, index)
        if raw.FPDFPageObj_GetType(thing) != raw.FPDF_PAGEOBJ_TEXT:
            continue
        if not raw.FPDFPageObj_GetBounds(thing, *map(ctypes.byref, bounds)):
            continue
        font = raw.FPDFTextObj_GetFont(thing)
        key = ctypes.addressof(font.contents) if font else 0
        if key not in weights:
            weights[key] = bool(font) and _is_bold(raw, font)
        x0, y0, x1, y1 = _turned(tuple(bound.value for bound in bounds), turn)
        if x1 > x0:
            yield (x0 + x1) / 2, (y0 + y1) / 2, weights[key]


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

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._left = MOST_SEGMENTS
        self._fill, self._stroke = ctypes.c_int(), ctypes.c_int()
        self._fill_at, self._stroke_at = ctypes.byref(self._fill), ctypes.byref(self._stroke)
        self._bounds = [ctypes.c_float() for _ in range(4)]
        self._bounds_at = [ctypes.byref(bound) for bound in self._bounds]

    def of(self, page: Any) -> Iterator[Rule | Area]:
        """Yield the rules and filled rectangles of a page."""
        raw = self._raw
        count = raw.FPDFPage_CountObjects(page)
        if count <= MOST_OBJECTS:
            things = (raw.FPDFPage_GetObject(page, index) for index in range(count))
            yield from self._of(things, _PAGE, 0)

    def _of(self, things: Iterator[Any], outer: _Matrix, depth: int) -> Iterator[Rule | Area]:
        raw = self._raw
        for thing in things:
            kind = raw.FPDFPageObj_GetType(thing)
            if kind == raw.FPDF_PAGEOBJ_PATH and self._left > 0:
                yield from self._path(thing, outer)
            elif kind == raw.FPDF_PAGEOBJ_FORM and depth < _DEEPEST:
                count = min(raw.FPDFFormObj_CountObjects(thing), MOST_OBJECTS)
                inner = (raw.FPDFFormObj_GetObject(thing, index) for index in range(count))
                yield from self._of(inner, _product(self._matrix(thing), outer), depth + 1)

    def _matrix(self, thing: Any) -> _Matrix:
        matrix = self._raw.FS_MATRIX()
        if not self._raw.FPDFPageObj_GetMatrix(thing, ctypes.byref(matrix)):
            return _PAGE
        return matrix.a, matrix.b, matrix.c, matrix.d, matrix.e, matrix.f

    def _path(self, thing: Any, outer: _Matrix) -> Iterator[Rule | Area]:
        """Yield the rules and the area of one outline; of lines and boxes its bounds are enough."""
        raw = self._raw
        count = raw.FPDFPath_CountSegments(thing)
        self._left -= max(count, 1)
        if self._left < 0 or not raw.FPDFPath_GetDrawMode(thing, self._fill_at, self._stroke_at):
            return
        if self._stroke.value and count > _LINE:
            for points, is_closed in self._parts(thing, count, _product(self._matrix(thing), outer)):
                ends = [*points, points[0]] if is_closed else points
                for (x0, y0), (x1, y1) in pairwise(ends):
                    if abs(x1 - x0) <= STRAIGHT or abs(y1 - y0) <= STRAIGHT:
                        yield Rule(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
        if (self._stroke.value and count <= _LINE) or (self._fill.value and count <= _BOX):
            if not raw.FPDFPageObj_GetBounds(thing, *self._bounds_at):
                return
            box = _moved([bound.value for bound in self._bounds], outer)
            width, height = box[2] - box[0], box[3] - box[1]
            if min(width, height) <= THICKEST < max(width, height):
                yield Rule(*box)
            elif self._fill.value and min(width, height) >= LOWEST_BAND and min(width, height) <= HIGHEST_BAND:
                yield Area(*box, self._color(thing))

    def _parts(self, thing: Any, count: int, matrix: _Matrix) -> Iterator[tuple[list[tuple[float, float]], bool]]:
        """Yield the straight parts of an outline: their points, and whether they are closed.

        An outline that begins neither level nor upright is a drawing, and is left out.
        """
        raw = self._raw
        a, b, c, d, e, f = matrix
        x, y = ctypes.c_float(), ctypes.c_float()
        points: list[tuple[float, float]] = []
        is_straight, is_closed = True, False
        for index in range(count):
            segment = raw.FPDFPath_GetPathSegment(thing, index)
            kind = raw.FPDFPathSegment_GetType(segment)
            if kind == raw.FPDF_SEGMENT_MOVETO and points:
                if is_straight and len(points) > 1:
                    yield points, is_closed
                points, is_straight, is_closed = [], True, False
            is_straight = is_straight and kind != raw.FPDF_SEGMENT_BEZIERTO
            if not raw.FPDFPathSegment_GetPoint(segment, ctypes.byref(x), ctypes.byref(y)):
                return
            points.append((a * x.value + c * y.value + e, b * x.value + d * y.value + f))
            if index == 1 and (not is_straight or min(abs(p - q) for p, q in zip(*points, strict=True)) > STRAIGHT):
                return
            is_closed = is_closed or bool(raw.FPDFPathSegment_GetClose(segment))
        if is_straight and len(points) > 1:
            yield points, is_closed

    def _color(self, thing: Any) -> int:
        parts = [ctypes.c_uint() for _ in range(4)]
        if not self._raw.FPDFPageObj_GetFillColor(thing, *map(ctypes.byref, parts)):
            return 0
        return parts[0].value << 16 | parts[1].value << 8 | parts[2].value


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
