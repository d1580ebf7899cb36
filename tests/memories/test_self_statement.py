"""Sentences in which people speak of themselves are told from others, each with its group."""

from __future__ import annotations

from datetime import date

import pytest

from crystalcli.memories.plan_date import planned_day
from crystalcli.memories.self_statement import read_self_statement

TOLD = {
    "facts": [
        "I'm a nurse at the harbour clinic.",
        "By the way, I live in Oldhaven now.",
        "I moved to 3 Mill Lane in May.",
        "My rent is 900 a month.",
        "I've been working as a cook since 2019.",
        "I'm allergic to cats, sadly.",
        "My dog Pixel had surgery on the left hip.",
        "I used to play the violin.",
    ],
    "preferences": [
        "I really like rye bread.",
        "I can't stand loud restaurants.",
        "I never eat meat.",
        "My favourite colour is blue.",
        "I'm a big fan of Chopin.",
        "Honestly, I prefer trains to planes.",
        "I'm passionate about dancing and it brings me joy.",
    ],
    "goals": [
        "I want to learn Dutch this year.",
        "My goal is to run a marathon.",
        "I'd love to visit Skarn one day.",
        "I'm saving up for a boat.",
    ],
    "plans": [
        "I'm flying to Lisbon on 3 March.",
        "My interview is on Friday, so wish me luck.",
        "I'll start the course next week.",
        "I plan to sell the car.",
    ],
    "people": [
        "My sister Ann lives in Oldhaven.",
        "I have two kids.",
        "I am an uncle.",
        "My boss is Ingrid Moe.",
    ],
}
NOT_TOLD = [
    "Can you tell me where I live?",
    "I want to know how this works.",
    "I'd like you to check my letter.",
    "I love that!",
    "I like holding them.",
    "He said I am a fool.",
    "If I lived in Oldhaven, my rent would be lower.",
    "I think so too.",
    "> I live in Skarn.",
    "“I am a king,” said the fool.",
    "I'm sorry to hear that.",
    "I'm not sure what to do.",
    "The tide is high at noon.",
    "I see.",
    "I wonder whether my boat is lost.",
    "I need some advice on my garden.",
    "I want to refactor this code.",
]


@pytest.mark.parametrize(("group", "sentence"), [(group, each) for group, told in TOLD.items() for each in told])
def test_what_a_person_says_of_themselves_has_its_group(group, sentence):
    statement = read_self_statement(sentence)
    assert statement is not None
    assert statement.group.value == group


@pytest.mark.parametrize("sentence", NOT_TOLD)
def test_nothing_is_read_from_other_sentences(sentence):
    assert read_self_statement(sentence) is None


def test_a_diary_leaves_out_the_word_for_its_writer():
    assert read_self_statement("Moved into the flat at 12 Mill Lane.") is None
    moved = read_self_statement("Moved into the flat at 12 Mill Lane.", in_diary=True)
    assert moved is not None
    assert moved.group.value == "facts"
    weight = read_self_statement("Weight 82.6 kg.", in_diary=True)
    assert weight is not None
    assert weight.key == "my weight"


@pytest.mark.parametrize(
    ("plan", "day"),
    [
        ("I fly on 3 March", date(2027, 3, 3)),
        ("I fly on March 3rd, 2028", date(2028, 3, 3)),
        ("I fly on 2026-12-01", date(2026, 12, 1)),
        ("I fly tomorrow", date(2026, 11, 26)),
        ("I fly on Friday", date(2026, 11, 27)),
        ("I fly in two weeks", date(2026, 12, 9)),
        ("I fly next Monday", None),
        ("I fly in spring", None),
        ("I fly on 31 February", None),
    ],
)
def test_a_plan_told_on_a_wednesday_names_a_day_after_it(plan, day):
    assert planned_day(plan, date(2026, 11, 25)) == day


@pytest.mark.parametrize(
    ("sentence", "group"),
    [
        ("- My sister Ann teaches chemistry.", "people"),
        ("* [ ] I want to learn to weld", "goals"),
        ("2. Sold the boat to a student.", "facts"),
        ("- Weight 82.6 kg.", "facts"),
        ("Resolution: swim twice a week", "goals"),
    ],
)
def test_items_of_a_list_in_a_diary_tell_as_much(sentence, group):
    statement = read_self_statement(sentence, in_diary=True)
    assert statement is not None
    assert statement.group.value == group


def test_an_item_of_a_list_that_is_about_something_else_tells_nothing():
    assert read_self_statement("- Ann wants to sell the boat.", in_diary=True) is None
