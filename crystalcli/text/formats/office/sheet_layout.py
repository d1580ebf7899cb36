"""Layout of a worksheet: merged cells, known header rows, text boxes on the sheet.

Knows what SpreadsheetML has before and after the rows of a sheet. Does not read the rows.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from crystalcli.text.document.composer import tidy_lines
from crystalcli.text.document.markup import descendants, local_name, parse_xml
from crystalcli.text.document.table_header import Row
from crystalcli.text.document.table_rows import MAX_COLUMNS
from crystalcli.text.document.table_spans import MergedCells
from crystalcli.text.formats.office.ooxml import read_relations, walk_elements
from crystalcli.text.formats.office.zip_package import Package

_PIECE_BYTES = 1 << 18
_MAX_AROUND = 16_000_000  # bytes before and after the rows
_MAX_FROZEN = 3  # rows; if more stay in sight, they are not a header alone
_REF = rb"""[^>]*?\bref\s*=\s*["']\$?([A-Z]{1,3})\$?(\d{1,7})(?::\$?([A-Z]{1,3})\$?(\d{1,7}))?["']"""
_MERGED = re.compile(rb"<(?:\w+:)?mergeCell\s" + _REF)
_FILTER = re.compile(rb"<(?:\w+:)?autoFilter\s" + _REF)
_FROZEN = re.compile(rb"""<(?:\w+:)?pane\s(?=[^>]*?\bstate\s*=\s*["']frozen)[^>]*?\bySplit\s*=\s*["'](\d{1,7})""")
_ROWS_END = re.compile(rb"</(?:\w+:)?sheetData>|<(?:\w+:)?sheetData\s*/>")


class SheetLayout(NamedTuple):
    """Layout of a sheet.

    Attributes:
        merged: (first column, last column, last row) of merged cells, by their first row.
        headers: rows that the sheet says are headers.
    """

    merged: dict[int, list[tuple[int, int, int]]]
    headers: frozenset[int]

    def filled(self, rows: Iterable[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
        """Yield the rows with the values of merged cells in each row and column that they cover."""
        if not self.merged:
            yield from rows
            return
        cells = MergedCells()
        for number, row in rows:
            for first, last, last_row in self.merged.get(number, ()):
                if first in row:
                    cells.cover(range(first, last + 1), last_row, row[first])
            yield number, cells.fill(number, row)


def read_layout(package: Package, part: str) -> SheetLayout:
    """Read the layout of a sheet, in a pass of its own: merged cells stand after the rows."""
    before, after = _around_rows(package, part)
    merged: dict[int, list[tuple[int, int, int]]] = {}
    for match in _MERGED.finditer(after):
        first_row, last_row = int(match[2]), int(match[4] or match[2])
        span = column_number(match[1].decode()), column_number((match[3] or match[1]).decode()), last_row
        if span[0] <= span[1] < MAX_COLUMNS and (span[0] < span[1] or first_row < last_row):
            merged.setdefault(first_row, []).append(span)
    headers = {int(match[2]) for match in _FILTER.finditer(after)}
    headers |= {int(match[1]) for match in _FROZEN.finditer(before) if 0 < int(match[1]) <= _MAX_FROZEN}
    for relation in read_relations(package, part).values():
        if relation.type == "table" and relation.part in package:
            table = parse_xml(package.read(relation.part))
            start = re.match(r"\$?[A-Z]+\$?(\d{1,7}):", str(table.get("ref") or ""))
            if start is not None and table.get("headerRowCount") != "0":
                headers.add(int(start[1]))
    return SheetLayout(merged, frozenset(headers))


def text_boxes(package: Package, part: str) -> Iterator[str]:
    """Yield the texts of shapes that are drawn on a sheet, in order."""
    for relation in read_relations(package, part).values():
        if relation.type != "drawing" or relation.part not in package:
            continue
        for body in descendants(parse_xml(package.read(relation.part)), "txBody"):
            for paragraph in descendants(body, "p"):
                letters = (
                    inner.text or "" for inner in walk_elements(paragraph, frozenset()) if local_name(inner) == "t"
                )
                if text := tidy_lines("".join(letters)).strip():
                    yield text


def column_number(letters: str) -> int:
    """Return the column, from 0, that is named by letters: "AB" is 27."""
    number = 0
    for letter in letters.upper():
        number = 26 * number + ord(letter) - ord("A") + 1
    return number - 1


def _around_rows(package: Package, part: str) -> tuple[bytes, bytes]:
    """Return what stands before the rows of a sheet, and what stands after them."""
    after = b""
    has_ended = False
    with package.open(part, is_counted=False) as stream:
        before = piece = stream.read(_PIECE_BYTES)
        rest = b""  # the end of the last piece, where the rows may end as well
        while piece:
            if has_ended:
                after = (after + piece)[:_MAX_AROUND]
            elif (end := _ROWS_END.search(text := rest + piece)) is not None:
                has_ended, after = True, text[end.end() :]
            rest = piece[-40:]
            piece = stream.read(_PIECE_BYTES)
    return before, after
