"""The pages of a PDF with what is to be known of them before they become text.

Knows that a page is read by itself, whoever reads it. Does not know how its lines become text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from crystalcli.errors import SourceError
from crystalcli.text.asked import Asked
from crystalcli.text.pdf_glyphs import Fragment, Glyphs
from crystalcli.text.pdf_heads import Edge, edges_of
from crystalcli.text.pdf_layout import Line, blocks_of, line_of, rows_of


@dataclass(frozen=True, slots=True)
class PageRead:
    """Page `number`, counted from 0: its letters, the rows at its edges, and why it could not be read, or ""."""

    number: int
    fragments: list[Fragment]
    turned: list[list[Fragment]]
    edges: list[Edge]
    trouble: str = ""


def page_of(glyphs: Glyphs, number: int) -> PageRead:
    """One page; an empty one where it cannot be read."""
    try:
        page = glyphs.page(number)
    except SourceError as error:
        return PageRead(number, [], [], [], str(error))
    return PageRead(number, page.fragments, page.turned, edges_of([line_of(row) for row in rows_of(page.fragments)]))


def blocks(page: PageRead, leave_out: set[int]) -> list[list[Line]]:
    """The page's lines in reading order, without the rows `leave_out`; what is turned otherwise comes last."""
    rows = [row for index, row in enumerate(rows_of(page.fragments)) if index not in leave_out]
    out = blocks_of(rows)
    for turned in page.turned:
        out += [[line_of(row) for row in rows_of(turned)]]
    return out


def pages_of(glyphs: Glyphs, asked: Asked) -> Iterator[PageRead]:
    """All pages in order."""
    for number in range(glyphs.count):
        yield page_of(glyphs, number)
