"""Rows that are read otherwise than from left to right: initials, line numbers, tables, columns.

Knows: places of fragments.
Does not know: columns of prose (page_layout), pdfium.

- A large initial belongs to the first of the lines beside it.
- Numbers of lines in the margin are no text: each counts the rows from the one above it.
- A table whose cells wrap has a gap below each of its rows, over all its columns.
- Chinese and Japanese may run downwards, in lines from right to left.
"""

from __future__ import annotations

import re
import statistics
from collections.abc import Sequence
from itertools import pairwise

from crystalcli.text.formats.pdf.glyphs import LARGE_INITIAL, Fragment

Row = list[Fragment]

INITIAL_GAP = 0.5  # of its size, between it and the text
FEWEST_NUMBERED = 5  # rows with a number
FEWEST_STEPS = 2  # the same, of every fifth or tenth line, outside of all text
BESIDE = 0.4  # ems, between a number and its line
IN_LINE = 3.0  # points, between numbers or cells that stand below one another
LOWER = 0.2  # of the lines of prose that begin in lower case, at least
FEWEST_BANDS = 3  # rows of a table
MOST_LINES = 8  # of a cell
BAND_GAP = 1.25  # of the distance between lines; rows of a table are further apart
CLOSEST = 0.9  # ems between lines; two columns of prose have lines that are closer
ENOUGH_FULL = 0.8  # of the lines of a cell that go on in the next
SIGN = re.compile(r"\W*\w?|\(?\w{1,3}[.)\]]")  # of a list
VERTICAL = 1.5  # ems, width of a line that runs downwards
FEWEST_VERTICAL = 4  # letters of a line that runs downwards
WIDE_LETTER = re.compile("[\u3041-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def with_initials(fragments: Sequence[Fragment]) -> list[Fragment]:
    """Return fragments with each large initial joined to the text that it begins."""
    if not fragments:
        return []
    out = list(fragments)
    least = LARGE_INITIAL * statistics.median(one.size for one in fragments)
    for initial in fragments:
        if initial.size < least or len(initial.text) > 2 or not initial.text[-1:].isupper():
            continue
        beside = [
            one
            for one in out
            if one.size * LARGE_INITIAL < initial.size
            and -0.1 * initial.size < one.x0 - initial.x1 < INITIAL_GAP * initial.size
            and initial.y - 0.2 * one.size <= one.y < initial.y + initial.size
        ]
        first = max(beside, key=lambda one: one.y, default=None)
        # One line beside it is a heading with a large number, or a mark in the margin.
        if first is not None and len({one.y for one in beside}) > 1 and first.text[:1].isalpha():
            out[out.index(first)] = first._replace(x0=initial.x0, text=initial.text + first.text)
            out.remove(initial)
    return out


def without_line_numbers(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of a page without the numbers of lines in its margin."""
    for side in (0, -1):
        numbered = [
            (index, int(row[side].text))
            for index, row in enumerate(rows)
            if len(row) > 1 and row[side].text.isdecimal() and len(row[side].text) < 5 and _is_apart(row, side)
        ]
        if len(numbered) < FEWEST_NUMBERED and not _are_steps(rows, numbered, side):
            continue
        if not _count_lines(rows, numbered, side):
            continue
        places = {index for index, _ in numbered}
        return [(row[1:] if side == 0 else row[:-1]) if index in places else row for index, row in enumerate(rows)]
    return list(rows)


def _are_steps(rows: Sequence[Row], numbered: Sequence[tuple[int, int]], side: int) -> bool:
    """Tell whether a few numbers are those of every fifth line or so, outside of all text."""
    if len(numbered) < FEWEST_STEPS:
        return False
    step = numbered[1][1] - numbered[0][1]
    places = {index for index, _ in numbered}
    others = [row for index, row in enumerate(rows) if index not in places]
    if step < 2 or any(number % step for _, number in numbered) or len(others) < len(numbered):
        return False
    numbers = [rows[index][side] for index, _ in numbered]
    if side == 0:
        return max(one.x1 for one in numbers) < min(row[0].x0 for row in others)
    return min(one.x0 for one in numbers) > max(one.x1 for row in others for one in row)


def _is_apart(row: Row, side: int) -> bool:
    gap = row[1].x0 - row[0].x1 if side == 0 else row[-1].x0 - row[-2].x1
    return gap > BESIDE * row[side].size


def _count_lines(rows: Sequence[Row], numbered: Sequence[tuple[int, int]], side: int) -> bool:
    """Tell whether numbers beside rows of prose count these rows."""
    ends = [rows[index][side].x1 for index, _ in numbered]
    starts = [rows[index][side].x0 for index, _ in numbered]
    if min(max(ends) - min(ends), max(starts) - min(starts)) > IN_LINE:
        return False
    if any(after - before != below - above for (above, before), (below, after) in pairwise(numbered)):
        return False
    texts = [rows[index][1 if side == 0 else 0].text for index, _ in numbered]
    is_each_line = numbered[1][1] - numbered[0][1] == 1
    # A table or a list may number its rows: those of prose are one cell, and go on in lower case.
    one_cell = sum(len(rows[index]) == 2 for index, _ in numbered)
    lower = sum(text[:1].islower() for text in texts)
    return one_cell > 0.8 * len(numbered) and (not is_each_line or lower >= LOWER * len(texts))


def wrapped_table(rows: Sequence[Row]) -> tuple[int, int, list[Row]] | None:
    """Find a table whose cells wrap, with a gap below each of its rows.

    Returns:
        The rows [first, end) that it takes, and the rows of the table, each cell one fragment; None
        without one.
    """
    bands = _bands(rows)
    best: tuple[int, int] | None = None
    first = 0
    while first < len(bands):
        columns = _columns_of(bands[first], rows)
        end = first
        while len(columns) > 1 and end < len(bands) and _fits(bands[end], rows, columns):
            end += 1
        if end - first >= FEWEST_BANDS and (best is None or end - first > best[1] - best[0]):
            best = first, end
        first = max(end, first + 1)
    if best is None:
        return None
    found = bands[best[0] : best[1]]
    if sum(high - low > 1 for low, high in found) < FEWEST_BANDS - 1:
        return None
    columns = _columns_of(found[0], rows)
    if not _wraps([rows[low:high] for low, high in found], columns):
        return None
    # Rows of a table are one paragraph, however high each is.
    top = rows[found[0][0]][0]
    table = [
        [cell._replace(y=top.y - number * top.size) for cell in _cells(rows[low:high], columns)]
        for number, (low, high) in enumerate(found)
    ]
    return found[0][0], found[-1][1], table


def _bands(rows: Sequence[Row]) -> list[tuple[int, int]]:
    """Return stretches [first, end) of rows between wide gaps."""
    heights = [max(row, key=lambda one: one.size).y for row in rows]
    steps = [above - below for above, below in pairwise(heights)]
    sizes = [fragment.size for row in rows for fragment in row]
    if not steps or not sizes:
        return []
    least = statistics.median(sizes)
    usual = min((step for step in steps if step >= 0.9 * least), default=least)
    starts = [0, *(index + 1 for index, step in enumerate(steps) if step > BAND_GAP * usual)]
    return list(pairwise([*starts, len(rows)]))


def _columns_of(band: tuple[int, int], rows: Sequence[Row]) -> list[float]:
    """Return the left ends of the columns that a band has."""
    starts: list[float] = []
    for row in rows[band[0] : band[1]]:
        for fragment in row:
            if all(abs(fragment.x0 - start) > IN_LINE for start in starts):
                starts.append(fragment.x0)
    return sorted(starts)


def _fits(band: tuple[int, int], rows: Sequence[Row], columns: Sequence[float]) -> bool:
    """Tell whether the lines of a band are those of cells, which begin in the first line."""
    low, high = band
    if high - low > MOST_LINES:
        return False
    for above, below in pairwise(rows[low:high]):
        if above[0].y - below[0].y < CLOSEST * above[0].size:
            return False
    for row in rows[low:high]:
        for fragment in row:
            column = _column(fragment, columns)
            if column is None or (column + 1 < len(columns) and fragment.x1 > columns[column + 1]):
                return False
    return len(rows[low]) == len(columns)


def _wraps(bands: Sequence[Sequence[Row]], columns: Sequence[float]) -> bool:
    """Tell whether lines in the cells of a table end because the next word had no room.

    Lines that end before are rows of their own. Signs of a list are no column.
    """
    lines = full = 0
    steps: list[float] = []
    gaps: list[float] = []
    for number in range(len(columns)):
        cells = [
            [one for row in band for one in row if _column(one, columns) == number and one.text.strip()]
            for band in bands
        ]
        width = max((one.x1 for cell in cells for one in cell), default=0.0)
        if all(SIGN.fullmatch(one.text) for cell in cells for one in cell):
            return False
        filled = [cell for cell in cells if cell]
        gaps += [above[-1].y - below[0].y for above, below in pairwise(filled)]
        for cell in cells:
            for one, below in pairwise(cell):
                steps.append(one.y - below.y)
                word = below.text.split(None, 1)[0]
                room = (len(word) + 1) * (below.x1 - below.x0) / len(below.text)
                lines += 1
                full += one.x1 + room > width - 1
    # Lines of two columns of prose may look like bands, but go on in each column at the same pace.
    is_apart = bool(steps) and min(gaps, default=0.0) > BAND_GAP * statistics.median(steps)
    return is_apart and full >= ENOUGH_FULL * lines


def _column(fragment: Fragment, columns: Sequence[float]) -> int | None:
    return next((index for index, start in enumerate(columns) if abs(fragment.x0 - start) <= IN_LINE), None)


def _cells(rows: Sequence[Row], columns: Sequence[float]) -> Row:
    """Return the lines of a band as one row, a fragment for each cell."""
    cells: list[list[Fragment]] = [[] for _ in columns]
    for row in rows:
        for fragment in row:
            cells[_column(fragment, columns) or 0].append(fragment)
    return [
        Fragment(
            cell[0].x0,
            max(fragment.x1 for fragment in cell),
            cell[0].y,
            cell[0].size,
            " ".join(fragment.text for fragment in cell),
        )
        for cell in cells
        if cell
    ]


def vertical_lines(fragments: Sequence[Fragment]) -> list[Fragment] | None:
    """Return the lines of a page whose text runs downwards, from the right; None for another page.

    A line that goes down to the foot of the page goes on in the next.
    """
    vertical = [
        one
        for one in fragments
        if len(one.text) >= FEWEST_VERTICAL and one.x1 - one.x0 < VERTICAL * one.size and WIDE_LETTER.search(one.text)
    ]
    letters = sum(len(one.text) for one in fragments)
    if not vertical or 2 * sum(len(one.text) for one in vertical) < letters:
        return None
    longest = max(len(one.text) for one in vertical)
    out: list[Fragment] = []
    is_open = False
    for one in sorted(fragments, key=lambda one: (-one.x0, -one.y)):
        if is_open:
            out[-1] = out[-1]._replace(text=out[-1].text + one.text)
        else:
            out.append(one)
        is_open = len(one.text) >= longest - 1
    return out
