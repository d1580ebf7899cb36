"""Lines in reading order from fragments.

Knows: places of letters.
Does not know: pdfium, or the meaning of words.

A page is rows. If a stretch of rows leaves the same gap open, and both sides of it are filled with
text as columns are, the left side is read before the right one. The cells of a table do not fill
theirs: a row of a table stays one line, its cells apart by two spaces.

Columns are found as in the recursive cuts of Nagy and Seth (1984), with gaps that need not go from
edge to edge of the page.
"""

from __future__ import annotations

import re
import statistics
import string
from bisect import bisect
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.formats.pdf.bidi import balance, has_leftward, reading_order
from crystalcli.text.formats.pdf.glyphs import Fragment
from crystalcli.text.formats.pdf.note_marks import RAISED, SMALLER, mark_behind
from crystalcli.text.formats.pdf.short_columns import CELL_GAP, cell_spans, short_columns_end
from crystalcli.text.formats.pdf.special_rows import IN_LINE, Row, with_initials, wrapped_table

CELLS = "  "
WORD_GAP = 0.1  # ems; fragments that are closer are one word
SAME_LINE = 0.3  # ems between base lines
SCRIPT = 0.6  # ems between the base line and that of an index
CLOSE = 0.9  # ems; lines of one column are further apart
FEWEST_LINES = 4  # on each side of a gap between columns
FULL = 0.55  # of a column's width that half its lines fill at least
FEWEST_LETTERS = 12  # in half the lines of a column
CAPTION = re.compile(r"\(([a-z])\) ?\w")
CAPTION_STEP = 1.6  # ems from line to line
MOST_DIGITS = 0.3
# Columns of short lines, as in an index or in notes in the margin: rows of a table stand side by
# side, their lines do not.
FEWEST_SHORT_LINES = 12  # on each side
# Least share of the lines, on the side with fewer of them, that stand between two of the other.
BETWEEN = 0.25
CLOSE_LINES = 2.0  # ems between these two
FEWEST_ALPHABETIC = 0.5  # of the characters of each side
DEEPEST = 4  # cuts one in another
MOST_FRAGMENTS = 6000  # a page with more is a drawing, and is read as it lies


class Line(NamedTuple):
    """One line of text.

    Attributes:
        x0: left end, in points.
        x1: right end, in points.
        y: base line, in points.
        size: size of most of its letters, in points.
        text: its text.
        cells: number of parts with wide gaps between them.
    """

    x0: float
    x1: float
    y: float
    size: float
    text: str
    cells: int


def page_rows(fragments: Sequence[Fragment]) -> list[Row]:
    """Return rows from the top: fragments on the same base line, from left to right.

    Indices join the line that they stand at.
    """
    rows: list[Row] = []
    largest: list[Fragment] = []  # of each row
    for fragment in sorted(with_initials(fragments), key=lambda one: (-one.y, one.x0)):
        for number in range(max(0, len(rows) - 3), len(rows)):
            row, first = rows[number], largest[number]
            shift, larger = abs(first.y - fragment.y), max(first.size, fragment.size)
            is_script = not 0.85 < fragment.size / first.size < 1.18 and any(
                -0.3 * larger < fragment.x0 - one.x1 < larger or -0.3 * larger < one.x0 - fragment.x1 < larger
                for one in row
            )
            if shift <= (SCRIPT if is_script else SAME_LINE) * (
                larger if is_script else min(first.size, fragment.size)
            ):
                row.append(fragment)
                largest[number] = max(first, fragment, key=lambda one: one.size)
                break
        else:
            rows.append([fragment])
            largest.append(fragment)
    rows.sort(key=lambda row: -max(row, key=lambda one: one.size).y)
    return [sorted(row, key=lambda one: (one.x0, -one.y)) for row in rows]


def line_of(row: Row) -> Line:
    """Return a row as one line."""
    if any(has_leftward(fragment.text) for fragment in row):
        return _line_of_both_ways(row)
    parts = [row[0].text]
    end, cells = row[0].x1, 1
    for before, fragment, after in zip(row, row[1:], [*row[2:], None], strict=False):
        gap, em, text = fragment.x0 - end, min(before.size, fragment.size), fragment.text
        if gap > CELL_GAP * em:
            parts.append(CELLS)
            cells += 1
        elif gap > WORD_GAP * em:
            parts.append(" ")
        elif fragment.size < SMALLER * before.size and fragment.y - before.y > RAISED * before.size:
            touches = after is not None and after.x0 - fragment.x1 < WORD_GAP * before.size
            text = mark_behind(parts[-1], text, after.text if after is not None and touches else "")
        parts.append(text)
        end = max(end, fragment.x1)
    longest = max(row, key=lambda one: len(one.text))
    return Line(row[0].x0, end, longest.y, longest.size, "".join(parts), cells)


def _line_of_both_ways(row: Row) -> Line:
    """Return a row with Hebrew or Arabic in it as one line."""
    leftward = sum(balance(fragment.text) for fragment in row) < 0
    parts, cells, before = [], 1, -1
    for number in reading_order([fragment.text for fragment in row], leftward):
        if before >= 0:
            one, other = row[min(before, number)], row[max(before, number)]
            gap, em = other.x0 - one.x1, min(one.size, other.size)
            if abs(before - number) > 1:  # what stands between them is read at another time
                parts.append(" ")
            elif gap > CELL_GAP * em:
                parts.append(CELLS)
                cells += 1
            elif gap > WORD_GAP * em:
                parts.append(" ")
        parts.append(_ended(row[number].text) if leftward else row[number].text)
        before = number
    longest = max(row, key=lambda one: len(one.text))
    return Line(row[0].x0, max(fragment.x1 for fragment in row), longest.y, longest.size, "".join(parts), cells)


def _ended(text: str) -> str:
    """Return a number in a line that runs to the left with the stop, drawn on its left, behind."""
    return text[1:] + text[0] if len(text) > 1 and text[0] in ".,:;!?" and text[1].isdigit() else text


def row_blocks(rows: Sequence[Row]) -> list[list[Row]]:
    """Return rows in reading order, a block for each column between rows that go over several."""
    if sum(map(len, rows)) > MOST_FRAGMENTS:
        return [list(rows)] if rows else []
    return [_whole_rows(block) for block in _cut(list(rows), 0) if block]


def _whole_rows(rows: list[Row]) -> list[Row]:
    """Return rows in reading order.

    A cell of two lines, with the others half-way next to it, is one row with them.
    """
    out: list[Row] = []
    heights = [max(row, key=lambda one: one.size).y for row in rows]
    steps = [before - after for before, after in pairwise(heights)]
    index = 0
    while index < len(rows):
        if end := _captions(rows, index):
            out += [row for caption in _side_by_side(rows[index:end], _caption_gaps(rows[index])) for row in caption]
            index = end
            continue
        if end := short_columns_end(rows, index):
            gaps = [start for start, _ in cell_spans(rows[index])[1:]]
            out += [row for column in _side_by_side(rows[index:end], gaps) for row in column]
            index = end
            continue
        closest = CLOSE * min(fragment.size for fragment in rows[index])
        near = [step < closest for step in steps[max(0, index - 1) : index + 3]]
        if index == 0:
            near = [False, *near]
        if near[:3] == [False, True, True] and near[3:] != [True]:
            above, middle, below = rows[index : index + 3]
            if _share(above, below) and not _share(above, middle) and not _share(middle, below):
                out.append(_one_row([above, middle, below]))
                index += 3
                continue
        out.append(rows[index])
        index += 1
    return out


def _captions(rows: list[Row], index: int) -> int:
    """Return the row behind captions side by side, "(a) …" and "(b) …", or 0 without any.

    Captions of one line each do not count.

    Args:
        rows: rows of a block.
        index: row in which the captions begin.
    """
    gaps = _caption_gaps(rows[index])
    end = index + 1
    while gaps and end < len(rows):
        step, em = rows[end - 1][0].y - rows[end][0].y, rows[index][0].size
        is_other = not 0.87 < rows[end][0].size / em < 1.15 or step > CAPTION_STEP * em
        if (
            is_other
            or _caption_gaps(rows[end])
            or any(fragment.x0 < gap < fragment.x1 for gap in gaps for fragment in rows[end])
        ):
            break
        end += 1
    return end if gaps and end > index + 1 else 0


def _caption_gaps(row: Row) -> list[float]:
    """Return the left ends of the second caption of a row and those after it, in points."""
    found = [(fragment.x0, label[1]) for fragment in row if (label := CAPTION.match(fragment.text))]
    labels = "".join(label for _, label in found)
    return [x0 for x0, _ in found[1:]] if len(labels) > 1 and labels in string.ascii_lowercase else []


def _side_by_side(rows: list[Row], gaps: list[float]) -> list[list[Row]]:
    """Return the rows of each column or caption, from left to right.

    Args:
        rows: rows that go over all of them.
        gaps: the left ends of all but the first, in points.
    """
    gaps = [gap - IN_LINE for gap in gaps]
    parts = [
        [[fragment for fragment in row if bisect(gaps, fragment.x0) == part] for row in rows]
        for part in range(len(gaps) + 1)
    ]
    return [[row for row in part if row] for part in parts]


def _share(one: Row, other: Row) -> bool:
    """Return true if two rows have letters above one another."""
    return any(a.x0 < b.x1 and b.x0 < a.x1 for a in one for b in other)


def _one_row(rows: Sequence[Row]) -> Row:
    """Return three rows as one: letters above one another are one cell, and one fragment."""
    cells: list[Row] = []
    for fragment in (fragment for row in rows for fragment in row):
        cell = next((cell for cell in cells if _share(cell, [fragment])), None)
        if cell is None:
            cells.append([fragment])
        else:
            cell.append(fragment)
    cells.sort(key=lambda cell: min(fragment.x0 for fragment in cell))
    first = max(rows[0], key=lambda one: len(one.text))
    out: Row = []
    for cell in cells:
        x0, x1 = min(fragment.x0 for fragment in cell), max(fragment.x1 for fragment in cell)
        text = " ".join(fragment.text for fragment in cell)
        if out and x0 - out[-1].x1 <= CELL_GAP * first.size:  # however close, they are two cells
            out[-1] = out[-1]._replace(x1=max(out[-1].x1, x1), text=out[-1].text + CELLS + text)
        else:
            out.append(Fragment(x0, x1, first.y, first.size, text))
    return out


def _cut(rows: list[Row], depth: int) -> list[list[Row]]:
    """Cut rows into blocks of rows, columns one after the other."""
    if table := wrapped_table(rows):
        first, end, cells = table
        above, below = rows[:first], rows[end:]
        return [*(_cut(above, depth) if above else []), cells, *(_cut(below, depth) if below else [])]
    found = _best_gap(rows, depth) if len(rows) >= FEWEST_LINES else None
    if found is None:
        return [rows]
    first, end, gap = found
    left = [side for row in rows[first:end] if (side := [fragment for fragment in row if fragment.x1 <= gap + 0.5])]
    right = [side for row in rows[first:end] if (side := [fragment for fragment in row if fragment.x1 > gap + 0.5])]
    above, below = rows[:first], rows[end:]
    sides = [left, right]
    if any(has_leftward(fragment.text) for row in rows[first:end] for fragment in row):
        sides = sides[::-1] if sum(balance(fragment.text) for row in rows[first:end] for fragment in row) < 0 else sides
    return [
        *(_cut(above, depth + 1) if above else []),
        *(block for side in sides for block in _cut(_in_order(side), depth + 1)),
        *(_cut(below, depth + 1) if below else []),
    ]


def _in_order(rows: list[Row]) -> list[Row]:
    """Make rows again: one row of the page may be two in a column."""
    return page_rows([fragment for row in rows for fragment in row])


def _best_gap(rows: list[Row], depth: int) -> tuple[int, int, float] | None:
    """Return the rows [first, end) with a gap between columns, and the place of the gap in points.

    Of several, those with the most letters.
    """
    if depth >= DEEPEST:
        return None
    left, right = min(row[0].x0 for row in rows), max(fragment.x1 for row in rows for fragment in row)
    if right - left < 100:
        return None
    em = statistics.median(fragment.size for row in rows for fragment in row)
    edges: dict[int, int] = {}
    for row in rows:  # a column begins where many fragments do
        for fragment in row:
            if left + 0.15 * (right - left) < fragment.x0 < left + 0.85 * (right - left):
                edges[round(fragment.x0)] = edges.get(round(fragment.x0), 0) + 1
    likely = sorted(edges, key=lambda x: (-edges[x], x))[:6]
    best: tuple[int, int, int, float] | None = None
    for edge in likely:
        if edges[edge] < FEWEST_LINES:
            continue
        gap = edge - 1.5
        for first, end in _stretches(rows, gap, 0.5 * em):
            letters = _letters_of_columns(rows[first:end], gap, depth)
            if letters and (best is None or letters > best[0]):
                best = letters, first, end, gap
    return best[1:] if best else None


def _stretches(rows: list[Row], gap: float, wide: float) -> list[tuple[int, int]]:
    """Return stretches [first, end) of rows that do not cross the gap.

    Rows at the ends that stand on one side only are left in.

    Args:
        rows: rows of a block.
        gap: right end of the gap, in points.
        wide: its least width, in points.
    """
    out = []
    first: int | None = None
    for number, row in enumerate(rows):
        if any(fragment.x0 < gap and fragment.x1 > gap - wide for fragment in row):
            if first is not None:
                out.append((first, number))
            first = None
        elif first is None:
            first = number
    if first is not None:
        out.append((first, len(rows)))
    return out


def _letters_of_columns(rows: list[Row], gap: float, depth: int) -> int:
    """Return the number of letters on both sides of a gap, or 0 unless both are columns of text."""
    sides = [
        [fragment for row in rows for fragment in row if (fragment.x0 > gap) == is_right] for is_right in (False, True)
    ]
    parted = [page_rows(side) for side in sides]
    columns = [[line_of(row) for row in rows_there] for rows_there in parted]
    if min(map(len, columns)) < FEWEST_LINES:
        return 0
    left, right = columns
    short = _stand_by_themselves(left, right, statistics.median(fragment.size for side in sides for fragment in side))
    count = 0
    for rows_there, lines in zip(parted, columns, strict=True):
        text = "".join(line.text for line in lines)
        wide = max(line.x1 for line in lines) - min(line.x0 for line in lines)
        digits = sum(character.isdigit() for character in text)
        several = statistics.mean(line.cells for line in lines) > 1.5
        if several and _best_gap(rows_there, depth + 1):  # more columns
            count += len(text)
            continue
        if (
            digits > MOST_DIGITS * len(text)
            or (several and not short)
            or (not short and statistics.median(line.x1 - line.x0 for line in lines) < FULL * wide)
            or (not short and statistics.median(len(line.text) for line in lines) < FEWEST_LETTERS)
        ):
            return 0
        count += len(text)
    return count


def _stand_by_themselves(left: Sequence[Line], right: Sequence[Line], em: float) -> bool:
    """Return true if many lines on one side stand between two of the other, not level with one.

    Args:
        left: lines on the left.
        right: lines on the right.
        em: size of their letters, in points.
    """
    fewer, more = sorted((left, right), key=len)
    if len(fewer) < FEWEST_SHORT_LINES or not (_is_mostly_letters(fewer) and _is_mostly_letters(more)):
        return False
    heights = sorted(line.y for line in more)
    between = 0
    for line in fewer:
        above = bisect(heights, line.y)
        if 0 < above < len(heights):
            steps = heights[above] - line.y, line.y - heights[above - 1]
            between += min(steps) > SAME_LINE * em and sum(steps) < CLOSE_LINES * em
    return between >= BETWEEN * len(fewer)


def _is_mostly_letters(lines: Sequence[Line]) -> bool:
    shown = "".join("".join(line.text.split()) for line in lines)
    return sum(map(str.isalpha, shown)) >= FEWEST_ALPHABETIC * len(shown)
