"""Tables on pages: each row carries the names of its columns, `Revenue; 2022: $17; 2021: $15`.

A table is rows of cells that stand below one another. Its header is the rows above the first value,
as far as they name most columns. A row stays as it is where no header is found. A table that goes
on over a page keeps the names.

Knows: rows of pages, as one page follows the other. Does not know: how cells lie (table_columns).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.document.table_header import Cell, header_height
from crystalcli.text.formats.pdf.bidi import has_leftward
from crystalcli.text.formats.pdf.page_layout import MOST_FRAGMENTS, Line, line_of
from crystalcli.text.formats.pdf.ruled_tables import RuledTable, RuledTables
from crystalcli.text.formats.pdf.special_rows import Row
from crystalcli.text.formats.pdf.table_columns import (
    LABEL_EDGE,
    Columns,
    PlacedCell,
    are_names,
    cells_of,
    columns_of,
    is_name,
    is_value,
    is_year,
)

FEWEST_ROWS = 2  # of values
MOST_HEADER_ROWS = 5
MOST_BETWEEN = 3  # rows of one cell in a row, within a table
WIDEST_TITLE = 0.8  # of a table's width; wider rows of one cell are prose
ROW_STEP = 3.0  # ems from the header to the first row, and between rows of a header
NAME_STEP = 1.5  # ems between the lines of one name
TABLE_STEP = 6.0  # ems between rows of a table
LONGEST_NAME = 80  # characters of a column's name
LONGEST_CELL = 200  # characters
AT_EDGE = 3  # rows at the end of a page, or its beginning, that may stand between parts of a table
INDENT = 0.4  # ems
_UNIT = re.compile(
    r"\(?(?:[\w$€£¥.]+ )?(?:and shares )?(?:\(|in )*(?:[$€£¥] )?(?:in )?(?:thousands|millions|billions)"
    r"(?: of [\w. ]+)?\)?[:.]?|\([$€£¥%][^()]{0,20}\)",
    re.IGNORECASE,
)
# What a header says over the labels of a statement: `Years ended December 31,`.
_NO_LABEL = re.compile(
    r"(?:(?:for the )?(?:fiscal )?(?:years?|periods?)(?: ended| ending)?|as (?:of|at)|at)\b.*|\(.*\)|\w+ \d{1,2},?",
    re.IGNORECASE,
)
_NO_AMOUNT = re.compile(r"per (?:\w+ )?share|percent|%|rate\b|ratio|margin", re.IGNORECASE)  # in no unit of the table
_SPANNING_YEARS = re.compile(r"(?:for the )?(?:fiscal )?years? ended(?: |\Z)", re.IGNORECASE)


class _Kind(StrEnum):
    """The kinds of rows."""

    VALUES = "values"  # cells, of which one is a value
    WORDS = "words"  # cells without values
    SINGLE = "single"  # one cell


class _TableRow(NamedTuple):
    """A row that may be of a table."""

    line: Line
    cells: list[PlacedCell]
    kind: _Kind


@dataclass(frozen=True, slots=True)
class _Table:
    """A table with names of its columns.

    Attributes:
        columns: its columns.
        names: of columns of values, by number.
        label: name of the first column, if that is a label, or "".
        unit: of all values, or "".
    """

    columns: Columns
    names: dict[int, str]
    label: str = ""
    unit: str = ""


class PageTables:
    """The tables of a document, page after page.

    Attributes:
        nameless: Tables whose columns have no names.
    """

    def __init__(self) -> None:
        self.nameless = 0
        self._ruled = RuledTables()
        self._open: _Table | None = None  # the last table of the page before, if it may go on
        self._last: _Table | None = None  # of this page
        self._rows_since = 0  # rows of the page behind it

    def begin_page(self) -> None:
        """Let the last table of the page before go on, if it stood at its end."""
        self._open = self._last if self._rows_since <= AT_EDGE else None
        if self._rows_since > AT_EDGE:
            self._ruled.end()
        self._last = None
        self._rows_since = 0

    def lines(self, rows: Sequence[Row]) -> list[Line]:
        """Return the rows of a block as lines; those of tables with a header carry its names."""
        lines = [line_of(row) for row in rows]
        if not any(line.cells > 1 for line in lines) or sum(map(len, rows)) > MOST_FRAGMENTS:
            self._rows_since += len(lines)
            return lines
        table_rows = [_table_row(row, line) for row, line in zip(rows, lines, strict=True)]
        end = 0
        for first, stop in _stretches(table_rows):
            body = table_rows[first:stop]
            if body[0].kind == _Kind.WORDS:
                table = _table_of_words(table_rows[first - 1 : stop])
            else:
                header = _header_rows(table_rows, end, first)
                table = self._table(table_rows, header, body, first if end == 0 else None)
                first = header[-1] + 1 if header else first  # with the titles above the first values
                body = table_rows[first:stop]
            if table is not None:
                lines[first:stop] = _named_lines(body, table)
                self._last = table
                self._rows_since = 0
            else:
                self.nameless += _is_table(body)
            end = stop
        self._rows_since = len(lines) - end if self._last is not None and end else self._rows_since + len(lines)
        if self._rows_since > AT_EDGE or len(lines) > AT_EDGE:
            self._open = None
        return lines

    def ruled_lines(self, table: RuledTable) -> list[Line]:
        """Return the rows of a ruled table as lines; those below a header carry its names."""
        if self._rows_since > AT_EDGE:
            self._ruled.end()
        lines, is_named = self._ruled.lines(table)
        self.nameless += not is_named and len(lines) > FEWEST_ROWS and len(table.xs) > 3
        self._open = self._last = None
        self._rows_since = 0
        return lines

    def _table(
        self, rows: Sequence[_TableRow], header: Sequence[int], body: Sequence[_TableRow], at: int | None
    ) -> _Table | None:
        """Return the table of a stretch of rows, or None without names for its columns."""
        filled = [row.cells for row in body if row.kind != _Kind.SINGLE]
        columns = columns_of(filled)
        if columns is not None and header and len(columns.spans) - columns.first_value > 0:
            names, labels = columns.names_over([rows[index].cells for index in header])
            names = {column: _tidy_name(name) for column, name in names.items()}
            if are_names(names, columns) and (len(filled) >= FEWEST_ROWS or all(map(is_year, names.values()))):
                if sum(map(_is_label, labels)) > 1 and not _are_close([rows[index].line for index in header]):
                    return None  # rows of words below the header
                unit = _unit_of([*labels, *(row.line.text for row in rows[max(0, header[0] - 1) : header[0]])])
                return _Table(columns, names, _tidy_name(" ".join(filter(_is_label, labels))), unit)
        if at is not None and at <= AT_EDGE and self._open is not None and not header:
            placed = [self._open.columns.place(cells) for cells in filled]
            if all(placed) and _is_same(self._open.columns, columns):
                return self._open
        return None


def _is_table(body: Sequence[_TableRow]) -> bool:
    """Tell whether rows without a header are a table, rather than a list or formulas."""
    rows = [
        row.cells for row in body if row.kind != _Kind.SINGLE and sum(is_value(cell.text) for cell in row.cells) > 1
    ]
    return len(rows) > 2 and columns_of(rows) is not None


def _table_row(row: Row, line: Line) -> _TableRow:
    if line.cells < 2 or has_leftward(line.text):
        return _TableRow(line, [PlacedCell(line.x0, line.x1, line.text, tuple(row))], _Kind.SINGLE)
    cells = cells_of(row)
    if len(cells) < 2:
        return _TableRow(line, cells, _Kind.SINGLE)
    values = [cell.text for cell in cells if is_value(cell.text)]
    if is_value(cells[0].text) and len(values) == 1:  # the number of an item in a list
        values = []
    return _TableRow(line, cells, _Kind.VALUES if values and not all(map(is_year, values)) else _Kind.WORDS)


def _stretches(rows: Sequence[_TableRow]) -> Iterator[tuple[int, int]]:
    """Yield stretches [first, end) of rows that may be the body of a table.

    That of a table of words has its header in the row above.
    """
    index = 0
    while index < len(rows):
        if rows[index].kind == _Kind.WORDS and (end := _words_end(rows, index)):
            if _table_of_words(rows[index:end]) is not None:
                yield index + 1, end
            index = end
        elif rows[index].kind == _Kind.VALUES:
            last = index
            left, right = rows[index].line.x0, rows[index].line.x1
            while (after := _next_values(rows, last, left, right)) is not None:
                last = after
                left, right = min(left, rows[last].line.x0), max(right, rows[last].line.x1)
            yield index, last + 1
            index = last + 1
        else:
            index += 1


def _words_end(rows: Sequence[_TableRow], first: int) -> int:
    """Return the end of rows of words with as many cells as the first; 0 if they are no table."""
    end = first + 1
    while end < len(rows) and rows[end].kind == _Kind.WORDS and len(rows[end].cells) == len(rows[first].cells):
        if not 0 < rows[end - 1].line.y - rows[end].line.y <= TABLE_STEP * max(rows[end].line.size, 1.0):
            break
        end += 1
    is_header = any(row.kind == _Kind.VALUES for row in rows[end : end + MOST_BETWEEN])
    return 0 if is_header or end - first <= FEWEST_ROWS else end


def _table_of_words(rows: Sequence[_TableRow]) -> _Table | None:
    """Return the table whose first row, by its words, names the columns of the others; or None."""
    if not all(is_name(cell.text) for cell in rows[0].cells):
        return None
    columns = columns_of([row.cells for row in rows])
    if columns is None:
        return None
    placed = [columns.place(row.cells) for row in rows]
    grid = [{column: Cell(text) for column, text in row.items()} for row in placed if row is not None]
    if len(grid) < len(placed) or header_height(grid, is_doubtful=len(columns.spans) < 3) != 1:
        return None
    names = {column: _tidy_name(cell.text) for column, cell in grid[0].items()}
    return _Table(columns, names, names.pop(0, "") if columns.has_label else "")


def _next_values(rows: Sequence[_TableRow], last: int, left: float, right: float) -> int | None:
    """Return the next row of values of the same table, or None.

    Args:
        rows: of a block.
        last: a row of values.
        left: left end of the table so far, in points.
        right: its right end.
    """
    for index in range(last + 1, min(last + 2 + MOST_BETWEEN, len(rows))):
        row, above = rows[index], rows[index - 1]
        if above.line.y - row.line.y > TABLE_STEP * max(row.line.size, 1.0) or above.line.y < row.line.y:
            return None
        if row.kind == _Kind.VALUES:
            return index
        if row.kind == _Kind.WORDS:
            return None
        if row.line.x1 - row.line.x0 > WIDEST_TITLE * (right - left) or row.line.x0 > (left + right) / 2:
            return None
    return None


def _header_rows(rows: Sequence[_TableRow], start: int, first: int) -> list[int]:
    """Return the rows above the first row of values that may name columns, the upper first.

    Args:
        rows: of a block.
        start: the first row behind the table above.
        first: the first row of values.
    """
    out: list[int] = []
    left, cells = rows[first].line.x0, rows[first].cells
    value_left = cells[0 if is_value(cells[0].text) else 1].x0
    index = first - 1
    while index >= start and len(out) < MOST_HEADER_ROWS:
        row, below = rows[index], rows[index + 1]
        if not 0 <= row.line.y - below.line.y <= ROW_STEP * max(row.line.size, 1.0):
            break
        least = max(value_left - LABEL_EDGE * row.line.size, left + LABEL_EDGE * row.line.size)
        is_over_values = row.kind == _Kind.SINGLE and row.line.x0 >= least
        if row.kind == _Kind.WORDS or is_over_values:
            out.append(index)
        elif out or row.kind == _Kind.VALUES or first - index > MOST_BETWEEN:
            break
        index -= 1
    return out[::-1]


def _named_lines(body: Sequence[_TableRow], table: _Table) -> list[Line]:
    """Return the rows of a table's body as lines with the names of its columns.

    A label on two lines is one, and a title above rows that are set in stands before their labels.
    """
    out: list[Line] = []
    group: tuple[float, str] | None = None  # a title within the table: its left end and its text
    above = ""  # the beginning of a label
    merged = _merged_labels(body, table.columns)
    for index, (row, after) in enumerate(zip(body, [*body[1:], None], strict=True)):
        if row.kind == _Kind.SINGLE:
            if after is not None and _goes_on(row, after):
                above += row.line.text + " "
                continue
            text = above + row.line.text
            group = (row.line.x0, text.rstrip(": ")) if text.rstrip().endswith(":") else None
            out.append(row.line._replace(text=text))
            above = ""
            continue
        if group and row.line.x0 < group[0] + INDENT * row.line.size:
            group = None
        text = _named_text(row, table, f"{group[1]}: {above}" if group else above, merged.get(index, ""))
        out.append(row.line._replace(text=text or above + row.line.text))
        above = ""
    return out


def _merged_labels(body: Sequence[_TableRow], columns: Columns) -> dict[int, str]:
    """Return the labels of rows that a cell merged downwards covers, by their numbers.

    Such a cell stands in the first column, at the top of its rows, where all rows have words in the
    second. Labels in the middle or at the foot of their rows are not told apart from one another,
    and stay where they are.
    """
    placed = [columns.place(row.cells) if row.kind != _Kind.SINGLE else None for row in body]
    cells = [row for row in placed if row is not None]
    labels = [row.get(0, "") for row in cells]
    if len(cells) < len(body) or not labels[0] or labels[-1] or len(columns.spans) < 3:
        return {}
    if any(is_value(label) for label in labels if label) or any(is_value(row.get(1, "0")) for row in cells):
        return {}
    # Were each label in the middle of its rows, the last of these would have to end with the table.
    begin = 0
    for index, label in enumerate(labels):
        if label:
            begin = 2 * index - begin + 1
    starts = [index for index, label in enumerate(labels) if label]
    sizes = {after - start for start, after in pairwise([*starts, len(labels)])}
    if begin == len(labels) and (len(sizes) > 1 or sizes <= {1, 2}):
        return {}
    covering = ""
    out: dict[int, str] = {}
    for index, label in enumerate(labels):
        if not label:
            out[index] = covering
        covering = label or covering
    return out


def _goes_on(row: _TableRow, below: _TableRow) -> bool:
    """Tell whether the row of a title or of a label goes on in the row below it."""
    text, on = row.line.text.rstrip(), below.line.text
    return not text.endswith((":", ".")) and (on[:1].islower() or text.endswith((",", ";", "-", "–", "—", "/", "(")))


def _named_text(row: _TableRow, table: _Table, before: str, covering: str = "") -> str:
    """Return a row with the names of its columns, or "" if its cells do not fit into them.

    Args:
        row: the row.
        table: its table.
        before: what belongs before its label.
        covering: the label of a cell above that covers the row too, or "".
    """
    placed = table.columns.place(row.cells)
    if placed is not None and covering:
        placed = {0: covering, **placed}
    if placed is None or max(map(len, placed.values())) > LONGEST_CELL:
        return ""
    if before and (not table.columns.has_label or 0 not in placed):
        return ""
    parts = []
    for column, text in placed.items():
        if column >= table.columns.first_value:
            name = table.names.get(column, "")
            parts.append(f"{name}: {text}" if name else text)
        else:
            label = before + text if before or not table.label else f"{table.label}: {text}"
            is_amount = (
                table.unit and not _NO_AMOUNT.search(label) and not any("%" in value for value in placed.values())
            )
            parts.append(f"{label} ({table.unit})" if is_amount else label)
    return "; ".join(parts)


def _tidy_name(name: str) -> str:
    name = " ".join(_SPANNING_YEARS.sub("", name).split())
    return name if len(name) <= LONGEST_NAME else name[:LONGEST_NAME].rsplit(" ", 1)[0] + "…"


def _are_close(lines: Sequence[Line]) -> bool:
    """Tell whether the lines of a header are those of names on several lines."""
    return all(above.y - below.y <= NAME_STEP * max(below.size, 1.0) for above, below in pairwise(lines))


def _is_label(name: str) -> bool:
    """Tell whether the name of the first column is one, rather than a unit or a period."""
    return not (_NO_LABEL.fullmatch(name) or _UNIT.fullmatch(name))


def _unit_of(texts: Sequence[str]) -> str:
    return next((text.strip("(): ") for text in texts if _UNIT.fullmatch(text.strip())), "")


def _is_same(before: Columns, now: Columns | None) -> bool:
    """Tell whether columns stand where those of the page before stood."""
    if now is None or len(now.spans) != len(before.spans) or now.has_label != before.has_label:
        return False
    first = before.first_value
    pairs = list(zip(before.spans, now.spans, strict=True))[first:]
    return all(min(abs(a[0] - b[0]), abs(a[1] - b[1])) < 6 for a, b in pairs)
