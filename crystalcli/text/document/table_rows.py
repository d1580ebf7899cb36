"""Rows of a sheet as lines that carry their header: `Year: 2020; Revenue: 1,200`.

Knows what a header looks like. Does not know where the rows are from.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain, pairwise
from typing import NamedTuple

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer

MAX_COLUMNS = 16_384  # of a sheet that are read: as many as Excel has
MAX_NAME_LENGTH = 80  # characters of a column's name that each row repeats
_HEADER_ROWS = 30  # filled rows at the top of a sheet that may be its header
_VALUE = re.compile(
    r"[\s$€£¥(+-]*(?:\d[\d.,'\s]*|\.\d+)(?:[eE][+-]?\d+)?\s*(?:%|\)|[$€£¥])*\s*"  # numbers
    r"|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}(?:[T ][\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?"  # dates
    r"|\d{1,2}:\d\d(?::\d\d)?(?:\.\d+)?|true|false|yes|no|null|n/?a|-+",
    re.IGNORECASE,
)


class Cell(NamedTuple):
    """One cell.

    Attributes:
        text: what it shows, on one line.
        is_text: it holds words, rather than a number, a date or the like.
    """

    text: str
    is_text: bool


Row = Mapping[int, Cell]  # filled cells by column, from 0, in order


def guess_cell(text: str) -> Cell:
    """Return a cell of unknown type; its text decides whether it holds words."""
    return Cell(text, _VALUE.fullmatch(text) is None)


def write_table(composer: Composer, sheet: str, rows: Iterable[tuple[int, Row]]) -> Iterator[None]:
    """Write the rows of a sheet, each on a line of its own, and yield after each.

    Args:
        composer: where they are written.
        sheet: the name of the sheet, for the "sheet" landmark.
        rows: (number from 1, row) of each.
    """
    gap = PARAGRAPH
    for number, line in row_lines(rows):
        composer.begin_block(gap)
        composer.mark("sheet", sheet)
        composer.mark_row(number)
        composer.write_block(line, gap)
        gap = LINE
        yield


def row_lines(rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, str]]:
    """Yield each filled row as (number, line).

    A header is a line of its own, and its names stand in every row below. After an empty row
    another table may begin, with a header of its own.

    Args:
        rows: (number from 1, row) of each.
    """
    header: dict[int, str] = {}
    may_begin, seen, last = True, 0, 0
    end: tuple[int, Row] = (0, {})
    for (number, row), (below, following) in pairwise(chain(rows, (end,))):
        if not row:
            may_begin = True
            continue
        may_begin = may_begin or number > last + 1
        last = number
        seen += 1
        may_search = not header and seen <= _HEADER_ROWS
        if (may_begin or may_search) and below == number + 1 and _is_header(row, following, has_header=bool(header)):
            header = {column: cell.text[:MAX_NAME_LENGTH].rstrip() for column, cell in row.items()}
            may_begin = False
            yield number, "; ".join(cell.text for cell in row.values())
            continue
        may_begin = may_begin and not header
        yield number, "; ".join(_with_name(header, column, cell.text) for column, cell in row.items())


def _with_name(header: Mapping[int, str], column: int, text: str) -> str:
    name = header.get(column, "")
    return f"{name}: {text}" if name else text


def _is_header(row: Row, following: Row, *, has_header: bool) -> bool:
    """Tell whether `row` names the columns of `following`.

    Args:
        row: a filled row.
        following: the row below it.
        has_header: the table has a header already, so a second one must stand above a value.
    """
    names = [cell.text.casefold() for cell in row.values()]
    if len(names) < 2 or len(set(names)) < len(names) or not all(cell.is_text for cell in row.values()):
        return False
    if any(len(name) > 2 * MAX_NAME_LENGTH for name in names) or not following:
        return False
    under = [cell for column, cell in following.items() if column in row]
    if 2 * len(under) < len(following):
        return False
    return any(not cell.is_text for cell in under) if has_header else bool(under)
