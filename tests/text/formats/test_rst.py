"""reStructuredText: the text as it stands, and titles with their path."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st
from support.documents import read

from crystalcli.datatypes import Landmark
from crystalcli.text.formats.rst import with_rst_headings

RST = """.. a comment

=====
Title
=====

Some text.

One *bold* :ref:`thing`
-----------------------
Text right under it::

    No title
    --------

Deeper
......

=====  =====
a      b
=====  =====

Two
---

-----

- item
------

para
graph
-----

Short
---

New one
=======
"""


def headings(pieces: list[str]) -> list[tuple[int, str]]:
    return [(piece.start, piece.label) for piece in with_rst_headings(pieces) if isinstance(piece, Landmark)]


def test_titles_and_their_levels(tmp_path: Path) -> None:
    path = tmp_path / "a.rst"
    for newline in ("\n", "\r\n"):
        path.write_bytes(RST.replace("\n", newline).encode())
        found = read(path)
        assert (found.kind, found.title) == ("rst", "Title")
        assert found.text == RST.replace("\n", newline)
        assert found.labels("heading") == [
            "Title",
            "Title › One bold thing",
            "Title › One bold thing › Deeper",
            "Title › Two",
            "Title › Two › New one",
        ]
        assert found.text[found.marks[0].start :].startswith("=====")
        assert found.text[found.marks[1].start :].startswith("One *bold*")


def test_the_same_mark_over_and_under_is_another_level() -> None:
    text = "===\nOne\n===\n\nTwo\n===\n\nThree\n=====\n\n===\nOne\n===\n"
    assert [label for _, label in headings([text])] == ["One", "One › Two", "One › Three", "One"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from(RST.splitlines(keepends=True)), max_size=30).map("".join), st.data())
def test_headings_do_not_depend_on_where_the_pieces_end(text: str, data: st.DataObject) -> None:
    pieces, rest = [], text
    while rest:
        size = data.draw(st.integers(1, 20))
        pieces.append(rest[:size])
        rest = rest[size:]
    out = list(with_rst_headings(pieces))
    assert "".join(piece for piece in out if isinstance(piece, str)) == text
    assert headings(pieces) == headings([text])


def test_very_long_lines_are_passed_on() -> None:
    text = "One\n---\n\n" + "x" * 300_000 + "\n\nTwo\n---\n"
    pieces = [text[start : start + 5000] for start in range(0, len(text), 5000)]
    out = list(with_rst_headings(pieces))
    assert "".join(piece for piece in out if isinstance(piece, str)) == text
    assert [piece.label for piece in out if isinstance(piece, Landmark)] == ["One", "Two"]
    assert max(len(piece) for piece in out if isinstance(piece, str)) < 100_000
