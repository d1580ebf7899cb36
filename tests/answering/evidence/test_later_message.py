"""A later message of a chat that changes what an earlier one says: which pairs are, and which are not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crystalcli.answering.evidence.later_message import changed_message, latest_message_best
from crystalcli.datatypes import Passage, Place


def chat(earlier: str, later: str, label: str = "Ann, 2026-01-01 10:00") -> Passage:
    """A chat with two messages of Ann, and one between them; the first was found."""
    text = f"[2026-01-01 10:00] Ann: {earlier}\n\n[2026-01-02 10:00] Ben: Good.\n\n[2026-02-01 10:00] Ann: {later}\n"
    place = Place("chat.txt", 100, 100 + len(text), 1, 5, kind="chat", marks={"message": label})
    return Passage(place, text, 1.0, best=(100, 130))


@pytest.mark.parametrize(
    ("question", "earlier", "later"),
    [
        ("When is choir?", "Choir is on Tuesdays at 7 in the hall", "Choir moves to Thursdays at 6 from January"),
        ("What time does the ferry leave?", "The ferry leaves at 9:40", "New timetable: the ferry now leaves at 9:55"),
        ("How much is the rent?", "Rent is 900 euros a month", "The rent goes up to 950 euros from May"),
        ("How many chairs do we need?", "We need 12 chairs", "I was wrong about the hall. Make that 15 chairs now"),
        ("When is the deadline for the grant?", "The grant deadline is 3 March", "They moved the deadline to 17 March"),
    ],
)
def test_a_message_that_says_of_a_change_holds(question, earlier, later):
    passage = chat(earlier, later)
    change = changed_message(question, passage)
    assert change is not None
    low, high = (bound - passage.start for bound in change.newest)
    assert passage.text[low:high] == f"[2026-02-01 10:00] Ann: {later}"
    assert [passage.text[low - 100 : high - 100] for low, high in change.former] == [
        f"[2026-01-01 10:00] Ann: {earlier}"
    ]
    (best,) = latest_message_best(question, [passage])
    assert best == replace(passage, best=change.newest)


@pytest.mark.parametrize(
    ("question", "earlier", "later"),
    [
        ("When was choir?", "Choir is on Tuesdays at 7", "Choir moves to Thursdays at 6"),  # of the past
        ("When is choir?", "Choir is on Tuesdays at 7", "Choir is on Thursdays at 6"),  # no change is told
        ("When is choir?", "Choir is on Tuesdays at 7", "The new chairs come on Thursday"),  # of something else
        ("When is choir?", "Choir is on Tuesdays at 7", "Choir now ends with tea on Tuesdays"),  # the same value
        ("When is Ben's party?", "Ben's party is on Saturday", "Eva's party is on Sunday now"),
        ("What is the speed limit on the bridge?", "The speed limit is 50 km/h", "The new bridge is 300 m long"),
        ("How many chairs do we need?", "We need 12 chairs on Friday", "We need more chairs now, on Monday"),
    ],
)
def test_people_seldom_mean_one_thing_by_the_same_words(question, earlier, later):
    assert changed_message(question, chat(earlier, later)) is None


def test_an_assistant_and_a_note_tell_no_changes():
    words = ("Choir is on Tuesdays at 7", "Choir moves to Thursdays at 6")
    assert changed_message("When is choir?", chat(*words, label="assistant, 2026-01-01 10:00")) is None
    passage = chat(*words)
    assert changed_message("When is choir?", replace(passage, place=replace(passage.place, kind="text"))) is None
    assert changed_message("When is choir?", replace(passage, best=(150, 160))) is None  # another message was found
    assert changed_message("When is choir?", replace(passage, text="Choir is on Tuesdays at 7.")) is None
