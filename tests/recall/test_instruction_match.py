"""What a person told an assistant to do from then on comes with the questions that it bears on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.recall import INSTRUCTION, MOST_INSTRUCTIONS

METRES = "Always give lengths in metres when I ask about boats."
TEA = "From now on, whenever I ask about drinks, name a tea as well."
FILLER = [
    "The mole was built in the last century, and the old crane still stands on it.",
    "I walked to the market this morning and bought apples, bread and a new rope.",
    "My sister has moved to the next town, where she teaches music at the school.",
    "It rained for three days, so that the path behind the house is all mud.",
    "A sloop has one mast. Ours lies at the second jetty and needs new paint.",
    "The library opens at ten, and I have to bring two books back this week.",
]


def chat(path: Path, told: list[str], author: str = "user") -> Path:
    """Write a chat with an assistant, with instructions between other messages."""
    turns = []
    for day, text in enumerate([FILLER[0], *told, *FILLER[1:]], 1):
        time = f"2026-03-{day:02}T10:00:00"
        said = text if text in told else f"{text} " + "That is all there is to say of today, and I am off to bed. " * 12
        turns.append({"role": author if text in told else "user", "content": said, "timestamp": time})
        turns.append({"role": "assistant", "content": "Thank you, I have made a note of it. " * 20, "timestamp": time})
    path.write_text(json.dumps(turns))
    return path


@pytest.fixture
def crystal(tmp_path: Path, encoder_folder: Path):
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker="off") as opened:
        opened.ingest([chat(tmp_path / "chat.json", [METRES, TEA])])
        yield opened


def instructions(crystal: Crystal, question: str, k: int = 5) -> list[str]:
    found = crystal.recall(question, k)
    return [METRES if METRES in each.text else TEA for each in found if INSTRUCTION in each.shares]


def test_the_nearest_instruction_comes_behind_the_best_passage(crystal):
    results = crystal.recall("How long is a sloop?", 3)
    assert "sloop" in results[0].text
    assert INSTRUCTION not in results[0].shares
    assert METRES in results[1].text
    assert results[1].shares == {INSTRUCTION: results[1].score}
    assert results[0].score > results[1].score
    assert instructions(crystal, "Which drinks are hot?")[0] == TEA


def test_there_are_few_of_them_and_no_more_passages_than_asked_for(tmp_path, encoder_folder):
    told = [f"Always name the {part} when I ask about boats." for part in ("mast", "keel", "sail", "rudder")]
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker="off") as crystal:
        crystal.ingest([chat(tmp_path / "chat.json", told)])
        results = crystal.recall("Which boats are in the harbour?", 4)
        assert len(results) == 4
        assert 1 <= sum(INSTRUCTION in each.shares for each in results) <= MOST_INSTRUCTIONS
        assert len(crystal.recall("Which boats are in the harbour?", 1)) == 1


@pytest.mark.parametrize(
    "question",
    ["What did you tell me about boats?", "In which order did I speak of boats?", "Summarize what I said of boats."],
)
def test_questions_for_what_was_said_go_without(crystal, question):
    assert instructions(crystal, question) == []


def test_what_an_assistant_or_another_kind_of_text_says_is_no_instruction(tmp_path, encoder_folder):
    (tmp_path / "rules.md").write_text(f"# Rules\n\n{METRES}\n\n{TEA}\n")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker="off") as crystal:
        crystal.ingest([chat(tmp_path / "chat.json", [METRES], author="assistant"), tmp_path / "rules.md"])
        assert instructions(crystal, "How long is a sloop?") == []


def test_where_there_is_nothing_else_an_instruction_is_quoted(tmp_path, encoder_folder):
    (tmp_path / "chat.json").write_text(json.dumps([{"role": "user", "content": METRES}]))
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker="off") as crystal:
        crystal.ingest([tmp_path / "chat.json"])
        answer = crystal.ask("In what are lengths of boats given?", extractive=True, floor=0.0)
        assert METRES in answer.citations[0].quote


def test_an_answer_is_not_carried_by_an_instruction(crystal):
    answer = crystal.ask("How many masts has a sloop?", extractive=True, floor=0.0)
    assert answer.citations
    assert not any("Always" in citation.quote for citation in answer.citations)
    assert not any(INSTRUCTION in passage.shares for passage in answer.passages)
