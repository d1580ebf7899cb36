"""Pages of a PDF, read one by one or by several processes, before they become text.

Knows: pages are independent, so that any process may read any of them; overlays belong into the
rows of their page.
Does not know: how lines become text (paragraphs), what pypdf reads (structure).
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from crystalcli.errors import SourceError
from crystalcli.text.formats.pdf.annotations import Overlay
from crystalcli.text.formats.pdf.fallback import PypdfPages, rescued_page
from crystalcli.text.formats.pdf.glyphs import Fragment, Glyphs, Page
from crystalcli.text.formats.pdf.page_layout import Line, line_of, page_rows, row_blocks
from crystalcli.text.formats.pdf.page_tables import PageTables
from crystalcli.text.formats.pdf.ruled_grids import Grid, GridCell
from crystalcli.text.formats.pdf.ruled_tables import ruled_table
from crystalcli.text.formats.pdf.running_headers import Edge, edges_of
from crystalcli.text.formats.pdf.special_rows import Row, vertical_lines, without_line_numbers
from crystalcli.text.source.file_bytes import open_bytes
from crystalcli.text.source.read_request import ReadRequest
from crystalcli.text.source.worker_process import worker_values

FEWEST_APART = 48  # pages; fewer are read in less time than helpers take to start
STRETCH = 24  # pages that a helper reads in one go
LETTER = 0.5  # ems, width of a letter that is not drawn
LEADING = 1.15  # ems from line to line of a field


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page with its letters.

    Attributes:
        number: page number, from 0.
        fragments: letters in the direction of most of them.
        turned: letters turned otherwise, a list for each angle.
        edges: rows at its top and bottom, which may be running headers.
        height: height of the page, in points.
        trouble: why it could not be read, or "".
        pictured: share of the page that pictures cover, where it has few letters or none.
        grids: ruled tables, the upper first.
    """

    number: int
    fragments: list[Fragment]
    turned: list[list[Fragment]]
    edges: list[Edge]
    height: float
    trouble: str = ""
    pictured: float = 0.0
    grids: list[Grid] = field(default_factory=list)


def read_page(source: Glyphs | PypdfPages, number: int) -> PageRead:
    """Return one page; an empty one if it cannot be read."""
    try:
        page = source.page(number)
    except SourceError as error:
        return PageRead(number, [], [], [], 0.0, str(error))
    return with_edges(number, page)


def rescued(page: PageRead, asked: ReadRequest) -> PageRead:
    """Return pypdf's text of a page that pdfium cannot read, or the page if pypdf cannot either."""
    try:
        return with_edges(page.number, rescued_page(asked, page.number))
    except SourceError:
        return page


def with_edges(number: int, page: Page) -> PageRead:
    """Return a page with the rows that may be running headers."""
    edges = edges_of(page_rows(page.fragments), page.height)
    return PageRead(number, page.fragments, page.turned, edges, page.height, pictured=page.pictured, grids=page.grids)


def with_overlays(page: PageRead, overlays: Sequence[Overlay]) -> PageRead:
    """Return a page with the text that viewers draw over it, in the rows that it is drawn in.

    On a page without letters of its own nothing says what a value is, so its label comes before it.
    """
    fragments = list(page.fragments)
    for overlay in overlays:
        text = overlay.text if page.fragments or not overlay.label else f"{overlay.label}: {overlay.text}"
        lines = text.split("\n")
        # Viewers center a single line, and begin several of them at the top.
        top = overlay.y1 - overlay.size if len(lines) > 1 else (overlay.y0 + overlay.y1) / 2 - 0.3 * overlay.size
        for index, line in enumerate(lines):
            if line := line.strip():
                place = top - index * LEADING * overlay.size
                fragments.append(_drawn(line, overlay, place, page.fragments if len(lines) == 1 else ()))
    drawn = Page(fragments, page.turned, page.height, grids=page.grids)
    return replace(with_edges(page.number, drawn), trouble=page.trouble)


def _drawn(text: str, overlay: Overlay, y: float, printed: Sequence[Fragment]) -> Fragment:
    """Return a line of an overlay as a fragment.

    Args:
        text: the line.
        overlay: where it stands, and the size of its letters.
        y: base line in points, as far as the rectangle tells it.
        printed: fragments of the page; the value of a field goes on the base line of its row.
    """
    size, x0 = overlay.size, overlay.x0
    near = [
        fragment for fragment in printed if overlay.y0 - 2 <= fragment.y <= overlay.y1 and abs(fragment.y - y) <= size
    ]
    if near:
        row = min(near, key=lambda fragment: abs(fragment.y - y))
        y, size = row.y, row.size
        # A line of underscores, on which the value is written, ends before the value.
        under = [fragment.x1 for fragment in near if fragment.y == y and fragment.x0 < overlay.x1 and fragment.x1 > x0]
        x0 = max([x0, *(x1 + size / 2 for x1 in under)])
    return Fragment(round(x0, 2), round(x0 + LETTER * size * len(text), 2), round(y, 2), round(size, 2), text)


def blocks(page: PageRead, leave_out: set[int], tables: PageTables) -> list[list[Line]]:
    """Return the lines of a page in reading order; those turned otherwise come last.

    Args:
        page: the page.
        leave_out: numbers of rows that are left out.
        tables: those of the pages before.
    """
    tables.begin_page()
    rows = [row for index, row in enumerate(page_rows(page.fragments)) if index not in leave_out]
    if lines := vertical_lines([fragment for row in rows for fragment in row]):
        out = [[line_of([fragment]) for fragment in lines]]
    else:
        out = _in_reading_order(without_line_numbers(rows), page.grids, tables)
    for turned in page.turned:
        out += [[line_of(row) for row in page_rows(turned)]]
    return out


def _in_reading_order(rows: list[Row], grids: Sequence[Grid], tables: PageTables) -> list[list[Line]]:
    """Return lines in reading order; a ruled table that is alone in its rows is a block."""
    out: list[list[Line]] = []
    for grid in grids:
        above, inside, below = _parted(rows, grid)
        table = ruled_table(grid, inside) if inside else None
        if table is not None:
            out += [tables.lines(block) for block in row_blocks(above)]
            out.append(tables.ruled_lines(table))
            rows = below
    return out + [tables.lines(block) for block in row_blocks(rows)]


def _parted(rows: list[Row], grid: Grid) -> tuple[list[Row], list[Row], list[Row]]:
    """Return the rows above a grid, in it, and below it; no rows in it if text stands beside it."""
    heights = [sum(fragment.y + 0.3 * fragment.size for fragment in row) / len(row) for row in rows]
    inside = [index for index, height in enumerate(heights) if grid.ys[-1] < height < grid.ys[0]]
    is_alone = all(
        grid.xs[0] < (fragment.x0 + fragment.x1) / 2 < grid.xs[-1] for index in inside for fragment in rows[index]
    )
    if not inside or not is_alone or inside != list(range(inside[0], inside[-1] + 1)):
        return rows, [], []
    return rows[: inside[0]], rows[inside[0] : inside[-1] + 1], rows[inside[-1] + 1 :]


def pages_of(source: Glyphs | PypdfPages, asked: ReadRequest) -> Iterator[PageRead]:
    """Yield all pages in order; several processes read those of a long document."""
    if source.count < FEWEST_APART or HELPERS < 2 or isinstance(source, PypdfPages):
        for number in range(source.count):
            yield read_page(source, number)
        return
    firsts = iter(range(0, source.count, STRETCH))
    at_work: deque[Iterator[Any]] = deque()
    while True:
        while len(at_work) < HELPERS and (first := next(firsts, None)) is not None:
            end = min(first + STRETCH, source.count)
            at_work.append(worker_values(asked, "formats.pdf.pdf_pages:read_pages", first, end))
        if not at_work:
            return
        for number, fragments, turned, edges, height, trouble, pictured, grids in at_work.popleft():
            yield PageRead(
                number,
                [Fragment(*fields) for fields in fragments],
                [[Fragment(*fields) for fields in letters] for letters in turned],
                [Edge(*fields) for fields in edges],
                height,
                trouble,
                pictured,
                [_grid(*fields) for fields in grids],
            )


def _grid(xs: Sequence[float], ys: Sequence[float], cells: Sequence[Sequence[int]], marked: int) -> Grid:
    return Grid(tuple(xs), tuple(ys), tuple(GridCell(*fields) for fields in cells), marked)


def read_pages(asked: ReadRequest, first: int, end: int) -> Iterator[list[Any]]:
    """Yield the pages [first, end) of a file as lists.

    The reader, which reads the file to its end, finds out if it has changed meanwhile.
    """
    with open_bytes(asked.path) as (stream, _):
        glyphs = Glyphs(stream, asked.options.password)
        try:
            for number in range(first, end):
                page = read_page(glyphs, number)
                rest = [page.edges, page.height, page.trouble, page.pictured, page.grids]
                yield [number, page.fragments, page.turned, *rest]
        finally:
            glyphs.close()


def _processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


HELPERS = min(4, _processors())
