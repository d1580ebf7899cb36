"""What is told to hold from a later day holds from that day on, and what it changes until then."""

from __future__ import annotations

from datetime import date

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.cli.render.reading_view import age_marks
from crystalcli.memories.effective_date import effective_day

TOLD = "2026-02-10"  # a Tuesday
EARLY, LATE = RecallFilter(as_of=date(2026, 2, 20)), RecallFilter(as_of=date(2026, 4, 2))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("From 1 April my rent is 950 euros.", "2026-04-01"),
        ("As of April 1st, my rent is 950 euros", "2026-04-01"),
        ("My rent is 950 euros from April.", "2026-04-01"),
        ("The gym costs 30 euros from June 2027", "2027-06-01"),
        ("As of next month the gate opens at 8:00", "2026-03-01"),
        ("Starting next week the gate opens at 8:00", "2026-02-16"),
        ("From next year the fee is 90 euros", "2027-01-01"),
        ("The gate opens at 8:00 from Monday.", "2026-02-16"),
        ("My rent is 950 euros starting tomorrow", "2026-02-11"),
        ("As of 2026-06-01 the code is 7", "2026-06-01"),
        ("From 1 January my rent is 900 euros", TOLD),  # the nearest first of January has been
        ("From today my rent is 900 euros", TOLD),
        ("My rent is 950 euros.", TOLD),
        ("The concert is on 8 May now", TOLD),
        ("From 31 February my rent is 900 euros", TOLD),
    ],
)
def test_a_memory_says_from_which_day_it_holds(text, day):
    assert effective_day(text, f"{TOLD} 10:30") == day


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("I start at the weather service on 1 December", "2026-12-01"),
        ("I'm moving to 3 Mill Lane next month", "2026-03-01"),
        ("I started at the mill on 1 December.", TOLD),
        ("We moved to 14 Quay Street last Saturday", TOLD),
        ("I live at 7 May Street", TOLD),
    ],
)
def test_a_home_or_a_job_begins_on_the_day_behind_it(text, day):
    assert effective_day(text, TOLD, "home") == effective_day(text, TOLD, "work") == day


def test_a_day_that_is_not_known_is_the_one_of_telling():
    assert effective_day("From 1 April my rent is 950 euros.", "") == ""


@pytest.fixture
def crystal(tmp_path):
    with Crystal(tmp_path / "m.crystal", encoder=None) as opened:
        opened.remember("My rent is 850 euros.", at="2026-01-05")
        opened.remember("I live at 3 Mill Lane.", at="2026-01-07")
        opened.remember("From 1 April my rent is 950 euros.", at="2026-02-10")
        opened.remember("From next month I live at 7 Ropewalk.", at="2026-02-12")
        yield opened


@pytest.mark.parametrize(
    ("question", "where", "quote", "change"),
    [
        ("What is my rent?", EARLY, "My rent is 850 euros.", "850 euros since 2026-01-05; from 2026-04-01: 950 euros"),
        (
            "What is my rent?",
            LATE,
            "From 1 April my rent is 950 euros.",
            "950 euros since 2026-04-01; before: 850 euros (2026-01-05)",
        ),
        (
            "Where do I live?",
            EARLY,
            "I live at 3 Mill Lane.",
            "3 Mill Lane since 2026-01-07; from 2026-03-01: 7 Ropewalk",
        ),
        (
            "Where do I live?",
            None,
            "From next month I live at 7 Ropewalk.",
            "7 Ropewalk since 2026-03-01; before: 3 Mill Lane (2026-01-07)",
        ),
    ],
)
def test_what_holds_later_does_not_hold_yet(crystal, question, where, quote, change):
    answer = crystal.ask(question, extractive=True, floor=0.0, where=where)
    assert (answer.citations[0].quote, answer.changes[0]) == (quote, change)


def test_what_holds_is_not_marked_as_older_than_what_is_to_come(crystal):
    answer = crystal.ask("How much rent do I pay?", extractive=True, floor=0.0, where=EARLY)
    quotes = [citation.quote for citation in answer.citations]
    assert quotes[:2] == ["My rent is 850 euros.", "From 1 April my rent is 950 euros."]
    assert not any(age_marks(answer.citations[:2]))
    answer = crystal.ask("What was my rent, and what is it now?", extractive=True, floor=0.0, where=LATE)
    marks = dict(zip((citation.quote for citation in answer.citations), age_marks(answer.citations), strict=True))
    assert marks["My rent is 850 euros."] == "older, of 2026-01-05"


def test_a_note_of_what_is_to_come_holds_from_that_day_on(tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "2026-01-05.md").write_text("My rent is 850 euros.\n", encoding="utf-8")
    (tmp_path / "notes" / "2026-02-10.md").write_text("From 1 April my rent is 950 euros.\n", encoding="utf-8")
    (tmp_path / "notes" / "2026-05-02.md").write_text("From 1 May 2099 my rent is 990 euros.\n", encoding="utf-8")
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "notes"])
        for where, quote in ((EARLY, "My rent is 850"), (LATE, "From 1 April"), (None, "From 1 April")):
            answer = crystal.ask("What is my rent?", extractive=True, floor=0.0, where=where)
            assert answer.citations[0].quote.startswith(quote)
        assert answer.changes[0] == (
            "950 euros since 2026-04-01; before: 850 euros (2026-01-05); from 2099-05-01: 990 euros"
        )
