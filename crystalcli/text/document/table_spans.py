"""Merged cells of tables: their value stands in every row and column that they cover.

Knows columns and rows by number. Does not know how a format says that cells are merged.
"""

from __future__ import annotations

from collections.abc import Iterable

from crystalcli.text.document.table_header import Cell, Row

WHOLE_ROW = -1  # column of a cell that is alone in its row, and covers more than its own
_MAX_REPEATED = 10_000_000  # characters that merged cells of one table may add
_MAX_SPAN = 1_000  # columns that a cell of a web page may cover, by its standard


class MergedCells:
    """The merged cells of a table that reach into the row that is read."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[int, Cell]] = {}  # by column: the last row, and the value
        self._left = _MAX_REPEATED

    def cover(self, columns: Iterable[int], last_row: int, cell: Cell) -> None:
        """Let a cell cover columns down to a row."""
        if self._left > 0:
            self._open.update(dict.fromkeys(columns, (last_row, cell)))

    def fill(self, number: int, row: Row) -> Row:
        """Return a row with the values of merged cells in its empty ones; an empty row stays so.

        Args:
            number: of the row, which must rise.
            row: its own cells.
        """
        if not self._open or not row:
            return row
        self._open = {column: held for column, held in self._open.items() if held[0] >= number}
        added = {column: cell for column, (_, cell) in self._open.items() if column not in row}
        self._left -= sum(len(cell.text) for cell in added.values())
        if self._left < 0:
            self._open.clear()
            return row
        filled = {**row, **added}
        if len(filled) > len(row) and len({cell.text for cell in filled.values()}) == 1:
            return {WHOLE_ROW: next(iter(row.values()))}
        return dict(sorted(filled.items()))

    def place(self, number: int, cells: Iterable[tuple[str, int, int]]) -> Row:
        """Return the row of cells that are given from left to right, without their columns.

        Args:
            number: of the row, which must rise.
            cells: the text of each, the columns and the rows that it covers.
        """
        row: dict[int, Cell] = {}
        column = 0
        for text, columns, rows in cells:
            while column in self._open and self._open[column][0] >= number:
                column += 1
            covered = range(column, column + max(1, min(columns, _MAX_SPAN)))
            if text:
                row[column] = Cell(text)
                if columns > 1 or rows > 1:
                    self.cover(covered, number + rows - 1, row[column])
            column = covered.stop
        return self.fill(number, row)
