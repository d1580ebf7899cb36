"""Hebrew and Arabic in PDFs: letters drawn from the left come out in the order in which they are read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.text.formats.pdf.bidi import as_letters, balance, reading_order, runs_left
from crystalcli.text.formats.pdf.glyphs import Fragment, _Letter, fragments_of
from crystalcli.text.formats.pdf.page_layout import line_of, page_rows, row_blocks
from crystalcli.text.readers import open_source

HARBOUR = "הנמל הישן"
TOWER = "המגדלור נבנה בשנת 1893 על ידי Captain Leblanc הגדול."


def drawn(line: str, left: float = 50.0, step: float = 6.0) -> list[_Letter]:
    """The letters of a line that stand side by side from the left, in the order in which pdfium gives them: words as they are read."""
    letters = [
        _Letter(each, left + step * at, left + step * at + 5.5, 700.0, 10.0, False) for at, each in enumerate(line)
    ]
    runs: list[list[_Letter]] = []
    for letter in letters:
        is_left = runs_left(letter.text) or (letter.text == " " and bool(runs) and runs_left(runs[-1][0].text))
        if runs and is_left == runs_left(runs[-1][0].text):
            runs[-1].append(letter)
        else:
            runs.append([letter])
    return [letter for run in reversed(runs) for letter in (run[::-1] if runs_left(run[0].text) else run)]


def test_a_word_that_runs_to_the_left_is_one_fragment() -> None:
    assert [each.text for each in fragments_of(drawn(HARBOUR[::-1]))] == [HARBOUR]


def test_numbers_and_words_of_the_other_direction_stand_where_they_are_read() -> None:
    shown = ".לודגה Captain Leblanc ידי לע 1893 תנשב הנבנ רולדגמה"  # from the left, as it is drawn
    (row,) = page_rows(fragments_of(drawn(shown)))
    assert line_of(row).text == TOWER


def test_what_one_glyph_stands_for_is_turned_back_but_not_lam_and_alef() -> None:
    whole = [_Letter(each, 50.0, 70.0, 700.0, 10.0, False) for each in "حَبيبي"[::-1]]
    assert [each.text for each in fragments_of(whole)] == ["حَبيبي"]
    lam_alef = [_Letter(each, 50.0, 58.0, 700.0, 10.0, False) for each in "لا"]
    assert [each.text for each in fragments_of(lam_alef)] == ["لا"]


def test_drawn_forms_are_letters() -> None:
    assert as_letters("\ufee3\ufef4\ufee8\ufe8e\ufe80 ﬁ") == "ميناء ﬁ"


def test_a_phrase_of_the_other_direction_in_a_line_of_ours() -> None:
    row = [Fragment(50, 90, 700, 10, "the word"), Fragment(95, 120, 700, 10, "ישן"), Fragment(124, 150, 700, 10, "נמל")]
    assert line_of(row).text == "the word נמל ישן"


def test_of_two_columns_that_run_to_the_left_the_right_one_is_first() -> None:
    words = "המגדלור נבנה בשנת רבות על ידי הגדול הנמל"
    fragments = [
        Fragment(x, x + 200, 700 - 12 * number, 10, f"{name} {words}")
        for x, name in ((50, "שמאל"), (300, "ימין"))
        for number in range(6)
    ]
    starts = [line.text.split()[0] for block in row_blocks(page_rows(fragments)) for line in map(line_of, block)]
    assert starts == ["ימין"] * 6 + ["שמאל"] * 6


@given(st.lists(st.sampled_from(["word", "מלה", "12", "%", "(", "."]), max_size=12), st.booleans())
def test_every_part_of_a_line_is_read_once(texts: list[str], leftward: bool) -> None:
    order = reading_order(texts, leftward)
    assert sorted(order) == list(range(len(texts)))
    if leftward and not {"word", "%"} & {*texts}:
        assert order == list(range(len(texts)))[::-1]


@pytest.mark.parametrize(
    ("shown", "read"),
    [
        (["(", "Model X-200, ver.", "3", ")", "מחיר"], ["מחיר", ")", "Model X-200, ver.", "3", "("]),
        (["דולר", "45", "%", "סך"], ["סך", "45", "%", "דולר"]),
        (["10", "20", "מן"], ["מן", "20", "10"]),
        (["Captain", "Leblanc", "ידי"], ["ידי", "Captain", "Leblanc"]),
    ],
)
def test_words_and_numbers_in_a_line_that_runs_to_the_left(shown: list[str], read: list[str]) -> None:
    assert [shown[at] for at in reading_order(shown, True)] == read


@given(st.text())
def test_balance_is_that_of_the_parts(text: str) -> None:
    assert balance(text) == sum(map(balance, text))


@pytest.mark.parametrize("line", [HARBOUR, "ميناء المدينة القديمة", "the old harbour"])
def test_a_file_with_letters_drawn_from_the_left(tmp_path: Path, line: str) -> None:
    shown = line[::-1] if runs_left(line[0]) else line
    letters = sorted(set(shown))
    codes = {letter: 65 + at for at, letter in enumerate(letters)}
    unicode = "".join(f"<{code:02x}> <{ord(letter):04x}>\n" for letter, code in codes.items())
    cmap = (
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n"
        f"1 begincodespacerange <00> <ff> endcodespacerange {len(codes)} beginbfchar\n{unicode}endbfchar endcmap end end"
    )
    content = "BT /F1 12 Tf 72 700 Td <" + "".join(f"{codes[letter]:02x}" for letter in shown) + "> Tj ET"
    widths = " ".join(["600"] * len(codes))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        f"<< /Length {len(content)} >> stream\n{content}\nendstream",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /ToUnicode 6 0 R /FirstChar 65 "
        f"/LastChar {64 + len(codes)} /Widths [{widths}] >>",
        f"<< /Length {len(cmap)} >> stream\n{cmap}\nendstream",
    ]
    body = "%PDF-1.4\n" + "".join(f"{number} 0 obj {each} endobj\n" for number, each in enumerate(objects, 1))
    path = tmp_path / "a.pdf"
    path.write_bytes((body + "trailer << /Root 1 0 R /Size 7 >>\n%%EOF\n").encode())
    assert "".join(piece for piece in open_source(path)[1].pieces() if isinstance(piece, str)).strip() == line
