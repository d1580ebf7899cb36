from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from crystalcli.cli.terminal.word_wrap import WordWrap

pieces = st.lists(st.text(st.sampled_from("ab  \n\t長é,"), max_size=8), max_size=30)


@given(pieces, st.integers(4, 30))
def test_the_words_are_the_same_and_the_lines_fit(given_pieces, width):
    flow = WordWrap(width)
    shown = "".join(map(flow.add, given_pieces)) + flow.end()
    assert shown.split() == "".join(given_pieces).split()
    for line in shown.split("\n"):
        assert cell_len(line) <= width or len(line.split()) == 1


@given(pieces, st.integers(4, 30))
def test_how_the_text_is_cut_into_pieces_does_not_show(given_pieces, width):
    one, other = WordWrap(width), WordWrap(width)
    whole = other.add("".join(given_pieces)) + other.end()
    assert "".join(map(one.add, given_pieces)) + one.end() == whole


@given(pieces)
def test_without_a_width_every_piece_goes_through_at_once(given_pieces):
    flow = WordWrap(None)
    assert list(map(flow.add, given_pieces)) == given_pieces
    assert flow.end() == ""


def test_a_word_waits_until_it_is_whole():
    flow = WordWrap(10)
    assert flow.add("one tw") == "one"
    assert flow.add("o thr") == " two"
    assert flow.add("ee") == ""
    assert flow.end() == "\nthree"
