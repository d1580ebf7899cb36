from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.answering.grounding.answer_end import until_answer_ends


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("Crask keeps them.\n\nQuestion: Who", "Crask keeps them."),
        ("Use it so:\n\n```py\na = 1\n\nb = 2\n```\n\nQuestion", "Use it so:\n\n```py\na = 1\n\nb = 2\n```"),
        ("Use it.\n\n```\na\n```", "Use it.\n\n```\na\n```"),
        ("They are:\n\n- Ann\n\n- Bo\n\nThat is all", "They are:\n\n- Ann\n\n- Bo"),
        ("Two steps:\n\n1. Go.\n\n2. Stop.", "Two steps:\n\n1. Go.\n\n2. Stop."),
        ("It is `a`.\n\n`b` is another", "It is `a`."),
        ("One line.\nAnother line.", "One line.\nAnother line."),
        ("Ends with space. \n", "Ends with space. \n"),
        ("", ""),
    ],
)
def test_a_blank_line_ends_the_answer_where_nothing_belongs_to_it(said, answer):
    for size in (1, 2, 3, 7, 100):
        pieces = [said[start : start + size] for start in range(0, len(said), size)]
        assert "".join(until_answer_ends(pieces)).rstrip() == answer.rstrip()


@given(st.text(alphabet="a:`-1. \n", max_size=40), st.integers(1, 5))
def test_the_end_does_not_depend_on_the_pieces(said, size):
    pieces = [said[start : start + size] for start in range(0, len(said), size)]
    assert "".join(until_answer_ends(pieces)).rstrip() == "".join(until_answer_ends([said])).rstrip()
