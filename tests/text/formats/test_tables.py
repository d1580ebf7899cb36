"""Workbooks and tables in text files: every row with its header, its number, and its values as they are seen."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.documents import read, xlsx

from crystalcli.errors import SourceError
from crystalcli.text.document.number_format import format_general, format_number, is_date_code
from crystalcli.text.document.table_header import Cell
from crystalcli.text.document.table_rows import row_lines
from crystalcli.text.formats.csv_table import detect_delimiter
from crystalcli.text.readers import open_source

relaxed = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


def lines(*rows: str) -> list[tuple[int, str]]:
    """What `row_lines` makes of rows written with `|`."""
    found = ((number, [cell.strip() for cell in row.split("|")]) for number, row in enumerate(rows, 1))
    return list(row_lines((number, {n: Cell(text) for n, text in enumerate(cells) if text}) for number, cells in found))


# --- headers --------------------------------------------------------------------------------------


def test_rows_carry_their_header() -> None:
    assert lines("Year | Revenue", "2020 | 1,200", "2021 |") == [
        (1, "Year; Revenue"),
        (2, "Year: 2020; Revenue: 1,200"),
        (3, "Year: 2021"),
    ]


def test_a_title_above_the_header() -> None:
    assert lines("Annual report", "", "Name | Town", "Ann | Paris")[-1] == (4, "Name: Ann; Town: Paris")


def test_a_second_table_has_a_header_of_its_own() -> None:
    found = lines("Year | Fare", "2020 | 5", "", "Route | Length", "North | 12", "South | 9")
    assert [line for _, line in found[2:]] == ["Route; Length", "Route: North; Length: 12", "Route: South; Length: 9"]


def test_what_is_no_header() -> None:
    assert lines("1 | 2", "3 | 4") == [(1, "1; 2"), (2, "3; 4")]
    assert lines("one", "two") == [(1, "one"), (2, "two")]
    assert lines("a | b") == [(1, "a; b")]
    assert lines("x | y", "1 | 2", "note | again", "3 | 4")[2:] == [(3, "x: note; y: again"), (4, "x: 3; y: 4")]


def test_a_cell_without_a_name() -> None:
    assert lines("a | b", "1 | 2 | 3")[1] == (2, "a: 1; b: 2; 3")


# --- text files -----------------------------------------------------------------------------------


@pytest.fixture
def table(tmp_path: Path):
    def make(content: str | bytes, name: str = "a.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return make


def test_a_table_and_the_rows_of_the_file(table) -> None:
    found = read(table('Year;Revenue;Note\r\n2020;1.200;"two\r\nlines"\r\n\r\n2022;"1;400";x\r\n'))
    assert found.kind == "csv"
    assert (
        found.text
        == "Year; Revenue; Note\nYear: 2020; Revenue: 1.200; Note: two lines\nYear: 2022; Revenue: 1;400; Note: x\n"
    )
    assert (found.at("two lines")["row"], found.at("2022")["row"]) == ("2", "4")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_and_encodings(table, encoding: str, delimiter: str) -> None:
    rows = [["Näme", "Fare"], ["Zoë, Ann", "5"], ["a;b|c", "6"]]
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    assert (
        read(table(out.getvalue().encode(encoding))).text
        == "Näme; Fare\nNäme: Zoë, Ann; Fare: 5\nNäme: a;b|c; Fare: 6\n"
    )


def test_what_excel_says_of_the_delimiter(table) -> None:
    found = read(table("sep=|\nName|Fare, one way\nAnn|5,5\n"))
    assert found.text == "Name; Fare, one way\nName: Ann; Fare, one way: 5,5\n"
    assert found.at("Ann")["row"] == "3"


def test_quotation_marks_that_quote_nothing(table) -> None:
    assert read(table('size,name\n5" pipe,steel\n6" pipe,iron\n7",copper\n')).text.endswith('size: 7"; name: copper\n')
    many = "".join(f"{n},row\n" for n in range(20_000))
    assert read(table('n,name\n"open,x\n' + many)).text.count("\n") == 20_002


def test_hundreds_of_thousands_of_columns_and_an_endless_line(table) -> None:
    assert len(read(table(",".join(["a"] * 400_000))).text) > 400_000
    assert read(table("x" * 500_000)).text.count("x") == 500_000


@relaxed
@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=5), min_size=2, max_size=4),
        min_size=1,
        max_size=6,
    )
)
@example([["a", "b"], ["", ""], ["1", '"']])
def test_nothing_in_a_table_is_lost(table, rows: list[list[str]]) -> None:
    out = io.StringIO()
    csv.writer(out, quoting=csv.QUOTE_ALL).writerows(rows)
    try:
        found = read(table(out.getvalue()))
    except SourceError:
        assert not any(map(any, rows))
        return
    numbers = [n for n, row in enumerate(rows, 1) if any(row)]
    assert [line for line in found.text.split("\n") if line] and found.text.count("\n") == len(numbers)
    for line, number in zip(found.text.splitlines(), numbers, strict=False):
        assert all(cell in line for cell in rows[number - 1])


def test_delimiters_are_told_from_the_rows() -> None:
    assert detect_delimiter(["a,b;c", "d,e;f,g", "h;i"]) == ";"
    assert detect_delimiter(["a b", "c d"]) == ","


# --- workbooks ------------------------------------------------------------------------------------

STRINGS = "<si><t>Year</t></si><si><r><t>Reve</t></r><r><t>nue</t></r><rPh><t>no</t></rPh></si><si><t>Day</t></si>"
FORMATS = (
    '<numFmts><numFmt numFmtId="164" formatCode="#,##0.0\\ &quot;k€&quot;"/></numFmts>'
    '<cellXfs><xf numFmtId="0"/><xf numFmtId="3"/><xf numFmtId="14"/><xf numFmtId="164"/><xf numFmtId="9"/></cellXfs>'
)
ROWS = (
    '<row r="2"><c r="B2" t="s"><v>0</v></c><c r="C2" t="s"><v>1</v></c><c r="D2" t="s"><v>2</v></c></row>'
    '<row r="3"><c r="B3"><v>2020</v></c><c r="C3" s="1"><v>1200</v></c><c r="D3" s="2"><v>43904</v></c></row>'
    '<row r="7"><c r="B7"><v>2021</v></c><c r="C7" s="3"><v>1300.25</v></c><c r="E7" t="b"><v>1</v></c></row>'
    '<row r="8"><c t="inlineStr"><is><t>total</t></is></c><c r="C8" s="4"><f>C3/C7</f><v>0.92</v></c><c r="D8"><f>SUM(A1)</f></c>'
    '<c r="E8" t="e"><v>#N/A</v></c><c r="F8" t="str"><f>A1</f><v>words</v></c><c r="G8" t="d"><v>2024-05-01T00:00:00</v></c></row>'
)


def test_a_workbook(tmp_path: Path) -> None:
    alone = '<row><c t="inlineStr"><is><t>alone</t></is></c></row>'
    found = read(xlsx(tmp_path / "a.xlsx", {"Costs &amp; fares": ROWS, "Empty": "", "Other": alone}, STRINGS, FORMATS))
    assert (found.kind, found.title) == ("xlsx", "The title")
    assert found.text == (
        "Year; Revenue; Day\nYear: 2020; Revenue: 1,200; Day: 2020-03-14\nYear: 2021; Revenue: 1,300.3 k€; TRUE\n"
        "total; Revenue: 92%; Day: =SUM(A1); #N/A; words; 2024-05-01\n\nalone\n"
    )
    assert found.at("2021") == {"sheet": "Costs & fares", "row": "7"}
    assert found.at("alone") == {"sheet": "Other", "row": "1"}


def test_days_that_count_from_1904(tmp_path: Path) -> None:
    row = '<row><c s="2"><v>42442</v></c></row>'
    path = xlsx(tmp_path / "a.xlsx", {"A": row}, "", FORMATS, properties='<workbookPr date1904="1"/>')
    assert read(path).text == "2020-03-14\n"


def test_a_workbook_without_anything(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"^no text in it$"):
        list(open_source(xlsx(tmp_path / "a.xlsx", {"A": ""}))[1].pieces())


# --- numbers and days -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "code", "seen"),
    [
        (1200, "General", "1200"),
        (0.1 + 0.2, "General", "0.3"),
        (1200, "#,##0", "1,200"),
        (1234567.891, "#,##0.00", "1,234,567.89"),
        (2.5, "0", "3"),
        (-2.5, "0", "-3"),
        (-0.4, "0", "0"),
        (0.5, ".00", ".50"),
        (12, "0.##", "12"),
        (-1200, "#,##0;(#,##0)", "(1,200)"),
        (0, '0;-0;"none"', "none"),
        (0.256, "0.0%", "25.6%"),
        (1234567, "#,##0,", "1,235"),
        (12345, "0.00E+00", "1.23E+04"),
        (0.00012, "0.0E+0", "1.2E-4"),
        (1.5, "# ?/?", "1 1/2"),
        (0.3333, "# ?/?", "1/3"),
        (123456789, "000-00-0000", "123-45-6789"),
        (7, "000", "007"),
        (1200, '"$"#,##0.00', "$1,200.00"),
        (1200, "[$€-407] #,##0", "€ 1,200"),
        (-5, "_($* #,##0_);_($* (#,##0)", "$(5)"),
        (5, "[Red]0", "5"),
        (2.5, '0.0 "kg"', "2.5 kg"),
        (43904, "d mmm yyyy", "14 Mar 2020"),
        (43904, "[$-409]dddd, mmmm d, yyyy", "Saturday, March 14, 2020"),
        (43904.5, "yyyy-mm-dd hh:mm", "2020-03-14 12:00"),
        (43904.75, "h:mm AM/PM", "6:00 PM"),
        (1.5, "[h]:mm:ss", "36:00:00"),
        (0.000_011_574, "mm:ss.0", "00:01.0"),
        (59, "d/m/yyyy", "28/2/1900"),
        (61, "d/m/yyyy", "1/3/1900"),
        (-1, "yyyy-mm-dd", "-1"),
        (1e300, "yyyy", "1e+300"),
    ],
)
def test_numbers_as_they_are_seen(value: float, code: str, seen: str) -> None:
    assert format_number(value, code) == seen


def test_which_codes_are_days() -> None:
    assert all(map(is_date_code, ("d/m/yy", "[h]:mm", "h:mm AM/PM", '"on" d')))
    assert not any(map(is_date_code, ("General", "0.00", '"day" 0', "[Red]0", "0.0E+0")))


@relaxed
@given(st.floats(), st.text(st.sampled_from('0#?.,%/;[]$-"\\ymdhsAMPE+_* @abc€'), max_size=20))
@example(5e-324, "0.00E+00")
@example(1e308, "#,##0")
def test_any_code_shows_something_without_failing(value: float, code: str) -> None:
    assert len(format_number(value, code)) < 2000


@relaxed
@given(st.integers(-(10**14), 10**14))
def test_whole_numbers_are_shown_whole(value: int) -> None:
    assert format_general(float(value)) == str(value)
    assert format_number(float(value), "#,##0") == f"{value:,}"
    assert format_number(float(value), "0.00") == f"{value}.00"


# --- which rows are headers -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "last"),
    [
        (["Parish | 1999 | 2009 | 2019", "Ashby | 410 | 388 | 402"], "Parish: Ashby; 1999: 410; 2009: 388; 2019: 402"),
        (["Parish | 2023", "Ashby | 41.0", "Bale | 39.5"], "Parish: Bale; 2023: 39.5"),
        (["Hut | Mar 24 | Apr 24", "Alm | 4 | 5"], "Hut: Alm; Mar 24: 4; Apr 24: 5"),
        (["Week | 1 | 2 | 3", "Ann | 5 | 6 | 1", "Bo | 1 | 1 | 2"], "Week: Bo; 1: 1; 2: 1; 3: 2"),
        (["Item | Fee | VAT | Fee | VAT", "Bolt | 1.20 | 0.2 | 9 | 1"], "Item: Bolt; Fee: 1.20; VAT: 0.2; Fee: 9; VAT: 1"),
        (["No | Keeper | Lamp", "1 | Ann | L4", "2 | Bo | L7"], "No: 2; Keeper: Bo; Lamp: L7"),
        (["Light | Open | -", "Skerry | yes | b", "Holm | no | c"], "Light: Holm; Open: no; -: c"),
        (["Runner | 100m | 200m", "Ann | 12.3 | 24.1"], "Runner: Ann; 100m: 12.3; 200m: 24.1"),
        (["hull_name | home_port", "Tern | Bale"], "hull_name: Tern; home_port: Bale"),
        (["HULL | PORT", "Tern | Bale", "Auk | Holm"], "HULL: Auk; PORT: Holm"),
        (["Area | 2024 | | 2025 |", "| Plan | Done | Plan | Done", "East | 5 | 6 | 7 | 8"],
         "Area: East; 2024 Plan: 5; 2024 Done: 6; 2025 Plan: 7; 2025 Done: 8"),
        (["| Plan | Plan | Done | Done", "| 2024 | 2025 | 2024 | 2025", "East | 5 | 6 | 7 | 8", "West | 4 | 3 | 2 | 1"],
         "West; Plan 2024: 4; Plan 2025: 3; Done 2024: 2; Done 2025: 1"),
        (["| 2024 | 2024 | 2025 | 2025", "Area | Plan | Done | Plan | Done", "East | 5 | 6 | 7 | 8"],
         "Area: East; 2024 Plan: 5; 2024 Done: 6; 2025 Plan: 7; 2025 Done: 8"),
        (["LAMPS", "", "Lamp | Keeper | Oil", "", "Holm | Ann | whale", "Bale | Bo | rape"], "Lamp: Bale; Keeper: Bo; Oil: rape"),
        (["Sheet of", "Clerk | Ann", "Rope | Price | Stock", "hemp | 12.00 | 5"], "Rope: hemp; Price: 12.00; Stock: 5"),
        (["Crew | Berth | Watch", "Ann | 4 | dog", "", "Boats", "Hull | Length | Flag", "Tern | 12 | red", "Auk | 9 | blue"],
         "Hull: Auk; Length: 9; Flag: blue"),
        (["Crew | Berth | Watch", "Ann | 4 | dog", "", "At night", "Bo | 7 | first"], "Crew: Bo; Berth: 7; Watch: first"),
    ],
)  # fmt: skip
def test_which_rows_are_headers(rows: list[str], last: str) -> None:
    assert lines(*rows)[-1][1] == last


@pytest.mark.parametrize(
    "rows",
    [
        ["le chat | the cat", "le chien | the dog", "la vache | the cow"],
        ["le chat | the cat", "", "le chien | the dog", "", "la vache | the cow"],
        ["Tern | Holm", "Auk | Bale"],
        ["2025-03-01 | Dues | 12.50", "2025-03-04 | Rope | 3.00"],
        ["Tern | red | W12", "Auk | blue | X99"],
        ["1 | 2 | 3", "4 | 5 | 6", "7 | 8 | 9"],
        ["oil | 3", "rope | 4"],
        ["Built | 1911", "Rooms | 12"],
    ],
)
def test_without_evidence_no_row_is_a_header(rows: list[str]) -> None:
    assert [line for _, line in lines(*rows)] == [row.replace(" |", ";") for row in rows if row]


def test_a_title_within_a_table_has_no_name_where_another_table_begins() -> None:
    found = lines("Crew | Berth", "Ann | 4", "Boats", "Hull | Length", "Tern | 12")
    assert [line for _, line in found[2:]] == ["Boats", "Hull; Length", "Hull: Tern; Length: 12"]
    found = lines("Crew | Berth", "Ann | 4", "NIGHT", "Bo | 7", "Cy | 9")
    assert [line for _, line in found[2:]] == ["Crew: NIGHT", "Crew: Bo; Berth: 7", "Crew: Cy; Berth: 9"]


def test_a_second_table_without_a_header_has_no_names_of_the_first() -> None:
    found = lines("Crew | Berth", "Ann | 4", "Bo | 7", "", "Boats", "Hull | Flag", "Tern | red")
    assert [line for _, line in found[-2:]] == ["Hull; Flag", "Tern; red"]


def test_a_long_name_is_cut_at_a_word() -> None:
    question = (
        "How often, in the past twelve months, have you or a person of your household been to the harbour office?"
    )
    found = lines(f"Day | {question}", "2025-01-03 | never")
    name = "How often, in the past twelve months, have you or a person of your household…"
    assert found == [(1, f"Day; {question}"), (2, f"Day: 2025-01-03; {name}: never")]


def test_a_wide_row_is_several_lines_that_begin_with_its_first_cell(table) -> None:
    names = ["hour", *(f"gauge_{n:03}_millimetres" for n in range(90))]
    found = read(table(",".join(names) + "\n" + "".join(f"{h}:00" + ",7" * 90 + "\n" for h in (3, 4))))
    assert found.at("hour: 3:00; gauge_000_millimetres: 7")["row"] == "2"
    four = [line for line in found.text.splitlines() if line.startswith("hour: 4:00; ")]
    assert len(four) > 1
    assert max(map(len, found.text.splitlines())) <= 1_000
    assert [name for name in names if sum(f"{name}: " in line for line in four) == 0] == []
    assert found.at(four[-1])["row"] == "3"


def test_quotation_marks_with_a_backslash(table) -> None:
    found = read(table('n,said,by\n1,"Call it \\"Holm\\", please",Ann\n2,"one \\"x\ny\\" two",Bo\n3,"C:\\dir\\",Cy\n'))
    assert found.text.splitlines()[1:] == [
        'n: 1; said: Call it "Holm", please; by: Ann',
        'n: 2; said: one "x y" two; by: Bo',
        "n: 3; said: C:\\dir\\; by: Cy",
    ]


# --- merged cells, headers that the file names, text boxes ----------------------------------------


def test_a_merged_value_stands_in_each_row_and_column(tmp_path: Path) -> None:
    def cell(place: str, text: object) -> str:
        return (
            f'<c r="{place}"><v>{text}</v></c>'
            if isinstance(text, int)
            else f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'
        )

    def row(number: int, **cells: object) -> str:
        return f'<row r="{number}">{"".join(cell(f"{c}{number}", text) for c, text in cells.items())}</row>'

    rows = (
        row(1, A="Landings of the year")
        + row(2, A="Port", B="2024")
        + row(3, B="Cod", C="Ling")
        + row(4, A="Holm", B=5, C=6)
        + row(5, B=7, C=8)
        + row(6, A="Bale", B="closed")
    )
    merged = "".join(f'<mergeCell ref="{ref}"/>' for ref in ("A1:C1", "A2:A3", "B2:C2", "A4:A5", "B6:C6"))
    path = xlsx(tmp_path / "a.xlsx", {"A": rows}, after=f"<mergeCells>{merged}</mergeCells>")
    assert read(path).text.splitlines() == [
        "Landings of the year",
        "Port; 2024; 2024",
        "Port; Cod; Ling",
        "Port: Holm; 2024 Cod: 5; 2024 Ling: 6",
        "Port: Holm; 2024 Cod: 7; 2024 Ling: 8",
        "Port: Bale; 2024 Cod: closed; 2024 Ling: closed",
    ]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('<sheetViews><sheetView><pane ySplit="1" topLeftCell="A2" state="frozen"/></sheetView></sheetViews>', ""),
        ("", '<autoFilter ref="A1:B3"/>'),
    ],
)
def test_headers_that_the_sheet_names(tmp_path: Path, before: str, after: str) -> None:
    def row(*texts: str) -> str:
        return "<row>" + "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts) + "</row>"

    rows = row("Tern", "Auk") + row("red", "blue") + row("green", "grey")
    path = xlsx(tmp_path / "a.xlsx", {"A": rows}, before=before, after=after)
    assert read(path).text.splitlines()[1:] == ["Tern: red; Auk: blue", "Tern: green; Auk: grey"]


def test_a_text_box_on_a_sheet(tmp_path: Path) -> None:
    drawing = (
        '<xdr:wsDr xmlns:xdr="x" xmlns:a="a"><xdr:sp><xdr:txBody><a:p><a:r><a:t>Dues rise </a:t></a:r><a:r><a:t>in May.'
        "</a:t></a:r></a:p></xdr:txBody></xdr:sp></xdr:wsDr>"
    )
    path = xlsx(tmp_path / "a.xlsx", {"A": "<row><c><v>5</v></c></row>"}, drawing=drawing)
    found = read(path)
    assert found.text == "5\n\nDues rise in May.\n"
    assert found.at("Dues rise in May.") == {"sheet": "A"}


def test_names_of_a_very_wide_table_lose_the_words_that_most_of_them_end_in(table) -> None:
    names = ["hour", *(f"gauge_{n:03}_height in millimetres" for n in range(300))]
    found = read(table(",".join(names) + "\n3:00" + ",7" * 300 + "\n"))
    assert "gauge_299_height in millimetres" in found.text
    assert "; gauge_299: 7\n" in found.text
    assert len(found.text) < 20_000


def test_names_of_columns_that_look_like_values() -> None:
    days = lines("Konto | 01.01.2025 | 01.02.2025", "Strom | 120,50 | 98,10", "Wasser | 40,00 | 41,00")
    assert days[2] == (3, "Konto: Wasser; 01.01.2025: 40,00; 01.02.2025: 41,00")
    answers = lines("Name | Yes | No | -", "Kiln | 12 | 3 | 0", "Pump | 4 | 8 | 1")
    assert answers[2] == (3, "Name: Pump; Yes: 4; No: 8; -: 1")
    assert lines("Wren | - | n/a", "Tern | 5 | 6", "Gull | 7 | 8")[1] == (2, "Tern; 5; 6")


def test_words_above_labels_are_their_header() -> None:
    found = lines("| Monday | Tuesday", "Ann | early | late", "Bo | late | off")
    assert found[1:] == [(2, "Ann; Monday: early; Tuesday: late"), (3, "Bo; Monday: late; Tuesday: off")]
    # Rows below a label that is not repeated leave the first column empty as well.
    assert lines("| Ek | red", "Bo | Li | blue", "Bo | Roe | green")[1] == (2, "Bo; Li; blue")
