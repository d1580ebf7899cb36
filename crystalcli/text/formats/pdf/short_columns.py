"""Columns of a few lines, which are too short to be told from a table by how they fill their width.

Knows: places of fragments, and how prose goes on from line to line.
Does not know: columns of more lines (page_layout), tables with gaps between their rows
(special_rows).

Each column is a sentence or two whose lines break because the next word has no room, and go on in
lower case. Where sentences end beside one another these are rows of a table.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.formats.pdf.special_rows import IN_LINE, Row

CELL_GAP = 1.2  # ems; fragments that are further apart are cells
MOST_COLUMNS = 4
MOST_ROWS = 60
STEP = 1.6  # ems from line to line
FEWEST_LETTERS = 18  # in half the lines of a column
MOST_ODD = 0.15  # of the lines of a column, that end or begin as no line of prose does
ENDS = (".", "!", "?", ":")


class _CellLine(NamedTuple):
    """A line of a column.

    Attributes:
        x1: right end, in points.
        text: its text.
        width: of a letter, in points.
    """

    x1: float
    text: str
    width: float


def cell_spans(row: Row) -> list[tuple[float, float]]:
    """Return the left and right ends of the cells of a row, in points."""
    spans = [(row[0].x0, row[0].x1)]
    for before, fragment in pairwise(row):
        start, end = spans[-1]
        if fragment.x0 - end > CELL_GAP * min(before.size, fragment.size):
            spans.append((fragment.x0, fragment.x1))
        else:
            spans[-1] = start, max(end, fragment.x1)
    return spans


def short_columns_end(rows: Sequence[Row], index: int) -> int:
    """Return the row behind short columns of prose that begin in a row; 0 without any.

    Args:
        rows: rows of a block, from the top.
        index: the row in which they begin.
    """
    starts = [start for start, _ in cell_spans(rows[index])]
    if not 1 < len(starts) <= MOST_COLUMNS:
        return 0
    columns: list[list[_CellLine | None]] = [[] for _ in starts]
    end = index
    while end < len(rows) and end - index < MOST_ROWS and (cells := _cells_below(rows, index, end, starts)):
        for column, cell in zip(columns, cells, strict=True):
            column.append(cell)
        end += 1
    # The first line of the next paragraph stands below one of them alone.
    while end > index and sum(column[end - index - 1] is not None for column in columns) < 2 and not _goes_on(columns):
        columns = [column[:-1] for column in columns]
        end -= 1
    return end if _are_prose(columns) else 0


def _cells_below(rows: Sequence[Row], index: int, number: int, starts: Sequence[float]) -> list[_CellLine | None]:
    """Return the cells of a row in columns; [] where it is no further row of them."""
    row, first = rows[number], rows[index][0]
    if number > index and rows[number - 1][0].y - row[0].y > STEP * first.size:
        return []
    if not 0.87 < row[0].size / first.size < 1.15:
        return []
    cells: list[_CellLine | None] = [None] * len(starts)
    for start, stop in cell_spans(row):
        column = next((place for place, left in enumerate(starts) if abs(start - left) <= IN_LINE), None)
        if column is None or (column + 1 < len(starts) and stop > starts[column + 1]):
            return []
        text = " ".join(one.text for one in row if start <= one.x0 and one.x1 <= stop).strip()
        if not text:
            return []
        cells[column] = _CellLine(stop, text, (stop - start) / len(text))
    return cells


def _goes_on(columns: Sequence[Sequence[_CellLine | None]]) -> bool:
    """Tell whether the last line goes on with a sentence above it."""
    for column in columns:
        lines = [line for line in column if line is not None]
        if column and column[-1] is not None and len(lines) > 1:
            return lines[-1].text[0].islower() or lines[-2].text.endswith(ENDS)
    return False


def _are_prose(columns: Sequence[Sequence[_CellLine | None]]) -> bool:
    """Tell whether each column is prose of two lines or more, broken where it has no room."""
    ends: list[int] = []  # rows in which a sentence begins, of all columns
    for column in columns:
        lines = [line for line in column if line is not None]
        if len(lines) < 2 or None in column[: len(lines)]:
            return False
        if statistics.median(len(line.text) for line in lines) < FEWEST_LETTERS:
            return False
        edge = max(line.x1 for line in lines)
        goes_on = odd = 0
        for number, (line, below) in enumerate(pairwise(lines), 1):
            word = below.text.split(None, 1)[0]
            is_full = line.x1 + (len(word) + 1) * below.width > edge - 1
            if below.text[0].islower() and is_full:
                goes_on += 1
            elif line.text.endswith(ENDS):
                ends.append(number)
            elif not (is_full and below.text[0].isalpha() and line.text[-1:].isalpha()):
                odd += 1
        if 2 * goes_on < len(lines) - 1 or not goes_on or odd > MOST_ODD * len(lines):
            return False
    level = len(ends) - len(set(ends))
    return level == 0 or 2 * level < len(set(ends))
