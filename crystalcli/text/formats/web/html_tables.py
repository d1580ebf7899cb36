"""Tables of web pages: rows with the names of their columns, merged cells in each of them.

Knows which tables hold data, and which cells are headers. Does not know what a header without a
mark looks like (document.table_header).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from crystalcli.text.document.composer import one_line
from crystalcli.text.document.markup import Element, children, descendants, local_name
from crystalcli.text.document.table_header import Row
from crystalcli.text.document.table_rows import document_lines
from crystalcli.text.document.table_spans import MergedCells
from crystalcli.text.formats.web.html_text import element_text

_MAX_CELL_LENGTH = 400  # characters; a longer cell is a column of the page's layout
_MAX_ROW_SPAN = 65_534  # by the standard


def table_lines(table: Element, leave_out: Callable[[Element], bool]) -> Iterator[tuple[Element, str]]:
    """Yield the caption and the rows of a table, each with its element.

    Args:
        table: its element.
        leave_out: decides which elements inside it are left out.
    """
    merged = MergedCells()
    elements: list[Element] = []
    rows: list[tuple[int, Row]] = []
    headers: set[int] = set()
    for element in table.iter("{*}tr", "{*}caption"):
        if local_name(element) == "caption":
            yield element, one_line(element_text(element, leave_out))
            continue
        cells = list(children(element, "td", "th"))
        placed = [
            (one_line(element_text(cell, leave_out)), _span(cell, "colspan"), _span(cell, "rowspan")) for cell in cells
        ]
        elements.append(element)
        rows.append((len(elements), merged.place(len(elements), placed)))
        if _is_header(element, [cell for cell, (text, _, _) in zip(cells, placed, strict=True) if text]):
            headers.add(len(elements))
    yield from ((elements[number - 1], line) for number, line in document_lines(rows, headers))


def is_data_table(table: Element) -> bool:
    """Tell whether a table holds data, rather than the columns of a page's layout."""
    if table.get("role") == "presentation":
        return False
    for element in table.iter("{*}table", "{*}td", "{*}th", "{*}h1", "{*}h2", "{*}h3", "{*}pre"):
        if local_name(element) in ("td", "th"):
            is_long = sum(map(len, element.itertext())) > _MAX_CELL_LENGTH
            if is_long and sum(1 for _ in element.iter("{*}p", "{*}div", "{*}li")) > 1:
                return False
        elif element is not table:
            return False
    return True


def _span(cell: Element, name: str) -> int:
    """Return how many columns or rows a cell covers; 0 is as many as there may be."""
    value = cell.get(name)
    if value is None:
        return 1
    value = str(value).strip()
    count = int(value) if value.isdecimal() and len(value) < 6 else 1
    return count or _MAX_ROW_SPAN


def _is_header(row: Element, cells: list[Element]) -> bool:
    """Tell whether the filled cells of a row are marked as names of columns, or all bold."""
    if local_name(row.getparent()) == "thead" or all(local_name(cell) == "th" for cell in cells):
        return True
    return all(map(_is_bold, cells))


def _is_bold(cell: Element) -> bool:
    if len(cell) == 0:
        return False
    length = sum(len(text.strip()) for text in cell.itertext())
    bold = descendants(cell, "b", "strong")
    return any(sum(len(text.strip()) for text in element.itertext()) == length for element in bold)
