"""Reader of Excel workbooks: every row a line that carries its header, values as shown.

Knows SpreadsheetML. Does not compute: a formula becomes the value that was stored with it, or, if
that is missing, its own text.
"""

from __future__ import annotations

from collections.abc import Iterator

from crystalcli.errors import SourceError
from crystalcli.text.document.composer import Composer, one_line
from crystalcli.text.document.markup import Element, attribute, children, descendants, iter_elements, parse_xml
from crystalcli.text.document.number_format import BUILT_IN_CODES, format_general, format_number, is_date_code
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.document.table_header import Cell, Row
from crystalcli.text.document.table_rows import MAX_COLUMNS, write_table
from crystalcli.text.formats.office.ooxml import core_fields, core_title, main_part, read_relations, related_part
from crystalcli.text.formats.office.sheet_layout import column_number, read_layout, text_boxes
from crystalcli.text.formats.office.zip_package import TOO_LARGE, Package, PackageReading

MAX_SHARED_STRINGS = 100_000_000  # characters of all different texts in a workbook, held in memory
_DATE_LENGTH = len("2020-03-14T10:30")


class XlsxReading(PackageReading):
    """A workbook."""

    def read_title(self, package: Package) -> str:
        """Return the title in the properties."""
        return core_title(package)

    def read_fields(self, package: Package) -> StatedFields:
        """Return the author, date and keywords in the properties."""
        return core_fields(package)

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the sheets in the order of their tabs, hidden ones too."""
        main = main_part(package)
        book = parse_xml(package.read(main))
        parts = read_relations(package, main)
        values = _Values(package, main, book)
        for sheet in descendants(book, "sheet"):
            relation = parts.get(attribute(sheet, "id"))
            if relation is None or relation.type != "worksheet" or relation.part not in package:
                continue  # a chart
            name = heading_label(one_line(str(sheet.get("name") or "")))
            layout = read_layout(package, relation.part)
            with package.open(relation.part) as stream:
                rows = (values.row(row, number) for number, row in _numbered(iter_elements(stream, "row")))
                yield from write_table(composer, name, layout.filled(rows), layout.headers)
            if boxes := "\n".join(text_boxes(package, relation.part)):
                composer.begin_block()
                composer.mark("sheet", name)
                composer.mark("row", "")
                composer.write_block(boxes)


def _numbered(rows: Iterator[Element]) -> Iterator[tuple[int, Element]]:
    """Yield the rows with their numbers, from 1."""
    number = 0
    for row in rows:
        reference = str(row.get("r") or "")
        number = int(reference) if reference.isdecimal() and len(reference) < 10 else number + 1
        yield number, row


class _Values:
    """Values of cells as they are shown, by the workbook's texts and formats."""

    def __init__(self, package: Package, main: str, book: Element) -> None:
        self._strings = _strings(package, related_part(package, main, "sharedStrings"))
        self._codes = _codes(package, related_part(package, main, "styles"))
        properties = descendants(book, "workbookPr")
        self._from_1904 = any(str(element.get("date1904")) in ("1", "true") for element in properties)

    def row(self, row: Element, number: int) -> tuple[int, Row]:
        cells: dict[int, Cell] = {}
        column = -1
        for element in children(row, "c"):
            column = _column(str(element.get("r") or ""), column + 1)
            cell = self._cell(element)
            if cell.text and column < MAX_COLUMNS:
                cells[column] = cell
        return number, cells

    def _cell(self, cell: Element) -> Cell:
        kind = str(cell.get("t") or "n")
        if kind == "inlineStr":
            return Cell(one_line(_rich(cell)), True)
        stored = next(children(cell, "v"), None)
        text = str(stored.text or "") if stored is not None else ""
        if not text:
            formula = next(children(cell, "f"), None)
            return Cell(one_line(f"={formula.text}") if formula is not None and formula.text else "", False)
        if kind == "s":
            index = int(text)
            return Cell(self._strings[index] if 0 <= index < len(self._strings) else "", True)
        if kind == "b":
            return Cell("TRUE" if text.strip() == "1" else "FALSE", False)
        if kind == "d":
            return Cell(one_line(text.removesuffix("T00:00:00"))[: _DATE_LENGTH + 3].replace("T", " "), False)
        if kind != "n":  # the result of a formula, or an error
            return Cell(one_line(text), kind == "str")
        style = str(cell.get("s") or "0")
        code = self._codes[int(style)] if style.isdecimal() and int(style) < len(self._codes) else ""
        try:
            value = float(text)
        except ValueError:
            return Cell(one_line(text), True)
        if not code or code == "@":
            return Cell(format_general(value) if abs(value) < float("inf") else text, False)
        return Cell(one_line(format_number(value, code, from_1904=self._from_1904 and is_date_code(code))), False)


def _column(reference: str, default: int) -> int:
    """Return the column, from 0, of a cell named like `AB12`; `default` for an invalid name."""
    letters = reference.rstrip("0123456789")
    if not letters or len(letters) > 3 or not letters.isascii() or not letters.isalpha():
        return default
    return column_number(letters)


def _rich(element: Element) -> str:
    """Return the text of runs, without the phonetic readings printed above Japanese."""
    phonetic = "rPh"
    return "".join(
        run.text or ""
        for run in descendants(element, "t")
        if not any(parent.tag.endswith(phonetic) for parent in run.iterancestors())
    )


def _strings(package: Package, part: str) -> list[str]:
    """Return the shared strings of a workbook.

    Raises:
        SourceError: they have more than MAX_SHARED_STRINGS characters in all.
    """
    strings: list[str] = []
    size = 0
    if part:
        with package.open(part) as stream:
            for element in iter_elements(stream, "si"):
                strings.append(one_line(_rich(element)))
                size += len(strings[-1])
                if size > MAX_SHARED_STRINGS:
                    raise SourceError(*TOO_LARGE)
    return strings


def _codes(package: Package, part: str) -> list[str]:
    """Return the format code of each cell style; "" for those without one."""
    if not part:
        return []
    styles = parse_xml(package.read(part))
    codes: dict[str, str] = {str(number): code for number, code in BUILT_IN_CODES.items()}
    formats = descendants(styles, "numFmt")
    codes |= {str(element.get("numFmtId")): str(element.get("formatCode") or "") for element in formats}
    return [
        codes.get(str(style.get("numFmtId")), "")
        for block in descendants(styles, "cellXfs")
        for style in children(block, "xf")
    ]
