"""Tables on pages of a PDF: rows carry the names of their columns, prose and formulas do not."""

from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli.text.formats.pdf.glyphs import Fragment
from crystalcli.text.formats.pdf.page_layout import page_rows, row_blocks
from crystalcli.text.formats.pdf.page_picture import PagePicture, Rectangle, find_rectangles
from crystalcli.text.formats.pdf.page_tables import PageTables
from crystalcli.text.formats.pdf.table_columns import is_name, is_value
from crystalcli.text.readers import open_source

SIZE = 10.0
Cells = list[tuple[float, str]]


def width(text: str) -> float:
    return 0.5 * SIZE * len(text)


def left(x: float, text: str) -> tuple[float, str]:
    return x, text


def right(x: float, text: str) -> tuple[float, str]:
    return x - width(text), text


def middle(x: float, text: str) -> tuple[float, str]:
    return x - width(text) / 2, text


def page_lines(rows: list[Cells], tables: PageTables | None = None, step: float = 13.0) -> list[str]:
    """Return the lines of a page whose rows have cells at these places."""
    fragments = [
        Fragment(x, x + width(text), 760 - step * number, SIZE, text)
        for number, row in enumerate(rows)
        for x, text in row
    ]
    tables = tables or PageTables()
    tables.begin_page()
    return [line.text for block in row_blocks(page_rows(fragments)) for line in tables.lines(block)]


def values(label: str, *texts: str, x: float = 50) -> Cells:
    return [left(x, label), *(right(330 + 90 * at, text) for at, text in enumerate(texts) if text)]


STATEMENT = [
    [left(180, "Statements of Income")],
    [left(50, "(in millions)"), middle(315, "2022"), middle(405, "2021"), middle(495, "2020")],
    [left(50, "Revenue:")],
    [*values("Fares", "1,120", "1,044", "998", x=60), left(290, "$"), left(380, "$"), left(470, "$")],
    values("Moorings and", x=60)[:1],
    values("other dues", "87", "—", "(12)", x=60),
    values("Total revenue", "1,207", "1,044", "986"),
    values("Margin", "12.5 %", "11.0 %", "9.1 %"),
]


def test_a_row_of_a_statement_carries_its_header() -> None:
    assert page_lines(STATEMENT) == [
        "Statements of Income",
        "(in millions)  2022  2021  2020",
        "Revenue:",
        "Revenue: Fares (in millions); 2022: $1,120; 2021: $1,044; 2020: $998",
        "Revenue: Moorings and other dues (in millions); 2022: 87; 2021: —; 2020: (12)",
        "Total revenue (in millions); 2022: 1,207; 2021: 1,044; 2020: 986",
        "Margin; 2022: 12.5 %; 2021: 11.0 %; 2020: 9.1 %",
    ]


def test_a_name_over_several_columns_is_in_each() -> None:
    rows = [
        [middle(360, "Three Months"), middle(540, "Nine Months")],
        [middle(315, "2023"), middle(405, "2022"), middle(495, "2023"), middle(585, "2022")],
        values("Fares", "10", "20", "30", "40"),
        values("Dues", "11", "", "31", "41"),
    ]
    assert page_lines(rows)[2:] == [
        "Fares; Three Months 2023: 10; Three Months 2022: 20; Nine Months 2023: 30; Nine Months 2022: 40",
        "Dues; Three Months 2023: 11; Nine Months 2023: 31; Nine Months 2022: 41",
    ]


def test_a_period_over_several_columns_may_begin_with_them() -> None:
    rows = [
        [left(300, "2022"), left(480, "2021")],
        [left(300, "Fares"), left(390, "Dues"), left(480, "Fares"), left(570, "Dues")],
        [left(50, "Larne"), left(300, "10"), left(390, "20"), left(480, "30"), left(570, "40")],
        [left(50, "Oslo"), left(300, "11"), left(390, "21"), left(480, "31"), left(570, "41")],
    ]
    assert page_lines(rows)[2:] == [
        "Larne; 2022 Fares: 10; 2022 Dues: 20; 2021 Fares: 30; 2021 Dues: 40",
        "Oslo; 2022 Fares: 11; 2022 Dues: 21; 2021 Fares: 31; 2021 Dues: 41",
    ]


def tonnage(*labels: str) -> list[Cells]:
    """A table of regions and quarters, whose first column has these labels."""
    rows = [[left(50, "Region"), left(180, "Quarter"), left(300, "Tonnage")]]
    for number, label in enumerate(labels):
        row = [left(180, f"Q{number % 3 + 1}"), left(300, str(120 + number))]
        rows.append([left(50, label), *row] if label else row)
    return rows


@pytest.mark.parametrize(
    "labels", [("North", "", "", "South", ""), ("North", "", "", "South", "", ""), ("North", "South", "", "")]
)
def test_a_cell_merged_downwards_is_in_each_of_its_rows(labels: tuple[str, ...]) -> None:
    expected, covering = [], ""
    for number, label in enumerate(labels):
        covering = label or covering
        expected.append(f"Region: {covering}; Quarter: Q{number % 3 + 1}; Tonnage: {120 + number}")
    assert page_lines(tonnage(*labels))[1:] == expected


@pytest.mark.parametrize(
    "labels",
    [
        ("", "North", "", "", "South", ""),  # in the middle
        ("North", "", "South", ""),  # or in the middle of one row and of three
        ("", "", "North", "", "South"),  # at the foot
    ],
)
def test_a_label_that_may_be_of_the_rows_above_stays_where_it_is(labels: tuple[str, ...]) -> None:
    lines = page_lines(tonnage(*labels))[1:]
    assert ["North" in line or "South" in line for line in lines] == [bool(label) for label in labels]


def test_names_on_several_lines_are_one_each() -> None:
    rows = [
        [middle(315, "Gross")],
        [left(50, "Ship"), middle(315, "weight"), middle(405, "Crew"), middle(495, "Year built")],
        values("Wren", "120", "4", "1911"),
        values("Petrel", "96", "3", "1904"),
    ]
    assert page_lines(rows)[2:] == [
        "Ship: Wren; Gross weight: 120; Crew: 4; Year built: 1911",
        "Ship: Petrel; Gross weight: 96; Crew: 3; Year built: 1904",
    ]


def test_a_column_without_values_keeps_its_name() -> None:
    rows = [
        [middle(315, "Total"), middle(405, "Level 1"), middle(495, "Level 2")],
        values("Notes", "385", "", "403"),
        values("Debt", "794", "", "856"),
    ]
    assert page_lines(rows)[1:] == ["Notes; Total: 385; Level 2: 403", "Debt; Total: 794; Level 2: 856"]


def test_a_table_of_words_with_usual_names() -> None:
    rows = [
        [left(50, "Name"), left(200, "Place"), left(330, "Role")],
        [left(50, "Ann Lee"), left(200, "Oldhaven"), left(330, "Master")],
        [left(50, "Bo Roe"), left(200, "Tidewell"), left(330, "Mate")],
    ]
    assert page_lines(rows)[1:] == [
        "Name: Ann Lee; Place: Oldhaven; Role: Master",
        "Name: Bo Roe; Place: Tidewell; Role: Mate",
    ]


def test_a_table_goes_on_over_pages() -> None:
    tables = PageTables()
    head = [[left(50, "Ship"), middle(315, "Length"), middle(405, "Crew")]]
    assert page_lines(head + [values(f"Boat {n}", str(n), "4") for n in range(20)], tables)[-1].endswith("Crew: 4")
    second = page_lines([values(f"Boat {n}", str(n), "5") for n in range(20, 40)], tables)
    assert second[0] == "Ship: Boat 20; Length: 20; Crew: 5"
    third = page_lines([values(f"Boat {n}", str(n), "6") for n in range(40, 50)], tables)
    assert third[-1] == "Ship: Boat 49; Length: 49; Crew: 6"
    prose = [[left(50, "The table above names all boats that were in the harbour in that year.")] for _ in range(9)]
    page_lines(prose, tables)
    after = page_lines([values(f"Boat {n}", str(n), "6") for n in range(40, 50)], tables)
    assert after[0] == "Boat 40  40  6"


def test_another_table_at_the_head_of_a_page_has_no_foreign_names() -> None:
    tables = PageTables()
    head = [[left(50, "Ship"), middle(315, "Length"), middle(405, "Crew")]]
    page_lines(head + [values(f"Boat {n}", str(n), "4") for n in range(5)], tables)
    other = [[left(50, f"Lamp {n}"), right(250, str(n)), right(480, "7")] for n in range(5)]
    assert page_lines(other, tables)[0] == "Lamp 0  0  7"


@pytest.mark.parametrize(
    "rows",
    [
        [[left(50, "Introduction"), right(500, "1")], [left(50, "The harbour"), right(500, "14")]],  # contents
        [[left(50, f"{n}."), left(80, "The lamp is lit at dusk and burns.")] for n in range(1, 6)],  # a list
        [[left(100, "f(x)"), left(180, "="), left(220, "−2")], [left(100, "g(x)"), left(180, "="), left(220, "5")]],
        [  # a matrix
            [left(100, "a"), left(140, "b"), left(180, "c")],
            [left(100, "1"), left(140, "0"), left(180, "−1")],
            [left(100, "4"), left(140, "3"), left(180, "2")],
        ],
        [values("Fares", "1,120", "1,044"), values("Dues", "87", "90")],  # a table without a header
    ],
)
def test_rows_without_names_stay_as_they_are(rows: list[Cells]) -> None:
    assert page_lines(rows) == ["  ".join(text for _, text in row) for row in rows]


def test_rows_of_words_are_no_header() -> None:
    rows = [
        [left(50, "Country"), left(200, "Austria"), left(300, "France"), left(400, "Italy")],
        [left(50, "Capital"), left(200, "Vienna"), left(300, "Paris"), left(400, "Rome")],
        [left(50, "Population"), left(200, "8,935,112"), left(300, "67,413,000"), left(400, "59,066,225")],
        [left(50, "Area"), left(200, "83,879"), left(300, "643,801"), left(400, "301,230")],
    ]
    assert not any("Capital:" in line or "Vienna:" in line for line in page_lines(rows, step=24))


@pytest.mark.parametrize("text", ["$1,204", "(12.5) %", "—", "$—", "−3.1", "n/a", "4 %", "€2,487", "12 (1)", "*"])
def test_values(text: str) -> None:
    assert is_value(text)


@pytest.mark.parametrize("text", ["Fares", "2022 Plan", "A1 Ltd", "December 3, 2021", "4:15 pm", "p. 3"])
def test_no_values(text: str) -> None:
    assert not is_value(text)


def test_names_are_words_or_years() -> None:
    assert all(map(is_name, ["2022", "FY2021", "% Change", "Name", "数量", "December 3, 2021"]))
    assert not any(map(is_name, ["f(x)", "−2", "a", "= (", ".05 A"]))


@pytest.mark.parametrize("columns", [40, 300])
def test_a_table_of_more_columns_than_people_print_stays_as_it_is(columns: int) -> None:
    rows = [[left(50 + 60 * at, f"name {at}") for at in range(columns)] for _ in range(2)]
    rows += [[(x, str(n)) for x, _ in row] for n, row in enumerate(rows[:1] * 5)]
    assert ("name 7: 3" in page_lines(rows)[-2]) == (columns < 64)


def test_a_pdf_whose_table_goes_over_its_pages(tmp_path: Path) -> None:
    from fpdf import FPDF

    document = FPDF()
    document.set_font("Helvetica", size=10)
    for first in (1, 41):
        document.add_page()
        top = 20.0
        if first == 1:
            document.text(20, top, "The boats of the harbour, with what each of them needs in the year to come.")
            top += 10
            for x, name in ((20, "Boat"), (80, "Depth"), (110, "Length")):
                document.text(x, top, name)
        for row in range(first, first + 40):
            top += 6
            for x, cell in ((20, f"Boat no. {row}"), (80, f"{row / 10}"), (110, f"{row + 3}.5")):
                document.text(x, top, cell)
    path = tmp_path / "boats.pdf"
    path.write_bytes(bytes(document.output()))
    _, reading = open_source(path)
    text = "".join(piece for piece in reading.pieces() if isinstance(piece, str))
    assert "Boat: Boat no. 7; Depth: 0.7; Length: 10.5\n" in text
    assert "Boat: Boat no. 77; Depth: 7.7; Length: 80.5\n" in text


def test_a_row_with_its_names_is_found_on_the_page() -> None:
    letters = "2022 2021 Fares $ 1,120 $ 1,044 Total revenue 1,207 1,044"
    boxes = tuple(Rectangle(10.0 * at, 0, 10.0 * at + 9, 12) for at in range(len(letters)))
    picture = PagePicture(b"", 100, letters, boxes)
    areas = find_rectangles(picture, "Revenue: Fares (in millions); 2022: $1,120; 2021: $1,044")
    assert areas[0].left == 10 * letters.index("Fares")
    assert areas[-1].right == 10 * letters.index(" Total") - 1


def test_words_of_a_passage_that_stand_elsewhere_on_the_page_are_not_marked() -> None:
    elsewhere = "The annual net revenue of the lamp works fell at the beginning of the year. "
    passage = (
        "The harbour lamps burned all night. The annual net revenue of the lamp works rose, and nobody was told of it."
    )
    letters = (
        elsewhere
        + "Some other words stand between them, for a while. " * 4
        + passage.replace("rose, and", "rose and\n")
    )
    boxes = tuple(Rectangle(10.0 * at, 0, 10.0 * at + 9, 12) for at in range(len(letters)))
    areas = find_rectangles(PagePicture(b"", 100, letters, boxes), passage.replace("night", "nights"))
    assert areas[0].left >= 10 * letters.index("The harbour")
