"""A detail that was never told an assistant is not answered, though its topic was."""

from __future__ import annotations

import json

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.answerability import SURE
from crystalcli.answering.evidence.own_detail import OwnDetail

SAID = [
    "I moved my tasks to a Trello board last week, and I look at it each morning before I start.",
    "My dentist is Dr. Wren on Mill Lane. The appointment is on 4 May.",
    "I joined a pottery class at the Crow Street studio because my sister Ida recommended it.",
    "I baked the rye bread for the harbour fair with honey from Sallow Farm.",
    "Our boat needs a new mast before the summer regatta at Oldhaven.",
]
TOLD = [
    "Who recommended the pottery class at the Crow Street studio?",
    "Which honey did I take for the rye bread for the harbour fair?",
    "What does our boat need before the regatta at Oldhaven?",
]
NEVER_TOLD = "Which prizes did the rye bread win at the harbour fair?"
UNSURE = "What feedback did the teacher give me in the pottery class at the Crow Street studio?"


@pytest.fixture(scope="module")
def chat(tmp_path_factory, encoder_folder, reranker_folder):
    """A chat with an assistant in a crystal with the encoder and the reranker."""
    folder = tmp_path_factory.mktemp("chat")
    turns = []
    for day, text in enumerate(SAID, 1):
        time = f"2026-03-{day:02}T10:00:00"
        reply = "That sounds good. Here are some general thoughts on it, which may help you to go on. " * 8
        turns += [
            {"role": "user", "content": text, "timestamp": time},
            {"role": "assistant", "content": reply, "timestamp": time},
        ]
    (folder / "chat.json").write_text(json.dumps(turns))
    with Crystal.create(folder / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder / "chat.json"])
    with Crystal.open(folder / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        yield crystal


@pytest.mark.parametrize("question", TOLD)
def test_what_was_told_is_answered(chat, question):
    assert chat.ask(question, extractive=True).answered


def test_a_detail_that_was_never_told_is_not(chat):
    answer = chat.ask(NEVER_TOLD, extractive=True)
    assert not answer.answered
    assert answer.citations  # the nearest


def test_where_most_of_a_question_was_told_it_is_unsure(chat):
    assert chat.ask(UNSURE, extractive=True).evidence < SURE < chat.ask(TOLD[0], extractive=True).evidence


def test_a_gap_and_an_unlike_noun_speak_against_an_answer():
    assert OwnDetail(-3.0, -0.4).evidence(0.95) < 0.5 < OwnDetail(3.0, 0.0).evidence(0.95)
    assert OwnDetail(0.0, -0.4).evidence(0.9) < OwnDetail(0.0, 0.0).evidence(0.9)


def test_what_is_about_something_else_stays_refused():
    assert OwnDetail(0.0, 0.0).evidence(0.001) < 0.2
    assert 0 < OwnDetail(0.0, 0.0).evidence(0.0) < OwnDetail(0.0, 0.0).evidence(1.0) < 1
