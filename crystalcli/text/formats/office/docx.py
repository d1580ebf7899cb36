"""Word documents: paragraphs, headings by their styles, lists, tables row by row, foot- and endnotes after their paragraph.

Knows WordprocessingML. What was deleted with changes tracked, comments, headers, footers and tables of contents are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, table_row, tidy_lines
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
from crystalcli.text.formats.office.ooxml import core_title, main_part, related_part, walk_elements
from crystalcli.text.formats.office.zip_package import Package, PackageReading

# `Fallback` says again what `Choice` says, for older programs.
_SKIP = frozenset(
    ("Fallback", "del", "moveFrom", "instrText", "delText", "pPr", "rPr", "rt", "tblPr", "tcPr", "trPr", "sdtPr")
)
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)
_CONTENTS, _NO_LEVEL, _ITEM = -1, 9, 10  # beside the levels of headings
_LONG_CELL = 400  # characters: what is longer is no cell but a column of the page's layout


class DocxReading(PackageReading):
    """A document."""

    def read_title(self, package: Package) -> str:
        """What the properties say."""
        return core_title(package)

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """The body, block by block."""
        main = main_part(package)
        body = _Body(package, main, composer)
        with package.open(main) as stream:
            for block in iter_elements(stream, "p", "tbl", "sdt", within=("body",)):
                body.write(block)
                yield


class _Body:
    """Writes blocks into a composer."""

    def __init__(self, package: Package, main: str, composer: Composer) -> None:
        self._composer = composer
        self._outline = Outline()
        self._styles = _levels(package, related_part(package, main, "styles"))
        self._notes = {
            kind: _notes(package, related_part(package, main, kind), name)
            for kind, name in (("footnotes", "footnote"), ("endnotes", "endnote"))
        }
        self._cited: list[str] = []  # notes of this block
        self._count = 0
        self._gap = PARAGRAPH

    def write(self, block: Element) -> None:
        """One block of the body; a control that holds several writes them all."""
        name = local_name(block)
        if name == "p":
            self._paragraph(block)
        elif name == "tbl":
            self._table(block)
        elif name == "sdt" and not _is_contents(block):
            for content in children(block, "sdtContent"):
                for each in children(content, "p", "tbl", "sdt"):
                    self.write(each)

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
            deep = _value(numbering, "ilvl")
            indent = "  " * min(8, int(deep) if deep.isdecimal() else 0)
            self._composer.write_block(f"{indent}- " + text.replace("\n", f"\n{indent}  "), self._gap)
            self._gap = LINE
        else:
            self._composer.write_block(text)
            self._gap = PARAGRAPH
        self._write_notes()

    def _table(self, table: Element) -> None:
        gap = PARAGRAPH
        for row in walk_elements(table, _SKIP | {"tc"}):
            if local_name(row) != "tr":
                continue
            cells = [cell for cell in walk_elements(row, _SKIP | {"p"}) if local_name(cell) == "tc" and _is_own(cell, row)]
            texts = [one_line(self._text(cell)) for cell in cells]
            if any(len(text) > _LONG_CELL for text in texts):
                for paragraph in (each for cell in cells for each in walk_elements(cell, _SKIP) if local_name(each) == "p"):
                    self._composer.write_block(tidy_lines(self._text(paragraph)).strip())
            else:
                self._composer.write_block(table_row(texts), gap)
                gap = LINE
        self._gap = PARAGRAPH
        self._write_notes()

    def _text(self, block: Element) -> str:
        parts: list[str] = []
        for each in walk_elements(block, _SKIP):
            name = local_name(each)
            if name == "t":
                parts.append(each.text or "")
            elif name in ("tab", "ptab"):
                parts.append("\t")
            elif name == "cr" or (name == "br" and attribute(each, "type") not in ("page", "column")):
                parts.append("\n")
            elif name == "noBreakHyphen":
                parts.append("-")
            elif name == "p" and each is not block:  # of a cell, or of a box that stands beside the paragraph
                parts.append("\n")
            elif name in ("footnoteReference", "endnoteReference"):
                note = self._notes[f"{name.removesuffix('Reference')}s"].get(attribute(each, "id"), "")
                if note:
                    self._count += 1
                    parts.append(f"[{self._count}]")
                    self._cited.append(f"[{self._count}] {note}")
        return "".join(parts)

    def _write_notes(self) -> None:
        gap = PARAGRAPH
        for note in self._cited:
            self._composer.write_block(note, gap)
            gap = LINE
            self._gap = PARAGRAPH
        self._cited = []


def _value(properties: Element, name: str) -> str:
    """What a property is set to, or ""."""
    found = next(children(properties, name), None) if properties is not None else None
    return attribute(found, "val") if found is not None else ""


def _is_own(cell: Element, row: Element) -> bool:
    """Whether a cell is one of the row, and not of a table inside it."""
    return next(each for each in cell.iterancestors() if local_name(each) == "tr") is row


def _is_contents(control: Element) -> bool:
    return any(attribute(each, "val") == "Table of Contents" for each in descendants(control, "docPartGallery"))


def _levels(package: Package, part: str) -> dict[str, int]:
    """The level of each style that makes headings, 0 for the title, or says that a paragraph is of a list or of the contents."""
    if not part:
        return {}
    styles = {attribute(each, "styleId"): each for each in descendants(parse_xml(package.read(part)), "style")}
    levels: dict[str, int] = {}
    for identity, style in styles.items():
        each = style
        for _ in range(len(styles)):
            name = _value(each, "name").lower()
            outline = next(descendants(each, "outlineLvl"), None)
            heading = _HEADING.match(name)
            if name.startswith("toc ") or name == "toc heading":
                levels[identity] = _CONTENTS
            elif name == "title":
                levels[identity] = 0
            elif heading is not None:
                levels[identity] = int(heading[1])
            elif outline is not None and attribute(outline, "val").isdecimal():
                levels[identity] = min(_NO_LEVEL, int(attribute(outline, "val")) + 1)
            elif next(descendants(each, "numPr"), None) is not None:
                levels[identity] = _ITEM
            above = styles.get(_value(each, "basedOn"))
            if identity in levels or above is None:
                break
            each = above
    return levels


def _notes(package: Package, part: str, name: str) -> dict[str, str]:
    """The notes by their ids, each on one line."""
    found: dict[str, str] = {}
    if part:
        with package.open(part) as stream:
            for note in iter_elements(stream, name):
                if not attribute(note, "type"):  # else it is the line above the notes
                    parts = (
                        each.text or "" if local_name(each) == "t" else " "
                        for each in walk_elements(note, _SKIP)
                        if local_name(each) in ("t", "tab", "p")
                    )
                    found[attribute(note, "id")] = one_line("".join(parts))
    return found
