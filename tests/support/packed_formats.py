"""Small real files of the formats that are containers: PDF, EPUB, Office and OpenDocument files, and archives.

Written by hand as far as that goes, so that nothing is needed to make them, and the same bytes each time.
"""

from __future__ import annotations

import datetime
import gzip
import io
import tarfile
import zipfile
from collections.abc import Mapping, Sequence
from html import escape

_XML = '<?xml version="1.0" encoding="UTF-8"?>\n'
_WHEN = (2024, 5, 1, 10, 30, 0)


def zipped(members: Mapping[str, str | bytes], *, stored: Sequence[str] = ()) -> bytes:
    """A zip file of `members`, in order. stored: those that are not compressed."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, data in members.items():
            info = zipfile.ZipInfo(name, _WHEN)
            info.compress_type = zipfile.ZIP_STORED if name in stored else zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return file.getvalue()


def tarred(members: Mapping[str, bytes], mode: str = "w") -> bytes:
    """A tar file of `members`; mode "w:bz2" or "w:xz" compresses it, and for gzip see `gzip.compress`."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode=mode) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = len(data), 1_714_559_400
            archive.addfile(info, io.BytesIO(data))
    return file.getvalue()


def gzipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def pdf(pages: Sequence[Sequence[str]], title: str) -> bytes:
    """A PDF with a text layer; each page is given as paragraphs."""
    from fpdf import FPDF

    made = FPDF()
    made.set_creation_date(datetime.datetime(2024, 5, 1, 10, 30, tzinfo=datetime.UTC))
    made.set_title(title)
    made.set_font("helvetica", size=11)
    for paragraphs in pages:
        made.add_page()
        for paragraph in paragraphs:
            made.multi_cell(0, 6, paragraph, new_x="LMARGIN", new_y="NEXT")
            made.ln(4)
    return bytes(made.output())


# --- e-books --------------------------------------------------------------------------------------------------


def epub(chapters: Sequence[tuple[str, Sequence[str]]], title: str, author: str, version: int) -> bytes:
    """An e-book of (heading, paragraphs); version 2 has its contents as an NCX, version 3 as a navigation document.

    The files are named so that their order by name is not the order of reading.
    """
    names = [f"text/{chr(ord('z') - number)}.xhtml" for number in range(len(chapters))]
    items = "".join(
        f'<item id="c{n}" href="{name}" media-type="application/xhtml+xml"/>' for n, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{n}"/>' for n in range(len(names)))
    members: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": f'{_XML}<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
        '<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
    }
    contents = ' toc="ncx"' if version == 2 else ""
    if version == 3:
        items += '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>'
        points = "".join(f'<li><a href="{name}">{escape(chapters[n][0])}</a></li>' for n, name in enumerate(names))
        members["OEBPS/nav.xhtml"] = _xhtml(
            "Contents", f'<nav epub:type="toc"><h1>Contents</h1><ol>{points}</ol></nav>'
        )
    else:
        items += '<item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
        points = "".join(
            f'<navPoint id="p{n}" playOrder="{n + 1}"><navLabel><text>{escape(chapters[n][0])}</text></navLabel>'
            f'<content src="{name}"/></navPoint>'
            for n, name in enumerate(names)
        )
        members["OEBPS/toc.ncx"] = (
            f'{_XML}<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head/>'
            f"<docTitle><text>{escape(title)}</text></docTitle><navMap>{points}</navMap></ncx>"
        )
    members["OEBPS/book.opf"] = (
        f'{_XML}<package xmlns="http://www.idpf.org/2007/opf" version="{version}.0" unique-identifier="id">'
        '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:identifier id="id">urn:x:1</dc:identifier>'
        f"<dc:title>{escape(title)}</dc:title><dc:creator>{escape(author)}</dc:creator>"
        f"<dc:language>en</dc:language></metadata><manifest>{items}</manifest>"
        f"<spine{contents}>{spine}</spine></package>"
    )
    for name, (heading, paragraphs) in zip(names, chapters, strict=True):
        body = f"<h1>{escape(heading)}</h1>" + "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
        members[f"OEBPS/{name}"] = _xhtml(heading, body)
    return zipped(members, stored=("mimetype",))


def _xhtml(title: str, body: str) -> str:
    return (
        f'{_XML}<!DOCTYPE html>\n<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops">'
        f"<head><title>{escape(title)}</title></head><body>{body}</body></html>"
    )


# --- Office Open XML ------------------------------------------------------------------------------------------

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
_SHOW = (
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    f'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:r="{_OFFICE}"'
)
_SHEET = f'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" xmlns:r="{_OFFICE}"'
_OOXML = "application/vnd.openxmlformats-officedocument."


def _package(main: str, types: Mapping[str, str], parts: Mapping[str, str], title: str) -> bytes:
    """The package around `parts`; types: content types by part, main: the part that is the document."""
    core = "application/vnd.openxmlformats-package.core-properties+xml"
    overrides = "".join(
        f'<Override PartName="/{part}" ContentType="{kind}"/>'
        for part, kind in {**types, "docProps/core.xml": core}.items()
    )
    relations = _relations({"officeDocument": main}).replace(
        "</Relationships>",
        f'<Relationship Id="core" Type="{_PACKAGE}/relationships/metadata/core-properties" Target="docProps/core.xml"/>'
        "</Relationships>",
    )
    return zipped(
        {
            "[Content_Types].xml": f'{_XML}<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
            "_rels/.rels": relations,
            "docProps/core.xml": f'{_XML}<cp:coreProperties xmlns:cp="{_PACKAGE}/metadata/core-properties" '
            f'xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>{escape(title)}</dc:title></cp:coreProperties>',
            **parts,
        }
    )


def _relations(targets: Mapping[str, str]) -> str:
    """Relations by type; a type may be followed by a number, so that there can be several."""
    rows = "".join(
        f'<Relationship Id="{kind}" Type="{_OFFICE}/{kind.rstrip("0123456789")}" Target="{target}"/>'
        for kind, target in targets.items()
    )
    return f'{_XML}<Relationships xmlns="{_PACKAGE}/relationships">{rows}</Relationships>'


def docx(blocks: Sequence[tuple[int, str] | Sequence[Sequence[str]]], title: str) -> bytes:
    """Blocks are (level of heading or 0, text), or a table as rows of cells. The page's header says "Draft copy"."""
    body = ""
    for block in blocks:
        if isinstance(block, tuple):
            level, text = block
            style = f'<w:pPr><w:pStyle w:val="Heading{level}"/></w:pPr>' if level else ""
            half = len(text) // 2  # a paragraph's text is in runs, cut where someone paused
            runs = "".join(
                f'<w:r><w:t xml:space="preserve">{escape(part)}</w:t></w:r>' for part in (text[:half], text[half:])
            )
            body += f"<w:p>{style}{runs}</w:p>"
        else:
            rows = "".join(
                "<w:tr>"
                + "".join(f"<w:tc><w:tcPr/><w:p><w:r><w:t>{escape(cell)}</w:t></w:r></w:p></w:tc>" for cell in row)
                + "</w:tr>"
                for row in block
            )
            grid = "<w:gridCol/>" * len(block[0])
            body += f"<w:tbl><w:tblPr/><w:tblGrid>{grid}</w:tblGrid>{rows}</w:tbl>"
    header = '<w:headerReference w:type="default" r:id="header"/>'
    styles = (
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/></w:style>'
        + "".join(
            f'<w:style w:type="paragraph" w:styleId="Heading{n}"><w:name w:val="heading {n}"/><w:basedOn w:val="Normal"/>'
            f'<w:pPr><w:outlineLvl w:val="{n - 1}"/></w:pPr></w:style>'
            for n in (1, 2, 3)
        )
    )
    word = f"{_OOXML}wordprocessingml."
    return _package(
        "word/document.xml",
        {
            "word/document.xml": f"{word}document.main+xml",
            "word/styles.xml": f"{word}styles+xml",
            "word/header1.xml": f"{word}header+xml",
        },
        {
            "word/document.xml": f'{_XML}<w:document {_WORD} xmlns:r="{_OFFICE}"><w:body>{body}'
            f"<w:sectPr>{header}</w:sectPr></w:body></w:document>",
            "word/styles.xml": f"{_XML}<w:styles {_WORD}>{styles}</w:styles>",
            "word/header1.xml": f"{_XML}<w:hdr {_WORD}><w:p><w:r><w:t>Draft copy</w:t></w:r></w:p></w:hdr>",
            "word/_rels/document.xml.rels": _relations({"styles": "styles.xml", "header": "header1.xml"}),
        },
        title,
    )


def pptx(slides: Sequence[tuple[str, Sequence[str]]], title: str) -> bytes:
    """Slides are (title, paragraphs)."""
    show = f"{_OOXML}presentationml."
    tree = '<p:nvGrpSpPr><p:cNvPr id="1" name=""/><p:cNvGrpSpPr/><p:nvPr/></p:nvGrpSpPr><p:grpSpPr/>'
    empty = f"<p:cSld><p:spTree>{tree}</p:spTree></p:cSld>"
    numbers = range(1, len(slides) + 1)
    ids = "".join(f'<p:sldId id="{255 + n}" r:id="slide{n}"/>' for n in numbers)
    main = {f"slide{n}": f"slides/slide{n}.xml" for n in numbers}
    parts = {
        "ppt/presentation.xml": f'{_XML}<p:presentation {_SHOW}><p:sldMasterIdLst><p:sldMasterId id="2147483648" '
        f'r:id="slideMaster"/></p:sldMasterIdLst><p:sldIdLst>{ids}</p:sldIdLst><p:sldSz cx="9144000" cy="6858000"/>'
        '<p:notesSz cx="6858000" cy="9144000"/></p:presentation>',
        "ppt/_rels/presentation.xml.rels": _relations({"slideMaster": "slideMasters/slideMaster1.xml", **main}),
        "ppt/slideMasters/slideMaster1.xml": f"{_XML}<p:sldMaster {_SHOW}>{empty}"
        '<p:sldLayoutIdLst><p:sldLayoutId id="2147483649" r:id="slideLayout"/></p:sldLayoutIdLst></p:sldMaster>',
        "ppt/slideMasters/_rels/slideMaster1.xml.rels": _relations({"slideLayout": "../slideLayouts/slideLayout1.xml"}),
        "ppt/slideLayouts/slideLayout1.xml": f"{_XML}<p:sldLayout {_SHOW}>{empty}</p:sldLayout>",
        "ppt/slideLayouts/_rels/slideLayout1.xml.rels": _relations({"slideMaster": "../slideMasters/slideMaster1.xml"}),
    }
    types = {
        "ppt/presentation.xml": f"{show}presentation.main+xml",
        "ppt/slideMasters/slideMaster1.xml": f"{show}slideMaster+xml",
        "ppt/slideLayouts/slideLayout1.xml": f"{show}slideLayout+xml",
    }
    for n, (heading, paragraphs) in zip(numbers, slides, strict=True):
        shapes = _shape(2, "title", [heading]) + _shape(3, "body", paragraphs)
        parts[f"ppt/slides/slide{n}.xml"] = (
            f"{_XML}<p:sld {_SHOW}><p:cSld><p:spTree>{tree}{shapes}</p:spTree></p:cSld></p:sld>"
        )
        parts[f"ppt/slides/_rels/slide{n}.xml.rels"] = _relations({"slideLayout": "../slideLayouts/slideLayout1.xml"})
        types[f"ppt/slides/slide{n}.xml"] = f"{show}slide+xml"
    return _package("ppt/presentation.xml", types, parts, title)


def _shape(number: int, kind: str, paragraphs: Sequence[str]) -> str:
    text = "".join(f"<a:p><a:r><a:t>{escape(each)}</a:t></a:r></a:p>" for each in paragraphs)
    return (
        f'<p:sp><p:nvSpPr><p:cNvPr id="{number}" name="{kind}"/><p:cNvSpPr/><p:nvPr><p:ph type="{kind}"/></p:nvPr></p:nvSpPr>'
        f"<p:spPr/><p:txBody><a:bodyPr/>{text}</p:txBody></p:sp>"
    )


def xlsx(sheets: Mapping[str, Sequence[Sequence[str | int | float | None]]], title: str) -> bytes:
    """Sheets of rows from row 1 on. Text is shared or inline, and integers over 40,000 have the format of a date."""
    book = f"{_OOXML}spreadsheetml."
    strings: list[str] = []
    parts, types, listed = {}, {"xl/workbook.xml": f"{book}sheet.main+xml"}, ""
    relations = {"styles": "styles.xml", "sharedStrings": "sharedStrings.xml"}
    for number, (name, rows) in enumerate(sheets.items(), 1):
        lines = ""
        for row_number, row in enumerate(rows, 1):
            cells = ""
            for column, value in enumerate(row):
                at = f"{chr(ord('A') + column)}{row_number}"
                if isinstance(value, str) and column % 2:
                    cells += f'<c r="{at}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
                elif isinstance(value, str):
                    if value not in strings:
                        strings.append(value)
                    cells += f'<c r="{at}" t="s"><v>{strings.index(value)}</v></c>'
                elif value is not None:
                    dated = isinstance(value, int) and value > 40_000
                    cells += f'<c r="{at}" s="{int(dated)}"><v>{value}</v></c>'
            lines += f'<row r="{row_number}">{cells}</row>' if cells else ""
        parts[f"xl/worksheets/sheet{number}.xml"] = (
            f"{_XML}<worksheet {_SHEET}><sheetData>{lines}</sheetData></worksheet>"
        )
        types[f"xl/worksheets/sheet{number}.xml"] = f"{book}worksheet+xml"
        relations[f"worksheet{number}"] = f"worksheets/sheet{number}.xml"
        listed += f'<sheet name="{escape(name)}" sheetId="{number}" r:id="worksheet{number}"/>'
    shared = "".join(f"<si><t>{escape(each)}</t></si>" for each in strings)
    fills = "<fills><fill><patternFill/></fill><fill><patternFill/></fill></fills>"
    fixed = f"<fonts><font/></fonts>{fills}<borders><border/></borders><cellStyleXfs><xf/></cellStyleXfs>"
    return _package(
        "xl/workbook.xml",
        {**types, "xl/styles.xml": f"{book}styles+xml", "xl/sharedStrings.xml": f"{book}sharedStrings+xml"},
        {
            "xl/workbook.xml": f"{_XML}<workbook {_SHEET}><sheets>{listed}</sheets></workbook>",
            "xl/_rels/workbook.xml.rels": _relations(relations),
            "xl/styles.xml": f"{_XML}<styleSheet {_SHEET}>{fixed}<cellXfs><xf/>"
            '<xf numFmtId="14" applyNumberFormat="1"/></cellXfs></styleSheet>',
            "xl/sharedStrings.xml": f"{_XML}<sst {_SHEET}>{shared}</sst>",
            **parts,
        },
        title,
    )


# --- OpenDocument ---------------------------------------------------------------------------------------------

_ODF = " ".join(
    f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
    for short, name in (
        ("office", "office"),
        ("text", "text"),
        ("table", "table"),
        ("draw", "drawing"),
        ("presentation", "presentation"),
        ("meta", "meta"),
    )
)


def _open_document(kind: str, body: str, title: str) -> bytes:
    mime = f"application/vnd.oasis.opendocument.{kind}"
    dc = 'xmlns:dc="http://purl.org/dc/elements/1.1/"'
    return zipped(
        {
            "mimetype": mime,
            "content.xml": f'{_XML}<office:document-content {_ODF} office:version="1.3"><office:body>{body}</office:body>'
            "</office:document-content>",
            "meta.xml": f'{_XML}<office:document-meta {_ODF} {dc} office:version="1.3"><office:meta>'
            f"<dc:title>{escape(title)}</dc:title></office:meta></office:document-meta>",
            "META-INF/manifest.xml": f'{_XML}<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
            f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{mime}"/>'
            '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>',
        },
        stored=("mimetype",),
    )


def odt(blocks: Sequence[tuple[int, str]], title: str) -> bytes:
    """Blocks are (level of heading or 0, text)."""
    body = "".join(
        f'<text:h text:outline-level="{level}">{escape(text)}</text:h>' if level else f"<text:p>{escape(text)}</text:p>"
        for level, text in blocks
    )
    return _open_document("text", f"<office:text>{body}</office:text>", title)


def ods(sheets: Mapping[str, Sequence[Sequence[str | int]]], title: str) -> bytes:
    body = ""
    for name, rows in sheets.items():
        lines = ""
        for row in rows:
            cells = "".join(
                f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
                if isinstance(value, str)
                else f'<table:table-cell office:value-type="float" office:value="{value}"><text:p>{value}</text:p></table:table-cell>'
                for value in row
            )
            lines += f"<table:table-row>{cells}</table:table-row>"
        # What a spreadsheet of this kind ends with: a million empty rows, written as one.
        lines += (
            '<table:table-row table:number-rows-repeated="1048000">'
            '<table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        )
        body += f'<table:table table:name="{escape(name)}">{lines}</table:table>'
    return _open_document("spreadsheet", f"<office:spreadsheet>{body}</office:spreadsheet>", title)


def odp(slides: Sequence[tuple[str, Sequence[str]]], title: str) -> bytes:
    """Slides are (title, paragraphs)."""
    body = ""
    for number, (heading, paragraphs) in enumerate(slides, 1):
        text = "".join(f"<text:p>{escape(each)}</text:p>" for each in paragraphs)
        body += (
            f'<draw:page draw:name="page{number}"><draw:frame presentation:class="title"><draw:text-box><text:p>{escape(heading)}'
            f'</text:p></draw:text-box></draw:frame><draw:frame presentation:class="outline"><draw:text-box>{text}</draw:text-box>'
            "</draw:frame></draw:page>"
        )
    return _open_document("presentation", f"<office:presentation>{body}</office:presentation>", title)
