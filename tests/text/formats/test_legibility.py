"""Pages whose letters mean nothing, by the look of their words."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crystalcli.datatypes import Landmark
from crystalcli.errors import Reason, SourceError
from crystalcli.text.formats.pdf.legibility import is_legible, page_ranges
from crystalcli.text.readers import open_source

ENGLISH = "The harbour board met on the first of May, and heard that the lamp had not been lit for eleven nights. " * 3
TEXTS = {
    "German": "Der Hafenrat traf sich am ersten Mai und hörte, dass die Lampe elf Nächte lang nicht gebrannt hatte. "
    * 3,
    "Czech": "Přístavní rada se sešla prvního května a slyšela, že lampa jedenáct nocí nehořela; čtvrt hodiny mlčela. "
    * 3,
    "Vietnamese": "Hội đồng cảng họp vào ngày mồng một tháng năm và được biết ngọn đèn đã không được thắp mười đêm. "
    * 3,
    "Russian": "Портовый совет собрался первого мая и узнал, что лампа не горела одиннадцать ночей подряд. " * 3,
    "Chinese": "港口委员会于五月一日开会，得知灯已经有十一个晚上没有点亮了。" * 8,
    "numbers": "Depth 12.5 m 14.2 m 13.1 m | Draught 3.1 m 3.2 m 3.3 m | 2019 2020 2021 (41) (52) (63) " * 3,
    "contents": "Lamps ............................................ 12\nOil .............................................. 19\n"
    * 4,
    "formula": "f(x) = (x + 1)(x - 1) / 2 <= |x|, g(y) = {y : y > 0} + [a, b] * c; " * 4,
    "few letters": "7KH NHHSHU",
}


def shifted(text: str) -> str:
    """A text as numbers of the glyphs of a usual font, taken for letters."""
    return "".join(chr(ord(letter) - 29) if letter.isalpha() else letter for letter in text)


@pytest.mark.parametrize("name", TEXTS)
def test_text_in_any_language_is_legible(name: str) -> None:
    assert is_legible(TEXTS[name])
    assert is_legible(ENGLISH + TEXTS[name])


@pytest.mark.parametrize(
    "text",
    [
        shifted(ENGLISH),
        shifted(ENGLISH).lower(),
        "".join(chr(0xE000 + ord(letter)) for letter in ENGLISH),
        "".join(chr(0x21 + (ord(letter) * 7) % 15) if letter != " " else " " for letter in ENGLISH),
        ENGLISH.encode("utf-16-be").decode("latin-1").replace("\0", "ñ") * 2,
    ],
)
def test_letters_without_meaning_are_told(text: str) -> None:
    assert not is_legible(text)


def test_pages_are_named_in_ranges() -> None:
    assert page_ranges(["1", "2", "3", "7", "ix", "x"]) == "p. 1-3, 7, ix, x"
    assert page_ranges(["4"]) == "p. 4"


def pdf_of(*pages: str) -> bytes:
    from fpdf import FPDF

    pdf = FPDF()
    pdf.set_font("helvetica", size=12)
    for text in pages:
        pdf.add_page()
        pdf.multi_cell(0, 8, text, align="L")
    return io.BytesIO(bytes(pdf.output())).getvalue()


def test_a_pdf_of_such_pages_is_refused_and_one_with_others_names_them(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf_of(*[shifted(ENGLISH)] * 3))
    with pytest.raises(SourceError, match=r"no readable text: letters without meaning, p\. 1-3$") as refused:
        list(open_source(path)[1].pieces())
    assert refused.value.code == Reason.NO_TEXT
    path.write_bytes(pdf_of(ENGLISH, shifted(ENGLISH), shifted(ENGLISH), ENGLISH))
    pieces = list(open_source(path)[1].pieces())
    text = "".join(piece for piece in pieces if isinstance(piece, str))
    assert "WKH" not in text and text.count("harbour board") == 6
    assert text.endswith("[No readable text: letters without meaning, p. 2-3]\n\n")
    assert [piece.label for piece in pieces if isinstance(piece, Landmark) and piece.kind == "page"] == list("1234")
    doubts = [piece.label for piece in pieces if isinstance(piece, Landmark) and piece.kind == "doubt"]
    assert doubts == ["illegible: letters without meaning, p. 2-3"]
