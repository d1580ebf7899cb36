"""Reader of OpenDocument texts, spreadsheets and presentations, as LibreOffice writes them.

Knows the elements of ODF. Tracked deletions, comments, headers, footers and indexes are left out.
The cells of a spreadsheet hold the text that they show.
"""

from __future__ import annotations

from collections.abc import Iterator

from lxml import etree

from crystalcli.errors import SourceError
from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, tidy_lines
from crystalcli.text.document.markup import (
    Element,
    attribute,
    children,
    descendants,
    iter_elements,
    local_name,
    parse_xml,
)
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.document.table_header import Cell, Row
from crystalcli.text.document.table_rows import MAX_COLUMNS, document_lines, write_table
from crystalcli.text.document.table_spans import MergedCells
from crystalcli.text.formats.office.ooxml import stated_in, title_with_authors
from crystalcli.text.formats.office.zip_package import Package, PackageReading
from crystalcli.text.source.read_request import LOCKED

CONTENT = "content.xml"
MAX_REPEATED_ROWS = 1_000  # copies of one row that are written
MAX_REPEATED_LENGTH = 1_000_000  # characters of all copies of one row
_MAX_REPEATED_CELLS = 1_000  # of a row of a text's table
_SKIP = frozenset(
    ("annotation", "annotation-end", "tracked-changes", "title", "desc", "notes", "event-listeners", "object", "image")
)


class OdfReading(PackageReading):
    """A document of any of the three kinds."""

    def read_title(self, package: Package) -> str:
        """Return the title in the properties, with its author behind it."""
        return title_with_authors(parse_xml(package.read("meta.xml"))) if "meta.xml" in package else ""

    def read_fields(self, package: Package) -> StatedFields:
        """Return the author, date and keywords in the properties."""
        return stated_in(parse_xml(package.read("meta.xml"))) if "meta.xml" in package else StatedFields()

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the content, block by block.

        Raises:
            SourceError: the document is encrypted.
        """
        manifest = "META-INF/manifest.xml"
        if (
            manifest in package
            and next(descendants(parse_xml(package.read(manifest)), "encryption-data"), None) is not None
        ):
            raise SourceError(*LOCKED)
        write = {"odt": _text_document, "ods": _spreadsheet, "odp": _presentation}[self.kind]
        yield from write(package, composer)


def _text_document(package: Package, composer: Composer) -> Iterator[None]:
    blocks = _Blocks(composer)
    with package.open(CONTENT) as stream:
        for block in iter_elements(stream, "h", "p", "list", "table", within=("text", "section")):
            blocks.write(block)
            yield


def _spreadsheet(package: Package, composer: Composer) -> Iterator[None]:
    with package.open(CONTENT) as stream:
        sheets = _Sheets(iter_elements(stream, "table-row"))
        while sheets.advance():
            yield from write_table(composer, sheets.name, sheets.rows())


def _presentation(package: Package, composer: Composer) -> Iterator[None]:
    with package.open(CONTENT) as stream:
        for number, page in enumerate(iter_elements(stream, "page", within=("presentation",)), 1):
            composer.begin_block()
            composer.mark("slide", str(number))
            frames = [frame for frame in descendants(page, "frame", "custom-shape") if not _in_notes(frame)]
            titles = [frame for frame in frames if attribute(frame, "class") == "title"]
            heading = " ".join(one_line(_flat_text(title, [])) for title in titles)
            composer.mark("heading", heading_label(heading))
            composer.write_block(heading)
            blocks = _Blocks(composer)
            for frame in frames:
                if frame not in titles and attribute(frame, "class") not in (
                    "date-time",
                    "footer",
                    "header",
                    "page-number",
                ):
                    for box in (frame, *descendants(frame, "text-box")):
                        for block in children(box, "h", "p", "list", "table"):
                            blocks.write(block, is_outline=False)
            for notes in children(page, "notes"):
                paragraphs = (tidy_lines(_flat_text(element, [])).strip() for element in descendants(notes, "p"))
                if text := "\n".join(filter(None, paragraphs)):
                    composer.write_block(f"Notes: {text}")
            yield


class _Blocks:
    """Writer of a text's blocks into a composer."""

    def __init__(self, composer: Composer) -> None:
        self._composer = composer
        self._outline = Outline()
        self._note_count = 0

    def write(self, block: Element, *, is_outline: bool = True) -> None:
        """Write a heading, a paragraph, a list or a table, and the notes in it.

        Args:
            block: its element.
            is_outline: headings are landmarks.
        """
        notes: list[str] = []
        name = local_name(block)
        if name == "table":
            self._table(block, notes)
        elif name == "list":
            self._list(block, notes)
        else:
            text = tidy_lines(self._text(block, notes)).strip()
            if name == "h" and text and is_outline:
                level = attribute(block, "outline-level")
                self._composer.begin_block()
                self._composer.mark(
                    "heading", self._outline.enter(int(level) if level.isdecimal() else 1, heading_label(text))
                )
            self._composer.write_block(text)
        for note in notes:
            self._composer.write_block(note)

    def _table(self, block: Element, notes: list[str]) -> None:
        merged = MergedCells()
        rows: list[tuple[int, Row]] = []
        headers: set[int] = set()
        for number, row in enumerate(descendants(block, "table-row"), 1):
            cells: dict[int, Cell] = {}
            column = 0
            for cell in children(row, "table-cell", "covered-table-cell"):
                if text := one_line(self._text(cell, notes)):
                    cells[column] = Cell(text)
                    _cover(merged, cell, number, column, cells[column])
                column += min(_MAX_REPEATED_CELLS, _times(cell, "number-columns-repeated"))
            rows.append((number, merged.fill(number, cells)))
            if local_name(row.getparent()) == "table-header-rows":
                headers.add(number)
        gap = PARAGRAPH
        for _, line in document_lines(rows, headers):
            self._composer.write_block(line, gap)
            gap = LINE

    def _list(self, block: Element, notes: list[str]) -> None:
        gap = PARAGRAPH
        for paragraph in descendants(block, "p", "h"):
            depth = sum(local_name(ancestor) == "list" for ancestor in paragraph.iterancestors())
            indent = "  " * max(0, min(8, depth - 1))
            text = tidy_lines(self._text(paragraph, notes)).strip()
            self._composer.write_block(f"{indent}- " + text.replace("\n", f"\n{indent}  ") if text else "", gap)
            gap = LINE

    def _text(self, block: Element, notes: list[str]) -> str:
        note_count = len(notes)
        text = _flat_text(block, notes, self._note_count)
        self._note_count += len(notes) - note_count
        return text


def _flat_text(block: Element, notes: list[str], count: int = 0) -> str:
    """Return the text of a block.

    Args:
        block: its element.
        notes: the notes in it are added here, numbered from count + 1.
        count: notes before it.
    """
    parts: list[str] = []
    walker = etree.iterwalk(block, events=("start", "end"))
    for event, element in walker:
        name = local_name(element)
        if event == "end":
            parts.append((element.tail or "").replace("\n", " ") if element is not block else "")
            continue
        if not name or (name in _SKIP and element is not block):
            walker.skip_subtree()
            continue
        if name == "note":
            walker.skip_subtree()
            body = next(children(element, "note-body"), None)
            if body is not None and (note := one_line(_flat_text(body, []))):
                notes.append(f"[{count + len(notes) + 1}] {note}")
                parts.append(f"[{count + len(notes)}]")
            continue
        if name == "s":
            times = attribute(element, "c")
            parts.append(" " * (min(100, int(times)) if times.isdecimal() else 1))
        elif name in ("p", "h", "line-break") and element is not block:
            parts.append("\n")
        elif name == "tab":
            parts.append("\t")
        parts.append((element.text or "").replace("\n", " "))
    return "".join(parts)


def _in_notes(element: Element) -> bool:
    return any(local_name(ancestor) == "notes" for ancestor in element.iterancestors())


class _Sheets:
    """The rows of all sheets, one sheet after the other.

    Attributes:
        name: of the sheet whose rows come next.
    """

    def __init__(self, rows: Iterator[Element]) -> None:
        self._rows = rows
        self._next: Element = next(rows, None)
        self.name = ""

    def advance(self) -> bool:
        """Set `name` to that of the next sheet; False after the last one."""
        if self._next is not None:
            self.name = _sheet_of(self._next)
        return self._next is not None

    def rows(self) -> Iterator[tuple[int, Row]]:
        """Yield the filled rows of the sheet, numbered from 1, with the values of merged cells."""
        number = 0
        merged = MergedCells()
        while self._next is not None and _sheet_of(self._next) == self.name:
            times = _times(self._next, "number-rows-repeated")
            row = merged.fill(number + 1, _row(self._next, merged, number + 1))
            size = sum(len(cell.text) + 2 for cell in row.values())
            for step in range(min(times, MAX_REPEATED_ROWS, MAX_REPEATED_LENGTH // size + 1) if row else 0):
                yield number + step + 1, row
            number += times
            self._next = next(self._rows, None)


def _sheet_of(row: Element) -> str:
    table = next((ancestor for ancestor in row.iterancestors() if local_name(ancestor) == "table"), None)
    return heading_label(one_line(attribute(table, "name"))) if table is not None else ""


def _row(row: Element, merged: MergedCells, number: int) -> Row:
    """Return a row, and let its merged cells cover what they do."""
    cells: dict[int, Cell] = {}
    column = 0
    for cell in children(row, "table-cell", "covered-table-cell"):
        times = _times(cell, "number-columns-repeated")
        text = one_line("\n".join(_flat_text(paragraph, []) for paragraph in children(cell, "p")))
        if text:
            kind = attribute(cell, "value-type")
            for step in range(min(times, MAX_COLUMNS - column)):
                cells[column + step] = Cell(text, kind in ("string", ""))
                _cover(merged, cell, number, column + step, cells[column + step])
        column += times
    return cells


def _cover(merged: MergedCells, element: Element, number: int, column: int, cell: Cell) -> None:
    """Let a cell cover the columns and rows that it is merged from."""
    columns, rows = _times(element, "number-columns-spanned"), _times(element, "number-rows-spanned")
    if columns > 1 or rows > 1:
        merged.cover(range(column, min(column + columns, MAX_COLUMNS)), number + rows - 1, cell)


def _times(element: Element, name: str) -> int:
    """Return how often a row or cell is repeated."""
    value = attribute(element, name)
    return max(1, int(value)) if value.isdecimal() and len(value) < 10 else 1
