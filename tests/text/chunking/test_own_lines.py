from __future__ import annotations

import pytest

from crystalcli.datatypes import Place
from crystalcli.text import stands_in_lines


def stands(text: str, kind: str = "text", **marks: str) -> bool:
    return stands_in_lines(text, Place("a", 0, len(text), 1, 1, kind=kind, marks=marks))


@pytest.mark.parametrize(
    "text",
    [
        "1. Lift the lid.\n2. Pour.",
        "Take:\n\n- oil\n- a wick",
        "Call it so:\n\n    $ trim\n    $ light",
        "Trim the wick::\n\n    trim()",
        "```\ntrim()\n```",
        ".. code-block:: text\n\n   $ trim",
        "Oil\n----\n\nThe oil is bought in autumn.",
    ],
)
def test_lists_and_examples_stay_in_lines(text):
    assert stands(text)
    assert stands(text, "markdown")
    assert not stands(text, "pdf")  # whose lines are the page's


@pytest.mark.parametrize(
    "text",
    [
        "The keeper slept, since the oil\nwas bought in autumn - all of it.",
        "    The keeper slept.\nNobody spoke.",
        "1. Lift the lid, pour, and\nclose it again.",
        "1. Lift the lid.",
    ],
)
def test_prose_flows(text):
    assert not stands(text)


def test_code_tables_and_messages_stay_in_lines():
    assert stands("a = 1\nb = 2", "code")
    assert stands("Ann: Hello\nSam: Hello", message="1")
    assert not stands("a = 1", "code")
    rows = "Oil; 2022: 17; 2021: 15\nRope; 2022: 3; 2021: 4"
    assert stands(f"Stores of the harbour\n{rows}", "pdf")
    assert stands("Oil 1,638,610 16.1% 1,297,492 15.0%\nRope (4,934) 0.0% 1,663 0.0%", "pdf")
    assert not stands("Oil; 2022: 17; 2021: 15\nThe keeper slept.", "pdf")
