"""Chapters of books in plain text, and wrapped lines as they read."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli.datatypes import Landmark
from crystalcli.text.chunking.unwrap import unwrap_lines
from crystalcli.text.formats.book_chapters import HEADER, LICENCE, with_chapters

PROSE = "It was a dark night, and the ferry had not come. No one knew why\n"
PROSE += "it was late, or whether it would come at all before the morning.\n"
BOOK = f"""The Project Gutenberg EBook of The Ferry, by Ann Writer

Title: The Ferry

Author: Ann Writer

*** START OF THIS PROJECT GUTENBERG EBOOK THE FERRY ***




Produced by a Volunteer




THE FERRY


PART ONE



CHAPTER I

The Night

{PROSE}
{PROSE}


Chapter 2. Morning


{PROSE}

III

{PROSE}
PART TWO: THE SEA



IV. A Long Way Out


{PROSE}

I

{PROSE}
II

{PROSE}
12

{PROSE}

Epilogue

“And so they came home.”

{PROSE}
End of the Project Gutenberg EBook of The Ferry

*** END OF THIS PROJECT GUTENBERG EBOOK THE FERRY ***


Section 1

Terms of use.
"""


def headings(pieces: list[str]) -> list[tuple[int, str]]:
    return [(piece.start, piece.label) for piece in with_chapters(pieces) if isinstance(piece, Landmark)]


def test_a_book(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    for newline in ("\n", "\r\n"):
        path.write_bytes(BOOK.replace("\n", newline).encode())
        found = read(path)
        assert (found.kind, found.title, found.text) == ("text", "The Ferry", BOOK.replace("\n", newline))
        assert found.labels("heading") == [
            HEADER,
            "",
            "THE FERRY",
            "PART ONE",
            "PART ONE › CHAPTER I. The Night",
            "PART ONE › Chapter 2. Morning",
            "PART ONE › III",
            "PART TWO: THE SEA",
            "PART TWO: THE SEA › IV. A Long Way Out",
            "PART TWO: THE SEA › I",
            "PART TWO: THE SEA › I › II",
            "PART TWO: THE SEA › Epilogue",
            LICENCE,
        ]
        assert found.text[found.marks[4].start :].startswith("CHAPTER I")


@pytest.mark.parametrize(
    "line",
    [
        "Part of it was lost.",
        "Chapter and verse",
        "part one",
        "Section 3 applies to all.",
        "12",
        "1. Do this",
        "Name: Ann",
        "I am here",
        "A short line, no more",
        "CIVIL",
        "IIX",
    ],
)
def test_lines_that_are_no_headings(line: str) -> None:
    assert headings([f"{PROSE}\n{line}\n\n{PROSE}"]) == []


@pytest.mark.parametrize(
    "line",
    [
        "Chapter One",
        "CHAPTER XIV.",
        "Book the First",
        "Letter 4",
        "ACT III",
        "Scene 2",
        "VOLUME II",
        "Chapter 12: The Sea",
        "Part A",
    ],
)
def test_lines_that_are(line: str) -> None:
    assert headings([f"{PROSE}\n{line}\n\n{PROSE}"]) == [(len(PROSE) + 1, line.rstrip("."))]
    assert headings([f"{PROSE}{line}\n{PROSE}"]) == []  # inside a paragraph


def test_a_log_has_no_chapters() -> None:
    log = "".join(f"2024-05-01 10:{n:02d} INFO Started Worker {n}\n" for n in range(60))
    assert headings([log, "\n\n", log]) == []


@settings(deadline=None, max_examples=150)
@given(
    st.lists(st.sampled_from([*BOOK.splitlines(keepends=True), "x" * 300, "\r", "\r\n"]), max_size=40).map("".join),
    st.data(),
)
def test_chapters_do_not_depend_on_where_the_pieces_end(text: str, data: st.DataObject) -> None:
    pieces, rest = [], text
    while rest:
        size = data.draw(st.integers(1, 60))
        while rest[size - 1 : size + 1] == "\r\n":  # as `texts` promises
            size += 1
        pieces.append(rest[:size])
        rest = rest[size:]
    out = list(with_chapters(pieces))
    assert "".join(piece for piece in out if isinstance(piece, str)) == text
    assert headings(pieces) == headings([text])


# --- wrapped lines --------------------------------------------------------------------------------


def one(text: str, kind: str = "text") -> str:
    return "".join(unwrap_lines(text, kind))


def test_wrapped_prose_is_joined() -> None:
    assert one(PROSE) == PROSE.replace("\nit", " it")
    assert one(PROSE.replace("\n", "\r\n") + "\r\n" + PROSE) == PROSE.replace("\nit", " it").replace(
        "\n", "\r\n"
    ) + "\r\n" + PROSE.replace("\nit", " it")
    assert one("had not come. No one knew why\nit was late, or whether it would come at all before morning.") == (
        "had not come. No one knew why it was late, or whether it would come at all before morning."
    )
    assert (
        one(
            "He wrote that he had seen the ferry at the har-\nbour, and that it would be there until Monday at nine."
        ).count("\n")
        == 0
    )
    assert one(PROSE, "code") == PROSE


@pytest.mark.parametrize(
    "text",
    [
        "The sun was shining on the sea,\nShining with all his might:\nHe did his very best to make\nThe billows smooth and bright\n",
        "- a first thing that is long enough to fill the whole of the line up\n- a second thing\n",
        "Name of the ferry and its home      Harbour\nNumber of seats that it has today    12\n",
        "The ferry leaves at six o'clock on every day of the week but Sunday:\n    sail(now)\n    wait()\n",
        "Ann: I did not see that the ferry had left, and so I was too late.\nBob: So was I.\n",
        "short\nlines\nhere\n",
        "```\nit is code that is long enough to fill the whole of a line and mo\nre\n```\n",
        "# A heading that is long enough to fill the whole of a line of text a\nnd text\n",
    ],
)
def test_what_is_not_wrapped_stays(text: str) -> None:
    assert one(text, "markdown") == text


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.sampled_from([*PROSE.split(" "), "\n", "\r\n", "\n\n", "  ", "- ", "a" * 60]), max_size=60).map(
        " ".join
    ),
    st.data(),
)
def test_only_white_space_changes_and_cuts_change_nothing(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=3)))
    parts = unwrap_lines(text, "text", cuts)
    assert len(parts) == len(cuts) + 1
    assert "".join(parts) == one(text)
    assert "".join(one(text).split()) == "".join(text.split())
