"""PDFs as readings: pages, labels, headings, passwords, and every way to fail."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crystalcli.datatypes import Landmark
from crystalcli.errors import SourceError
from crystalcli.text.readers import open_source
from crystalcli.text.source.read_request import ReadOptions
from crystalcli.text.source.worker_process import WorkerReading


@pytest.fixture
def file(tmp_path: Path) -> Callable[..., Path]:
    def write(content: str | bytes, name: str = "a.pdf") -> Path:
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def opened(path: Path, password: str = "") -> list[str | Landmark]:
    return list(open_source(path, ReadOptions(password=password))[1].pieces())


def text_of(path: Path, password: str = "") -> str:
    return "".join(piece for piece in opened(path, password) if isinstance(piece, str))


def marks_of(path: Path, kind: str = "page") -> list[tuple[int, str]]:
    return [(each.start, each.label) for each in opened(path) if isinstance(each, Landmark) and each.kind == kind]


def make_pdf(*pages: str, title: str = "") -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_creation_date(datetime(2024, 1, 1, tzinfo=UTC))
    pdf.set_font("helvetica", size=12)
    if title:
        pdf.set_title(title)
    for text in pages:
        pdf.add_page()
        if text:
            pdf.multi_cell(0, 8, text, align="L")
    return bytes(pdf.output())


def rewritten(data: bytes, change: Callable[[Any], None]) -> bytes:
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(data)))
    change(writer)
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def test_pages_of_a_pdf(file: Callable[..., Path]) -> None:
    path = file(make_pdf("First page.", "Second page.", "", "Fourth page.", title="A  title"))
    _, reading = open_source(path)
    assert (reading.kind, reading.title) == ("pdf", "A title")
    assert list(reading.pieces()) == [
        Landmark(0, "date", "2024-01-01"),
        Landmark(0, "page", "1"),
        "First page.\n\n",
        Landmark(13, "page", "2"),
        "Second page.\n\n",
        Landmark(27, "page", "3"),
        Landmark(27, "page", "4"),
        "Fourth page.\n\n",
    ]


def test_blank_pages_are_counted(file: Callable[..., Path]) -> None:
    assert marks_of(file(make_pdf("", "", "Text.", ""))) == [(0, "1"), (0, "2"), (0, "3"), (7, "4")]


def test_a_sentence_and_a_word_go_on_over_the_page(file: Callable[..., Path]) -> None:
    path = file(make_pdf("A page that ends in the mid-", "dle of a word and", "of a sentence.", "Another."))
    assert text_of(path) == "A page that ends in the middle\nof a word and\nof a sentence.\n\nAnother.\n\n"
    text = text_of(path)
    assert [text[start : start + 4] for start, _ in marks_of(path)] == ["A pa", "of a", "of a", "Anot"]


def test_running_heads_and_page_numbers_are_left_out(file: Callable[..., Path]) -> None:
    from fpdf import FPDF

    class Book(FPDF):
        def header(self) -> None:
            self.cell(0, 10, "The Keeper's Book")
            self.cell(0, 10, str(self.page_no() + 11), align="R", new_x="LMARGIN", new_y="NEXT")

        def footer(self) -> None:
            self.set_y(-15)
            self.cell(0, 10, str(self.page_no() + 11), align="C")

    pdf = Book()
    pdf.set_font("helvetica", size=12)
    for number in range(6):
        pdf.add_page()
        pdf.multi_cell(0, 8, f"{'night and' if number else 'The'} lamp {number} burns all of the", align="L")
    text = text_of(file(bytes(pdf.output())))
    assert text.count("The Keeper's Book") == 1
    assert "burns all of the\nnight and lamp 3 burns all of the\nnight" in text
    assert not {"12", "13", "14", "17"} & set(text.splitlines()[1:])


def test_headings_come_from_the_outline(file: Callable[..., Path]) -> None:
    data = make_pdf("Opening words.\nOne  Lamps\nLamps give light.", "Oil\nOil gives heat.", "More of oil.")

    def outline(writer: Any) -> None:
        first = writer.add_outline_item(title="Lamps", page_number=0)
        writer.add_outline_item(title="Oil", page_number=1, parent=first)
        writer.add_outline_item(title="Not there", page_number=2)

    path = file(rewritten(data, outline))
    text = text_of(path)
    assert [(text[start:].split("\n")[0], label) for start, label in marks_of(path, "heading")] == [
        ("One Lamps", "Lamps"),
        ("Oil", "Lamps › Oil"),
        ("More of oil.", "Not there"),
    ]


def test_printed_page_numbers(file: Callable[..., Path]) -> None:
    def label(writer: Any) -> None:
        writer.set_page_label(0, 1, style="/r")
        writer.set_page_label(2, 3, style="/D", start=1)

    data = rewritten(make_pdf("Preface.", "Preface.", "Chapter.", "Chapter."), label)
    assert [label for _, label in marks_of(file(data))] == ["i", "ii", "1", "2"]


def test_a_pdf_is_one_by_what_is_in_it(file: Callable[..., Path]) -> None:
    data = make_pdf("Text.")
    for content, name in ((data, "a"), (data, "a.txt"), (b"\n" + data, "a.bin"), (b"\x89junk\xff\n" * 20 + data, "b")):
        assert open_source(file(content, name))[1].kind == "pdf", name
        assert text_of(file(content, name)) == "Text.\n\n"
    about = "A file that begins with %PDF-1.7 is a PDF."
    assert text_of(file(about, "about.txt")) == about


@pytest.mark.parametrize("algorithm", ["RC4-40", "RC4-128", "AES-128", "AES-256"])
def test_encrypted_pdfs(file: Callable[..., Path], algorithm: str) -> None:
    data = make_pdf("Secret.", title="T")
    free = rewritten(data, lambda writer: writer.encrypt("", "owner", algorithm=algorithm))
    assert text_of(file(free)) == "Secret.\n\n"
    closed = file(rewritten(data, lambda writer: writer.encrypt("user", "owner", algorithm=algorithm)))
    assert open_source(closed)[1].title == ""
    with pytest.raises(SourceError, match=r"^encrypted \(a password is needed: --password\)$"):
        opened(closed)
    with pytest.raises(SourceError, match=r"^encrypted \(the password is wrong\)$"):
        opened(closed, "usher")
    assert text_of(closed, "user") == text_of(closed, "owner") == "Secret.\n\n"


def test_pdfs_without_text(file: Callable[..., Path]) -> None:
    from fpdf import FPDF
    from PIL import Image

    pdf = FPDF()
    pdf.add_page()
    pdf.image(Image.new("L", (50, 50), 128), x=10, y=10, w=100)
    for data in (bytes(pdf.output()), make_pdf("", "")):
        with pytest.raises(SourceError, match=r"^no text layer \(scanned pages\? --ocr reads them\)$"):
            opened(file(data))
    for data in (b"<html>Not found</html>", b" \n", make_pdf("Text.")[:200]):
        with pytest.raises(SourceError, match=r"^damaged PDF: "):
            opened(file(data))
    with pytest.raises(SourceError, match=r"^empty$"):
        opened(file(b""))


@pytest.fixture(scope="module")
def whole() -> bytes:
    return make_pdf(*(f"Page {number} says this. " * 20 for number in range(6)), title="Whole")


def outcome(path: Path) -> str:
    """The text, or the reason; anything else that is raised fails the test."""
    try:
        return text_of(path)
    except SourceError as error:
        reason = str(error)
        assert reason.startswith(("damaged", "no text layer", "binary file", "empty", "encrypted")), reason
        assert len(reason) < 120
        assert "\n" not in reason
        return reason


def test_damaged_pdfs(file: Callable[..., Path], whole: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    for cut in range(0, len(whole), len(whole) // 40):
        assert "\0" not in outcome(file(whole[:cut]))
    dice = random.Random(7)
    read = 0
    for _ in range(60):
        data = bytearray(whole)
        for _ in range(dice.choice((1, 5, 50))):
            data[dice.randrange(len(data))] = dice.randrange(256)
        out = outcome(file(bytes(data)))
        out.encode("utf-8")
        read += "says this" in out
    assert read > 20  # most can still be read
    assert capfd.readouterr() == ("", "")


def test_a_pdf_that_refers_to_itself(file: Callable[..., Path]) -> None:
    objects = ["<</Type/Catalog/Pages 2 0 R>>", "<</Type/Pages/Kids[2 0 R 2 0 R]/Count 2>>"]
    body = b"%PDF-1.4\n"
    offsets = []
    for number, one in enumerate(objects, 1):
        offsets.append(len(body))
        body += f"{number} 0 obj{one}endobj\n".encode()
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    end = f"xref\n0 3\n0000000000 65535 f \n{table}trailer<</Size 3/Root 1 0 R>>\nstartxref\n{len(body)}\n%%EOF"
    with pytest.raises(SourceError, match=r"^damaged PDF: "):
        opened(file(body + end.encode()))


def test_a_page_that_cannot_be_read_is_empty(file: Callable[..., Path], whole: bytes) -> None:
    broken = rewritten(whole, lambda writer: writer.pages[2].pop("/Contents"))
    path = file(broken)
    assert len(marks_of(path)) == 6
    assert {f"Page {number} " in text_of(path) for number in (0, 1, 3, 4, 5)} == {True}
    assert "Page 2 " not in text_of(path)


def test_a_pdf_that_changes(file: Callable[..., Path], whole: bytes) -> None:
    path = file(whole)
    for change in (make_pdf("Another."), whole[:-1] + b" ", b"not one any more"):
        path.write_bytes(whole)
        _, reading = open_source(path)
        path.write_bytes(change)
        with pytest.raises(SourceError, match=r"^changed while it was being read$"):
            list(reading.pieces())


def test_where_it_is_read_makes_no_difference(file: Callable[..., Path], monkeypatch: pytest.MonkeyPatch) -> None:
    path = file(make_pdf(*(f"Page {number} of a book that is long. " * 30 for number in range(70))))
    apart = opened(path)
    monkeypatch.setattr("crystalcli.text.readers.WORKER_KINDS", frozenset())
    for helpers in (1, 3):
        monkeypatch.setattr("crystalcli.text.formats.pdf.pdf_pages.HELPERS", helpers)
        _, reading = open_source(path)
        assert not isinstance(reading, WorkerReading)
        assert [piece for piece in reading.pieces() if piece] == apart
