"""A question for the order of events gets many short quotations of messages, in order of time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.recall.event_order import EventQuestion, event_question

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
    assert event_question(question) is EventQuestion.ORDER


@pytest.mark.parametrize(
    "question",
    [
        "Summarize what we said about the kitchen.",
        "Can you give me a short summary of how my kitchen has come along?",
        "A recap of our talks about the kitchen, please.",
    ],
)
def test_a_question_for_a_summary_of_a_conversation_is_told(question):
    assert event_question(question) is EventQuestion.SUMMARY


@pytest.mark.parametrize(
    "question",
    [
        "When is the order delivered?",
        "What did I do in order to save money?",
        "Who ordered the sink?",
        "Summarize chapter 3.",
        "Can I get a summary of the tale?",
        "What did I say in the summary?",
    ],
)
def test_other_questions_are_not(question):
    assert event_question(question) is None


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


def test_a_summary_quotes_the_replies_too(crystal):
    results = crystal.recall("Summarize what I said about the parts of my kitchen.", 5)
    assert results.in_order
    authors = ["assistant" if "assistant" in passage.text[:60] else "user" for passage in results]
    assert authors == ["user", "assistant"] * (len(authors) // 2)
    for said, reply in zip(results[::2], results[1::2], strict=True):
        part = next(part for part in PARTS if part in said.text)
        assert reply.text.partition(": ")[2].startswith(part)
        assert (reply.path, reply.start) == (said.path, crystal.quote(said.path, 0, 10**6).index(reply.text))


def test_what_an_assistant_is_told_to_do_is_no_event(tmp_path):
    turns = [{"role": "user", "content": "Always show the kitchen in metres.", "timestamp": "2026-03-01T10:00:00"}]
    turns += [
        {"role": "user", "content": f"My kitchen has {part} now.", "timestamp": f"2026-03-{day:02}T10:00:00"}
        for day, part in enumerate(PARTS, 2)
    ]
    (tmp_path / "chat.json").write_text(json.dumps(turns))
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "chat.json"])
        results = crystal.recall("In which order did I bring up the parts of my kitchen?", 5)
        assert results.in_order
        assert not any("Always" in passage.text for passage in results)


def test_other_text_that_answers_best_is_not_put_in_order(tmp_path):
    (tmp_path / "notes.md").write_text("# Kitchen\n\nIn which order did we paint the kitchen? Walls, doors, windows.\n")
    turns = [
        {"role": "user", "content": f"We talked about {part}.", "timestamp": f"2026-03-{day:02}T10:00:00"}
        for day, part in enumerate(PARTS, 1)
    ]
    (tmp_path / "chat.json").write_text(json.dumps(turns))
    with Crystal(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "chat.json", tmp_path / "notes.md"])
        results = crystal.recall("In which order did we paint the kitchen, walls or doors?", 3)
        assert not results.in_order
        assert results[0].path == "notes.md"


def test_another_question_keeps_its_passages(crystal):
    assert max(len(passage.text) for passage in crystal.recall("What about the sink of my kitchen?", 5)) > 300
