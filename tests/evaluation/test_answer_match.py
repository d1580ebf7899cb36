"""Answers are found by words, patterns by regular expressions, places by document, line, page and characters."""

from __future__ import annotations

import pytest

from crystalcli.datatypes import Citation, Passage, Place
from crystalcli.evaluation import EvaluationQuestion, GoldPlace
from crystalcli.evaluation.answer_match import AnswerMatcher, is_at

PLACE = Place("docs/a.md", 100, 200, 10, 14, 3, 4, "markdown", source="/home/ann/shelf/docs/a.md")


@pytest.mark.parametrize(
    ("answer", "text", "is_right"),
    [
        ("Ida Trent", "It was built by IDA  \n TRENT, of Oldhaven.", True),
        ("Ida Trent", "It was built by Ida Trentham.", False),
        ("Trent, Ida", "Ida Trent", False),
        ("18,000", "a sum of 18000 pounds", True),
        ("18000", "a sum of £18,000", True),
        ("1,2", "page 12", False),
        ("Miss Culley's mother", "Miss Culley’s mother had them closed", True),
        ("start_server", "def start_server(port):", True),
        ("9", "nineteen 19 or 90", False),
        ("Straße", "die STRASSE", True),
    ],
)
def test_the_words_of_an_answer_stand_in_a_row(answer, text, is_right):
    assert AnswerMatcher(EvaluationQuestion("?", (answer,))).in_text(text) is is_right


def test_a_pattern_is_searched_without_case_and_over_line_ends():
    matcher = AnswerMatcher(EvaluationQuestion("?", patterns=(r"ida (mary )?trent", r"\bx{3}\b")))
    assert matcher.in_text("by Ida\n  Mary Trent")
    assert matcher.in_text("XXX")
    assert not matcher.in_text("xxxx")


@pytest.mark.parametrize(
    ("gold", "is_there"),
    [
        (GoldPlace("docs/a.md"), True),
        (GoldPlace("a.md"), True),
        (GoldPlace("./docs/a.md"), True),
        (GoldPlace("/home/ann/shelf/docs/a.md"), True),
        (GoldPlace("shelf/docs/a.md"), True),
        (GoldPlace("ba.md"), False),
        (GoldPlace(".md"), False),
        (GoldPlace("a.md", line=10), True),
        (GoldPlace("a.md", line=14), True),
        (GoldPlace("a.md", line=15), False),
        (GoldPlace("a.md", page=4), True),
        (GoldPlace("a.md", page=5), False),
        (GoldPlace("a.md", start=150, end=249), True),
        (GoldPlace("a.md", start=150, end=260), False),
        (GoldPlace("a.md", start=120, end=130), True),
    ],
)
def test_a_span_is_at_a_place(gold, is_there):
    assert is_at(PLACE, gold) is is_there


def test_places_decide_for_passages_and_answers_for_sources():
    both = AnswerMatcher(EvaluationQuestion("?", ("oil",), places=(GoldPlace("b.md"),)))
    assert both.in_source(Citation(1, PLACE, "The lamp burns oil."))
    assert not both.in_passage(Passage(PLACE, "The lamp burns oil.", 1.0))
    place_alone = AnswerMatcher(EvaluationQuestion("?", places=(GoldPlace("a.md"), GoldPlace("b.md"))))
    assert place_alone.in_source(Citation(1, PLACE, "Anything."))
    assert place_alone.coverage([Passage(PLACE, "Anything.", 1.0)]) == 0.5
    assert both.coverage([]) == 0


def test_the_author_of_a_message_is_part_of_it():
    place = Place("chat.txt", 0, 9, 1, 1, marks={"message": "Ann Lee, 2024-05-01 10:30"})
    assert AnswerMatcher(EvaluationQuestion("?", ("Ann Lee",))).in_source(Citation(1, place, "Two o'clock."))
