"""Reader of Word documents: paragraphs, headings by style, lists, table rows, notes.

Knows WordprocessingML. Foot- and endnotes stand after their paragraph, pages of HTML, RTF and other
documents that the document imports in their place. Tracked deletions, comments, headers, footers
and tables of contents are left out.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import suppress
from zipfile import BadZipFile

from crystalcli.errors import SourceError
from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, tidy_lines
from crystalcli.text.document.markup import (
    Element,
    attribute,
    children,
    descendants,
    iter_elements,
    local_name,
    parse_html,
    parse_xml,
)
from crystalcli.text.document.outline import Outline, heading_label
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.document.table_header import Cell, Row
from crystalcli.text.document.table_rows import document_lines
from crystalcli.text.document.table_spans import WHOLE_ROW
from crystalcli.text.formats.office.ooxml import (
    core_fields,
    core_title,
    main_part,
    read_relations,
    related_part,
    walk_elements,
)
from crystalcli.text.formats.office.symbols import symbol_letter
from crystalcli.text.formats.office.zip_package import Package, PackageReading
from crystalcli.text.formats.rtf.rtf_reader import rtf_text
from crystalcli.text.formats.web.html_blocks import HtmlBlocks
from crystalcli.text.formats.web.html_reader import decode_part
from crystalcli.text.formats.web.saved_html import saved_html

# `Fallback` repeats the text of `Choice` for older programs.
_SKIP = frozenset(
    ("Fallback", "del", "moveFrom", "instrText", "delText", "pPr", "rPr", "rt", "tblPr", "tcPr", "trPr", "sdtPr")
)
# Elements that only stand around blocks: of content controls, custom XML, alternatives, insertions.
_AROUND = ("sdt", "sdtContent", "customXml", "smartTag", "AlternateContent", "Choice", "ins", "moveTo")
_BLOCKS = ("p", "tbl", "altChunk", *_AROUND)
_PAGES = (".htm", ".html", ".xhtml", ".xht")
_SAVED_PAGES = (".mht", ".mhtml")
_MAX_DEPTH = 2  # documents in one another
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS, _NO_LEVEL, _ITEM = -1, 9, 10  # besides the levels of headings
_PLAIN_STYLES = frozenset(("TableGrid", "TableNormal", "TableGridLight"))  # whose first row looks as any other
_MAX_CELL_LENGTH = 400  # characters; a longer cell is a column of the page's layout


class DocxReading(PackageReading):
    """A document."""

    def read_title(self, package: Package) -> str:
        """Return the title in the properties."""
        return core_title(package)

    def read_fields(self, package: Package) -> StatedFields:
        """Return the author, date and keywords in the properties."""
        return core_fields(package)

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the body, block by block."""
        body = _Body(package, main_part(package), composer)
        for block in body.blocks():
            body.write(block)
            yield


class _Body:
    """Writer of the body's blocks into a composer."""

    def __init__(self, package: Package, main: str, composer: Composer, depth: int = 0) -> None:
        self._package, self._main = package, main
        self._depth = depth  # of documents in one another
        self._composer = composer
        self._outline = Outline()
        self._styles = _levels(package, related_part(package, main, "styles"))
        self._notes = {
            kind: _notes(package, related_part(package, main, kind), name)
            for kind, name in (("footnotes", "footnote"), ("endnotes", "endnote"))
        }
        self._cited: list[str] = []  # notes of this block
        self._note_count = 0
        self._gap = PARAGRAPH

    def blocks(self) -> Iterator[Element]:
        """Yield the blocks of the body."""
        with self._package.open(self._main) as stream:
            yield from iter_elements(stream, *_BLOCKS, within=("body",))

    def write_all(self) -> None:
        """Write the whole body."""
        for block in self.blocks():
            self.write(block)

    def write(self, block: Element) -> None:
        """Write one block of the body, or all blocks inside an element that stands around them."""
        name = local_name(block)
        if name == "p":
            self._paragraph(block)
        elif name == "tbl":
            self._table(block)
        elif name == "altChunk":
            self._imported(attribute(block, "id"))
        elif name in _AROUND and not (name == "sdt" and _is_contents(block)):
            for inner in children(block, *_BLOCKS):
                self.write(inner)

    def _imported(self, identity: str) -> None:
        """Write what stands in a part of its own: HTML, RTF, a plain text, or another document."""
        relation = read_relations(self._package, self._main).get(identity)
        if relation is None or relation.part not in self._package:
            return
        ending = relation.part[relation.part.rfind(".") :].lower()
        data = self._package.read(relation.part)
        if ending in (*_PAGES, *_SAVED_PAGES):
            self._page(decode_part(data) if ending in _PAGES else saved_html(data) or "")
        elif ending == ".rtf":
            text, is_html = rtf_text(data)
            if is_html:
                self._page(text)
            else:
                self._blocks(text)
        elif ending == ".txt":
            self._composer.write_block(tidy_lines(decode_part(data)).strip())
        elif ending == ".docx" and self._depth < _MAX_DEPTH:
            with suppress(SourceError, BadZipFile):  # the rest is read without it
                package = Package(io.BytesIO(data))
                _Body(package, main_part(package), self._composer, self._depth + 1).write_all()
        self._gap = PARAGRAPH

    def _page(self, text: str) -> None:
        """Write the blocks of a page of HTML."""
        root = parse_html(text)
        if root is not None:
            blocks = HtmlBlocks(self._composer, outline=self._outline)
            for _ in blocks.write(next(descendants(root, "body"), root)):
                pass
            self._outline = blocks.outline

    def _blocks(self, text: str) -> None:
        """Write the paragraphs of a text that has an empty line between them."""
        for paragraph in text.split("\n\n"):
            if paragraph.strip():
                self._composer.write_block(paragraph.strip())

    def _paragraph(self, paragraph: Element) -> None:
        properties = next(children(paragraph, "pPr"), None)
        style = _value(properties, "pStyle")
        level = self._styles.get(style, _NO_LEVEL)
        if (own := _value(properties, "outlineLvl")).isdecimal():
            level = int(own) + 1 if int(own) < _NO_LEVEL else _NO_LEVEL
        text = tidy_lines(self._text(paragraph)).strip()
        if level == _CONTENTS or not text:
            return
        numbering = next(descendants(properties, "numPr"), None) if properties is not None else None
        if level < _NO_LEVEL:
            self._composer.begin_block()
            self._composer.mark("heading", self._outline.enter(level, heading_label(text)))
            self._composer.write_block(text)
            self._gap = PARAGRAPH
        elif _value(numbering, "numId") != "0" if numbering is not None else level == _ITEM:
            depth = _value(numbering, "ilvl")
            indent = "  " * min(8, int(depth) if depth.isdecimal() else 0)
            self._composer.write_block(f"{indent}- " + text.replace("\n", f"\n{indent}  "), self._gap)
            self._gap = LINE
        else:
            self._composer.write_block(text)
            self._gap = PARAGRAPH
        self._write_notes()

    def _table(self, table: Element) -> None:
        rows: list[tuple[int, Row]] = []
        headers: set[int] = set()
        above: Row = {}
        for row in walk_elements(table, _SKIP | {"tc"}):
            if local_name(row) != "tr":
                continue
            cells = [
                cell for cell in walk_elements(row, _SKIP | {"p"}) if local_name(cell) == "tc" and _is_own(cell, row)
            ]
            texts = [one_line(self._text(cell)) for cell in cells]
            if any(len(text) > _MAX_CELL_LENGTH for text in texts):
                self._write_rows(rows, headers)
                elements = (element for cell in cells for element in walk_elements(cell, _SKIP))
                for paragraph in (element for element in elements if local_name(element) == "p"):
                    self._composer.write_block(tidy_lines(self._text(paragraph)).strip())
                rows, headers, above = [], set(), {}
                continue
            above = _placed(row, cells, texts, above)
            rows.append((len(rows) + 1, above))
            if _is_header(table, row, cells, is_first=len(rows) == 1):
                headers.add(len(rows))
        self._write_rows(rows, headers)
        self._gap = PARAGRAPH
        self._write_notes()

    def _write_rows(self, rows: list[tuple[int, Row]], headers: set[int]) -> None:
        gap = PARAGRAPH
        for _, line in document_lines(rows, headers):
            self._composer.write_block(line, gap)
            gap = LINE

    def _text(self, block: Element) -> str:
        """Return the text of a block, and collect the notes that it cites."""
        parts: list[str] = []
        for element in walk_elements(block, _SKIP):
            name = local_name(element)
            if name == "t":
                parts.append(element.text or "")
            elif name in ("tab", "ptab"):
                parts.append("\t")
            elif name == "cr" or (name == "br" and attribute(element, "type") not in ("page", "column")):
                parts.append("\n")
            elif name == "noBreakHyphen":
                parts.append("-")
            elif name == "sym":
                parts.append(symbol_letter(attribute(element, "font"), attribute(element, "char")))
            elif name in ("ddList", "checkBox"):
                parts.append(_field_value(element))
            elif (
                name == "tc"
                and element is not block
                and next(element.itersiblings("{*}tc", preceding=True), None) is not None
            ):
                parts.append(" | ")  # of a table inside a cell
            elif name == "tr" and next(element.itersiblings("{*}tr", preceding=True), None) is not None:
                parts.append(" / ")
            elif name == "p" and element is not block:  # of a cell, or of a text box
                parts.append("\n")
            elif name in ("footnoteReference", "endnoteReference"):
                note = self._notes[f"{name.removesuffix('Reference')}s"].get(attribute(element, "id"), "")
                if note:
                    self._note_count += 1
                    parts.append(f"[{self._note_count}]")
                    self._cited.append(f"[{self._note_count}] {note}")
        return "".join(parts)

    def _write_notes(self) -> None:
        gap = PARAGRAPH
        for note in self._cited:
            self._composer.write_block(note, gap)
            gap = LINE
            self._gap = PARAGRAPH
        self._cited = []


def _field_value(field: Element) -> str:
    """Return the value of a field of an old form: the entry that is chosen, or `[x]`."""
    if local_name(field) == "checkBox":
        state = next(children(field, "checked"), None)
        state = next(children(field, "default"), None) if state is None else state
        return "[x]" if state is not None and attribute(state, "val") not in ("0", "false", "off") else ""
    entries = [attribute(entry, "val") for entry in children(field, "listEntry")]
    chosen = _value(field, "result") or _value(field, "default") or "0"
    return entries[int(chosen)] if chosen.isdecimal() and int(chosen) < len(entries) else ""


def _value(properties: Element, name: str) -> str:
    """Return the value of a property, or ""."""
    element = next(children(properties, name), None) if properties is not None else None
    return attribute(element, "val") if element is not None else ""


def _is_own(cell: Element, row: Element) -> bool:
    """Tell whether a cell belongs to the row, rather than to a table inside it."""
    return next(ancestor for ancestor in cell.iterancestors() if local_name(ancestor) == "tr") is row


def _placed(row: Element, cells: list[Element], texts: list[str], above: Row) -> Row:
    """Return the row of a table with the value of a merged cell in each cell that it covers.

    Args:
        row: its element.
        cells: its cells.
        texts: their texts.
        above: the row above.
    """
    placed: dict[int, Cell] = {}
    column = _number(_value(next(children(row, "trPr"), None), "gridBefore"), 0)
    for cell, text in zip(cells, texts, strict=True):
        properties = next(children(cell, "tcPr"), None)
        span = max(1, _number(_value(properties, "gridSpan"), 1))
        merged = next(children(properties, "vMerge"), None) if properties is not None else None
        if not text and merged is not None and attribute(merged, "val") != "restart" and column in above:
            text = above[column].text
        if text and len(cells) == 1 < span:
            return {WHOLE_ROW: Cell(text)}
        placed |= dict.fromkeys(range(column, column + span), Cell(text)) if text else {}
        column += span
    return placed


def _is_header(table: Element, row: Element, cells: list[Element], *, is_first: bool) -> bool:
    """Tell whether a row is marked as a header: as such, by the table's style, or in bold."""
    if next(descendants(row, "tblHeader"), None) is not None:
        return True
    look = next(descendants(table, "tblLook"), None)
    style = next(descendants(table, "tblStyle"), None)
    if is_first and look is not None and style is not None and attribute(style, "val") not in _PLAIN_STYLES:
        return attribute(look, "firstRow") == "1" or bool(_number(attribute(look, "val"), 0, base=16) & 0x20)
    runs = [run for cell in cells for run in descendants(cell, "r") if next(descendants(run, "t"), None) is not None]
    bold = (next(descendants(run, "b"), None) for run in runs)
    return bool(runs) and all(mark is not None and attribute(mark, "val") not in ("0", "false") for mark in bold)


def _number(text: str, default: int, base: int = 10) -> int:
    """Return a small number that an attribute holds, or `default`."""
    return int(text, base) if re.fullmatch(r"[0-9A-Fa-f]{1,4}" if base == 16 else r"\d{1,3}", text) else default


def _is_contents(control: Element) -> bool:
    galleries = descendants(control, "docPartGallery")
    return any(attribute(gallery, "val") == "Table of Contents" for gallery in galleries)


def _levels(package: Package, part: str) -> dict[str, int]:
    """Return the level of each style, by its id.

    Args:
        package: the document.
        part: the name of its styles, or "".

    Returns:
        The level of headings, from 1; 0 for the title; _ITEM for lists; _CONTENTS for tables of
        contents. Other styles are left out.
    """
    if not part:
        return {}
    styles = {attribute(style, "styleId"): style for style in descendants(parse_xml(package.read(part)), "style")}
    levels: dict[str, int] = {}
    for identity, own in styles.items():
        style = own
        for _ in range(len(styles)):  # up the styles that it is based on
            name = _value(style, "name").lower()
            outline = next(descendants(style, "outlineLvl"), None)
            heading = _HEADING.match(name)
            if name.startswith("toc ") or name == "toc heading":
                levels[identity] = _CONTENTS
            elif name == "title":
                levels[identity] = 0
            elif heading is not None:
                levels[identity] = int(heading[1])
            elif outline is not None and attribute(outline, "val").isdecimal():
                levels[identity] = min(_NO_LEVEL, int(attribute(outline, "val")) + 1)
            elif next(descendants(style, "numPr"), None) is not None:
                levels[identity] = _ITEM
            base = styles.get(_value(style, "basedOn"))
            if identity in levels or base is None:
                break
            style = base
    return levels


def _notes(package: Package, part: str, name: str) -> dict[str, str]:
    """Return the notes by their ids, each on one line.

    Args:
        package: the document.
        part: the name of its foot- or endnotes, or "".
        name: of the elements, "footnote" or "endnote".
    """
    notes: dict[str, str] = {}
    if part:
        with package.open(part) as stream:
            for note in iter_elements(stream, name):
                if not attribute(note, "type"):  # one with a type is the line above the notes
                    parts = (
                        element.text or "" if local_name(element) == "t" else " "
                        for element in walk_elements(note, _SKIP)
                        if local_name(element) in ("t", "tab", "p")
                    )
                    notes[attribute(note, "id")] = one_line("".join(parts))
    return notes
