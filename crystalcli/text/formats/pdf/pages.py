"""The pages of a PDF with what is to be known of them before they become text.

Knows that a page is read by itself, whoever reads it. Does not know how its lines become text.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from crystalcli.errors import SourceError
from crystalcli.text.apart import values_apart
from crystalcli.text.asked import Asked
from crystalcli.text.formats.pdf.glyphs import Fragment, Glyphs
from crystalcli.text.formats.pdf.layout import Line, blocks_of, line_of, rows_of
from crystalcli.text.formats.pdf.running_headers import Edge, edges_of
from crystalcli.text.reader_bytes import open_bytes

FEWEST_APART = 48  # pages; fewer are read in less time than helpers take to start
STRETCH = 24  # pages that a helper reads in one go


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
    """All pages in order; those of a long document are read by several processes at once, and come out the same."""
    if glyphs.count < FEWEST_APART or HELPERS < 2:
        for number in range(glyphs.count):
            yield page_of(glyphs, number)
        return
    firsts = iter(range(0, glyphs.count, STRETCH))
    at_work: deque[Iterator[Any]] = deque()
    while True:
        while len(at_work) < HELPERS and (first := next(firsts, None)) is not None:
            end = min(first + STRETCH, glyphs.count)
            at_work.append(values_apart(asked, "formats.pdf.pages:stretch", first, end))
        if not at_work:
            return
        for number, fragments, turned, edges, trouble in at_work.popleft():
            yield PageRead(
                number,
                [Fragment(*each) for each in fragments],
                [[Fragment(*each) for each in letters] for letters in turned],
                [Edge(*each) for each in edges],
                trouble,
            )


def stretch(asked: Asked, first: int, end: int) -> Iterator[list[Any]]:
    """The pages `[first, end)` of a file as lists. That it has changed is for the reader to find, who reads it to its end."""
    with open_bytes(asked.path) as (stream, _):
        glyphs = Glyphs(stream, asked.options.password)
        try:
            for number in range(first, end):
                page = page_of(glyphs, number)
                yield [number, page.fragments, page.turned, page.edges, page.trouble]
        finally:
            glyphs.close()


def _processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


HELPERS = min(4, _processors())
