"""Letters in scans and pictures (the extra `ocr`): read in order, cited by page, marked as read so."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions

OCR = ReadOptions(ocr=True)
LAMP = ["The lamp at Oldhaven burns", "fourteen litres of oil a night,", "and the keeper trims it twice."]
TIDE = ["Spring tide comes two days", "after the full moon, so Marta", "moved the skiff on Thursday."]


def page_of(*columns: list[str], width: int = 900, height: int = 500) -> Image.Image:
    """Draw lines of text, columns side by side."""
    picture = Image.new("RGB", (width, height), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(26)
    for number, lines in enumerate(columns):
        for row, line in enumerate(lines):
            draw.text((50 + number * (width // len(columns)), 50 + row * 38), line, "black", font)
    return picture


def saved(picture: Image.Image, path: Path, *more: Image.Image) -> Path:
    if path.suffix == ".pdf":
        picture.save(path, "PDF", save_all=True, append_images=more, resolution=100)
    elif more:
        picture.save(path, save_all=True, append_images=more)
    else:
        picture.save(path)
    return path


def read(path: Path, options: ReadOptions = OCR) -> tuple[str, list[tuple[str, str]]]:
    """Read a file: its text with single spaces, and its landmarks."""
    text, marks = "", []
    for piece in open_source(path, options)[1].pieces():
        if isinstance(piece, Landmark):
            marks.append((piece.kind, piece.label))
        else:
            text += piece
    return " ".join(text.split()), marks


def refusal(path: Path, options: ReadOptions = OCR) -> SourceError:
    with pytest.raises(SourceError) as caught:
        read(path, options)
    return caught.value


def test_a_scan_is_read_with_its_pages_and_a_doubt_only_when_asked_for(tmp_path):
    path = saved(page_of(LAMP), tmp_path / "scan.pdf", page_of(TIDE))
    text, marks = read(path)
    assert text == " ".join(LAMP + TIDE)
    assert [label for kind, label in marks if kind == "page"] == ["1", "2"]
    assert [label for kind, label in marks if kind == "doubt"] == ["ocr: read by OCR, letters may be wrong, p. 1-2"]
    error = refusal(path, ReadOptions())
    assert error.code == Reason.NO_TEXT
    assert "--ocr" in str(error)


def test_columns_are_read_one_after_the_other(tmp_path):
    left = [f"The left column, line {number} of it." for number in "1234567"]
    right = [f"And the right column, line {number}." for number in "1234567"]
    path = saved(page_of(left, right, width=1200), tmp_path / "columns.pdf")
    assert read(path)[0] == " ".join(left + right)


@pytest.mark.parametrize("angle", [90, 2, *(pytest.param(angle, marks=pytest.mark.slow) for angle in (180, 270))])
def test_a_page_that_lies_otherwise_is_turned(tmp_path, angle):
    picture = page_of(LAMP).rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor="white")
    assert read(saved(picture, tmp_path / "turned.pdf"))[0] == " ".join(LAMP)


def test_pages_with_letters_of_their_own_are_not_read_again(tmp_path):
    from fpdf import FPDF

    pdf = FPDF(unit="pt", format=(900, 500))
    pdf.set_font("helvetica", size=20)
    pdf.add_page()
    pdf.multi_cell(0, 24, " ".join(TIDE * 2))
    pdf.add_page()
    pdf.image(page_of(LAMP), 0, 0, 900, 500)
    pdf.add_page()  # a scan with a stamp
    pdf.image(page_of(LAMP), 0, 0, 900, 500)
    pdf.text(300, 450, "Received 4 May")
    path = tmp_path / "mixed.pdf"
    path.write_bytes(bytes(pdf.output()))
    text, marks = read(path)
    assert text == " ".join([*TIDE, *TIDE, *LAMP, *LAMP, "Received 4 May"])
    assert ("doubt", "ocr: read by OCR, letters may be wrong, p. 2-3") in marks


def test_pages_that_are_pictures_are_said_where_they_are_more_than_covers(tmp_path):
    from fpdf import FPDF

    def pdf_with(pictures: int) -> Path:
        pdf = FPDF(unit="pt", format=(900, 500))
        pdf.set_font("helvetica", size=20)
        pdf.add_page()
        pdf.multi_cell(0, 24, " ".join(TIDE * 2))
        for _ in range(pictures):
            pdf.add_page()
            pdf.image(page_of(LAMP), 0, 0, 900, 500)
        path = tmp_path / f"{pictures}.pdf"
        path.write_bytes(bytes(pdf.output()))
        return path

    assert not [label for kind, label in read(pdf_with(2), ReadOptions())[1] if kind == "doubt"]
    doubts = [label for kind, label in read(pdf_with(3), ReadOptions())[1] if kind == "doubt"]
    assert doubts == ["scanned: pages that are pictures (--ocr reads them), p. 2-4"]


def test_an_empty_scan_says_so(tmp_path):
    error = refusal(saved(page_of([]), tmp_path / "empty.pdf"))
    assert (error.code, "no letters" in str(error)) == (Reason.NO_LETTERS, True)


@pytest.mark.parametrize(
    "suffix", ["jpg", "gif", *(pytest.param(each, marks=pytest.mark.slow) for each in ("png", "tif", "bmp", "webp"))]
)
def test_pictures_are_read(tmp_path, suffix):
    path = saved(page_of(LAMP), tmp_path / f"note.{suffix}")
    assert open_source(path, OCR)[1].kind == "picture"
    text, marks = read(path)
    assert text == " ".join(LAMP)
    assert marks == [("doubt", "ocr: read by OCR, letters may be wrong")]
    assert refusal(path, ReadOptions()).code == Reason.PICTURE


def test_pages_of_a_tiff_are_pages(tmp_path):
    path = saved(page_of(LAMP), tmp_path / "fax.tiff", page_of(TIDE))
    text, marks = read(path)
    assert text == " ".join(LAMP + TIDE)
    assert [label for kind, label in marks if kind == "page"] == ["1", "2"]


def test_letters_on_no_ground_are_read_as_on_paper(tmp_path):
    picture = Image.new("RGBA", (900, 300), (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    for row, line in enumerate(LAMP):
        draw.text((50, 50 + row * 38), line, (0, 0, 0, 255), ImageFont.load_default(26))
    assert read(saved(picture, tmp_path / "clear.png"))[0] == " ".join(LAMP)


def test_damaged_and_huge_pictures_are_refused(tmp_path):
    whole = io.BytesIO()
    page_of(LAMP).save(whole, "PNG")
    (tmp_path / "cut.png").write_bytes(whole.getvalue()[:300])
    assert refusal(tmp_path / "cut.png").code == Reason.DAMAGED
    bomb = Image.new("1", (40_000, 40_000))
    assert refusal(saved(bomb, tmp_path / "bomb.png")).code == Reason.TOO_LARGE


def test_texts_that_begin_as_pictures_do_are_texts(tmp_path):
    for number, text in enumerate(
        ("BMW built the car in 1937.", "RIFF is a format of files.", "GIF89a is another one.")
    ):
        path = tmp_path / f"{number}.txt"
        path.write_text(text, encoding="utf-8")
        assert read(path, ReadOptions())[0] == text
