"""Lines, columns, heads and hyphens, by fragments laid out here."""

from __future__ import annotations

from time import thread_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.text.formats.pdf.glyphs import Fragment, _Letter, fragments_of, tidied
from crystalcli.text.formats.pdf.page_layout import line_of, page_rows, row_blocks
from crystalcli.text.formats.pdf.paragraphs import Words, join_lines, paragraph_text
from crystalcli.text.formats.pdf.running_headers import Edge, edges_of, heads_of

PROSE = "the lamp is lit at dusk and burns until the sun stands over the sea"


def fragment(text: str, x: float, y: float, size: float = 10.0) -> Fragment:
    return Fragment(x, x + 0.5 * size * len(text), y, size, text)


def page_text(fragments: list[Fragment]) -> str:
    return "".join(
        text
        for _, text in paragraph_text([list(map(line_of, rows)) for rows in row_blocks(page_rows(fragments))], Words())
    )


def column(name: str, x: float, lines: int, top: float, letters: int = 44) -> list[Fragment]:
    return [
        fragment(f"{name}{number} {PROSE}"[:letters].strip().ljust(letters, "x"), x, top - 12 * number)
        for number in range(lines)
    ]


@given(st.integers(4, 40), st.integers(4, 40), st.floats(0, 11), st.randoms())
def test_columns_are_read_one_after_the_other(left: int, right: int, shift: float, dice: object) -> None:
    fragments = column("l", 50, left, 700) + column("r", 290, right, 700 - shift)
    dice.shuffle(fragments)  # type: ignore[attr-defined]
    starts = [line.split()[0] for line in page_text(fragments).splitlines() if line]
    assert starts == [f"l{n}" for n in range(left)] + [f"r{n}" for n in range(right)]


def test_a_title_over_two_columns_and_a_figure_between_them() -> None:
    fragments = [
        fragment("A Title That Goes Over Both of the Columns of It", 60, 740, 16),
        *column("a", 50, 8, 700),
        *column("b", 290, 8, 700),
        fragment("Figure 1 goes over both columns, as wide figures do in papers of this kind", 60, 580),
        *column("c", 50, 8, 550),
        *column("d", 290, 8, 550),
    ]
    starts = [line.split()[0] for line in page_text(fragments).splitlines() if line]
    wanted = ["A", *(f"a{n}" for n in range(8)), *(f"b{n}" for n in range(8)), "Figure"]
    assert starts == wanted + [f"c{n}" for n in range(8)] + [f"d{n}" for n in range(8)]


def test_thousands_of_letters_on_a_line_take_no_long_time() -> None:
    began = thread_time()
    rows = page_rows([fragment("a", 5.0 * number, 700) for number in range(8000)])
    assert (len(rows), len(rows[0])) == (1, 8000)
    assert thread_time() - began < 1


def test_three_columns() -> None:
    fragments = column("a", 40, 12, 700, 32) + column("b", 225, 12, 700, 32) + column("c", 410, 12, 700, 32)
    starts = [line.split()[0] for line in page_text(fragments).splitlines() if line]
    assert starts == [f"{name}{n}" for name in "abc" for n in range(12)]


@given(
    st.lists(
        st.tuples(st.sampled_from(["Net sales", "Cost of sales and other expenses", "Income"]), st.integers(0, 99999)),
        min_size=3,
        max_size=30,
    )
)
def test_a_row_of_a_table_stays_one_line(cells: list[tuple[str, int]]) -> None:
    fragments = []
    for number, (name, value) in enumerate(cells):
        y = 700 - 12 * number
        fragments += [fragment(name, 50, y), fragment(f"{value:,}", 400, y), fragment(f"{value + 1:,}", 480, y)]
    lines = [line for line in page_text(fragments).splitlines() if line]
    assert lines == [f"{name}  {value:,}  {value + 1:,}" for name, value in cells]


def test_a_cell_of_two_lines_is_one_line_with_the_cells_beside_it() -> None:
    rows = []
    for number, name in enumerate(("Amber", "Red", "Black")):
        y = 700 - 40 * number
        rows += [
            fragment(f"{name} means that the gate is closed, and the", 250, y),
            fragment("watch told", 250, y - 12),
        ]
        rows += [fragment(name, 50, y - 6), fragment("5.1 m", 150, y - 6)]
    text = [
        f"{name}  5.1 m  {name} means that the gate is closed, and the watch told" for name in ("Amber", "Red", "Black")
    ]
    assert [line for line in page_text(rows).splitlines() if line] == text


def test_indices_stand_at_their_letters() -> None:
    fragments = [
        fragment("x", 50, 700),
        fragment("2", 55.5, 704, 6),
        fragment("= 9", 62, 700),
        fragment("below", 50, 688),
    ]
    assert page_text(fragments) == "x 2 = 9\nbelow\n" or page_text(fragments) == "x2 = 9\nbelow\n"


def test_paragraphs_are_set_apart_by_space_or_indent() -> None:
    lines = [fragment(PROSE + ".", x, y) for x, y in ((50, 700), (50, 688), (50, 668), (65, 656), (50, 644))]
    line = PROSE + ".\n"
    assert page_text(lines) == f"{line}{line}\n{line}\n{line}{line}"


@pytest.mark.parametrize(
    ("before", "after", "seen", "found"),
    [
        ("for exam-", "ple, so", "an example", ("for example,", "so")),
        ("for exam-", "ple, so", "", ("for example,", "so")),
        ("a well-", "known man", "a well-known man", ("a well-known", "man")),
        ("a well-", "known man", "he was well and known", ("a well-known", "man")),
        ("the infor-", "mation", "the information has a form of mation for infor", ("the information", "")),
        ("pages 3-", "9 of it", "", None),
        ("Mary-", "Ann went", "", None),
        ("a word -", "and more", "", None),
        ("proof-of-", "work is", "proof-of-work and work of", ("proof-of-work", "is")),
    ],
)
def test_hyphens_go_by_what_the_document_says(
    before: str, after: str, seen: str, found: tuple[str, str] | None
) -> None:
    words = Words()
    words.add([seen])
    assert join_lines(before, after, words) == found


def sheet(*rows: tuple[float, str], body: int = 20) -> list[Edge]:
    """The edges of a page of 800 points with lines of text in the middle, and these rows around."""
    text = [fragment(PROSE, 50, 700 - 12 * number) for number in range(body)]
    cells = [fragment(cell, 50 + 150 * number, y) for y, line in rows for number, cell in enumerate(line.split("  "))]
    return edges_of(page_rows(text + cells), 800)


def heads_in(pages: list[list[Edge]], said: set[str] | None = None) -> list[set[int]]:
    said = set() if said is None else said
    around = [[(other - at, page) for other, page in enumerate(pages) if other != at] for at in range(len(pages))]
    return [heads_of(page, near, said) for page, near in zip(pages, around, strict=True)]


@given(st.integers(1, 30))
def test_page_numbers_count_on(first: int) -> None:
    pages = [sheet((40, f"{first + number}")) for number in range(3)]
    assert heads_in(pages) == [{20}] * 3
    assert heads_in([sheet((40, f"{first + 3 * number}")) for number in range(3)]) == [set()] * 3


def test_the_first_of_the_running_heads_stays() -> None:
    pages = [sheet((760 + number % 2, f"{12 + number}  The Keeper")) for number in range(4)]
    assert heads_in(pages) == [set(), {0}, {0}, {0}]
    assert heads_in(pages, {"thekeeper"}) == [{0}] * 4
    assert heads_in(pages[:2]) == [set(), {0}]
    assert heads_in([sheet((760, "12  The Keeper"))] * 2) == [set(), set()]


def test_running_heads_take_turns_and_change_with_the_chapter() -> None:
    turns = [sheet((760, f"The Keeper's Book  {n}" if n % 2 else f"{n}  Of Lamps")) for n in range(2, 12)]
    assert heads_in(turns) == [set(), set(), *[{0}] * 8]
    chapters = [sheet((760, "Of Lamps" if number < 5 else "Of Oil")) for number in range(9)]
    assert heads_in(chapters) == [set(), *[{0}] * 4, set(), *[{0}] * 3]


@pytest.mark.parametrize(
    ("lines", "body"),
    [
        # The value of a form, of which some pages have another.
        ([(60, "Zone B"), (60, "Zone B"), (60, "Zone C"), (60, "Zone B"), (60, "Zone B")], 20),
        ([(60, "Berth: north"), (60, "Berth: north"), (60, "Berth: south"), (60, "Berth: south")], 20),
        ([(690, "Passed")] * 5, 4),  # in the middle of a page with few lines
        ([(760, f"Permit {number}") for number in range(41, 46)], 20),  # a number of its own
        ([(712, "As before")] * 5, 20),  # no gap between it and the text
        ([(760, "Lamp  Oil")] * 2, 20),  # two pages alone do not tell
    ],
)
def test_lines_that_come_again_are_no_running_heads(lines: list[tuple[float, str]], body: int) -> None:
    assert heads_in([sheet(line, body=body) for line in lines]) == [set()] * len(lines)


def test_the_head_of_a_table_stays_on_each_of_its_pages() -> None:
    def page(first: int) -> list[Edge]:
        rows = [("Berth", "Ship", "Draught"), *((f"B{n}", f"Ship {n}", f"{n}.5 m") for n in range(first, first + 20))]
        cells = [
            fragment(cell, 50 + 120 * column, 760 - 14 * number - (14 if number else 0))
            for number, row in enumerate(rows)
            for column, cell in enumerate(row)
        ]
        return edges_of(page_rows(cells), 800)

    assert heads_in([page(first) for first in range(100, 200, 20)]) == [set()] * 5


def test_spaces_where_letters_overlap() -> None:
    letters, x = [], 50.0
    for letter in "in the sea":
        if letter == " ":
            letters.append(_Letter(" ", 0.0, 0.0, 0.0, 0.0, True))
            x += 2.4
        else:
            letters.append(_Letter(letter, x, x + 6, 700.0, 10.0, False))
            x += 4
    assert [each.text for each in fragments_of(letters)] == ["in the sea"]


@pytest.mark.parametrize(
    ("drawn", "text"),
    [("eﬃcient", "efficient"), ("a\0b\x07", "ab"), ("Universit¨at", "Universität"), ("na¨ıve", "naïve")],
)
def test_letters_are_letters(drawn: str, text: str) -> None:
    assert tidied(drawn) == text


def test_columns_of_short_lines_are_read_one_after_the_other():
    left = [fragment(f"left entry, {number}", 60, 700 - 12 * number) for number in range(20)]
    right = [fragment(f"right entry, {number}", 300, 700 - 12 * number - 5 * (number // 4)) for number in range(20)]
    lines = page_text([*left, *right]).split()
    assert lines.index("right") > max(at for at, word in enumerate(lines) if word == "left")


def test_a_table_of_short_cells_stays_rows():
    cells = [
        fragment(f"{name} {number}", x, 700 - 12 * number)
        for number in range(20)
        for name, x in (("l", 60), ("r", 300))
    ]
    assert page_text(cells).splitlines()[3] == "l 3  r 3"


def test_captions_side_by_side_are_read_one_after_the_other():
    page = [
        *(fragment("(a) The lamp before the", 60, 400), fragment("(b) The lamp after the", 185, 400)),
        *(fragment("storm.", 90, 388), fragment("great storm.", 200, 388)),
        fragment("Figure 3: two lamps, of which one is broken", 80, 360),
    ]
    assert page_text(page).split("\n\n") == [
        "(a) The lamp before the\nstorm.",
        "(b) The lamp after the\ngreat storm.",
        "Figure 3: two lamps, of which one is broken\n",
    ]
    assert page_text([fragment("(a) one", 60, 400), fragment("(b) two", 185, 400)]) == "(a) one  (b) two\n"


def test_an_accent_drawn_after_its_letter_belongs_to_it():
    letters = [
        _Letter(text, x, x + 5, 100, 10, False) for text, x in (("γ", 10), ("˜", 10.4), ("e", 18), ("i", 23), ("n", 28))
    ]
    assert [each.text for each in fragments_of(letters)] == ["γ̃ ein"]
