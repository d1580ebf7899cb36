"""A question for the order of events gets many short quotations of messages, in order of time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.recall.event_order import asks_for_order

PARTS = ["the floor", "the sink", "the windows", "the oven", "the lamps", "the shelves", "the paint"]


@pytest.mark.parametrize(
    "question",
    [
        "Can you list the order in which I brought up parts of the kitchen?",
        "In what order did I plan the kitchen?",
        "How did my talks about the kitchen go on, in order (name 3)?",
        "Give me a timeline of the kitchen.",
        "List in chronological order what I did.",
    ],
)
def test_a_question_for_the_order_is_told(question):
    assert asks_for_order(question)


@pytest.mark.parametrize(
    "question",
    [
        "When is the order delivered?",
        "What did I do in order to save money?",
        "Who ordered the sink?",
    ],
)
def test_other_questions_are_not(question):
    assert not asks_for_order(question)


@pytest.fixture
def crystal(tmp_path: Path):
    turns = []
    for day, part in enumerate(PARTS, 1):
        said = f"I want to talk about {part} of my kitchen. " + "The house is old, and much has to be thought of. " * 20
        turns.append({"role": "user", "content": said, "timestamp": f"2026-03-{day:02}T10:00:00"})
        turns.append({"role": "assistant", "content": f"{part} of a kitchen is long to tell. " * 30})
    (tmp_path / "chat.json").write_text(json.dumps(turns))
    with Crystal(tmp_path / "m.crystal", encoder=None) as opened:
        opened.ingest([tmp_path / "chat.json"])
        yield opened


def test_every_message_is_quoted_once_by_its_first_words_in_order(crystal):
    results = crystal.recall("In which order did I bring up the parts of my kitchen?", 5)
    said = [next(part for part in PARTS if part in passage.text) for passage in results]
    assert said == sorted(said, key=PARTS.index)
    assert len(said) == len(set(said)) >= 5
    for passage in results:
        assert len(passage.text) < 300
        assert crystal.quote(passage.path, passage.start, passage.end) == passage.text
        assert "user" in passage.text


def test_another_question_keeps_its_passages(crystal):
    assert max(len(passage.text) for passage in crystal.recall("What about the sink of my kitchen?", 5)) > 300
