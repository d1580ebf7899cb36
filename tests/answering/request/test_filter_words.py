from __future__ import annotations

from collections.abc import Collection
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.answering.request.filter_words import read_filter_words

NEWEST = date(2026, 11, 27)


class KnownNames:
    """The names of a crystal with a chat, notes, mails and two novels."""

    def __init__(self, newest: date | None = NEWEST) -> None:
        self._newest = newest

    def authors(self) -> Collection[str]:
        return {"Ann Berg": 3, "Mum": 2, "Coach Dee": 1, "assistant": 4, "user": 4}

    def documents(self, phrase: str) -> tuple[str, ...]:
        known = {
            "dracula": "novels/bram-stoker_dracula.txt",
            "moby dick": "novels/moby-dick.txt",
            "chatgpt": "chatgpt",
        }
        return tuple(path for name, path in known.items() if name == phrase.lower())

    def folder(self, noun: str) -> str:
        return noun.lower() if noun.lower() in ("notes", "chatgpt") else ""

    def kinds(self) -> Collection[str]:
        return {"chat", "mail", "markdown", "text"}

    def newest_day(self) -> date | None:
        return self._newest


def read(question: str, today: date | None = None) -> str:
    return str(read_filter_words(question, KnownNames(), today).recall_filter)


@pytest.mark.parametrize(
    ("question", "read_as"),
    [
        ("What did Ann say about the tent?", "messages by Ann"),
        ("what did ann berg tell me about the tent", "messages by ann berg"),
        ("What does Ann think about the plan?", "messages by Ann"),
        ("What did my mum write about Christmas?", "messages by mum"),
        ("Did Coach Dee mention the race?", "messages by Coach Dee"),
        ("messages from Ann about the job", "messages by Ann"),
        ("According to Ann, who has the drill?", "messages by Ann"),
        ("What is Ann's opinion of the flat?", "messages by Ann"),
        ("What did ChatGPT say about my knee?", "messages by assistant, in chatgpt"),
        ("Who is Lucy in Dracula?", "in novels/bram-stoker_dracula.txt"),
        ("What does Ishmael find in “Moby Dick”?", "in novels/moby-dick.txt"),
        ("What did I write in my notes about garlic?", "in notes"),
        ("Who asked for the list in my mails?", "of kind mail"),
        ("What happened in August?", "since 2026-08-01, until 2026-08-31"),
        ("What did Ann say since March 2026?", "messages by Ann, since 2026-03-01"),
        ("What did I do on 22 June 2026?", "on 2026-06-22"),
        ("What did I note last week?", "since 2026-11-16, until 2026-11-22"),
        ("Where did I live in March 2026?", "until 2026-03-31"),
        ("Who was my dentist in May?", "until 2026-05-31"),
    ],
)
def test_the_words_say_where_to_look(question, read_as):
    assert read(question) == read_as


@pytest.mark.parametrize(
    "question",
    [
        "What did she say about the tent?",
        "What did the landlord say about the deposit?",
        "What did Annabel say?",
        "Who is Ann?",
        "Who lives in Oslo?",
        "What is in the box?",
        "Who works in the code of the vault?",
        "What happens at the end?",
        "When is the race in December 2026?",  # after the newest date: a plan and no memory
        "Where do I work today?",
        "",
    ],
)
def test_other_words_say_nothing(question):
    assert read(question) == ""


def test_dates_say_nothing_where_the_text_has_none():
    words = read_filter_words("What was revenue in 2022?", KnownNames(None))
    assert not words.recall_filter and words.rest == "What was revenue in 2022?"


def test_today_can_be_given():
    assert read("What did I note last week?", date(2026, 6, 10)) == "since 2026-06-01, until 2026-06-07"


@pytest.mark.parametrize(
    ("question", "newest"),
    [
        ("What is my address now?", True),
        ("What's my phone number?", True),
        ("Who supplies my electricity?", True),
        ("Where do I work today?", True),
        ("When did I last see the dentist?", True),
        ("Where did I live in March 2026?", True),
        ("What did Ann say?", True),
        ("Where did I live before Mill Lane?", False),
        ("What did Ann say about the tent?", False),
        ("Who was the first to call?", False),
        ("What happened in August?", False),
    ],
)
def test_the_newest_is_asked_for_by_words_or_by_tense(question, newest):
    assert read_filter_words(question, KnownNames()).newest is newest


@pytest.mark.parametrize(
    ("question", "rest", "bare"),
    [
        ("What did Ann say?", "What ?", True),
        ("What happened in August 2026?", "What happened ?", True),
        ("What did I do on 22 June 2026?", "What did I do ?", True),
        ("What did Ann say about the tent last week?", "What about the tent ?", False),
        ("Who is Lucy in Dracula?", "Who is Lucy ?", False),
    ],
)
def test_the_rest_is_what_is_searched_for(question, rest, bare):
    words = read_filter_words(question, KnownNames())
    assert " ".join(words.rest.split()) == rest
    assert words.bare is bare


@given(st.text(max_size=80))
def test_no_question_breaks_it(question):
    read_filter_words(question, KnownNames())
