"""Recall from a small chat with an assistant, without vectors: whose words come first, and where passages end."""

from __future__ import annotations

import json

import pytest

from crystalcli import Crystal
from crystalcli.recall.question_frame import without_frame
from crystalcli.recall.updates import asks_how_it_is
from crystalcli.recall.voice_score import asks_about_answers, is_instruction
from crystalcli.text import is_assistant

ADVICE = (
    "Here is what I would do about the harbour dues. "
    + "The harbour dues are paid at the harbour office, and the harbour dues grow with the boat. " * 12
)
SAID = [
    (
        "user",
        "2025-03-01",
        "My harbour dues are 40 a week. Harbour dues, dues, dues! Are harbour dues paid on Fridays?",
    ),
    ("assistant", "2025-03-01", ADVICE),
    ("user", "2025-03-01", "Always answer in crowns when I ask about money."),
    ("assistant", "2025-03-01", "I will. " + "Anything about your boat and its mooring is welcome. " * 12),
    ("user", "2025-03-01", "The harbour master has now raised my harbour dues to 45. Is that right?"),
    ("assistant", "2025-03-01", "It may be. " + "The harbour dues follow the length of a boat, so measure it. " * 12),
    ("user", "2025-04-02", "My boat Gannet needs a new mast."),
    ("assistant", "2025-04-02", "I suggest spruce for the mast of a boat. " + "A mast of spruce is light. " * 20),
]


def write_chat(path, said):
    """Write a chat as ChatGPT exports it: a tree of messages, each below the one before."""
    mapping = {"n0": {"message": None, "parent": None, "children": ["n1"]}}
    for number, (role, day, text) in enumerate(said, 1):
        seconds = 1_740_787_200 + 86_400 * (32 * (day == "2025-04-02"))
        message = {
            "author": {"role": role},
            "create_time": seconds,
            "content": {"content_type": "text", "parts": [text]},
        }
        children = [f"n{number + 1}"] if number < len(said) else []
        mapping[f"n{number}"] = {"message": message, "parent": f"n{number - 1}", "children": children}
    data = [{"title": "The boat", "mapping": mapping, "current_node": f"n{len(said)}"}]
    path.write_text(json.dumps(data), encoding="utf-8")


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("assistant")
    write_chat(folder / "conversations.json", SAID)
    with Crystal.create(folder / "c.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "conversations.json"])
        yield crystal


def author(passage):
    return passage.place.marks["message"].partition(", ")[0]


def test_chunks_end_where_the_turn_passes(crystal):
    starts = {
        start
        for _, start, label in crystal.shelf.store.rows(
            "SELECT source, start, label FROM landmark WHERE kind = 'message'"
        )
    }
    (run,) = crystal.shelf.store.runs_of(1)
    position, beginnings = 0, set()
    for chunk in range(run.first_chunk, run.first_chunk + run.chunks):
        beginnings.add(position)
        position += len(crystal.shelf.chunk_text(chunk))
    assert starts <= beginnings


def test_a_person_comes_before_the_assistant_that_says_the_words_more_often(crystal):
    passages = crystal.recall("Which dues do I pay at the harbour?", 8)
    authors = [author(passage) for passage in passages]
    assert authors[:2] == ["user", "user"]
    assert "assistant" in authors  # an order, and no filter
    assert passages[2].shares["voice"] < 0 or passages[3].shares["voice"] < 0


def test_the_assistant_comes_first_where_its_words_are_asked_for(crystal):
    first = crystal.recall("What did you suggest for the mast of my boat?", 3)[0]
    assert author(first) == "assistant"
    assert "spruce" in first.text


def test_passages_keep_to_one_message(crystal):
    for question in ("harbour dues", "boat mast", "mooring", "Fridays"):
        for passage in crystal.recall(question, 10):
            assert passage.text.count("] user: ") + passage.text.count("] assistant: ") <= 1
            if author(passage) == "user":
                assert passage.text.startswith("[2025-")  # short, so that it is given whole


def test_an_update_comes_first_unless_the_past_is_asked_for(crystal):
    now = crystal.recall("How much are my harbour dues?", 5)
    assert "raised my harbour dues to 45" in now[0].text
    assert "40 a week" in now[1].text
    assert now[0].shares["update"] > 0
    assert now[0].score > now[1].score
    before = crystal.recall("How much were my harbour dues before?", 5)
    assert "update" not in before[0].shares
    kept = crystal.recall("How much are my harbour dues?", 5, half_life="off")
    assert "update" not in kept[0].shares


def test_a_lasting_instruction_comes_with_what_it_is_about(crystal):
    texts = [passage.text for passage in crystal.recall("What money do I owe the harbour when I pay weekly?", 3)]
    assert any("Always answer in crowns" in text for text in texts)


def test_a_crystal_whose_chunks_run_on_has_passages_that_end_with_messages(crystal, monkeypatch, tmp_path):
    monkeypatch.setattr("crystalcli.text.chunking.chunker.is_assistant", lambda author: False)
    write_chat(tmp_path / "conversations.json", SAID)
    with Crystal.create(tmp_path / "old.crystal", encoder=None) as old:
        old.ingest([tmp_path / "conversations.json"])
        passages = old.recall("Which dues do I pay at the harbour?", 8)
    assert author(passages[0]) == "user"
    assert all(passage.text.count("] user: ") + passage.text.count("] assistant: ") <= 1 for passage in passages)


def test_a_short_answer_stays_with_its_question(tmp_path):
    said = [
        ("user", "2025-03-01", "My knee hurts after eight kilometres."),
        ("assistant", "2025-03-01", "That is typical of the iliotibial band."),
        ("user", "2025-03-01", "And the best shoes?"),
        ("assistant", "2025-03-01", "Those that fit."),
    ]
    write_chat(tmp_path / "conversations.json", said)
    with Crystal.create(tmp_path / "short.crystal", encoder=None) as short:
        short.ingest([tmp_path / "conversations.json"])
        first = short.recall("What is it that hurts in my knee?", 1)[0]
    assert "My knee hurts" in first.text
    assert "iliotibial" in first.text


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("How long did I say the repair would take?", "How long the repair would take?"),
        (
            "Can you list the order in which I brought up parts of the kitchen in our chats? Name only five items.",
            "parts of the kitchen ?",
        ),
        ("Please summarize what I told you about the mast.", "what the mast."),
        ("Where is the order of the harbour master?", "Where is the order of the harbour master?"),
        ("What did I say?", "What did I say?"),
    ],
)
def test_the_frame_of_a_question_is_left_out_of_the_search(question, rest):
    assert without_frame(question).rstrip(" .?") == rest.rstrip(" .?")


@pytest.mark.parametrize("question", ["What did you recommend?", "what you've said of masts", "your advice on dues"])
def test_questions_about_answers_are_known(question):
    assert asks_about_answers(question)


@pytest.mark.parametrize("question", ["Can you tell me when I sail?", "What would you suggest?", "Did Ann say so?"])
def test_questions_about_other_things_are_not_about_answers(question):
    assert not asks_about_answers(question)


def test_instructions_authors_and_tenses():
    assert is_instruction("Hello. Never use tabs.")
    assert is_instruction("Use crowns when I ask about money.")
    assert not is_instruction("I have never used tabs.")
    assert not is_instruction("Never mind, thanks.")
    assert is_instruction("Every time I ask about money, answer in crowns.")
    assert is_instruction("It is late. Every time you answer, name a tea.")
    assert not is_instruction("It was hard. Every time I found my footing, a wave came.")
    assert is_instruction("Hello. Answer in crowns from now on.")
    assert is_instruction("I would like you to answer in crowns from now on.")
    assert not is_instruction("It was loud, so I decided to stay away from now on.")
    assert all(map(is_assistant, ("assistant", "ChatGPT", "shell (tool call)", "Claude (thoughts)")))
    assert not any(map(is_assistant, ("Claude", "user", "", "system", "Ann")))
    assert asks_how_it_is("When is the ferry?")
    assert not asks_how_it_is("When was the ferry?")
    assert not asks_how_it_is("Tell me of the ferry")
