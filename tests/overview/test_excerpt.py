"""Excerpts: lines are those of the file, and windows go through a document without gap or overlap."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crystalcli.errors import UsageError
from crystalcli.library import Crystal

LINE = st.text("ab é", max_size=700)
PAGE = """\
<html><body><nav>Home About Contact</nav><article><h1>Tides</h1>
<p>The first paragraph of the page says when the water is high.</p>

<!-- a comment
of two lines -->
<p>The second paragraph of the page says when the water is low.</p>
</article></body></html>
"""


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("excerpt")
    (folder / "page.html").write_text(PAGE, encoding="utf-8")
    (folder / "lines.txt").write_text(
        "".join(f"This is line {number}.\n" for number in range(1, 401)), encoding="utf-8"
    )
    with Crystal.create(tmp_path_factory.mktemp("crystals") / "excerpt.crystal", encoder=None) as made:
        made.ingest([folder])
        yield made


def test_lines_are_those_of_the_file(crystal):
    assert crystal.read("lines.txt", lines=(7, 8)).text == "This is line 7.\nThis is line 8.\n"
    assert crystal.read("lines.txt", lines=(399, None)).text == "This is line 399.\nThis is line 400.\n"
    assert crystal.read("lines.txt", lines=(400, 900)).text == "This is line 400.\n"
    for number, line in enumerate(PAGE.splitlines(), 1):
        if "paragraph" in line:
            excerpt = crystal.read("page.html", lines=(number, number))
            assert excerpt.text.strip() == line.removeprefix("<p>").removesuffix("</p>")
            assert str(excerpt.citation.place) == f"line {number}"


def test_a_part_that_is_too_long_is_cut_after_a_line(crystal):
    excerpt = crystal.read("lines.txt", lines=(1, 400), limit=1_000)
    assert excerpt.text.endswith(".\n")
    assert 900 < len(excerpt.text) <= 1_000
    assert excerpt.wanted == (0, excerpt.document.characters)


def test_windows_are_made_around_a_character(crystal):
    middle = crystal.quote("lines.txt", 0, 100_000).index("This is line 200.")
    excerpt = crystal.read("lines.txt", around=middle, limit=2_000)
    assert excerpt.text.startswith("This is line ")
    assert "This is line 200.\n" in excerpt.text
    assert crystal.read("lines.txt", around=10**9).text.endswith("This is line 400.\n")


def test_one_part_is_read_at_a_time(crystal):
    with pytest.raises(UsageError, match="read one part at a time"):
        crystal.read("lines.txt", lines=(1, 2), around=3)
    with pytest.raises(UsageError, match="limit: expected 1 character or more, got 0"):
        crystal.read("lines.txt", limit=0)


@settings(max_examples=20)
@given(st.lists(LINE, min_size=1, max_size=12), st.integers(1_000, 3_000))
def test_windows_follow_one_another_to_the_end(tmp_path_factory, lines, limit):
    text = "x" + "\n".join(lines) + "\n"
    file = tmp_path_factory.mktemp("windows") / "a.txt"
    file.write_text(text, encoding="utf-8")
    with Crystal.create(file.with_name("a.crystal"), encoder=None) as made:
        made.ingest([file])
        excerpt = made.read("a.txt", limit=limit)
        read = excerpt.text
        while excerpt.following is not None:
            end = excerpt.citation.end
            excerpt = made.read("a.txt", around=excerpt.following, limit=limit)
            assert excerpt.citation.start == end
            read += excerpt.text
        assert read == made.quote("a.txt", 0, len(text))
