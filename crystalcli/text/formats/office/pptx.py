"""Reader of PowerPoint presentations: title, texts, table rows and speaker's notes of each slide.

Knows PresentationML and DrawingML. Pictures, charts and diagrams are left out, and so are dates,
footers and slide numbers.
"""

from __future__ import annotations

from collections.abc import Iterator

from crystalcli.text.document.composer import LINE, PARAGRAPH, Composer, one_line, tidy_lines
from crystalcli.text.document.markup import Element, attribute, children, descendants, local_name, parse_xml
from crystalcli.text.document.outline import heading_label
from crystalcli.text.document.reading_order import Box, order_on_plane
from crystalcli.text.document.stated_fields import StatedFields
from crystalcli.text.document.table_rows import document_lines
from crystalcli.text.document.table_spans import MergedCells
from crystalcli.text.formats.office.ooxml import (
    core_fields,
    core_title,
    main_part,
    read_relations,
    related_part,
    walk_elements,
)
from crystalcli.text.formats.office.zip_package import Package, PackageReading

_TITLES = frozenset(("title", "ctrTitle"))
_FURNITURE = frozenset(("dt", "ftr", "hdr", "sldNum", "sldImg"))
_SKIP = frozenset(("Fallback", "pic", "nvGrpSpPr", "grpSpPr", "extLst"))
_SHAPES = frozenset(("sp", "graphicFrame"))
_NOWHERE = Box(0, 0, 0, 0)


class PptxReading(PackageReading):
    """A presentation."""

    def read_title(self, package: Package) -> str:
        """Return the title in the properties."""
        return core_title(package)

    def read_fields(self, package: Package) -> StatedFields:
        """Return the author, date and keywords in the properties."""
        return core_fields(package)

    def compose(self, package: Package, composer: Composer) -> Iterator[None]:
        """Write the slides in the order of the show, hidden ones too."""
        main = main_part(package)
        parts = read_relations(package, main)
        order = [relation_id(slide) for slide in descendants(parse_xml(package.read(main)), "sldId")]
        for number, identity in enumerate(order, 1):
            relation = parts.get(identity)
            if relation is None or relation.part not in package:
                continue
            slide = parse_xml(package.read(relation.part))
            composer.begin_block()
            composer.mark("slide", str(number))
            heading = " ".join(one_line(_text(shape)) for shape in _shapes(slide) if _role(shape) in _TITLES)
            composer.mark("heading", heading_label(heading))
            composer.write_block(heading)
            _write(slide, composer)
            if notes := related_part(package, relation.part, "notesSlide"):
                texts = (_text(shape) for shape in _shapes(parse_xml(package.read(notes))) if _role(shape) == "body")
                if text := "\n".join(filter(None, (tidy_lines(part).strip() for part in texts))):
                    composer.write_block(f"Notes: {text}")
            yield


def relation_id(element: Element) -> str:
    """Return the id of the relation that an element names; its own id has no namespace."""
    return next((str(value) for key, value in element.attrib.items() if key.endswith("}id")), "")


def _shapes(slide: Element) -> Iterator[Element]:
    """Yield the shapes of a slide, or of a group, as they are read: by their places on it."""
    tree = next(descendants(slide, "spTree"), slide)
    placed: list[tuple[Box, Element]] = []
    for unit in tree:
        name = local_name(unit)
        if name == "grpSp" or (name in _SHAPES and _box(unit) is not None):
            placed.append((_box(unit) or _NOWHERE, unit))
        elif name in _SHAPES:  # where its layout has it, most of all the title and the text
            yield unit
        elif name not in _SKIP:  # a choice between forms of a shape
            yield from (shape for shape in walk_elements(unit, _SKIP) if local_name(shape) in _SHAPES)
    for unit in order_on_plane(placed):
        if local_name(unit) == "grpSp":
            yield from _shapes(unit)
        else:
            yield unit


def _box(unit: Element) -> Box | None:
    """Return the place of a shape on its slide, None where it has none of its own."""
    frame = next(descendants(unit, "xfrm"), None)
    corner = next(children(frame, "off"), None) if frame is not None else None
    size = next(children(frame, "ext"), None) if frame is not None else None
    if corner is None or size is None:
        return None
    try:
        left, top = int(corner.get("x")), int(corner.get("y"))
        return Box(left, top, left + int(size.get("cx")), top + int(size.get("cy")))
    except (TypeError, ValueError):
        return None


def _role(shape: Element) -> str:
    """Return the role of a shape, such as "title" or "body"; "" for a shape without one."""
    placeholder = next(descendants(shape, "ph"), None)
    return "" if placeholder is None else attribute(placeholder, "type") or "body"


def _write(slide: Element, composer: Composer) -> None:
    """Write the tables and texts of a slide, without its title."""
    for shape in _shapes(slide):
        if _role(shape) in _TITLES | _FURNITURE:
            continue
        gap = PARAGRAPH
        for line in _table_lines(shape):
            composer.write_block(line, gap)
            gap = LINE
        for body in children(shape, "txBody"):
            for paragraph in children(body, "p"):
                properties = next(children(paragraph, "pPr"), None)
                level = str(properties.get("lvl") or "0") if properties is not None else "0"
                indent = "  " * (int(level) if level in "12345678" else 0)
                text = tidy_lines(_text(paragraph)).strip()
                composer.write_block(indent + text.replace("\n", "\n" + indent) if text else "", gap)
                gap = LINE


def _table_lines(shape: Element) -> Iterator[str]:
    """Yield the rows of the table in a shape, each with the names of its columns."""
    spans = MergedCells()
    rows = []
    for number, row in enumerate(descendants(shape, "tr"), 1):
        cells = [cell for cell in children(row, "tc") if not (cell.get("hMerge") or cell.get("vMerge"))]
        placed = [(one_line(_text(cell)), _span(cell, "gridSpan"), _span(cell, "rowSpan")) for cell in cells]
        rows.append((number, spans.place(number, placed)))
    is_marked = any(mark.get("firstRow") in ("1", "true") for mark in descendants(shape, "tblPr"))
    return (line for _, line in document_lines(rows, {1} if is_marked else ()))


def _span(cell: Element, name: str) -> int:
    value = str(cell.get(name) or "1")
    return int(value) if value.isdecimal() and len(value) < 4 else 1


def _text(element: Element) -> str:
    parts: list[str] = []
    for inner in walk_elements(element, _SKIP):
        name = local_name(inner)
        if name == "t":
            parts.append(inner.text or "")
        elif name == "br" or (name == "p" and inner is not element):
            parts.append("\n")
        elif name == "tab":
            parts.append("\t")
    return "".join(parts)
