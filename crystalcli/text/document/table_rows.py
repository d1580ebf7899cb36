"""Rows of a table as lines that carry their header: `Year: 2020; Revenue: 1,200`.

Knows titles, headers and empty rows, as one follows the other. Does not know what a header looks
like (table_header), nor where the rows are from.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from itertools import islice

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer
from crystalcli.text.document.table_header import Row, are_alike, column_names, header_height

MAX_COLUMNS = 16_384  # of a sheet that are read: as many as Excel has
_SEARCHED_ROWS = 30  # rows below an empty row that may stand above the header
_LOOKAHEAD = 12  # rows below a row that show whether it is their header
_WIDE = 20  # cells; the line of a row with more is cut into several
_MAX_LINE = 1_000  # characters of each of these lines
_Names = Mapping[int, str]


def write_table(
    composer: Composer, sheet: str, rows: Iterable[tuple[int, Row]], headers: Container[int] = ()
) -> Iterator[None]:
    """Write the rows of a sheet, each on a line of its own, and yield after each.

    Args:
        composer: where they are written.
        sheet: the name of the sheet, for the "sheet" landmark.
        rows: (number from 1, row) of each.
        headers: numbers of rows that are headers.
    """
    gap = PARAGRAPH
    for number, line in row_lines(rows, headers):
        composer.begin_block(gap)
        composer.mark("sheet", sheet)
        composer.mark_row(number)
        composer.write_block(line, gap)
        gap = LINE
        yield


def row_lines(rows: Iterable[tuple[int, Row]], headers: Container[int] = ()) -> Iterator[tuple[int, str]]:
    """Yield each filled row as (number, line); a very wide one as several lines with its number.

    A header is a line of its own, and its names stand in every row below.

    Args:
        rows: (number from 1, row) of each.
        headers: numbers of rows that are headers.
    """
    for number, row, names in named_rows(rows, headers):
        parts = [_named(names, column, cell.text) for column, cell in row.items()]
        lines = _lines_of(parts) if len(parts) > _WIDE else ("; ".join(parts),)
        yield from ((number, line) for line in lines)


def document_lines(rows: Iterable[tuple[int, Row]], headers: Container[int] = ()) -> Iterator[tuple[int, str]]:
    """Yield each filled row of a document's table as (number, line).

    Rows below a header carry its names; those of a table without one are `a | b`.

    Args:
        rows: (number from 1, row) of each.
        headers: numbers of rows that are headers.
    """
    for number, row, names in named_rows(rows, headers, min_columns=3):
        if names:
            yield number, "; ".join(_named(names, column, cell.text) for column, cell in row.items())
        else:
            cells = (row[column].text if column in row else "" for column in range(min(0, *row), max(row) + 1))
            yield number, " | ".join(cells)


def named_rows(
    rows: Iterable[tuple[int, Row]], headers: Container[int] = (), min_columns: int = 2
) -> Iterator[tuple[int, Row, _Names]]:
    """Yield each filled row with its number and the names of its columns.

    A header, and a title above one, have no names. After an empty row or a title another table may
    begin, with a header of its own.

    Args:
        rows: (number from 1, row) of each.
        headers: numbers of rows that are headers.
        min_columns: cells of a row that may be a header without usual names in it.
    """
    filled = ((number, row) for number, row in rows if row)
    window = deque(islice(filled, _LOOKAHEAD))
    names: dict[int, str] = {}
    sample: Row = {}  # a row of the table whose names these are
    last = widest = data_rows = 0
    is_open, is_new, is_titled = True, True, False
    while window:
        number, row = window[0]
        if number > last + 1:  # an empty row
            is_open = is_new = True
            widest = data_rows = 0
        height = _height(window, headers)
        if not height and is_open and len(row) >= max(2, widest):
            table, is_apart = _table_at_top(window)
            is_apart = is_apart and is_new and not (names and not is_titled)
            is_second = bool(names) and not is_titled
            is_doubtful = len(row) == widest or len(row) < min_columns
            height = header_height(table, is_apart=is_apart, is_second=is_second, is_doubtful=is_doubtful)
        if height:
            names = column_names([other for _, other in islice(window, height)])
            sample, is_open, is_new, is_titled = {}, False, False, False
            under: _Names = {}
        elif len(row) == 1:  # a title, or, within a table, a row with one value
            is_titled = is_new or not names or _begins_table(window)
            is_open, under = True, {} if is_titled else names
            widest = 0 if is_titled and names else widest
        else:
            if is_titled and not are_alike(row, sample):  # another table, without a header
                names = {}
            data_rows += 1
            is_open, is_new, is_titled = not names and data_rows < _SEARCHED_ROWS, False, False
            widest = max(widest, len(row))
            sample, under = row if names else {}, names
        for _ in range(height or 1):
            last, row = window.popleft()
            window.extend(islice(filled, 1))
            yield last, row, under


def _height(window: Sequence[tuple[int, Row]], headers: Container[int]) -> int:
    """Return how many of the next rows are known to be a header; a cell alone is a title."""
    is_known = (number in headers and (len(row) > 1 or min(row) > 0) for number, row in window)
    return next((count for count, known in enumerate(is_known) if not known), len(window))


def _begins_table(window: Sequence[tuple[int, Row]]) -> bool:
    """Tell whether the row below the first is the header of another table."""
    table, _ = _table_at_top(islice(window, 1, None))
    return len(table) > 1 and header_height(table, is_second=True) > 0


def _table_at_top(window: Iterable[tuple[int, Row]]) -> tuple[list[Row], bool]:
    """Return the next rows as far as they may be of one table, and whether the first stands apart.

    One empty row may part the first row, which may be a header, from two others or more.
    """
    table: list[Row] = []
    last, gap = 0, False
    for number, row in window:
        if table and number > last + 1:
            if len(table) > 1:
                break
            gap = True
        table.append(row)
        last = number
    return table, gap and len(table) > 2


def _named(names: _Names, column: int, text: str) -> str:
    name = names.get(column, "")
    return f"{name}: {text}" if name else text


def _lines_of(parts: Sequence[str]) -> Iterator[str]:
    """Yield the cells of a wide row in lines that each begin with the first cell."""
    first = parts[0][: _MAX_LINE // 4]
    line = parts[0]
    for part in parts[1:]:
        if len(line) + len(part) > _MAX_LINE and len(line) > len(first):
            yield line
            line = first
        line = f"{line}; {part}"
    yield line
