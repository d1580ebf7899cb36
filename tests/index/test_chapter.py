"""Numbers and titles of chapters, read in headings."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.index import chapter_under, parse_number

NUMERALS = [(100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i")]


@pytest.mark.parametrize(
    ("path", "number", "title", "said"),
    [
        ("XXXVI. The Quarterdeck", 36, "The Quarterdeck", "ch. 36 The Quarterdeck"),
        ("Chapter 36. The Quarterdeck", 36, "The Quarterdeck", "ch. 36 The Quarterdeck"),
        ("XXXIV", 34, "", "ch. 34"),
        ("Volume II › Chapter III", 3, "", "ch. 3"),
        ("Book I › Part I › I", 1, "", "ch. 1"),
        ("CHAPTER TWENTY-ONE: The End", 21, "The End", "ch. 21 The End"),
        ("Chapter the Third", 3, "", "ch. 3"),
        ("Letter IV", 4, "", "Letter IV"),
        ("A Case of Rope › II", None, "A Case of Rope", "A Case of Rope"),
        ("The Garden › 3. Peas", 3, "Peas", "ch. 3 Peas"),
        ("Preface", None, "Preface", "Preface"),
        ("I Am a Lamp", None, "I Am a Lamp", "I Am a Lamp"),
        ("Appendix C Data", None, "Data", "Appendix C Data"),
        ("2020 Report", None, "2020 Report", "2020 Report"),
        ("3.2 Peas", None, "3.2 Peas", "3.2 Peas"),
    ],
)
def test_a_heading_has_a_number_and_a_title(path, number, title, said):
    chapter = chapter_under(path, "The Garden")
    assert chapter is not None
    assert (chapter.number, chapter.title, str(chapter)) == (number, title, said)


def test_without_a_heading_there_is_no_chapter():
    assert chapter_under("") is None


@given(st.integers(1, 399))
def test_numerals_are_read(number):
    numeral, rest = "", number
    for value, letters in NUMERALS:
        numeral += letters * (rest // value)
        rest %= value
    assert parse_number(numeral) == parse_number(numeral.upper()) == parse_number(str(number)) == number
