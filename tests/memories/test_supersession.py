"""Of memories that say the same of something with another value the newest holds; nothing else is superseded."""

from __future__ import annotations

import itertools
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.memories.claim import read_claim

CHANGED = [
    ("I live at 3 Mill Lane.", "I moved to 7 Ropewalk."),
    ("I live in Oldhaven", "We moved to Bergen"),
    ("I live in Oldhaven", "I no longer live in Oldhaven"),
    ("I work at Harland.", "I've just joined Petrel Ltd"),
    ("The harbour office is at 3 Mill Lane", "The harbour office moved to 7 Ropewalk."),
    ("My rent is 900 euros a month", "my rent has been raised to 950 euros a month"),
    ("The rent of the shed is £40", "The rent of the shed is now £45"),
    ("The gate opens at 7:00", "The gate opens at 8:30 now."),
    ("my phone number is +44 7700 900123", "My new phone number is +44 7700 900456"),
    ("Our landlord is Mrs Kellisay", "Our landlord is now Mr Crask"),
    ("The dentist appointment is on 3 December", "The dentist appointment was moved to 5 December"),
    ("My favourite colour is blue", "My favourite colour is green"),
    ("The wifi password is hunter2", "The wifi password is swordfish9"),
    ("The lamp costs 40 euros", "The lamp costs 45 euros"),
    ("I work at Harland", "I start at the weather service on 1 December."),
    ("I work as a cook for Harland", "I've just got a job at the library in Skarn"),
    ("I live at 3 Mill Lane", "We moved to 14 Quay Street last Saturday"),
    ("Ann lives in Oldhaven", "My sister Ann moved to Bergen in 2019"),
    ("The concert is on 17 April", "The concert is on 8 May now"),
    ("The rent of the shed is £40", "The rent of the shed went up from £40 to £45"),
    ("The dentist appointment is on 3 December", "From today the dentist appointment is on 5 December"),
    ("Choir is on Tuesdays", "Choir moved from Tuesday to Thursday"),
    ("Our dentist is Dr Moe", "Dr Wiik is our new dentist"),
    ("My boss is Ann Crask", "My boss is now called Ben Sollas"),
    ("The gate opens at 7:00", "The gate now opens at 8:30"),
    ("The alarm code is 4471", "Changed the alarm code to 9920."),
    ("My rent is 900 euros", "I've just lowered my rent from 900 euros to 850 euros"),
]
UNCHANGED = [
    ("I like tea", "I like coffee"),
    ("My brother is Tom", "My brother is Ben"),
    ("I have a dog", "I have a cat"),
    ("I'm a teacher", "I'm a nurse"),
    ("The meeting on Monday went well", "The meeting on Friday went badly"),
    ("I live in Oldhaven", "I live at 3 Mill Lane"),
    ("My rent is 900 euros", "My rent is 900 euros a month"),
    ("The office is at 7 Ropewalk", "The office is at 7 Ropewalk in Oldhaven"),
    ("The harbour office is at 3 Mill Lane", "The post office is at 7 Ropewalk"),
    ("I ran 5 km", "I ran 7 km"),
    ("If I moved to Bergen I would be happy", "I moved to Skarn"),
    ("I might move to Bergen", "I live in Skarn"),
    ("I used to live in Bergen", "I live in Skarn"),
    ("Is the gate at 3 Mill Lane?", "The gate is at 7 Ropewalk"),
    ("The gate is open", "The gate is closed"),
    ("The meeting is on Thursday. It is in Skarn.", "The meeting is on Friday"),
    ("Ann said the office is at 3 Mill Lane", "The office is at 7 Ropewalk"),
    ("I live in Bergen", "I no longer live in Oldhaven"),
    ("It is in Skarn", "It is in Bergen"),
    ("The lamp costs 40 euros", "The lamp weighs 3 kg"),
    ("Ann is in Choir One", "Ann is in Choir Two"),
    ("I'm 38 years old", "I'm 39 years old"),
    ("The new one is Dr Moe", "The new one is Dr Wiik"),
    ("I work at Harland", "I'm working at the library today"),
    ("I work at Harland", "I start at 7:30"),
    ("Present: Ann Crask, Ben Sollas", "Present: Cid Moray, Ann Crask"),
    ("Garage wants £640", "Garage wants £700"),
]


@pytest.fixture
def crystal(tmp_path: Path):
    with Crystal(tmp_path / "m.crystal", encoder=None) as opened:
        yield opened


@pytest.mark.parametrize(("older", "newer"), CHANGED)
def test_another_value_of_the_same_thing_cannot_hold_beside_it(older, newer):
    one, two = read_claim(older), read_claim(newer)
    assert one is not None
    assert two is not None
    assert one.key == two.key
    assert not one.agrees(two)


@pytest.mark.parametrize(("older", "newer"), UNCHANGED)
def test_what_may_hold_side_by_side_is_left_alone(older, newer):
    one, two = read_claim(older), read_claim(newer)
    assert one is None or two is None or one.key != two.key or one.agrees(two)


def test_my_and_the_name_of_the_one_who_speaks_are_one_person():
    assert read_claim("My rent is 900 euros", "Ann") == read_claim("Ann's rent is 900 euros", "Ben")
    assert read_claim("I live in Skarn", "Ann") == read_claim("Ann lives in Skarn")
    assert read_claim("I live in Skarn", "Ann").key != read_claim("I live in Skarn", "Ben").key
    assert read_claim("The code of my shed is 4411", "Ann") == read_claim("The code of Ann's shed is 4411")
    assert read_claim("The code of my shed is 4411", "Ann").key != read_claim("The code of my shed is 4412", "Ben").key


def test_one_persons_alarm_is_not_that_of_another(crystal):
    crystal.remember("The alarm rings at 7:50.", by="Ann", at="2026-01-05")
    crystal.remember("The alarm rings at 6:10.", by="Ben", at="2026-02-05")
    assert crystal.memory_changes() == []
    crystal.remember("The alarm rings at 8:15.", by="Ann", at="2026-03-05")
    crystal.remember("I live at 7 Ropewalk.", by="Ann", at="2026-01-05")
    crystal.remember("Ann lives at 3 Mill Lane.", by="Ben", at="2026-03-05")
    changes = [(older.text, newer.text) for older, newer in crystal.memory_changes()]
    assert sorted(changes) == [
        ("I live at 7 Ropewalk.", "Ann lives at 3 Mill Lane."),
        ("The alarm rings at 7:50.", "The alarm rings at 8:15."),
    ]


def test_the_newest_holds_in_whatever_order_they_are_told(tmp_path):
    told = [
        ("2026-01-05", "I live at 3 Mill Lane."),
        ("2026-04-01", "I moved to 7 Ropewalk."),
        ("2026-09-20", "I live at 9 Quay Street."),
    ]
    for number, order in enumerate(itertools.permutations(told)):
        with Crystal(tmp_path / f"{number}.crystal", encoder=None) as crystal:
            for day, text in order:
                crystal.remember(text, at=day)
            (holds,) = crystal.memories(superseded=False)
            assert holds.dated == "2026-09-20"
            changes = [(older.dated, newer.dated) for older, newer in crystal.memory_changes()]
            assert changes == [("2026-04-01", "2026-09-20"), ("2026-01-05", "2026-04-01")]
            assert crystal.verify().sound


def test_what_is_edited_forgotten_or_upheld_is_settled_anew(crystal):
    older = crystal.remember("I live at 3 Mill Lane.", at="2026-01-05")
    newer = crystal.remember("I moved to 7 Ropewalk.", at="2026-09-20")
    assert crystal.memories(superseded=True)[0].successor == newer.id
    (upheld,) = crystal.uphold_memories([older.id])
    assert upheld.upheld
    assert crystal.memory_changes() == []
    crystal.uphold_memories([older.id], holds=False)
    assert len(crystal.memory_changes()) == 1
    crystal.edit_memory(newer.id, "I moved the boat.")
    assert crystal.memories(superseded=True) == []
    crystal.edit_memory(newer.id, "I moved to 7 Ropewalk.")
    assert len(crystal.memories(superseded=True)) == 1
    crystal.forget_memories([newer.id])
    assert crystal.memories(superseded=True) == []


def test_a_merged_crystal_is_settled_anew(tmp_path):
    for name, day, text in (
        ("a", "2026-01-05", "I live at 3 Mill Lane."),
        ("b", "2026-09-20", "I moved to 7 Ropewalk."),
    ):
        with Crystal(tmp_path / f"{name}.crystal", encoder=None) as crystal:
            crystal.remember(text, at=day)
    Crystal.merge([tmp_path / "a.crystal", tmp_path / "b.crystal"], tmp_path / "both.crystal")
    with Crystal(tmp_path / "both.crystal", encoder=None) as both:
        assert [(older.dated, newer.dated) for older, newer in both.memory_changes()] == [("2026-01-05", "2026-09-20")]
        assert both.verify().sound


def test_answers_say_what_holds_and_what_was(crystal):
    crystal.remember("My rent is 900 euros a month.", at="2026-01-05")
    crystal.remember("My rent was raised to 950 euros a month.", at="2026-09-20")
    options = {"extractive": True, "floor": 0.0}
    now = crystal.ask("What is my rent?", **options)
    assert "950 euros" in now.citations[0].quote
    assert now.changes == ("950 euros a month since 2026-09-20; before: 900 euros a month (2026-01-05)",)
    then = crystal.ask("What is my rent?", **options, where=RecallFilter(as_of=date(2026, 5, 1)))
    assert [citation.quote for citation in then.citations] == ["My rent is 900 euros a month."]
    assert then.changes == ()
    assert "900 euros" in crystal.ask("What was my rent before?", **options).text
