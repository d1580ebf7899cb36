"""Running headers and footers, and page numbers: rows that are not part of a page's text.

Knows: rows, and that they come again on the pages around. A running header stands at the edge of
the sheet, with a gap between it and the text, and comes again at the same height on nearly all
pages around, except for a number at its start or its end that counts on. A row whose place holds
now one value and now another is part of a form, and the head of a table's columns is part of the
table: both stay. Of a running header the first occurrence stays, unless the text says the same.
A number is a page number if the pages around count on with it.
Does not know: paragraphs, pdfium.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.formats.pdf.page_layout import Line, line_of
from crystalcli.text.formats.pdf.short_columns import cell_spans
from crystalcli.text.formats.pdf.special_rows import Row

AROUND = 8  # pages before and after that are looked at
ROWS = 3  # at the top and at the bottom
MARGIN, SHORT_PAGE_MARGIN = 0.15, 0.08  # of the sheet's height; a page with few rows is all edge
FEWEST_ROWS = 12  # of a page that is not short
ASSUMED_MARGIN = 36.0  # points, where the size of the sheet is not that of its coordinates
GAP = 1.25  # of the usual distance between rows; a header is further from the text
WIDEST_LEADING = 1.5  # ems; rows further apart do not make that distance larger
SAME_HEIGHT = 4.0  # points
SAME_PLACE = 3.0  # points, between the cells of a table that stand below one another
SHORT_CELL = 20  # letters; columns of prose are wider
FEWEST_AGAIN = 2  # pages around that a header comes again on
NEARLY_ALL = 0.75  # of the pages that it stands between
LONGEST_HEAD = 200  # letters
# A page number stands apart from the words beside it; `Invoice 12` is the number of something else.
AT_END = re.compile(
    r"(?:\s{2,}|[|•·–—]\s*|\s-\s|\b(?:page|pg?\.?|seite|s\.)\s*)(\d{1,5})(?:\W{1,3}(?:of|von|/)\W?\d+)?\W{0,3}$", re.I
)
AT_START = re.compile(r"(\d{1,5})(?:\s{2,}|\s*[|•·–—]|\s-\s)")
NO_LETTERS = re.compile(r"[\W\d_]+")
LABELLED = re.compile(r"[^\W\d_][^:]{0,30}: ?\S")
PAGE_NUMBER = re.compile(
    r"(?:page|seite|p\.)?\W{0,3}(?:[A-Za-z]{1,2}[-–.])?(\d{1,4}|[ivxlc]{1,8})(?:\W{0,3}(?:of|von|/)\W?\d+)?\W{0,3}",
    re.I,
)
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}


class Edge(NamedTuple):
    """A row at the top or the bottom of a page.

    Attributes:
        row: its index.
        y: its base line, in points.
        key: its text without the number at its start or end; "" if it is a number alone.
        number: that number, or -1.
        from_edge: rows between it and the edge of the sheet.
        is_top: whether that is the upper edge.
        has_gap: whether the next row on the other side is further away than rows usually are.
    """

    row: int
    y: float
    key: str
    number: int
    from_edge: int
    is_top: bool
    has_gap: bool


def edges_of(rows: Sequence[Row], height: float) -> list[Edge]:
    """Return the rows of a page that may be running headers, footers or page numbers.

    Args:
        rows: all rows, from the top.
        height: of the sheet, in points.
    """
    lines = [line_of(row) for row in rows]
    if not lines:
        return []
    top, bottom = height, 0.0
    if lines[0].y > height or lines[-1].y < 0:  # the sheet does not begin at the origin
        top, bottom = lines[0].y + ASSUMED_MARGIN, lines[-1].y - ASSUMED_MARGIN
    least = _least_gap(lines)
    margin = (MARGIN if len(lines) >= FEWEST_ROWS else SHORT_PAGE_MARGIN) * (top - bottom)
    out = []
    for index, line in enumerate(lines):
        key, number = _key_of(line.text)
        is_top = index < len(lines) - 1 - index
        from_edge = index if is_top else len(lines) - 1 - index
        # Pages made of web pages have their number below the text, at any height.
        is_near = not key or (line.y >= top - margin if is_top else line.y <= bottom + margin)
        if from_edge >= ROWS or not is_near:
            continue
        inner = index + 1 if is_top else index - 1
        if is_top and _is_column_head(rows[index : index + 3]):
            continue
        out.append(
            Edge(
                index,
                line.y,
                key,
                number,
                from_edge,
                is_top,
                not 0 <= inner < len(lines) or abs(line.y - lines[inner].y) >= least,
            )
        )
    return out


def heads_of(edges: Sequence[Edge], around: Sequence[tuple[int, Sequence[Edge]]], said: set[str]) -> set[int]:
    """Return the rows to leave out.

    Args:
        edges: of the page.
        around: the pages before and after: how far on each is, and its edges.
        said: keys (`saying`) of the lines of the text so far; headers that stay are added.
    """
    out: set[int] = set()
    pages = dict(around)
    for is_top in (True, False):
        heads: list[Edge] = []
        side = sorted((edge for edge in edges if edge.is_top == is_top), key=lambda edge: edge.from_edge)
        for edge in side:
            # What is no header ends them: no row between two others of the text is one.
            is_head = _comes_again(edge, pages) if edge.key else _counts_on(edge, pages)
            if not is_head or edge.from_edge != len(heads):
                break
            heads.append(edge)
        while heads and not heads[-1].has_gap:
            heads.pop()
        for edge in heads:
            if not edge.key or saying(edge.key) in said:
                out.add(edge.row)
            if edge.key:
                said.add(saying(edge.key))
    return out


def saying(text: str) -> str:
    """Return the letters of a line, by which a header equals a line with a number."""
    return NO_LETTERS.sub("", text).casefold()


def _key_of(text: str) -> tuple[str, int]:
    """Return a row's text without its number, and that number or -1."""
    if match := PAGE_NUMBER.fullmatch(" ".join(text.split())):
        return "", _value(match[1])
    match = AT_END.search(text) or AT_START.match(text)
    key = text[: match.start()] + "#" + text[match.end() :] if match else text
    return " ".join(key.split()), int(match[1]) if match else -1


def _least_gap(lines: Sequence[Line]) -> float:
    """Return the least distance between a header and the text, in points."""
    size = statistics.median(line.size for line in lines)
    steps = [step for above, below in pairwise(lines) if (step := above.y - below.y) > 0]
    usual = statistics.median_low(steps) if len(steps) > ROWS else 1.2 * size
    return GAP * min(usual, WIDEST_LEADING * size)


def _is_column_head(rows: Sequence[Row]) -> bool:
    """Return true if a row and those below are cells of a table, which stand in line."""
    first, *below = [cell_spans(row) for row in rows]
    if len(first) < 2 or not below:
        return False
    for row, spans in zip(rows[1:], below, strict=True):
        letters = [sum(len(part.text) for part in row if x0 <= part.x0 <= x1) for x0, x1 in spans]
        if len(spans) != len(first) or min(letters) > SHORT_CELL:
            return False
        for (x0, x1), (under0, under1) in zip(first, spans, strict=True):
            apart = min(abs(x0 - under0), abs(x1 - under1), abs(x0 + x1 - under0 - under1) / 2)
            if apart > SAME_PLACE:
                return False
    return True


def _counts_on(edge: Edge, pages: Mapping[int, Sequence[Edge]]) -> bool:
    """Tell whether a page around has the number that follows from this one."""
    return any(
        other.number == edge.number + step and (not edge.key or other.key == edge.key)
        for step, page in pages.items()
        for other in page
    )


def _comes_again(edge: Edge, pages: Mapping[int, Sequence[Edge]]) -> bool:
    """Tell whether a row is on nearly all pages around, or on each second one."""
    if sum(map(str.isalpha, edge.key)) < 3 or len(edge.key) > LONGEST_HEAD:
        return False
    # True: it comes again; False: the place holds another row; None: it holds nothing.
    again = {step: _again(edge, step, page) for step, page in pages.items() if page}
    # A number that counts on leaves no doubt.
    least = 1 if edge.number >= 0 and _counts_on(edge, pages) else FEWEST_AGAIN
    if _is_run(again, least, LABELLED.match(edge.key) is not None):
        return True
    takes_turns = not any(found for step, found in again.items() if step % 2)
    return takes_turns and _is_run({step: found for step, found in again.items() if step % 2 == 0}, least, False)


def _again(edge: Edge, step: int, page: Sequence[Edge]) -> bool | None:
    place = [other for other in page if other.is_top == edge.is_top and abs(other.y - edge.y) < SAME_HEIGHT]
    if any(other.key == edge.key and other.number in (edge.number, edge.number + step) for other in place):
        return True
    return False if any(other.key for other in place) else None


def _is_run(again: Mapping[int, bool | None], least: int, is_alone: bool) -> bool:
    """Tell whether a row stands without interruption on pages around.

    Args:
        again: whether the row is on each page, by how far on it is.
        least: pages that it comes again on, at least.
        is_alone: whether no other row may have its place further on, as that of the next chapter.
    """
    count = 0
    for way in (-1, 1):
        steps = sorted((step for step in again if step * way > 0), key=abs)
        ends = next((index for index, step in enumerate(steps) if again[step] is False), len(steps))
        if ends < len(steps) and (is_alone or any(again[step] for step in steps[ends:])):
            return False
        last = max((index for index in range(ends) if again[steps[index]]), default=-1)
        found = sum(1 for step in steps[: last + 1] if again[step])
        if found < NEARLY_ALL * (last + 1):
            return False
        count += found
    return count >= least


def _value(text: str) -> int:
    """Return the value of a number in digits or in Roman numerals."""
    if text.isdecimal():
        return int(text)
    values = [ROMAN[character] for character in text.lower()]
    return sum(-one if one < after else one for one, after in zip(values, [*values[1:], 0], strict=True))
