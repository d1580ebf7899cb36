"""What the tests of readers share: reading a file with all that must hold of any reading, and small packages to read."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from crystalcli.datatypes import FIELDS, LANDMARKS, Landmark
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
A = "http://schemas.openxmlformats.org/drawingml/2006/main"
P = "http://schemas.openxmlformats.org/presentationml/2006/main"
S = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPES = {
    "word": "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
    "xl": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml",
    "ppt": "application/vnd.openxmlformats-officedocument.presentationml.presentation.main+xml",
}


class Read(NamedTuple):
    """A document as it was read."""

    kind: str
    title: str
    text: str
    marks: list[Landmark]

    def labels(self, kind: str) -> list[str]:
        return [mark.label for mark in self.marks if mark.kind == kind]

    def at(self, words: str) -> dict[str, str]:
        """What stands over these words, which stand once in the text; rows and lines as numbers."""
        assert self.text.count(words) == 1, (words, self.text)
        start = self.text.index(words)
        line = self.text.count("\n", 0, start) + 1
        held = {mark.kind: mark.label for mark in self.marks if mark.start <= start}
        return {
            kind: str(line + int(label)) if kind in ("row", "line") else label for kind, label in held.items() if label
        }


def read(path: Path, **options: int) -> Read:
    """Reads a file, twice, and asserts what holds of every reading."""
    first, again = _read(path, **options), _read(path, **options)
    assert first == again
    return first


def _read(path: Path, **options: int) -> Read:
    _, reading = open_source(path, ReadOptions(**options))
    title = reading.title
    text, marks = "", []
    for piece in reading.pieces():
        if isinstance(piece, Landmark):
            assert piece.start == len(text)
            assert piece.kind in LANDMARKS + FIELDS
            assert "\n" not in piece.label
            marks.append(piece)
        else:
            assert piece
            text += piece
    places = [(mark.start, mark.kind) for mark in marks]
    assert len(set(places)) == len(places), "two landmarks of a kind at one place"
    assert text.strip()
    text.encode("utf-8")
    return Read(reading.kind, title, text, marks)


def zipped(path: Path, parts: Mapping[str, str | bytes]) -> Path:
    """A zip file with these parts, compressed, always the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in parts.items():
            info = zipfile.ZipInfo(name, (2024, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_STORED if name == "mimetype" else zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    path.write_bytes(out.getvalue())
    return path


def office(path: Path, main: str, parts: Mapping[str, str | bytes], relations: Mapping[str, str] | None = None) -> Path:
    """An Office file whose main part is `main`. relations: of the main part, id -> "type target"."""

    def rels(found: Mapping[str, str]) -> str:
        rows = (
            f'<Relationship Id="{each}" Type="{R}/{kind}" Target="{target}"/>'
            for each, (kind, target) in ((each, said.split()) for each, said in found.items())
        )
        namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
        return f'<Relationships xmlns="{namespace}">{"".join(rows)}</Relationships>'

    folder, _, name = main.rpartition("/")
    types = f'<Override PartName="/{main}" ContentType="{_TYPES[folder]}"/>'
    core = (
        '<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>The title</dc:title></cp:coreProperties>'
    )
    whole = {
        "[Content_Types].xml": f'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">{types}</Types>',
        "_rels/.rels": rels({"a": f"officeDocument {main}", "b": "core-properties docProps/core.xml"}),
        "docProps/core.xml": core,
        f"{folder}/_rels/{name}.rels": rels(relations or {}),
        **parts,
    }
    return zipped(path, whole)


def docx(path: Path, body: str, styles: str = "", footnotes: str = "") -> Path:
    """A Word file with this body."""
    space = f'xmlns:w="{W}" xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
    return office(
        path,
        "word/document.xml",
        {
            "word/document.xml": f"<w:document {space}><w:body>{body}</w:body></w:document>",
            "word/styles.xml": f"<w:styles {space}>{styles}</w:styles>",
            "word/footnotes.xml": f"<w:footnotes {space}>{footnotes}</w:footnotes>",
        },
        {"s": "styles styles.xml", "f": "footnotes footnotes.xml"},
    )


def xlsx(path: Path, sheets: Mapping[str, str], strings: str = "", styles: str = "", **book: str) -> Path:
    """A workbook whose sheets have these rows.

    properties: of the workbook; before, after: XML around the rows of each sheet; drawing: on each sheet.
    """
    around, drawing = (book.get("before", ""), book.get("after", "")), book.get("drawing", "")
    rels = f'<Relationships><Relationship Id="d" Type="{R}/drawing" Target="../drawings/d.xml"/></Relationships>'
    names = "".join(f'<sheet name="{name}" r:id="r{index}"/>' for index, name in enumerate(sheets))
    return office(
        path,
        "xl/workbook.xml",
        {
            "xl/workbook.xml": f'<workbook xmlns="{S}" xmlns:r="{R}">{book.get("properties", "")}<sheets>{names}</sheets></workbook>',
            "xl/sharedStrings.xml": f'<sst xmlns="{S}">{strings}</sst>',
            "xl/styles.xml": f'<styleSheet xmlns="{S}">{styles}</styleSheet>',
            **{
                f"xl/worksheets/{index}.xml": f'<worksheet xmlns="{S}">{around[0]}<sheetData>{rows}</sheetData>{around[1]}</worksheet>'
                for index, rows in enumerate(sheets.values())
            },
            **({"xl/worksheets/_rels/0.xml.rels": rels, "xl/drawings/d.xml": drawing} if drawing else {}),
        },
        {
            "s": "sharedStrings sharedStrings.xml",
            "t": "styles styles.xml",
            **{f"r{index}": f"worksheet worksheets/{index}.xml" for index in range(len(sheets))},
        },
    )


def pptx(path: Path, slides: list[str], notes: str = "") -> Path:
    """A presentation whose slides have these shapes; the last slide in the file is shown first. notes: of the first that is shown."""
    space = f'xmlns:p="{P}" xmlns:a="{A}" xmlns:r="{R}"'
    order = "".join(f'<p:sldId id="{256 + index}" r:id="r{index}"/>' for index in reversed(range(len(slides))))
    last = len(slides) - 1
    link = f'<Relationship Id="n" Type="{R}/notesSlide" Target="../notesSlides/1.xml"/>'
    namespace = "http://schemas.openxmlformats.org/package/2006/relationships"
    return office(
        path,
        "ppt/presentation.xml",
        {
            "ppt/presentation.xml": f"<p:presentation {space}><p:sldIdLst>{order}</p:sldIdLst></p:presentation>",
            **{
                f"ppt/slides/{index}.xml": f"<p:sld {space}><p:cSld><p:spTree>{shapes}</p:spTree></p:cSld></p:sld>"
                for index, shapes in enumerate(slides)
            },
            f"ppt/slides/_rels/{last}.xml.rels": f'<Relationships xmlns="{namespace}">{link}</Relationships>',
            "ppt/notesSlides/1.xml": f"<p:notes {space}><p:cSld><p:spTree>{notes}</p:spTree></p:cSld></p:notes>",
        },
        {f"r{index}": f"slide slides/{index}.xml" for index in range(len(slides))},
    )


def odf(path: Path, content: str) -> Path:
    """An OpenDocument file with this body, of the kind that its name says."""
    kind = {".odt": "text", ".ods": "spreadsheet", ".odp": "presentation"}[path.suffix]
    names = ("office", "text", "table", "draw", "presentation", "meta")
    space = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    dublin = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return zipped(
        path,
        {
            "mimetype": f"application/vnd.oasis.opendocument.{kind}",
            "content.xml": f"<office:document-content {space}><office:body><office:{kind}>{content}</office:{kind}>"
            "</office:body></office:document-content>",
            "meta.xml": f"<office:document-meta {space} {dublin}><office:meta><dc:title>The title</dc:title></office:meta>"
            "</office:document-meta>",
        },
    )


def epub(path: Path, chapters: Mapping[str, str], **more: str) -> Path:
    """A book with these chapters, file name -> body. nav, ncx: the contents; manifest, metadata: more of them; extra parts by name."""
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(chapters)
    )
    if "nav" in more:
        items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
    if "ncx" in more:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(chapters)))
    html = '<?xml version="1.0"?><!DOCTYPE html><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OPS/book.opf"/></rootfiles></container>',
        "OPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/"><metadata>'
        "<dc:title>The Ferry</dc:title><dc:creator>Ann Writer</dc:creator></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
        **{
            f"OPS/{name}": f"{html}<head><title>x</title></head><body>{body}</body></html>"
            for name, body in chapters.items()
        },
    }
    if "nav" in more:
        parts["OPS/nav.xhtml"] = f'{html}<body><nav epub:type="toc"><ol>{more["nav"]}</ol></nav></body></html>'
    if "ncx" in more:
        parts["OPS/toc.ncx"] = f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/"><navMap>{more["ncx"]}</navMap></ncx>'
    parts |= {name: text for name, text in more.items() if "/" in name}
    return zipped(path, parts)
