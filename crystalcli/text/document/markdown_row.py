"""Rows of a Markdown table, cell by cell, as they stand in its text.

Knows one line at a time. Does not know where a table begins.
"""

from __future__ import annotations

import re

from crystalcli.datatypes import TABLE_JOINT

_RULE = re.compile(r" {0,3}\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
_CELL_END = re.compile(r"(?<!\\)\|")


def is_table_rule(line: str) -> bool:
    """Tell whether a line is the rule of dashes between the names of columns and the rows."""
    return _RULE.fullmatch(line) is not None


def row_cells(line: str) -> list[str]:
    """Return the cells of a row, without white space around them."""
    cells = _CELL_END.split(line.strip())
    cells = cells[not cells[0].strip() :]
    return [cell.strip() for cell in (cells[:-1] if cells and not cells[-1].strip() else cells)]


def named_row(line: str, names: str) -> str:
    """Return a row with the name of each column before its cell: `Year: 2020; Revenue: 1,200`.

    Args:
        line: the row as it stands, or any other line, which stays as it is.
        names: of the table's columns, joined by TABLE_JOINT.
    """
    cells, columns = row_cells(line), names.split(TABLE_JOINT)
    if "|" not in line or len(cells) > len(columns):
        return line
    pairs = zip(columns, cells, strict=False)
    return "; ".join(f"{name}: {cell}" if name else cell for name, cell in pairs if cell) or line
