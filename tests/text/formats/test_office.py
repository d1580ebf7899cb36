"""Word, PowerPoint and OpenDocument files, as small as they can be."""

from __future__ import annotations

import zipfile
from pathlib import Path

from support.documents import docx, odf, pptx, read, zipped

STYLES = """
<w:style w:type="paragraph" w:styleId="T"><w:name w:val="Title"/></w:style>
<w:style w:type="paragraph" w:styleId="H1"><w:name w:val="heading 1"/></w:style>
<w:style w:type="paragraph" w:styleId="H2"><w:name w:val="Own"/><w:pPr><w:outlineLvl w:val="1"/></w:pPr></w:style>
<w:style w:type="paragraph" w:styleId="H2b"><w:name w:val="Own too"/><w:basedOn w:val="H2"/></w:style>
<w:style w:type="paragraph" w:styleId="Ring"><w:name w:val="Ring"/><w:basedOn w:val="Ring"/></w:style>
<w:style w:type="paragraph" w:styleId="C"><w:name w:val="toc 1"/></w:style>
<w:style w:type="paragraph" w:styleId="L"><w:name w:val="List Bullet"/><w:pPr><w:numPr><w:numId w:val="3"/></w:numPr></w:pPr></w:style>
"""


def p(text: str, style: str = "", more: str = "") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{more}</w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'


def test_a_word_file(tmp_path: Path) -> None:
    item = '<w:numPr><w:ilvl w:val="1"/><w:numId w:val="2"/></w:numPr>'
    body = (
        p("The report", "T")
        + p("Contents entry", "C")
        + p("One", "H1")
        + '<w:p><w:r><w:t>A fact</w:t></w:r><w:r><w:footnoteReference w:id="2"/></w:r><w:r><w:t xml:space="preserve"> and</w:t><w:tab/>'
        "<w:t>more</w:t><w:br/><w:t>here.</w:t></w:r><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t> New.</w:t></w:r></w:ins></w:p>"
        + p("First", "L")
        + p("deeper", "L", item)
        + p("Two", "H2b")
        + "<w:tbl><w:tr><w:tc><w:p><w:r><w:t>Year</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>Fare</w:t></w:r></w:p></w:tc></w:tr>"
        "<w:tr><w:tc><w:p><w:r><w:t>2020</w:t></w:r></w:p><w:p><w:r><w:t>spring</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>5</w:t></w:r></w:p></w:tc></w:tr></w:tbl>"
        + "<w:sdt><w:sdtContent>"
        + p("In a control.", "Ring")
        + "</w:sdtContent></w:sdt>"
        + "<w:p><w:r><mc:AlternateContent><mc:Choice><w:t>Box.</w:t></mc:Choice>"
        "<mc:Fallback><w:t>Box.</w:t></mc:Fallback></mc:AlternateContent></w:r></w:p>"
    )
    notes = '<w:footnote w:id="0" w:type="separator"><w:p/></w:footnote>'
    notes += '<w:footnote w:id="2"><w:p><w:r><w:t>Its source.</w:t></w:r></w:p></w:footnote>'
    found = read(docx(tmp_path / "a.docx", body, STYLES, notes))
    assert (found.kind, found.title) == ("docx", "The title")
    assert found.text == (
        "The report\n\nOne\n\nA fact[1] and more\nhere. New.\n\n[1] Its source.\n\n- First\n  - deeper\n\nTwo\n\n"
        "Year | Fare\n2020 spring | 5\n\nIn a control.\n\nBox.\n"
    )
    assert found.labels("heading") == ["The report", "The report › One", "The report › One › Two"]


def shape(text: str, role: str = "") -> str:
    place = f'<p:nvPr><p:ph type="{role}"/></p:nvPr>' if role else "<p:nvPr/>"
    paragraphs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    return f"<p:sp><p:nvSpPr>{place}</p:nvSpPr><p:txBody>{paragraphs}</p:txBody></p:sp>"


def test_a_presentation(tmp_path: Path) -> None:
    table = (
        "<p:graphicFrame><a:graphic><a:tbl><a:tr><a:tc><a:txBody><a:p><a:r><a:t>Year</a:t></a:r></a:p></a:txBody></a:tc>"
        "<a:tc><a:txBody><a:p><a:r><a:t>Fare</a:t></a:r></a:p></a:txBody></a:tc></a:tr></a:tbl></a:graphic></p:graphicFrame>"
    )
    slides = [
        shape("Second", "ctrTitle") + table + shape("7", "sldNum"),
        "<p:grpSp>" + shape("One\nTwo") + "</p:grpSp>" + shape("First", "title"),
    ]
    found = read(pptx(tmp_path / "a.pptx", slides, notes=shape("Say this.", "body") + shape("7", "sldNum")))
    assert (found.kind, found.title) == ("pptx", "The title")
    assert found.text == "First\n\nOne\nTwo\n\nNotes: Say this.\n\nSecond\n\nYear | Fare\n"
    assert found.at("Say this") == {"slide": "1", "heading": "First"}
    assert found.at("Year") == {"slide": "2", "heading": "Second"}


def test_an_opendocument_text(tmp_path: Path) -> None:
    content = """<text:tracked-changes><text:p>gone</text:p></text:tracked-changes>
    <text:h text:outline-level="1">One</text:h>
    <text:p>A fact<text:note><text:note-citation>1</text:note-citation>
    <text:note-body><text:p>Its source.</text:p></text:note-body></text:note>
    and<text:s text:c="3"/>more<text:line-break/>here.</text:p>
    <text:list><text:list-item><text:p>First</text:p>
    <text:list><text:list-item><text:p>deeper</text:p></text:list-item></text:list></text:list-item></text:list>
    <text:table-of-content><text:index-body><text:p>Contents entry</text:p></text:index-body></text:table-of-content>
    <text:section><text:h text:outline-level="2">Two</text:h>
    <table:table><table:table-row><table:table-cell><text:p>Year</text:p></table:table-cell>
    <table:table-cell><text:p>Fare</text:p></table:table-cell></table:table-row></table:table></text:section>"""
    found = read(odf(tmp_path / "a.odt", content))
    assert (found.kind, found.title) == ("odt", "The title")
    assert (
        found.text
        == "One\n\nA fact[1] and more\nhere.\n\n[1] Its source.\n\n- First\n  - deeper\n\nTwo\n\nYear | Fare\n"
    )
    assert found.labels("heading") == ["One", "One › Two"]


def test_an_opendocument_spreadsheet(tmp_path: Path) -> None:
    def cell(text: str, kind: str = "string", more: str = "") -> str:
        return f'<table:table-cell office:value-type="{kind}" {more}><text:p>{text}</text:p></table:table-cell>'

    twice = cell("x", more='table:number-columns-repeated="2"')
    content = (
        f'<table:table table:name="Fares"><table:table-row>{cell("Year")}{cell("Fare")}</table:table-row>'
        f"<table:table-row>{cell('2020', 'float')}{cell('5.00 €', 'currency')}</table:table-row>"
        '<table:table-row table:number-rows-repeated="7"><table:table-cell table:number-columns-repeated="16384"/></table:table-row>'
        f'<table:table-row table:number-rows-repeated="2">{twice}</table:table-row>'
        '<table:table-row table:number-rows-repeated="1048567"><table:table-cell/></table:table-row></table:table>'
        f'<table:table table:name="Other"><table:table-row>{cell("alone")}</table:table-row></table:table>'
    )
    found = read(odf(tmp_path / "a.ods", content))
    assert found.text == "Year; Fare\nYear: 2020; Fare: 5.00 €\nYear: x; Fare: x\nYear: x; Fare: x\n\nalone\n"
    assert found.at("2020") == {"sheet": "Fares", "row": "2"}
    assert found.at("alone") == {"sheet": "Other", "row": "1"}
    assert [mark.label for mark in found.marks if mark.kind == "row"] == ["0", "7", "-5"]


def test_an_opendocument_presentation(tmp_path: Path) -> None:
    content = """<draw:page><draw:frame presentation:class="outline"><draw:text-box><text:list><text:list-item><text:p>One</text:p>
    </text:list-item></text:list></draw:text-box></draw:frame>
    <draw:frame presentation:class="title"><draw:text-box><text:p>First</text:p>
    </draw:text-box></draw:frame><presentation:notes><draw:frame><draw:text-box><text:p>Say this.</text:p></draw:text-box></draw:frame>
    </presentation:notes></draw:page><draw:page><draw:custom-shape><text:p>Second</text:p></draw:custom-shape></draw:page>"""
    found = read(odf(tmp_path / "a.odp", content))
    assert found.text == "First\n\n- One\n\nNotes: Say this.\n\nSecond\n"
    assert found.at("Say this") == {"slide": "1", "heading": "First"}
    assert found.at("Second") == {"slide": "2"}


def test_the_author_stands_behind_the_title(tmp_path: Path) -> None:
    whole = docx(tmp_path / "a.docx", "<w:p><w:r><w:t>Beans grow.</w:t></w:r></w:p>")
    with zipfile.ZipFile(whole) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    for creator, title in (("Maud Fenn", "The title — Maud Fenn"), ("python-docx", "The title")):
        core = parts["docProps/core.xml"].replace(
            b"</dc:title>", f"</dc:title><dc:creator>{creator}</dc:creator>".encode()
        )
        again = zipped(tmp_path / f"{creator}.docx", {**parts, "docProps/core.xml": core})
        assert read(again).title == title


def test_shapes_are_read_by_their_places(tmp_path: Path) -> None:
    def at(left: int, top: int, text: str, width: int = 30) -> str:
        frame = f'<p:spPr><a:xfrm><a:off x="{left}" y="{top}"/><a:ext cx="{width}" cy="10"/></a:xfrm></p:spPr>'
        return shape(text).replace("<p:txBody>", f"{frame}<p:txBody>")

    group = '<p:grpSp><p:grpSpPr><a:xfrm><a:off x="0" y="60"/><a:ext cx="30" cy="30"/></a:xfrm></p:grpSpPr>{}</p:grpSp>'
    slide = (
        at(50, 30, "five")
        + group.format(at(0, 80, "four") + at(0, 60, "three"))
        + at(50, 50, "six")
        + at(0, 0, "one", 80)
        + at(0, 30, "two")
        + shape("The title", "title")
    )
    found = read(pptx(tmp_path / "a.pptx", [slide]))
    assert found.text.split() == ["The", "title", "one", "two", "three", "four", "five", "six"]
