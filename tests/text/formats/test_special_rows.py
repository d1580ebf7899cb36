"""Initials, line numbers, tables whose cells wrap, text that runs downwards, marks of notes."""

from __future__ import annotations

import pytest

from crystalcli.text.formats.pdf.glyphs import Fragment, _Letter, fragments_of
from crystalcli.text.formats.pdf.page_layout import line_of, page_rows, row_blocks
from crystalcli.text.formats.pdf.paragraphs import Words, paragraph_text
from crystalcli.text.formats.pdf.special_rows import vertical_lines, without_line_numbers

VERSE = ["the", "ferry", "left", "at", "dawn", "and", "nobody", "waved", "from", "the", "stones", "of", "the", "quay"]


def fragment(text: str, x: float, y: float, size: float = 10.0) -> Fragment:
    return Fragment(x, x + 0.5 * size * len(text), y, size, text)


def lines_of(fragments: list[Fragment]) -> list[str]:
    rows = without_line_numbers(page_rows(fragments))
    return "".join(
        text for _, text in paragraph_text([list(map(line_of, block)) for block in row_blocks(rows)], Words())
    ).split("\n")[:-1]


def drawn(*runs: tuple[str, float, float]) -> list[_Letter]:
    """Letters side by side, by runs of text, size and height above the base line."""
    letters, x = [], 50.0
    for text, size, shift in runs:
        for letter in text:
            letters.append(_Letter(letter, x, x + 0.5 * size, 700 + shift, size, False))
            x += 0.5 * size
    return letters


def test_a_large_initial_begins_the_first_of_the_lines_beside_it() -> None:
    fragments = [
        Fragment(50, 74, 676, 34, "W"),
        fragment("hen the fog came in, all of", 76, 700),
        fragment("the bells were rung until it", 76, 688),
        fragment("was gone.", 76, 676),
        fragment("No ship was lost that year.", 50, 664),
    ]
    assert lines_of(fragments)[:2] == ["When the fog came in, all of", "the bells were rung until it"]
    letters = [_Letter("W", 50, 74, 676, 34, False), *drawn(("hen the fog", 10, 0))]
    assert next(iter(fragments_of(letters))).text == "W"


@pytest.mark.parametrize("step", [1, 5])
@pytest.mark.parametrize("x", [20, 460])
def test_numbers_of_lines_are_no_text(step: int, x: float) -> None:
    texts = [" ".join(VERSE[at % 5 : at % 5 + 8]) for at in range(26)]
    fragments = [fragment(text, 50, 700 - 14 * at) for at, text in enumerate(texts)]
    fragments += [fragment(str(at + 1), x, 700 - 14 * at, 7) for at in range(step - 1, 26, step)]
    assert lines_of(fragments) == texts


@pytest.mark.parametrize("x", [20, 460])
def test_two_numbers_of_lines_are_enough_outside_of_all_text(x: float) -> None:
    texts = [" ".join(VERSE[at % 5 : at % 5 + 8]) for at in range(12)]
    fragments = [fragment(text, 50, 700 - 14 * at) for at, text in enumerate(texts)]
    assert lines_of([*fragments, *(fragment(str(at), x, 714 - 14 * at, 7) for at in (5, 10))]) == texts
    # Others than those of the lines, or where text stands, are text.
    assert lines_of([*fragments, *(fragment(str(at), x, 714 - 14 * at, 7) for at in (4, 10))]) != texts
    assert lines_of([*fragments, *(fragment(str(2 * at), x, 714 - 14 * at, 7) for at in (5, 10))]) != texts


def test_numbers_of_rows_are_text() -> None:
    rows = [("1", "Bell buoy", "red"), ("2", "Fog horn", "none"), ("3", "Lamp", "white"), ("4", "Gong", "red")]
    rows += [("5", "Lantern", "green"), ("6", "Beacon", "white")]
    fragments = [
        fragment(cell, 50 + 120 * at, 700 - 14 * n) for n, row in enumerate(rows) for at, cell in enumerate(row)
    ]
    assert lines_of(fragments) == ["  ".join(row) for row in rows]
    entries = [fragment(str(n), 50, 700 - 14 * n) for n in range(1, 8)]
    entries += [fragment(f"Entry {n} of the log", 70, 700 - 14 * n) for n in range(1, 8)]
    assert lines_of(entries)[0] == "1  Entry 1 of the log"


def test_cells_that_wrap_stay_in_their_row() -> None:
    table = [
        (["Fault"], ["First step"], ["Who"]),
        (["The lamp", "is out"], ["Trim the wick and", "fill the tank"], ["Mate"]),
        (["The gate does", "not close at", "high water"], ["Call the yard"], ["Clerk", "or mate"]),
        (["Fog"], ["Ring the bell twice", "each minute"], ["Mate"]),
    ]
    fragments, top = [], 700.0
    for row in table:
        for x, cell in zip((50, 180, 330), row, strict=True):
            fragments += [fragment(line, x, top - 12 * at) for at, line in enumerate(cell)]
        top -= 12 * max(map(len, row)) + 9
    fragments += [fragment("Below the table the text goes on as before it, in one column.", 50, top - 10)]
    wanted = ["  ".join(" ".join(cell) for cell in row) for row in table]
    assert [line for line in lines_of(fragments) if line][:4] == wanted


def test_lines_that_do_not_fill_their_cell_are_rows() -> None:
    fragments, top = [], 700.0
    for name in ("Ann", "Bo", "Cy", "Dee"):
        fragments.append(fragment(name, 50, top))
        for at, post in enumerate(("Harbour master of the northern basin", "Clerk", "Pilot")):
            fragments += [fragment(post, 150, top - 12 * at), fragment(f"20{at}0 to 20{at}5", 400, top - 12 * at)]
        top -= 45
    lines = [line for line in lines_of(fragments) if line]
    assert lines[1:3] == ["Clerk  2010 to 2015", "Pilot  2020 to 2025"]


def test_items_of_a_list_keep_their_lines() -> None:
    fragments = []
    for number in range(5):
        top = 700 - 36 * number
        fragments += [fragment("•", 50, top), fragment(f"Item {number} is long, and goes on in the", 70, top)]
        fragments.append(fragment("line below it.", 70, top - 12))
    lines = [line for line in lines_of(fragments) if line]
    assert lines[:2] == ["•  Item 0 is long, and goes on in the", "line below it."]


def test_columns_of_prose_with_few_gaps_are_no_table() -> None:
    fragments = []
    for x in (50, 300):
        for at in range(24):
            fragments.append(
                fragment(f"{x}.{at} and the lamp is lit at dusk, and so on", x, 700 - 12 * at - 9 * (at // 10))
            )
    starts = [line.split()[0] for line in lines_of(fragments) if line]
    assert starts == [f"{x}.{at}" for x in (50, 300) for at in range(24)]


def test_text_that_runs_downwards_is_read_from_the_right() -> None:
    texts = ["船長は港の北にある倉庫に", "油の樽を並べていた。春に", "なると発った。", "犬だけが残った。"]
    fragments = [Fragment(500 - 30 * at, 514 - 30 * at, 740, 14, text) for at, text in enumerate(texts)]
    found = vertical_lines(fragments[::-1])
    assert found is not None
    assert [one.text for one in found] == ["".join(texts[:3]), texts[3]]
    assert vertical_lines([fragment(texts[0], 50, 700)]) is None


@pytest.mark.parametrize(
    ("runs", "text"),
    [
        ([("The harvest", 10, 0), ("7", 6, 4), (" was poor", 10, 0)], "The harvest [7] was poor"),
        ([("as sworn.", 10, 0), ("4,5", 6, 4)], "as sworn. [4,5]"),
        ([("the jetty", 10, 0), ("b", 6, 4), (", rotten", 10, 0)], "the jetty [b], rotten"),
        ([("12 km", 10, 0), ("2", 6, 4), (" of ice", 10, 0)], "12 km2 of ice"),
        ([("sin", 10, 0), ("2", 6, 4), (" x", 10, 0)], "sin2 x"),
        ([("10", 10, 0), ("6", 6, 4), (" tons", 10, 0)], "106 tons"),
        ([("the 21", 10, 0), ("st", 6, 4), (" day", 10, 0)], "the 21st day"),
        ([("water", 10, 0), ("2", 6, -3), (" low", 10, 0)], "water2 low"),
    ],
)
def test_raised_marks_of_notes_stand_apart(runs: list[tuple[str, float, float]], text: str) -> None:
    assert [one.text for one in fragments_of(drawn(*runs))] == [text]


def test_a_mark_that_is_drawn_later_stands_apart() -> None:
    fragments = [fragment("The harvest", 50, 700), Fragment(105, 108, 704, 6, "7"), fragment("was poor.", 112, 700)]
    assert lines_of(fragments) == ["The harvest [7] was poor."]
