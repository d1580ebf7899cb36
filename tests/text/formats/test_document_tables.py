"""Tables in documents: each row has the names of its columns, and the values of merged cells, in every format."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.documents import docx, odf, pptx, read

# Cells as (text, columns, rows); "" in a column and row that a cell above or beside it covers.
TABLE = [
    [("Berth", 1, 2), ("2024", 2, 1), ("", 0, 0)],
    [("", 0, 0), ("summer", 1, 1), ("winter", 1, 1)],
    [("Quay", 1, 2), ("41", 1, 1), ("17", 1, 1)],
    [("", 0, 0), ("42", 1, 1), ("18", 1, 1)],
    [("Buoy", 1, 1), ("none free", 2, 1), ("", 0, 0)],
    [("Prices without power", 3, 1), ("", 0, 0), ("", 0, 0)],
]
TEXT = """Berth | 2024 | 2024
Berth | summer | winter
Berth: Quay; 2024 summer: 41; 2024 winter: 17
Berth: Quay; 2024 summer: 42; 2024 winter: 18
Berth: Buoy; 2024 summer: none free; 2024 winter: none free
Prices without power
"""


def _html(path: Path) -> Path:
    def cell(text: str, columns: int, rows: int, tag: str) -> str:
        return f'<{tag} colspan="{columns}" rowspan="{rows}">{text}</{tag}>' if columns else ""

    rows = ["".join(cell(*each, "th" if n < 2 else "td") for each in row) for n, row in enumerate(TABLE)]
    path.write_text("<!DOCTYPE html><table>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>")
    return path


def _docx(path: Path) -> Path:
    body = ""
    for number, row in enumerate(TABLE):
        cells = ""
        for column, (text, columns, rows) in enumerate(row):
            covered_by = TABLE[number - 1][column][2] if number else 0
            if text or covered_by > 1:
                merged = f"<w:vMerge{' w:val=' + chr(34) + 'restart' + chr(34) if text else ''}/>" if rows != 1 else ""
                span = f'<w:gridSpan w:val="{columns}"/>' if columns > 1 else ""
                cells += f"<w:tc><w:tcPr>{span}{merged}</w:tcPr><w:p><w:r><w:t>{text}</w:t></w:r></w:p></w:tc>"
        mark = "<w:trPr><w:tblHeader/></w:trPr>" if number < 2 else ""
        body += f"<w:tr>{mark}{cells}</w:tr>"
    return docx(path, f"<w:tbl>{body}</w:tbl>")


def _pptx(path: Path) -> Path:
    rows = ""
    for row in TABLE:
        cells = ""
        for text, columns, count in row:
            span = f'gridSpan="{columns}" rowSpan="{count}"' if columns else 'hMerge="1"'
            cells += f"<a:tc {span}><a:txBody><a:p><a:r><a:t>{text}</a:t></a:r></a:p></a:txBody></a:tc>"
        rows += f"<a:tr>{cells}</a:tr>"
    return pptx(path, [f"<p:graphicFrame><a:graphic><a:tbl>{rows}</a:tbl></a:graphic></p:graphicFrame>"])


def _odt(path: Path) -> Path:
    rows = []
    for row in TABLE:
        cells = ""
        for text, columns, count in row:
            spans = f'table:number-columns-spanned="{columns}" table:number-rows-spanned="{count}"'
            cells += f"<table:table-cell {spans}><text:p>{text}</text:p></table:table-cell>" if columns else COVERED
        rows.append(f"<table:table-row>{cells}</table:table-row>")
    head = f"<table:table-header-rows>{''.join(rows[:2])}</table:table-header-rows>"
    return odf(path, f"<table:table>{head}{''.join(rows[2:])}</table:table>")


COVERED = "<table:covered-table-cell/>"


@pytest.mark.parametrize(("make", "name"), [(_html, "a.html"), (_docx, "a.docx"), (_pptx, "a.pptx"), (_odt, "a.odt")])
def test_each_row_has_its_header_and_the_values_of_merged_cells(tmp_path: Path, make, name: str) -> None:
    assert read(make(tmp_path / name)).text == TEXT


def test_a_sheet_of_opendocument_too(tmp_path: Path) -> None:
    rows = "".join(
        "<table:table-row>"
        + "".join(
            f'<table:table-cell office:value-type="string" {spans}><text:p>{text}</text:p></table:table-cell>'
            if text
            else COVERED
            for text, spans in row
        )
        + "</table:table-row>"
        for row in (
            [("Port", ""), ("Fish", ""), ("Boxes", "")],
            [("Holm", 'table:number-rows-spanned="2"'), ("cod", ""), ("12", "")],
            [("", ""), ("ling", ""), ("7", "")],
        )
    )
    found = read(odf(tmp_path / "a.ods", f'<table:table table:name="S">{rows}</table:table>'))
    assert found.text.splitlines()[-1] == "Port: Holm; Fish: ling; Boxes: 7"


@pytest.mark.parametrize(
    "rows", ["<tr><td>Built<td>1911<tr><td>Rooms<td>12", "<tr><th>Built<td>1911<tr><th>Rooms<td>12"]
)
def test_two_columns_without_usual_names_are_no_header_and_rows(tmp_path: Path, rows: str) -> None:
    path = tmp_path / "a.html"
    path.write_text(f"<!DOCTYPE html><table>{rows}</table>")
    assert read(path).text == "Built | 1911\nRooms | 12\n"


def test_bold_cells_are_a_header(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text(
        "<!DOCTYPE html><table><tr><td><b>Hull</b><td><p><strong>Port</strong></p><tr><td>Tern<td>Bale</table>"
    )
    assert read(path).text == "Hull | Port\nHull: Tern; Port: Bale\n"
    body = ""
    for row, bold in ((("Hull", "Port"), "<w:rPr><w:b/></w:rPr>"), (("Tern", "Bale"), "")):
        cells = "".join(f"<w:tc><w:p><w:r>{bold}<w:t>{text}</w:t></w:r></w:p></w:tc>" for text in row)
        body += f"<w:tr>{cells}</w:tr>"
    assert read(docx(tmp_path / "a.docx", f"<w:tbl>{body}</w:tbl>")).text == "Hull | Port\nHull: Tern; Port: Bale\n"


def test_merged_cells_that_would_fill_the_memory(tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    wide = "<tr>" + f"<td colspan=1000 rowspan=0>{'x' * 390}" * 100
    path.write_text(f"<!DOCTYPE html><table>{wide}{'<tr><td>y' * 2_000}</table>")
    assert len(read(path).text) < 60_000_000
