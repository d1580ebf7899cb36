"""A later statement of the value that is asked for comes before the first one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.recall.asked_value import AskedValue, ValueKind, read_asked_value, stated_values, units_of_numbers
from crystalcli.recall.updates import asks_how_it_is

REPLY = "That is good to hear, and there is nothing to add to it. " * 12


def recalled(tmp_path: Path, question: str, *said: str) -> list[str]:
    """Recall from a chat in which a person has said these things, one a day."""
    turns = []
    for day, text in enumerate(said, 1):
        time = f"2026-03-{day:02}T10:00:00"
        turns.append({"role": "user", "content": text, "timestamp": time})
        turns.append({"role": "assistant", "content": REPLY, "timestamp": time})
    (tmp_path / "chat.json").write_text(json.dumps(turns))
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "chat.json"])
        found = crystal.recall(question, 6)
    return [each.text for each in found if "user" in each.place.marks["message"]]


@pytest.mark.parametrize(
    ("question", "first", "later"),
    [
        (
            "How many interviews have I secured for the roles of a cook in the harbour hotels?",
            "I secured 3 interviews for the roles of a cook in the harbour hotels.",
            "What do I do with the 5 interviews that I secured?",
        ),
        (
            "What is the deadline for the first draft of the song book with all the tunes?",
            "The deadline for the first draft of the song book with all the tunes is May 3.",
            "Please plan my evenings for the new draft deadline of May 20.",
        ),
        (
            "What was the result of my most recent blood pressure reading?",
            "My blood pressure reading was 138/85 mmHg, a poor result.",
            "They checked my blood pressure again, and it is 131/80 mmHg.",
        ),
        (
            "How many commits are merged into the main branch?",
            "There are 150 commits merged into the main branch.",
            "Since the growth of commits merged into the main branch, which has now reached 165, it is slow.",
        ),
        (
            "What is my accuracy in area problems after 15 problems?",
            "My accuracy in area problems is 70% after a week of area problems, accuracy above all.",
            "I have now solved 15 area problems with an accuracy of 90%.",
        ),
        ("What time is my piano lesson?", "My piano lesson is at 3 PM.", "They moved my piano lesson to 4:30 PM."),
        (
            "How long is my piano lesson?",
            "My piano lesson is 45 minutes long.",
            "Is it good that my piano lesson was extended to an hour?",
        ),
    ],
)
def test_the_later_value_comes_first(tmp_path, question, first, later):
    texts = recalled(tmp_path, question, first, "I like the sea.", later)
    assert later in texts[0]
    assert first in texts[1]


@pytest.mark.parametrize(
    ("question", "first", "later"),
    [  # no other value, another unit, no value of the kind, an open question, of the past, the same message
        ("How many boats have I?", "I have 3 boats, boats at the mole.", "My boats have a new mole."),
        (
            "How much is the rent of my boat?",
            "The rent of my boat is 40 euros.",
            "The rent of my boat is due in 3 days now.",
        ),
        ("When is the rent of my boat due?", "The rent of my boat is due on May 3.", "The rent of my boat is now 50."),
        ("What are some ways to row my boat?", "I row my boat in 3 ways.", "I now row my boat in 5 new ways."),
        ("How many boats had I before?", "I have 3 boats, boats of wood.", "I now have 5 boats."),
    ],
)
def test_other_statements_keep_their_order(tmp_path, question, first, later):
    assert first in recalled(tmp_path, question, first, later)[0]


def test_a_later_part_of_the_same_message_is_no_update(tmp_path):
    code = "\n".join(f"new boat {number} = 7 boats" for number in range(60))
    said = f"I have 3 boats in the harbour of Skarn, boats of wood.\n```\n{code}\n```"
    assert "I have 3 boats" in recalled(tmp_path, "How many boats have I in the harbour of Skarn?", said)[0]


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("How many hard problems have I solved?", AskedValue(ValueKind.COUNT, "problem")),
        ("What time should I leave?", AskedValue(ValueKind.TIME)),
        ("When is the ferry?", AskedValue(ValueKind.DAY)),
        ("What percentage of it is done?", AskedValue(ValueKind.SHARE)),
        ("How long is my lesson?", AskedValue(ValueKind.LENGTH)),
        ("Where is my boat?", AskedValue(ValueKind.NAME)),
        ("What is my budget?", AskedValue(ValueKind.NUMBER)),
        ("What should I cook?", None),
        ("What are some good boats?", None),
        ("How many days are there between my trip and the ferry?", None),
    ],
)
def test_what_is_asked_for(question, asked):
    assert read_asked_value(question) == asked


def test_values_in_sentences():
    problems = AskedValue(ValueKind.COUNT, "problem")
    assert stated_values(problems, "On May 3 I solved 12 hard problems at 3 PM.") == ({"12"}, set())
    assert stated_values(problems, "They have now reached 40, for $50, in 3 days.") == (set(), {"40"})
    assert stated_values(AskedValue(ValueKind.DAY), "From May 3 to 4 June, on Monday.").exact == {
        "may 3",
        "4 june",
        "monday",
    }
    assert stated_values(AskedValue(ValueKind.NUMBER), "It is 135/82 at noon.").exact == {"135", "82"}
    assert units_of_numbers("135/82 mmHg, 20 % at 3 PM, 5 of them, 4 boats") == {"mmhg", "%", "boat"}


def test_the_newest_is_asked_for_in_the_past_tense_too():
    assert asks_how_it_is("What was my latest reading?")
    assert not asks_how_it_is("What was my reading?")
