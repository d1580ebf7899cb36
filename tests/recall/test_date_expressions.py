from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.recall.date_expressions import find_dates, parse_period

TODAY = date(2026, 11, 28)  # a Saturday


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026", "2026-01-01", "2026-12-31"),
        ("2026-03", "2026-03-01", "2026-03-31"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2026-03-14", "2026-03-14", "2026-03-14"),
        ("12.03.2026", "2026-03-12", "2026-03-12"),
        ("3 May 2026", "2026-05-03", "2026-05-03"),
        ("May 3rd, 2026", "2026-05-03", "2026-05-03"),
        ("3 Dec", "2025-12-03", "2025-12-03"),  # the last that has come by today
        ("March", "2026-03-01", "2026-03-31"),
        ("december", "2025-12-01", "2025-12-31"),
        ("Sept 2025", "2025-09-01", "2025-09-30"),
        ("today", "2026-11-28", "2026-11-28"),
        ("yesterday", "2026-11-27", "2026-11-27"),
        ("7d", "2026-11-21", "2026-11-21"),
        ("2 weeks", "2026-11-14", "2026-11-14"),
        ("2 weeks ago", "2026-11-14", "2026-11-14"),
        ("a month ago", "2026-10-28", "2026-10-28"),
        ("1y", "2025-11-28", "2025-11-28"),
        ("last week", "2026-11-16", "2026-11-22"),
        ("this week", "2026-11-23", "2026-11-29"),
        ("last month", "2026-10-01", "2026-10-31"),
        ("last year", "2025-01-01", "2025-12-31"),
        ("last March", "2026-03-01", "2026-03-31"),
        ("last November", "2025-11-01", "2025-11-30"),
        ("last Monday", "2026-11-23", "2026-11-23"),
        ("tuesday", "2026-11-24", "2026-11-24"),
        ("the last 3 days", "2026-11-25", "2026-11-28"),
    ],
)
def test_a_date_is_read(text, first, last):
    assert parse_period(text, TODAY) == (date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "text", ["", "garden", "31 Feb 2026", "2026-13", "marching", "20260", "last dance", "12 monkeys"]
)
def test_other_words_are_no_date(text):
    assert parse_period(text, TODAY) is None


@given(st.dates(date(1900, 1, 1), date(2099, 12, 31)))
def test_every_day_is_read_as_itself_however_it_is_written(day):
    for form in ("%Y-%m-%d", "%d.%m.%Y", "%d %B %Y", "%B %d, %Y"):
        assert parse_period(day.strftime(form), TODAY) == (day, day)


@given(st.integers(0, 9999), st.sampled_from(["d", "w", "m", "y"]))
def test_an_age_is_never_after_today(count, unit):
    period = parse_period(f"{count}{unit}", TODAY)
    assert period is not None and date.min <= period.since <= TODAY


@pytest.mark.parametrize(
    ("question", "phrase", "since", "until"),
    [
        ("What happened in August 2026?", "in August 2026", "2026-08-01", "2026-08-31"),
        ("what did I buy in august", "in august", "2026-08-01", "2026-08-31"),
        ("What changed since October?", "since October", "2026-10-01", None),
        ("What was new after 3 May?", "after 3 May", "2026-05-04", None),
        ("Who came before June?", "before June", None, "2026-05-31"),
        ("the balance as of 31 December 2025", "as of 31 December 2025", None, "2025-12-31"),
        ("Who wrote until 2026-03-01?", "until 2026-03-01", None, "2026-03-01"),
        ("What happened between March and June?", "between March and June", "2026-03-01", "2026-06-30"),
        ("rain from October to March", "from October to March", "2025-10-01", "2026-03-31"),
        ("the plan from March on", "from March on", "2026-03-01", None),
        ("Who wrote to me last week?", "last week", "2026-11-16", "2026-11-22"),
        ("Who called three days ago?", "three days ago", "2026-11-25", "2026-11-25"),
        ("What did we do on Monday?", "on Monday", "2026-11-23", "2026-11-23"),
        ("Where did I live in 2019?", "in 2019", "2019-01-01", "2019-12-31"),
        ("What came in the last two weeks?", "in the last two weeks", "2026-11-14", "2026-11-28"),
    ],
)
def test_a_question_says_when(question, phrase, since, until):
    (mention,) = find_dates(question, TODAY)
    assert question[mention.start : mention.end] == phrase
    assert tuple(mention.period) == tuple(value and date.fromisoformat(value) for value in (since, until))


@pytest.mark.parametrize(
    "question",
    [
        "Where did I live before Mill Lane?",
        "What may I not be given?",
        "Is practice on Monday?",
        "What is 2019?",
        "Who paid $2019 of 2019.5 kg?",
        "the 2-year note",
        "What was revenue in FY2019?",
        "March on Rome",
        "Who marched in marches?",
    ],
)
def test_a_question_without_a_time_has_no_dates(question):
    assert find_dates(question, TODAY) == []


@given(st.text(max_size=60))
def test_no_text_breaks_it_and_periods_are_in_order(text):
    parse_period(text, TODAY)
    for mention in find_dates(text, TODAY):
        assert 0 <= mention.start < mention.end <= len(text)


def test_last_week_is_a_whole_week_on_each_day_of_this_one():
    for day in range(7):
        today = date(2026, 11, 23) + timedelta(day)
        assert parse_period("last week", today) == (date(2026, 11, 16), date(2026, 11, 22))
