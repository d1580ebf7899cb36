"""What holds now is the newest of the statements that say what a question asks for, in whatever words."""

from __future__ import annotations

from datetime import date

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.memories.present_state import Candidate, asks_for_state, select_states, states_another_thing
from crystalcli.memories.state import states_how_it_is
from crystalcli.memories.value_type import may_be_values_of_one_thing, value_types

STATES = [
    ("My rent is 900 euros.", ""),
    ("Switched banks, all of it is with Kellisay Trust now.", ""),
    ("The scales said 81 kg this morning.", ""),
    ("The house was sold to Mr Moray, who is my landlord.", "Who is my landlord?"),
    ("Shoe size of my daughter: 34.", "What is my daughter's shoe size?"),
    ("The parcel room is locked, I get them at 7 Quay Street.", ""),
    ("It was too loud there, so the book club meets in Brandt's Cafe now.", ""),
    ("Dr Crask has taken over from my doctor.", "Who is Ben's doctor?"),
    ("I read Ibsen every night.", ""),
    ("The interest is fixed at 3.2 % from here on.", ""),
]
NO_STATES = [
    "Paid 60 euros to have the car washed.",
    "My neighbour pays 410 euros for his insurance.",
    "If I moved to Skarn I would miss the canal.",
    "Ann told me that her rent is 700 euros.",
    "Lunch with Ann Crask in Skarn.",
    "Ann lives in Skarn.",
    "Kellisay Trust has sent me an offer again.",
    "Bought 23 eggs from Ann, who has hens.",
    "Fixed the gate on Dock Road, took 35 minutes.",
    "We read a novel by Brandt in the book club.",
]


@pytest.mark.parametrize(("text", "question"), STATES)
def test_what_holds_from_then_on_is_a_state(text, question):
    assert states_how_it_is(text, question)


@pytest.mark.parametrize("text", NO_STATES)
def test_what_happened_once_or_to_others_is_none(text):
    assert not states_how_it_is(text)


def test_a_sentence_about_the_person_asked_for_is_a_state():
    assert states_how_it_is("Ann lives in Skarn.", "Where does Ann live?")
    assert states_how_it_is("My sister has her home in Skarn.", "Where does my sister live?")


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ("I run 25 km each week", "the plan says 30 km", True),
        ("I run 25 km each week", "ran 12 minutes", False),
        ("The gym opens at 7:00", "it lets people in from 6:30.", True),
        ("I live at 7 Ropewalk", "my home is 3 Mill Lane now", True),
        ("The meeting is on Friday", "it costs 30 euros", False),
        ("The code is 4411", "1234 opens it", True),
    ],
)
def test_values_of_one_thing_are_of_one_type(one, other, alike):
    assert may_be_values_of_one_thing(value_types(one), value_types(other)) is alike


@pytest.mark.parametrize(
    "question",
    ["Where do I live?", "Who cuts my hair?", "How much is Ann's rent?", "What's my code?", "alarm code", "my rent?"],
)
def test_a_question_in_the_present_asks_for_a_state(question):
    assert asks_for_state(question)


@pytest.mark.parametrize(
    "question", ["Where did I live?", "What was my rent before?", "former rent", "list everything", "Is it?"]
)
def test_another_question_does_not(question):
    assert not asks_for_state(question)


def test_statements_about_the_same_thing_are_told_from_others():
    told = [
        ("My phone number is 07700 900123.", 1.8, 6.0),
        ("Call me on 07700 900456 from now on, the old phone is dead.", 0.9, -5.0),
        ("My locker number is 503.", 0.9, -2.0),
        ("Ann's phone rang 14 times.", 0.8, -3.0),
        ("They gave me another locker, 495.", 0.6, -7.0),
    ]
    candidates = [Candidate(text, f"2026-0{n + 1}-01", near, logit, "") for n, (text, near, logit) in enumerate(told)]
    assert select_states("What is my phone number?", candidates) == [0, 1]
    assert select_states("What is my locker number?", [candidates[2], *candidates[:2], candidates[4]]) == [0, 3]
    assert select_states("Where do I work?", candidates) == []


def _candidates(*told: tuple[str, float, float]) -> list[Candidate]:
    return [Candidate(text, f"2026-0{n + 1}-01", near, logit, "") for n, (text, near, logit) in enumerate(told)]


def test_a_claim_about_another_thing_is_none_even_where_the_nearest_makes_no_claim():
    told = _candidates(
        ("Dr Crask has taken over from my doctor.", 1.9, 5.0), ("my favourite song is now Moray Reel", 1.8, -1.0)
    )
    assert select_states("Who is my doctor?", told) == [0]


def test_another_thing_of_ones_own_is_not_what_is_asked_for():
    told = _candidates(
        ("The car insurance comes to 780 pounds a year.", 1.9, 6.8),
        ("My savings target for this year is 27200 pounds.", 1.0, -1.7),
    )
    assert select_states("How much is my car insurance?", told) == [0]


def test_a_change_that_names_the_value_is_of_the_same_thing(tmp_path):
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.remember("My favourite tea is Assam.", at="2026-06-06")
        crystal.remember("I've gone off Assam, it's Darjeeling these days.", at="2026-07-07")
        crystal.remember("Bought Assam for Ben.", at="2026-07-09")
        answer = crystal.ask("What's my favourite tea, Assam?", extractive=True, floor=0.0)
        assert answer.citations[0].quote == "I've gone off Assam, it's Darjeeling these days."
        assert "before: Assam (2026-06-06)" in answer.changes[0]


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("How old is Lena?", "Lena's shoe size is 33 now."),
        ("When is Ben's birthday?", "Ben's appointment is on 3 July"),
        ("What is mum's age?", "Mum's birthday is on 12 May."),
        ("Who is Lena?", "Lena's shoe size is 33 now."),
    ],
)
def test_a_statement_of_another_thing_does_not_say_what_is_asked_for(question, text):
    assert states_another_thing(question, text)


@pytest.mark.parametrize(
    ("question", "text"),
    [
        ("What is Lena's shoe size?", "Lena's shoe size is 33 now."),
        ("What is Lena's size in shoes?", "Lena's shoe size is 33 now."),
        ("Who is Ann Crask?", "My manager is Ann Crask."),
        ("Where is the office?", "The office moved to 7 Ropewalk"),
        ("How old is Lena?", "Lena turned nine on Sunday."),
        ("What do you know about Lena?", "Lena's shoe size is 33 now."),
    ],
)
def test_a_statement_of_the_thing_or_without_a_claim_may_say_it(question, text):
    assert not states_another_thing(question, text)


def test_a_memory_of_another_thing_is_no_answer(tmp_path, encoder_folder, reranker_folder):
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.remember("Lena's shoe size is 33 now.", at="2026-06-10")
        crystal.remember("Lena goes to the school in Mill Street.", at="2026-06-11")
        assert crystal.ask("What is Lena's shoe size?", extractive=True).answered
        assert not crystal.ask("How old is Lena?", extractive=True).answered


def test_a_date_of_something_else_is_not_what_is_asked_for():
    told = _candidates(
        ("My passport expires on 12 September 2034.", 2.2, 9.3),
        ("Looked at the new passport: good until 7 April 2035.", 1.9, 7.7),
        ("Got an extension, the thesis deadline is 4 April now.", 1.3, -0.7),
    )
    assert select_states("When does my passport expire?", told) == [0, 1]


def test_a_verb_before_a_time_is_no_subject():
    told = _candidates(("My alarm goes off at 10:40.", 2.2, 8.8), ("I changed the alarm: 9:05 it is.", 1.3, 3.1))
    assert select_states("When does my alarm go off?", told) == [0, 1]


def test_a_place_is_where_one_works_only_where_work_is_spoken_of():
    told = _candidates(
        ("I work at Harland Ltd.", 1.9, 5.6),
        ("First day in the new job with Moray Works.", 1.0, -5.0),
        ("Rowed the boat over to Anstrid Bay, where she stays.", 0.9, -0.4),
    )
    assert select_states("Where do I work?", told) == [0, 1]


def test_memories_that_claim_the_same_are_told_though_they_are_not_recalled(tmp_path, monkeypatch):
    monkeypatch.setattr("crystalcli.answering.evidence.present_statements._MOST", 1)
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        for day, text in (
            ("01", "I work at Harland Ltd."),
            ("02", "I joined Moray Works"),
            ("03", "I started at Crask"),
        ):
            crystal.remember(text, at=f"2026-{day}-05")
        crystal.remember("I work at Sollas Brothers.", by="Ben", at="2026-04-05")
        answer = crystal.ask("Where do I work?", extractive=True, floor=0.0)
        assert answer.citations[0].quote == "I started at Crask"
        assert answer.changes == ("Crask since 2026-03-05; before: Moray Works (2026-02-05), Harland Ltd (2026-01-05)",)
        earlier = crystal.ask(
            "Where do I work?", extractive=True, floor=0.0, where=RecallFilter(as_of=date(2026, 2, 20))
        )
        assert earlier.citations[0].quote == "I joined Moray Works"


def test_a_change_in_words_that_no_form_knows_comes_first_and_the_older_are_shown(tmp_path):
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.remember("My rent is 900 euros a month.", at="2026-01-05")
        crystal.remember("From today on I pay 950 euros in rent.", at="2026-04-01")
        crystal.remember("My neighbour pays 400 euros in rent.", at="2026-05-01")
        crystal.remember("Paid 60 euros for paint.", at="2026-06-01")
        answer = crystal.ask("What is my rent?", extractive=True, floor=0.0)
        assert answer.citations[0].quote == "From today on I pay 950 euros in rent."
        assert answer.changes == (
            "From today on I pay 950 euros in rent since 2026-04-01; before: 900 euros a month (2026-01-05)",
        )
        then = crystal.ask("What is my rent?", extractive=True, floor=0.0, where=RecallFilter(as_of=date(2026, 2, 1)))
        assert then.citations[0].quote == "My rent is 900 euros a month."
        assert then.changes == ()


def test_a_question_about_oneself_is_answered_from_ones_own_memories(tmp_path):
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.remember("My rent is 900 euros.", at="2026-01-05")
        crystal.remember("My rent is 700 euros.", by="Ann", at="2026-03-05")
        own = crystal.ask("What is my rent?", extractive=True, floor=0.0)
        hers = crystal.ask("What is Ann's rent?", extractive=True, floor=0.0)
        assert "900" in own.citations[0].quote
        assert "700" in hers.citations[0].quote
        assert own.changes == hers.changes == ()
