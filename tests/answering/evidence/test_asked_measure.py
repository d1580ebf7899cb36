"""A question for an age, a size or a weight has no answer where no text has one."""

from __future__ import annotations

import pytest

from crystalcli.answering.evidence.asked_measure import lacks_measure
from crystalcli.datatypes import Passage, Place


def passage(text: str) -> Passage:
    return Passage(Place("a.md", 0, len(text), 1, 1), text, 1.0)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How old is Lena?", "Lena turned nine on Sunday."),
        ("How old was the keeper?", "The keeper, a man of sixteen winters, aged early."),
        ("How old is the mill?", "The mill dates from the reign of Anne."),
        ("What is Ben's age?", "Ben was born in spring."),
        ("How tall is the mast?", "The mast is as high as three houses."),
        ("How heavy is the anchor?", "The anchor weighs 40 kg."),
        ("What is the height of the tower?", "The tower has thirty feet, and not one more."),
        ("Who is Lena?", "Lena goes to school."),
    ],
)
def test_a_text_with_a_measure_may_say_it(question, text):
    assert not lacks_measure(question, [passage("Lena goes to school."), passage(text)])


def test_a_measure_of_something_else_says_nothing():
    assert lacks_measure("How old is Lena?", [passage("Lena goes to school."), passage("Ben is nine years old.")])


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How old is Lena?", "Lena goes to the school in Mill Street, and her shoes have size 33."),
        ("How tall is the mast?", "The mast is of pine, and very tall."),
        ("How fast does the ferry go?", "The ferry is fast."),
    ],
)
def test_a_text_without_one_does_not(question, text):
    assert lacks_measure(question, [passage(text)])
