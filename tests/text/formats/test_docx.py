"""What Word documents hold beside paragraphs: boxes, imported pages, signs, old forms."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import docx, office, read

from crystalcli.text.formats.office.symbols import symbol_letter

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"


def p(text: str) -> str:
    return f"<w:p><w:r><w:t>{text}</w:t></w:r></w:p>"


def cell(content: str) -> str:
    return f"<w:tc>{content}</w:tc>"


@pytest.mark.parametrize(
    "around",
    [
        '<w:customXml w:element="note">{}</w:customXml>',
        "<mc:AlternateContent><mc:Choice>{}</mc:Choice><mc:Fallback><w:p><w:r><w:t>old</w:t></w:r></w:p></mc:Fallback>"
        "</mc:AlternateContent>",
        "<w:ins>{}</w:ins>",
        "<w:sdt><w:sdtContent><w:customXml>{}</w:customXml></w:sdtContent></w:sdt>",
        "<w:p><w:r><w:pict><w:textbox><w:txbxContent>{}</w:txbxContent></w:textbox></w:pict></w:r></w:p>",
    ],
)
def test_text_inside_other_elements_is_kept(tmp_path: Path, around: str) -> None:
    body = p("Before.") + around.format(p("Ring the bell at six.")) + p("After.")
    assert read(docx(tmp_path / "a.docx", body)).text == "Before.\n\nRing the bell at six.\n\nAfter.\n"


def test_signs_and_values_of_forms_are_kept(tmp_path: Path) -> None:
    def sign(code: str) -> str:
        return f'<w:p><w:r><w:sym w:font="Wingdings" w:char="{code}"/></w:r></w:p>'

    rows = [(p("Bell"), sign("F0FC"), sign("F0FB")), (p("Lamp"), sign("00FC"), "<w:p/>")]
    table = "".join(f"<w:tr>{''.join(map(cell, row))}</w:tr>" for row in rows)
    choice = (
        '<w:p><w:r><w:t xml:space="preserve">Berth: </w:t></w:r><w:r><w:fldChar><w:ffData><w:ddList><w:result w:val="1"/>'
        '<w:listEntry w:val="east"/><w:listEntry w:val="west"/></w:ddList></w:ffData></w:fldChar></w:r></w:p>'
    )
    box = (
        '<w:p><w:r><w:t xml:space="preserve">Insured </w:t></w:r><w:r><w:fldChar><w:ffData><w:checkBox>'
        '<w:default w:val="0"/><w:checked/></w:checkBox></w:ffData></w:fldChar></w:r></w:p>'
    )
    text = read(docx(tmp_path / "a.docx", f"<w:tbl>{table}</w:tbl>{choice}{box}")).text
    assert "Bell | ✓ | ✗" in text
    assert "Lamp | ✓" in text
    assert text.endswith("Berth: west\n\nInsured [x]\n")


def test_cells_of_a_table_inside_a_cell_stay_apart(tmp_path: Path) -> None:
    inner = (
        "<w:tbl>"
        + "".join(f"<w:tr>{cell(p(a))}{cell(p(b))}</w:tr>" for a, b in (("low", "2 m"), ("high", "6 m")))
        + "</w:tbl>"
    )
    table = f"<w:tbl><w:tr>{cell(p('Sluice'))}{cell(inner + '<w:p/>')}</w:tr></w:tbl>"
    assert read(docx(tmp_path / "a.docx", table)).text == "Sluice | low | 2 m / high | 6 m\n"


def test_an_imported_page_is_read_in_its_place(tmp_path: Path) -> None:
    page = "<html><body><h2>Wardens</h2><p>The wardens café opens at nine.</p></body></html>"
    main = (
        f'<w:document xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<w:body>{p("Before.")}<w:altChunk r:id="rId7"/><w:altChunk r:id="rId8"/>{p("After.")}</w:body></w:document>'
    )
    parts = {"word/document.xml": main, "word/page.html": page}
    path = office(tmp_path / "a.docx", "word/document.xml", parts, {"rId7": "aFChunk page.html"})
    found = read(path)
    assert found.text == "Before.\n\nWardens\n\nThe wardens café opens at nine.\n\nAfter.\n"
    assert found.labels("heading") == ["Wardens"]


SAVED_PAGE = (
    "MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n--x\r\n"
    "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
    "<p>The wardens caf=C3=A9 op=\r\nens at nine.</p>\r\n--x--\r\n"
)


@pytest.mark.parametrize(
    ("ending", "content"),
    [
        ("mht", SAVED_PAGE),
        ("rtf", r"{\rtf1\ansi The wardens caf\'e9 opens at nine.\par}"),
        ("txt", "The wardens café opens at nine."),
        ("docx", "itself"),
    ],
)
def test_imported_documents_are_read_in_their_place(tmp_path: Path, ending: str, content: str) -> None:
    main = (
        f'<w:document xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<w:body>{p("Before.")}<w:altChunk r:id="rId7"/>{p("After.")}</w:body></w:document>'
    )
    inner = docx(tmp_path / "b.docx", p("The wardens café opens at nine.")).read_bytes()
    parts = {"word/document.xml": main, f"word/page.{ending}": inner if ending == "docx" else content}
    path = office(tmp_path / "a.docx", "word/document.xml", parts, {"rId7": f"aFChunk page.{ending}"})
    assert read(path).text == "Before.\n\nThe wardens café opens at nine.\n\nAfter.\n"


def test_a_damaged_document_inside_another_is_left_out(tmp_path: Path) -> None:
    main = (
        f'<w:document xmlns:w="{W}" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
        f'<w:body>{p("Before.")}<w:altChunk r:id="rId7"/>{p("After.")}</w:body></w:document>'
    )
    parts = {"word/document.xml": main, "word/page.docx": "PK no zip"}
    path = office(tmp_path / "a.docx", "word/document.xml", parts, {"rId7": "aFChunk page.docx"})
    assert read(path).text == "Before.\n\nAfter.\n"


@pytest.mark.parametrize(
    ("font", "code", "letter"),
    [("Wingdings", "F0FE", "☑"), ("Wingdings 2", "0052", "☑"), ("Symbol", "F061", "α"), ("Symbol", "F032", "2"),
     ("Arial", "2713", "✓"), ("Unknown", "F0FC", ""), ("Wingdings", "zz", "")],
)  # fmt: skip
def test_letters_of_symbol_fonts(font: str, code: str, letter: str) -> None:
    assert symbol_letter(font, code) == letter
