"""Grids that a page draws: the rules of tables, and the cells between them.

Knows: lines and rectangles of a page, in points. Does not know: letters, or what a table says.

Rules that touch one another are one grid. Two boxes of a grid are one cell where no rule parts
them, so that merged cells come out whole.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import NamedTuple

NEAR = 2.5  # points between the ends of rules that touch, and between the two of a double rule
THICKEST = 3.0  # points; a thicker rectangle is an area
SHORTEST = 6.0  # points, of a rule
FAR = 5.0  # points between a colored band and the rules below it
LOWEST_BAND, HIGHEST_BAND = 8.0, 90.0  # points
COVERED = 0.8  # of the width of a table, by the band above it
WHITE = 0xFFFFFF
MOST_COLORED = 1_000  # cells of a page
MOST_RULES = 400  # of a page, in each direction; one with more is a drawing
MOST_BOXES = 4_000  # of a grid


class Rule(NamedTuple):
    """A horizontal or a vertical line, from its lower left end, in points."""

    x0: float
    y0: float
    x1: float
    y1: float


class Area(NamedTuple):
    """A filled rectangle, in points, and its color."""

    x0: float
    y0: float
    x1: float
    y1: float
    color: int


class GridCell(NamedTuple):
    """A cell of a grid: its first column and row, from 0, and those behind its last ones."""

    column: int
    row: int
    column_end: int
    row_end: int


class Grid(NamedTuple):
    """A ruled table.

    Attributes:
        xs: edges of its columns in points, rising.
        ys: edges of its rows, falling.
        cells: its cells, row by row.
        marked: rows at the top that are marked as its header, by their color or by bold letters.
    """

    xs: tuple[float, ...]
    ys: tuple[float, ...]
    cells: tuple[GridCell, ...]
    marked: int = 0


def grids_of(rules: Iterable[Rule], areas: Sequence[Area] = ()) -> list[Grid]:
    """Return the grids of a page, the upper first: at least two rows and two columns of cells."""
    level, upright = [], []
    for x0, y0, x1, y1 in rules:
        if y1 - y0 <= THICKEST < x1 - x0:
            level.append(((y0 + y1) / 2, x0, x1))
        elif x1 - x0 <= THICKEST < y1 - y0:
            upright.append(((x0 + x1) / 2, y0, y1))
    across, down = _joined(level), _joined(upright)
    if len(across) < 3 or len(down) < 2 or max(len(across), len(down)) > MOST_RULES:
        return []
    grids = (_grid(rows, columns, areas) for rows, columns in _touching(across, down))
    return sorted((grid for grid in grids if grid is not None), key=lambda grid: (-grid.ys[0], grid.xs[0]))


_Line = tuple[float, float, float]  # where it lies, its beginning and its end


def _joined(lines: list[_Line]) -> list[_Line]:
    """Return lines with those that lie on one another or touch at their ends as one."""
    groups: list[list[_Line]] = []
    for line in sorted(lines):
        if groups and line[0] - groups[-1][0][0] <= NEAR:
            groups[-1].append(line)
        else:
            groups.append([line])
    out: list[_Line] = []
    for group in groups:
        place = sum(line[0] for line in group) / len(group)
        stretches: list[list[float]] = []
        for _, start, end in sorted(group, key=lambda line: line[1]):
            if stretches and start - stretches[-1][1] <= NEAR:
                stretches[-1][1] = max(stretches[-1][1], end)
            else:
                stretches.append([start, end])
        out += [(place, start, end) for start, end in stretches if end - start >= SHORTEST]
    return out


def _touching(across: Sequence[_Line], down: Sequence[_Line]) -> list[tuple[list[_Line], list[_Line]]]:
    """Return the rules across and down that touch one another, group by group."""
    group = list(range(len(across) + len(down)))

    def root(number: int) -> int:
        while group[number] != number:
            group[number] = group[group[number]]
            number = group[number]
        return number

    for row, (y, left, right) in enumerate(across):
        for column, (x, low, high) in enumerate(down, len(across)):
            if left - NEAR <= x <= right + NEAR and low - NEAR <= y <= high + NEAR:
                group[root(column)] = root(row)
    members: dict[int, tuple[list[_Line], list[_Line]]] = defaultdict(lambda: ([], []))
    for number, line in enumerate([*across, *down]):
        members[root(number)][number >= len(across)].append(line)
    return [(rows, columns) for rows, columns in members.values() if len(rows) > 2 and len(columns) > 1]


def _grid(across: Sequence[_Line], down: Sequence[_Line], areas: Sequence[Area]) -> Grid | None:
    """Return the grid of rules that touch, or None if its cells are not those of a table."""
    # The outermost columns and rows may be open: their rules end where the text does.
    sides = [min(line[1] for line in across), max(line[2] for line in across)]
    ends = [min(line[1] for line in down), max(line[2] for line in down)]
    xs = _places([line[0] for line in down] + sides)
    ys = _places([line[0] for line in across] + ends)[::-1]
    columns, rows = len(xs) - 1, len(ys) - 1
    if columns < 2 or rows < 2 or columns * rows > MOST_BOXES:
        return None
    # The edges of colored cells part them as rules do.
    colored = [area for area in areas if LOWEST_BAND <= area.y1 - area.y0 <= HIGHEST_BAND and area.color != WHITE]
    walls = sorted([*down, *((x, area.y0, area.y1) for area in colored[:MOST_COLORED] for x in (area.x0, area.x1))])
    cells: list[GridCell] = []
    taken: set[tuple[int, int]] = set()
    for row in range(rows):
        for column in range(columns):
            if (column, row) in taken:
                continue
            boxes = _boxes(column, row, xs, ys, across, walls)
            column_end = max(box[0] for box in boxes) + 1
            row_end = max(box[1] for box in boxes) + 1
            first = min(box[0] for box in boxes)
            if len(boxes) != (column_end - first) * (row_end - row) or boxes & taken:
                return None  # not a rectangle
            taken |= boxes
            cells.append(GridCell(first, row, column_end, row_end))
    several = [row for row in range(rows) if sum(cell.row <= row < cell.row_end for cell in cells) > 1]
    if len(several) < 2:
        return None
    grid = Grid(tuple(xs), tuple(ys), tuple(cells), _shaded(xs, ys, areas))
    return _with_band(grid, areas)


def _with_band(grid: Grid, areas: Sequence[Area]) -> Grid:
    """Return a grid with the colored band above its rules, its header, as its first row."""
    left, right, foot = grid.xs[0] - FAR, grid.xs[-1] + FAR, grid.ys[0]
    band = [
        area
        for area in areas
        if abs(area.y0 - foot) <= FAR
        and LOWEST_BAND <= area.y1 - area.y0 <= HIGHEST_BAND
        and left <= area.x0 < area.x1 <= right
        and area.color != WHITE
    ]
    reached = covered = 0.0
    for area in sorted(band):
        covered += max(0.0, area.x1 - max(area.x0, reached))
        reached = max(reached, area.x1)
    if covered < COVERED * (grid.xs[-1] - grid.xs[0]):
        return grid
    top = max(area.y1 for area in band)
    cells = [GridCell(column, 0, column + 1, 1) for column in range(len(grid.xs) - 1)]
    cells += [cell._replace(row=cell.row + 1, row_end=cell.row_end + 1) for cell in grid.cells]
    return Grid(grid.xs, (top, *grid.ys), tuple(cells), grid.marked + 1)


def _places(values: Iterable[float]) -> list[float]:
    """Return places without those that are hardly apart, rising."""
    out: list[float] = []
    for value in sorted(values):
        if not out or value - out[-1] > NEAR:
            out.append(value)
    return out


def _boxes(
    column: int, row: int, xs: Sequence[float], ys: Sequence[float], across: Sequence[_Line], down: Sequence[_Line]
) -> set[tuple[int, int]]:
    """Return the boxes that no rule parts from one box, and itself, as (column, row)."""
    found = {(column, row)}
    todo = [(column, row)]
    while todo:
        at, level = todo.pop()
        x, y = (xs[at] + xs[at + 1]) / 2, (ys[level] + ys[level + 1]) / 2
        beside = []
        if at + 2 < len(xs) and not _is_ruled(down, xs[at + 1], y):
            beside.append((at + 1, level))
        if at and not _is_ruled(down, xs[at], y):
            beside.append((at - 1, level))
        if level + 2 < len(ys) and not _is_ruled(across, ys[level + 1], x):
            beside.append((at, level + 1))
        if level and not _is_ruled(across, ys[level], x):
            beside.append((at, level - 1))
        todo += [box for box in beside if box not in found]
        found.update(beside)
    return found


def _is_ruled(lines: Sequence[_Line], place: float, at: float) -> bool:
    """Tell whether a rule lies at a place and passes a point of it."""
    first = bisect(lines, (place - NEAR,))
    for where, start, end in lines[first:]:
        if where > place + NEAR:
            return False
        if start <= at <= end:
            return True
    return False


def _shaded(xs: Sequence[float], ys: Sequence[float], areas: Sequence[Area]) -> int:
    """Return how many rows at the top lie on a color that no row below them has."""
    x = (xs[0] + xs[1]) / 2, (xs[-2] + xs[-1]) / 2
    colors = []
    for top, bottom in pairwise(ys):
        y = (top + bottom) / 2
        under = [
            [area.color for area in areas if area.x0 <= at <= area.x1 and area.y0 <= y <= area.y1 and _is_low(area, ys)]
            for at in x
        ]
        colors.append(under[0][-1] if all(under) and under[0][-1] == under[1][-1] else None)
    if colors[0] is None:
        return 0
    count = next((number for number, color in enumerate(colors) if color != colors[0]), len(colors))
    return 0 if colors[0] in colors[count:] or count == len(colors) else count


def bold_rows(grid: Grid, letters: Iterable[tuple[float, float, bool]]) -> int:
    """Return how many rows at the top of a grid are bold, while those below are not.

    Args:
        grid: the grid.
        letters: the middle of each stretch of letters as x and y, and whether it is bold.
    """
    rising = [-y for y in grid.ys]
    rows: dict[int, list[bool]] = {}
    for x, y, is_bold in letters:
        row = bisect(rising, -y) - 1
        if grid.xs[0] < x < grid.xs[-1] and 0 <= row < len(grid.ys) - 1:
            rows.setdefault(row, []).append(is_bold)
    are_bold = [all(rows[row]) for row in sorted(rows)]
    count = are_bold.index(False) if False in are_bold else 0
    is_mostly_light = sum(are_bold[count:]) < 0.3 * len(are_bold[count:]) if count else False
    return sorted(rows)[count - 1] + 1 if is_mostly_light else 0


def _is_low(area: Area, ys: Sequence[float]) -> bool:
    """Tell whether an area is not the ground of the whole table."""
    return area.y1 - area.y0 < 0.9 * (ys[0] - ys[-1])
