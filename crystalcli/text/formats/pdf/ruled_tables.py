"""Ruled tables of pages: letters in the cells of a grid are rows with the names of their columns.

Knows: which letters stand in which cell, and that a table may go on over pages. Does not know: how
rules make a grid (ruled_grids), or what a header looks like (document.table_header).
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple

from crystalcli.text.document.table_header import Cell
from crystalcli.text.document.table_header import Row as TableRow
from crystalcli.text.document.table_rows import named_rows
from crystalcli.text.document.table_spans import MergedCells
from crystalcli.text.formats.pdf.bidi import has_leftward
from crystalcli.text.formats.pdf.glyphs import Fragment
from crystalcli.text.formats.pdf.page_layout import CELLS, Line, line_of, page_rows
from crystalcli.text.formats.pdf.ruled_grids import Grid, GridCell
from crystalcli.text.formats.pdf.special_rows import Row

MOST_CUTS = 16  # of rows that hold several
LONGEST_CELL = 500  # characters; a longer cell is a column of the page's layout
MANY_LINES = 4  # of cells in a row that may be rows of their own
LEVEL = 0.8  # of these cells, whose lines lie level with one another
FULL = 0.5  # of the lines of cells that end because the next word had no room
MOST_WORDS = 4  # in the lines of cells that are rows of their own, on average
SAME_EDGE = 3.0  # points, between the columns of a table and those of its part on the next page
_UNIT = re.compile(r"\(?(?:\w+ )?in (?:[\w$€£¥]+ )*(?:thousands|millions|billions)\)?", re.IGNORECASE)


class RuledTable(NamedTuple):
    """A ruled table with its letters.

    Attributes:
        xs: edges of its columns in points.
        rows: its rows, with merged cells in each that they cover.
        headers: numbers of its header rows, from 1, as far as the page marks them.
        lines: the first line of letters of each row.
    """

    xs: tuple[float, ...]
    rows: list[tuple[int, TableRow]]
    headers: frozenset[int]
    lines: dict[int, Line]


def ruled_table(grid: Grid, rows: Sequence[Row]) -> RuledTable | None:
    """Return the table that letters in a grid make, or None if they make none.

    Args:
        grid: the grid.
        rows: rows of letters that stand in it, from the top.
    """
    letters = [fragment for row in rows for fragment in row]
    for _ in range(MOST_CUTS):
        written = _written(grid, letters)
        if written is None or sum(line.cells > 1 for lines in written.values() for line in lines) > 1:
            return None  # the rules do not part all columns
        found = _rows_without_rules(grid, written)
        if found is None:
            texts = {cell: _joined(lines) for cell, lines in written.items()}
            return _placed(grid, texts, written) if max(map(len, texts.values())) <= LONGEST_CELL else None
        if not found[1]:
            return None
        grid = _cut(grid, *found)
    return None


def _written(grid: Grid, letters: Sequence[Fragment]) -> dict[GridCell, list[Line]] | None:
    """Return the lines of each filled cell, or None if the letters go by other rules."""
    held: dict[GridCell, list[Fragment]] = {}
    by_box = {
        (column, row): cell
        for cell in grid.cells
        for column in range(cell.column, cell.column_end)
        for row in range(cell.row, cell.row_end)
    }
    rising = [-y for y in grid.ys]
    for fragment in letters:
        column = bisect(grid.xs, (fragment.x0 + fragment.x1) / 2) - 1
        row = bisect(rising, -(fragment.y + 0.3 * fragment.size)) - 1
        cell = by_box.get((column, row))
        if cell is None or has_leftward(fragment.text):
            return None
        beyond = (fragment.x1 - fragment.x0) / 4
        if fragment.x0 < grid.xs[cell.column] - beyond or fragment.x1 > grid.xs[cell.column_end] + beyond:
            return None
        held.setdefault(cell, []).append(fragment)
    return {cell: [line_of(row) for row in page_rows(held[cell])] for cell in grid.cells if cell in held} or None


def _placed(grid: Grid, texts: dict[GridCell, str], written: dict[GridCell, list[Line]]) -> RuledTable | None:
    merged = MergedCells()
    out: list[tuple[int, TableRow]] = []
    tops: dict[int, Line] = {}
    for number in range(len(grid.ys) - 1):
        own = [cell for cell in grid.cells if cell.row == number and cell in texts]
        row = {}
        for cell in own:
            row[cell.column] = Cell(texts[cell])
            merged.cover(range(cell.column, cell.column_end), cell.row_end, row[cell.column])
        lines = [line for cell in own for line in written[cell]]
        if lines:
            tops[number + 1] = max(lines, key=lambda line: line.y)
        out.append((number + 1, merged.fill(number + 1, dict(sorted(row.items())))))
    filled = [row for _, row in out if row]
    if sum(len(row) > 1 for row in filled) < 2:
        return None
    marked = range(1, grid.marked + 1) if len(filled) > grid.marked else ()
    headers = frozenset(number for number in marked if len(out[number - 1][1]) > 1)
    return RuledTable(grid.xs, out, headers, tops)


def _joined(lines: Sequence[Line]) -> str:
    """Return the lines of a cell as one; a word broken at a hyphen keeps it."""
    text = ""
    for line in lines:
        words = " ".join(line.text.split())
        goes_on = text.endswith(("-", "‐")) and not text.endswith((" -", " ‐")) and words[:1].islower()
        text += words if not text or goes_on else " " + words
    return text


def _rows_without_rules(grid: Grid, written: dict[GridCell, list[Line]]) -> tuple[int, list[float]] | None:
    """Find a row of the grid that holds several rows of a table, with no rules between them.

    Lines of a cell that wraps end because the next word has no room, and seldom lie level with
    those of all other cells.

    Returns:
        The row, and the edges between the rows that it holds; no edges where these are not known.
    """
    for number in range(len(grid.ys) - 1):
        cells = [cell for cell in written if cell.row == number]
        several = [cell for cell in cells if len(written[cell]) > 1]
        if len(several) < 2:
            continue
        breaks = full = prose = words = 0
        for cell in several:
            room = grid.xs[cell.column_end] - grid.xs[cell.column]
            for line, below in pairwise(written[cell]):
                word = below.text.split(None, 1)[0]
                width = (len(word) + 1) * (below.x1 - below.x0) / max(len(below.text), 1)
                breaks += 1
                is_full = line.x1 - line.x0 + width > room - 1.5 * line.size
                full += is_full
                prose += is_full and len(line.text.split()) > 2
                words += len(line.text.split())
        heights = {cell: [round(line.y + 0.3 * line.size) for line in written[cell]] for cell in cells}
        longest = max(heights.values(), key=len)
        is_level = sum(height == longest for height in heights.values()) >= LEVEL * len(cells)
        # Words that are as wide as their column look like lines that wrap.
        if (
            is_level
            and words <= MOST_WORDS * breaks
            and prose < FULL * breaks
            and (len(longest) >= MANY_LINES or full < FULL * breaks)
        ):
            is_whole = all(cell.row_end == number + 1 for cell in grid.cells if cell.row <= number < cell.row_end)
            return number, [(above + below) / 2 for above, below in pairwise(longest)] if is_whole else []
        if full < FULL * breaks and len(longest) >= MANY_LINES:
            return number, []
    return None


def _cut(grid: Grid, number: int, edges: Sequence[float]) -> Grid:
    """Return a grid with one of its rows cut at edges."""
    more = len(edges)
    cells: list[GridCell] = []
    for cell in grid.cells:
        if cell.row == number:
            cells += [cell._replace(row=number + part, row_end=number + part + 1) for part in range(more + 1)]
        elif cell.row > number:
            cells.append(cell._replace(row=cell.row + more, row_end=cell.row_end + more))
        else:
            cells.append(cell)
    cells.sort(key=lambda cell: (cell.row, cell.column))
    ys = (*grid.ys[: number + 1], *edges, *grid.ys[number + 1 :])
    return grid._replace(ys=ys, cells=tuple(cells))


class RuledTables:
    """The ruled tables of a document, page after page."""

    def __init__(self) -> None:
        self._open: tuple[tuple[float, ...], list[TableRow]] | None = None  # edges and header

    def end(self) -> None:
        """Let no table go on: text stands behind the last one."""
        self._open = None

    def lines(self, table: RuledTable) -> tuple[list[Line], bool]:
        """Return the rows of a table as lines, and whether those below a header carry its names."""
        rows, headers = table.rows, table.headers
        before = self._open if self._open is not None and _is_same(self._open[0], table.xs) else None
        added = 0
        named = list(named_rows(rows, headers, min_columns=3))
        if before is not None and not any(names for _, _, names in named):
            added = len(before[1])
            rows = [*enumerate(before[1], 1), *((number + added, row) for number, row in rows)]
            named = list(named_rows(rows, frozenset(range(1, added + 1)), min_columns=3))[added:]
        out = []
        header = before[1] if added and before is not None else []
        has_names = False
        for number, row, names in named:
            top = table.lines.get(number - added) or next(iter(table.lines.values()))
            if names and not has_names:
                has_names = True
                header = header or [above for last, above, _ in named if last < number and len(above) > 1]
            text = _named_text(row, names) if names else _plain_text(row, len(table.xs) - 1)
            out.append(top._replace(x0=table.xs[0], x1=table.xs[-1], text=text, cells=max(2, len(row))))
        self._open = (table.xs, header) if has_names and header else None
        return _stepped(out), has_names


def _named_text(row: TableRow, names: Mapping[int, str]) -> str:
    first = names.get(0, "")
    parts = []
    for column, cell in row.items():
        name = names.get(column, "")
        if column == 0 and _UNIT.fullmatch(first):
            parts.append(f"{cell.text} ({first.strip('()')})")
        else:
            parts.append(f"{name}: {cell.text}" if name else cell.text)
    return "; ".join(parts)


def _plain_text(row: TableRow, columns: int) -> str:
    """Return a row without names; empty cells keep their places where others follow."""
    if len(row) == 1:
        return next(iter(row.values())).text
    if columns == 2:
        return CELLS.join(cell.text for cell in row.values())
    return " | ".join(row[column].text if column in row else "" for column in range(max(row) + 1))


def _stepped(lines: Sequence[Line]) -> list[Line]:
    """Return the rows of a table at even steps, however high each is: they are one paragraph."""
    return [line._replace(y=lines[0].y - number * lines[0].size) for number, line in enumerate(lines)]


def _is_same(before: tuple[float, ...], now: tuple[float, ...]) -> bool:
    return len(before) == len(now) and all(abs(a - b) < SAME_EDGE for a, b in zip(before, now, strict=True))
