"""Ruled tables on pages of a PDF: the rules say which cells there are, also merged and empty ones."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import NamedTuple

import pytest

pytest.importorskip("fpdf")
from fpdf import FPDF

from crystalcli.text.formats.pdf.ruled_grids import Area, Grid, GridCell, Rule, bold_rows, grids_of
from crystalcli.text.readers import open_source

LINE = 12.0


class Cell(NamedTuple):
    """A cell of a table that is drawn: its place in columns and rows, and the lines of its text."""

    column: int
    row: int
    lines: tuple[str, ...] = ()
    columns: int = 1
    rows: int = 1
    is_bold: bool = False


def draw(page: FPDF, widths: list[float], heights: list[float], cells: list[Cell], top: float = 80.0) -> None:
    """Draw the border and the text of each cell; widths and heights in points."""
    for cell in cells:
        x, y = 60 + sum(widths[: cell.column]), top + sum(heights[: cell.row])
        page.rect(
            x,
            y,
            sum(widths[cell.column : cell.column + cell.columns]),
            sum(heights[cell.row : cell.row + cell.rows]),
        )
        page.set_font("helvetica", "B" if cell.is_bold else "", 10)
        for number, line in enumerate(cell.lines):
            page.text(x + 3, y + LINE * (number + 0.8), line)


def new_pdf() -> FPDF:
    pdf = FPDF(unit="pt", format="A4")
    pdf.add_page()
    return pdf


def text_of(pdf: FPDF, path: Path) -> str:
    path.write_bytes(bytes(pdf.output()))
    return "".join(piece for piece in open_source(path)[1].pieces() if isinstance(piece, str))


def plain(rows: list[list[str]], is_bold: bool = False) -> list[Cell]:
    """Return cells of one line each; the first row in bold letters on demand."""
    return [
        Cell(column, row, (text,) if text else (), is_bold=is_bold and row == 0)
        for row, texts in enumerate(rows)
        for column, text in enumerate(texts)
    ]


def test_cells_without_a_wide_gap_between_them_are_parted_by_their_rules(tmp_path: Path) -> None:
    rows = [["Berth", "Keel", "Depth"], ["B1", "fin", "1.02"], ["B2", "long", "1.04"], ["B3", "fin", "1.06"]]
    pdf = new_pdf()
    draw(pdf, [29, 29, 40], [14] * 4, plain(rows))
    text = text_of(pdf, tmp_path / "berths.pdf")
    assert "Berth | Keel | Depth\nBerth: B1; Keel: fin; Depth: 1.02\nBerth: B2; Keel: long; Depth: 1.04\n" in text


def test_a_row_of_bold_letters_names_the_columns_of_words(tmp_path: Path) -> None:
    rows = [["Vessel", "Skipper", "Rig"], ["Wren", "Ann", "sloop"], ["Tern", "Bo", "ketch"], ["Gull", "Cy", "yawl"]]
    pdf = new_pdf()
    draw(pdf, [80, 80, 80], [14] * 4, plain(rows, is_bold=True))
    text = text_of(pdf, tmp_path / "bold.pdf")
    assert "Vessel: Tern; Skipper: Bo; Rig: ketch\n" in text
    pdf = new_pdf()
    draw(pdf, [80, 80, 80], [14] * 4, plain(rows))
    text = text_of(pdf, tmp_path / "plain.pdf")
    assert "Tern | Bo | ketch\n" in text and "Vessel:" not in text


def test_merged_cells_stand_in_each_row_and_column_that_they_cover(tmp_path: Path) -> None:
    cells = [
        Cell(0, 0, ("Region",), rows=2),
        Cell(1, 0, ("2023",), columns=2),
        Cell(3, 0, ("2024",), columns=2),
        *(Cell(column, 1, ("Plan" if column % 2 else "Actual",)) for column in range(1, 5)),
        Cell(0, 2, ("", "North"), rows=3),
        *(Cell(column, row, (str(100 * row + column),)) for row in range(2, 5) for column in range(1, 5)),
    ]
    pdf = new_pdf()
    draw(pdf, [70, 60, 60, 60, 60], [14] * 5, cells)
    text = text_of(pdf, tmp_path / "merged.pdf")
    for row in range(2, 5):
        n = 100 * row
        assert (
            f"Region: North; 2023 Plan: {n + 1}; 2023 Actual: {n + 2}; 2024 Plan: {n + 3}; 2024 Actual: {n + 4}\n"
            in text
        )


def test_wrapped_cells_stay_in_their_row_however_close_the_rows_are(tmp_path: Path) -> None:
    cells = [
        *plain([["Risk", "Measure", "Owner"]], is_bold=True),
        Cell(0, 1, ("Slipping on wet", "boards in winter")),
        Cell(1, 1, ("Mats at the gate and", "a sign in four", "languages")),
        Cell(2, 1, ("Ann Ek",)),
        Cell(0, 2, ("Fire on board",)),
        Cell(1, 2, ("Two extinguishers on", "each pontoon")),
        Cell(2, 2, ("Bo Li",)),
    ]
    pdf = new_pdf()
    draw(pdf, [90, 110, 60], [13, 37, 25], cells)
    text = text_of(pdf, tmp_path / "risks.pdf")
    assert (
        "Risk: Slipping on wet boards in winter; Measure: Mats at the gate and a sign in four languages; Owner: Ann Ek\n"
        "Risk: Fire on board; Measure: Two extinguishers on each pontoon; Owner: Bo Li\n" in text
    )


def test_empty_cells_leave_their_column_empty(tmp_path: Path) -> None:
    rows = [["Item", "Yes", "No", "Note"], ["Jackets", "x", "", "new"], ["Flares", "", "x", ""]]
    pdf = new_pdf()
    draw(pdf, [80, 30, 30, 80], [14] * 3, plain(rows, is_bold=True))
    text = text_of(pdf, tmp_path / "checks.pdf")
    assert "Item: Jackets; Yes: x; Note: new\nItem: Flares; No: x\n" in text


def test_a_table_over_several_pages_keeps_its_header(tmp_path: Path) -> None:
    pdf = new_pdf()
    rows = [["Vessel", "Port", "Rig"], *([f"Wren {n}", "Larne", "sloop"] for n in range(40))]
    draw(pdf, [80, 80, 80], [14] * 41, plain(rows, is_bold=True))
    pdf.add_page()
    draw(pdf, [80, 80, 80], [14] * 3, plain([[f"Wren {n}", "Oban", "ketch"] for n in range(40, 43)]))
    pdf.add_page()
    pdf.set_font("helvetica", "", 10)
    for number in range(6):
        pdf.text(60, 60 + 14 * number, f"Sentence number {number} says that another table follows below.")
    draw(
        pdf, [80, 80, 80], [14] * 3, plain([["red", "oak", "tar"], ["blue", "elm", "wax"], ["red", "ash", "oil"]]), 180
    )
    text = text_of(pdf, tmp_path / "long.pdf")
    assert "Vessel: Wren 41; Port: Oban; Rig: ketch\n" in text
    assert "red | oak | tar\nblue | elm | wax\n" in text


def test_rows_with_rules_between_columns_alone_are_rows(tmp_path: Path) -> None:
    cells = [
        *plain([["Vessel", "Port", "Length"]]),
        *(
            Cell(column, 1, lines)
            for column, lines in enumerate(
                [("Wren", "Tern", "Gull", "Plover"), ("Larne", "Oban", "Tain", "Wick"), ("9.2", "11.0", "8.1", "7.7")]
            )
        ),
    ]
    pdf = new_pdf()
    draw(pdf, [60, 60, 60], [14, 56], cells)
    text = text_of(pdf, tmp_path / "columns.pdf")
    assert "Vessel: Tern; Port: Oban; Length: 11.0\nVessel: Gull; Port: Tain; Length: 8.1\n" in text


def test_boxes_of_prose_are_read_as_columns(tmp_path: Path) -> None:
    story = (
        "The keeper of the light had been told that the oil would last until the spring if the lamp was trimmed each "
        "evening. Nobody had told him that the storekeeper measured oil in wine gallons, and so in the second week of "
        "February the light went out for eleven nights, while the harbour board waited for news from the island."
    )
    left = tuple(textwrap.wrap("Left it begins. " + story, 44))
    right = tuple(textwrap.wrap("Right it begins. " + story, 44))
    pdf = new_pdf()
    draw(pdf, [230, 230], [180, 20], [Cell(0, 0, left), Cell(1, 0, right), Cell(0, 1, ("End",)), Cell(1, 1, ("Fin",))])
    text = text_of(pdf, tmp_path / "boxes.pdf")
    assert text.index("news from") < text.index("Right it begins")


def test_rules_that_do_not_part_all_columns_are_not_gone_by(tmp_path: Path) -> None:
    pdf = new_pdf()
    draw(pdf, [300, 60], [14] * 4, plain([["", "Change"], ["", "1"], ["", "(5)"], ["", "3"]]))
    pdf.set_font("helvetica", "", 10)
    for row, texts in enumerate(
        [("Item", "2022", "2023"), ("Sales", "144", "146"), ("Costs", "21", "20"), ("Net", "9", "8")]
    ):
        for x, text in zip((63, 200, 280), texts, strict=True):
            pdf.text(x, 80 + 14 * row + 9.6, text)
    text = text_of(pdf, tmp_path / "partly.pdf")
    assert "Item: Sales; 2022: 144; 2023: 146; Change: 1\n" in text


def square(columns: int, rows: int) -> list[Rule]:
    """Return the rules of a table with cells of 50 by 20 points."""
    across = [Rule(0, 20.0 * row, 50.0 * columns, 20.0 * row) for row in range(rows + 1)]
    return across + [Rule(50.0 * column, 0, 50.0 * column, 20.0 * rows) for column in range(columns + 1)]


def test_a_grid_has_the_cells_that_no_rule_parts() -> None:
    [grid] = grids_of(square(3, 2))
    assert (grid.xs, grid.ys) == ((0, 50, 100, 150), (40, 20, 0))
    assert len(grid.cells) == 6
    merged = [rule for rule in square(3, 2) if rule != Rule(50, 0, 50, 40)] + [Rule(50, 0, 50, 20)]
    [grid] = grids_of(merged)
    assert grid.cells[0] == GridCell(0, 0, 2, 1)


def test_frames_single_boxes_and_lines_below_headings_are_no_grids() -> None:
    assert grids_of(square(1, 5)) == grids_of(square(4, 1)) == []
    assert grids_of([Rule(0, y, 400, y) for y in range(0, 200, 20)]) == []


def test_cells_that_are_no_rectangles_make_no_grid() -> None:
    rules = [rule for rule in square(3, 3) if rule not in (Rule(50, 0, 50, 60), Rule(0, 40, 150, 40))]
    assert grids_of([*rules, Rule(50, 0, 50, 40), Rule(50, 40, 150, 40)]) == []


def test_a_header_is_marked_by_a_color_that_no_other_row_has() -> None:
    grey = [Area(0, 40, 150, 60, 0xCCCCCC)]
    assert grids_of(square(3, 3), grey)[0].marked == 1
    assert grids_of(square(3, 3), [*grey, Area(0, 0, 150, 20, 0xCCCCCC)])[0].marked == 0
    assert grids_of(square(3, 3), [Area(0, 0, 150, 60, 0xCCCCCC)])[0].marked == 0


def test_a_colored_band_above_the_rules_is_the_header() -> None:
    open_top = [rule for rule in square(3, 3) if rule != Rule(0, 60, 150, 60)]
    [grid] = grids_of(open_top, [Area(0, 60, 150, 80, 0x333366)])
    assert (grid.ys, grid.marked) == ((80, 60, 40, 20, 0), 1)
    assert [cell for cell in grid.cells if cell.row == 0] == [GridCell(at, 0, at + 1, 1) for at in range(3)]
    assert grids_of(open_top, [Area(0, 60, 60, 80, 0x333366)])[0].ys == (60, 40, 20, 0)
    assert grids_of(open_top, [Area(0, 60, 150, 80, 0xFFFFFF)])[0].ys == (60, 40, 20, 0)


def test_cells_on_colored_grounds_are_parted_by_their_edges() -> None:
    rules = [rule for rule in square(3, 3) if rule.x0 != rule.x1 or rule.x0 in (0, 150)]
    rules += [Rule(x, 0, x, 40) for x in (50, 100)]
    [grid] = grids_of(rules, [Area(x, 40, x + 50, 60, 0x333366) for x in (0, 50, 100)])
    assert [cell for cell in grid.cells if cell.row == 0] == [GridCell(at, 0, at + 1, 1) for at in range(3)]
    [grid] = grids_of(rules)
    assert grid.cells[0] == GridCell(0, 0, 3, 1)


def test_a_header_is_marked_by_bold_letters_above_others() -> None:
    grid = Grid((0.0, 50.0, 100.0), (60.0, 40.0, 20.0, 0.0), ())
    letters = [(x, y, y == 50) for x in (25.0, 75.0) for y in (50, 30, 10)]
    assert bold_rows(grid, letters) == 1
    assert bold_rows(grid, [(x, y, True) for x, y, _ in letters]) == 0
    assert bold_rows(grid, [(x, y, x < 50) for x, y, _ in letters]) == 0
