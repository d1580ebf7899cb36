"""Columns of a few lines: prose is read column by column, rows of a table stay rows."""

from __future__ import annotations

import pytest

from crystalcli.text.formats.pdf.glyphs import Fragment
from crystalcli.text.formats.pdf.page_layout import line_of, page_rows, row_blocks
from crystalcli.text.formats.pdf.paragraphs import Words, paragraph_text

LEFT = ["The harbour office was moved to", "the old customs house last June,", "since the roof of the shed leaks."]
RIGHT = ["The ferry to the island leaves at", "nine each morning but Sunday, and", "comes back before the tide turns."]
THIRD = [
    "Oil is kept in the stone store by",
    "the lamp and measured out in wine",
    "gallons on the first of each month.",
]
WIDE = "News for those who keep a boat here all the year round, and pay their dues in spring, as most of them do."


def lines_of(*columns: list[str], above: str = "", below: str = "", step: float = 12) -> list[str]:
    fragments = [
        Fragment(50 + 180 * number, 50 + 180 * number + 4.9 * len(text), 700 - step * row, 10, text)
        for number, lines in enumerate(columns)
        for row, text in enumerate(lines)
        if text
    ]
    for text, y in ((above, 712), (below, 700 - step * max(map(len, columns)))):
        if text:
            fragments.append(Fragment(50, 50 + 4.9 * len(text), y, 10, text))
    blocks = [list(map(line_of, rows)) for rows in row_blocks(page_rows(fragments))]
    return "".join(text for _, text in paragraph_text(blocks, Words())).split("\n")


@pytest.mark.parametrize("rows", [2, 3])
@pytest.mark.parametrize("columns", [[LEFT, RIGHT], [LEFT, RIGHT, THIRD]])
@pytest.mark.parametrize("wide", ["", WIDE])
def test_short_columns_of_prose_are_read_one_after_the_other(columns: list[list[str]], rows: int, wide: str) -> None:
    found = [line for line in lines_of(*(column[:rows] for column in columns), above=wide, below=wide) if line]
    assert [line for line in found if line != wide] == [line for column in columns for line in column[:rows]]


def test_a_longer_column_beside_a_shorter_one() -> None:
    left = [*LEFT, "It opens at eight."]
    assert [line for line in lines_of(left, RIGHT[:2]) if line] == [*left, *RIGHT[:2]]


@pytest.mark.parametrize(
    "columns",
    [
        # Rows of one line each, with and without stops.
        [["Ann Ek, Skipper of the Petrel", "Bo Li, Mate of the Gannet", "Cy Roe, Cook of the Fulmar"],
         ["Lives in Larne by the old pier", "Lives in Oban at the quay", "Lives in Ayr over the shop"]],
        [["Keep the hatch shut at sea.", "Coil each rope by the rail.", "Wash the deck every Monday."],
         ["Water gets in and spoils oil.", "People fall over loose lines.", "Salt makes the boards smooth."]],
        # A row of two lines and one of one, whose sentences end beside one another.
        [["The hatch is to be kept shut when", "the boat is at sea.", "The ropes are coiled by the rail."],
         ["Otherwise the water gets in to the", "stores and the oil.", "Somebody falls over loose lines."]],
        # Words and short lines, as of an index or of code.
        [["lamp", "oil", "wick"], ["rope", "tide", "wren"]],
        [["for boat in boats_of_the_club:", "moor(boat)", "pay(boat)"], ["while the_tide_is_not_low_yet:", "wait(1)", "look()"]],
    ],
)  # fmt: skip
def test_rows_stay_rows(columns: list[list[str]]) -> None:
    assert [line for line in lines_of(*columns) if line] == ["  ".join(cells) for cells in zip(*columns, strict=True)]
