"""What a question names side by side is recalled one by one."""

from __future__ import annotations

import json

import pytest

from crystalcli import Crystal
from crystalcli.recall.aspects import aspects_of


@pytest.mark.parametrize(
    ("question", "aspects"),
    [
        (
            "How many days are there between my last exam and the start of my holidays?",
            ["my last exam", "the start of my holidays"],
        ),
        (
            "How long was it between when I sold the boat and when I bought the house?",
            ["I sold the boat", "I bought the house"],
        ),
        (
            "Considering my new rent, the loan for the boat, and my savings, how much can I spend?",
            ["my new rent", "the loan for the boat", "my savings"],
        ),
        (
            "Between my walk to the mole and my ride to Skarn, which one is longer?",
            ["my walk to the mole", "my ride to Skarn"],
        ),
        (
            "What do I save by combining my pass for trains and buses and the card of the library?",
            ["my pass for trains and buses", "the card of the library"],
        ),
        (
            "How many days lie between the list of boats, oars and sails I wrote and my journey?",
            ["the list of boats, oars and sails I wrote", "my journey"],
        ),
        ("How many boats have I between them?", []),
        ("Given my rent, how much can I spend?", []),
        ("Where do I live and work?", []),
        ("What is between the house and the?", []),
        ("I keep the balance between my work and my boats.", []),
    ],
)
def test_things_named_side_by_side(question, aspects):
    assert aspects_of(question) == aspects


ROPES = "Is rope {} for the days of the exam in sailing or for those of the train to my sister? Days, days! "
EXAM = "My exam in sailing was on May 3."
TRAIN = "The train to my sister in Skarn leaves on June 9."


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("aspects")
    said = [EXAM, *(ROPES.format(number) for number in range(12)), TRAIN]
    turns = []
    for day, text in enumerate(said, 1):
        time = f"2026-03-{day:02}T10:00:00"
        turns.append({"role": "user", "content": text, "timestamp": time})
        turns.append({"role": "assistant", "content": "The exam in sailing and the train are good. " * 20})
    (folder / "chat.json").write_text(json.dumps(turns))
    with Crystal.create(folder / "m.crystal", encoder=None) as opened:
        opened.ingest([folder / "chat.json"])
        yield opened


QUESTION = "How many days are there between my exam in sailing and the train to my sister?"


def test_each_of_them_comes_before_what_has_other_words_of_the_question(crystal):
    results = crystal.recall(QUESTION, 8)
    texts = [passage.text for passage in results]
    assert any(EXAM in text for text in texts[:3])
    assert any(TRAIN in text for text in texts[:3])
    assert len({(passage.path, passage.start) for passage in results}) == len(texts)
    scores = [passage.score for passage in results[:3]]
    assert scores == sorted(scores, reverse=True)


def test_only_what_the_person_wrote_is_taken_in_turn(crystal):
    assert "assistant" not in "".join(passage.place.marks["message"] for passage in crystal.recall(QUESTION, 4))


def test_a_question_about_others_is_searched_as_a_whole(crystal):
    asked = QUESTION.replace("my ", "the ")
    texts = [passage.text for passage in crystal.recall(asked, 3)]
    assert not all(any(told in text for text in texts) for told in (EXAM, TRAIN))
