"""The course of a conversation is told by its messages, each with its time, and no model speaks."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.datatypes import AnswerVerdict

PARTS = ["the floor", "the sink", "the windows", "the oven", "the lamps"]


@pytest.fixture
def crystal(tmp_path: Path, encoder_folder: Path, reranker_folder: Path):
    turns = []
    for day, part in enumerate(PARTS, 1):
        for role, said in (
            ("user", f"Today I worked on {part} of my new kitchen. " + "It took a while to get it right. " * 12),
            ("assistant", f"That is good news about {part}. " + "A kitchen takes its time. " * 12),
        ):
            turns.append({"role": role, "content": said, "timestamp": f"2026-03-{day:02}T10:00:00"})
    (tmp_path / "chat.json").write_text(json.dumps(turns))
    (tmp_path / "tale.md").write_text("# A tale\n\nThe king had a kitchen. He loved the oven in it.\n")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as opened:
        opened.ingest([tmp_path / "chat.json", tmp_path / "tale.md"])
        yield opened


def test_the_order_of_events_is_a_list_of_messages(crystal):
    answer = crystal.ask("In which order did I work on the parts of my new kitchen?", extractive=True)
    assert answer.text.startswith("In order of time:")
    said = [next(part for part in PARTS if part in portion.text) for portion in answer.portions]
    assert said == PARTS
    assert answer.model is None
    for portion, citation in zip(answer.portions, answer.citations, strict=True):
        assert portion.citation == citation.number
        assert f"[{citation.number}]" in answer.text
        assert crystal.quote(citation.path, citation.start, citation.end) == citation.quote
        assert citation.quote.startswith("Today I worked on")
        assert "2026-03-" in portion.label


def test_a_summary_of_what_was_said_has_the_replies(crystal):
    answer = crystal.ask("Summarize how I worked on my new kitchen.", extractive=True)
    assert answer.text.startswith("In order of time:")
    assert any("good news" in portion.text for portion in answer.portions)


def test_what_nobody_spoke_of_is_not_listed(crystal):
    answer = crystal.ask("In which order did I climb the mountains of Peru?", extractive=True)
    assert not answer.portions
    assert answer.verdict is AnswerVerdict.NOT_HERE


@pytest.mark.parametrize("question", ["Summarize tale.md", "Summarize all my documents"])
def test_a_summary_of_documents_is_another_answer(crystal, question):
    answer = crystal.ask(question, extractive=True)
    assert not answer.text.startswith("In order of time:")


def test_an_answer_from_the_whole_that_was_asked_for_is_made(crystal):
    answer = crystal.ask("In which order did I work on my new kitchen?", AskOptions(extractive=True, broad=True))
    assert not answer.text.startswith("In order of time:")
