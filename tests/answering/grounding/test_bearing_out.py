"""What bears a sentence out has its words: those that it adds in one sentence, the others by it."""

from __future__ import annotations

import pytest

from crystalcli.answering.grounding.bearing_out import bears_out, completes, share_repeated
from crystalcli.lexical import terms


def weighed(text: str) -> dict[str, float]:
    return {term: 1.0 for term, _ in terms(text)}


def held(said: str, asked: str, stated: str, beside: str = "", before: str = "") -> bool:
    own = weighed(stated).keys()
    return bears_out(weighed(said), weighed(asked), own, own | weighed(beside).keys(), weighed(before).keys())


WHO = "Who steered the ferry to Skarn?"
STEERED = "Orme steered the ferry to Skarn in a storm."


@pytest.mark.parametrize(
    ("said", "stated", "expected"),
    [
        ("Orme steered the ferry to Skarn.", STEERED, True),
        ("Orme steered the ferry to Skarn in fog.", STEERED, False),  # a word that is put in
        ("Orme steered the ferry to Skarn.", "Orme sailed the ferry to Skarn.", False),  # a verb of the question
        ("Orme.", STEERED, True),
        ("Orme.", "Orme lives in Skarn, far from the sea.", False),
        ("Yes, Orme steered the ferry.", STEERED, True),
        ("It was steered to Skarn.", STEERED, False),  # it adds nothing
    ],
)
def test_each_word_stands_in_the_sentence(said, stated, expected):
    assert held(said, WHO, stated) == expected


def test_what_the_source_has_put_he_for_stands_beside():
    said, asked = "Orme sailed on Monday.", "When sailed Orme?"
    assert held(said, asked, "He sailed on Monday.", beside="Captain Orme came.", before="Orme")
    assert not held(said, asked, "He sailed on Monday.", before="Orme")
    assert not held(said, asked, "He sailed on Monday.", beside="Captain Orme came.")


def test_a_whole_sentence_of_the_source_needs_no_words_of_the_question():
    stated = "Captain Orme brought the brass key to the keeper of the lamp."
    assert held(stated, "What happens next?", stated)
    assert not held("Captain Orme.", "What happens next?", stated)


def test_a_name_completes_the_question():
    assert completes(weighed("Orme."), weighed(WHO))
    assert not completes(weighed("Orme steered the ferry."), weighed(WHO))


def test_a_term_in_another_form_of_its_word_is_present():
    assert share_repeated({"weigh": 2.0}, {"weigh": 2.0}, {"weight"}) == 1.0
    assert share_repeated({"port": 2.0}, {"port": 2.0}, {"portrait"}) == 0.0
