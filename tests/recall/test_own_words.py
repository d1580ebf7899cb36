"""What a person wrote to an assistant is quoted in short where a question is about that person."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.recall import INSTRUCTION
from crystalcli.recall.own_words import asks_for_own_fact

CODE = "\n```python\n" + "\n".join(f"table_{number} = wood[{number}].cut(oak)" for number in range(40)) + "\n```\n"
PLAN = "Today we looked at the sky and wrote down every cloud that came over the hill. " * 7
SAID = [
    f"I have built two oak tables for the library this spring. Here is my list:{CODE}",
    f"{PLAN}I sold the third oak table to the library on Friday. {PLAN}",
    "The library wants one more oak table from me. It can wait.",
    "Always answer in centimetres when I ask about oak tables.",
]
FILLER = "The weather is good, and the boats are out. "


def write_chat(path: Path, said: list[str]) -> Path:
    """Write a chat with an assistant, whose replies are long but for the one to an instruction."""
    turns = []
    for day, text in enumerate(said, 1):
        time = f"2026-03-{day:02}T10:00:00"
        reply = "I will." if text.startswith("Always") else "A table of oak for the library, then. " * 20
        turns += [
            {"role": "user", "content": text, "timestamp": time},
            {"role": "assistant", "content": reply, "timestamp": time},
            {"role": "user", "content": FILLER * 9, "timestamp": time},
            {"role": "assistant", "content": FILLER * 12, "timestamp": time},
        ]
    path.write_text(json.dumps(turns))
    return path


@pytest.fixture(scope="module")
def crystal(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    with Crystal.create(folder / "m.crystal", encoder=None) as opened:
        opened.ingest([write_chat(folder / "chat.json", SAID)])
        yield opened


def own(crystal: Crystal, question: str, k: int = 8):
    found = crystal.recall(question, k)
    return [each for each in found if each.place.marks["message"].startswith("user")]


def test_a_long_message_is_quoted_up_to_the_sentence_that_answers(crystal):
    (first,) = [each for each in own(crystal, "How many oak tables have I built?") if "two oak tables" in each.text]
    assert first.text.startswith("[2026-03-01")
    assert "table_30" not in first.text
    assert 200 < len(first.text) < 260
    assert not first.text[-1].isspace()
    assert first.best_text in first.text
    assert "two oak tables" in first.best_text


def test_a_sentence_further_on_stands_alone(crystal):
    texts = [each.text for each in own(crystal, "When did I sell the third oak table to the library?")]
    assert "I sold the third oak table to the library on Friday." in [text.strip() for text in texts]


def test_a_question_about_other_things_gets_them_as_they_are(crystal):
    (first,) = [each for each in own(crystal, "Which oak tables are built?") if "two oak tables" in each.text]
    assert len(first.text) > 300
    assert "```" in first.text


@pytest.mark.parametrize(
    "question", ["How can I build the oak tables?", "I have built oak tables. Any ideas for more of my oak tables?"]
)
def test_a_question_for_advice_gets_them_as_they_are_too(crystal, question):
    (first,) = [each for each in own(crystal, question) if "two oak tables" in each.text]
    assert len(first.text) > 300


@pytest.mark.parametrize(
    "question",
    [
        "Have I built tables?",
        "Considering my plans, how many tables have I built?",
        "What time is my lesson?",
        "What goals did I set across my sessions?",
        "What is my number of tables?",
    ],
)
def test_questions_for_facts_are_known(question):
    assert asks_for_own_fact(question)


@pytest.mark.parametrize(
    "question",
    ["Why have I built tables?", "I was glad, and it was how many tables I built.", "What approach did I choose?"],
)
def test_other_questions_are_not(question):
    assert not asks_for_own_fact(question)


def test_short_messages_and_replies_are_as_they_were(crystal):
    whole = [
        each
        for each in own(crystal, "How many more oak tables does the library want from me?")
        if "one more" in each.text
    ]
    assert whole[0].text.endswith("It can wait.")
    others = [each for each in crystal.recall("What about my oak table?", 12) if "then. A table" in each.text]
    assert others and all(len(each.text) > 300 for each in others)


def test_no_passage_repeats_another(crystal):
    for question in ("How many oak tables have I built?", "How often have I cut for table_7 and table_31?"):
        found = own(crystal, question, 12)
        spans = sorted((each.start, each.end) for each in found)
        assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_places_are_true(crystal):
    for passage in own(crystal, "How many oak tables have I built or sold, and what was my list?", 12):
        assert crystal.quote(passage.path, passage.start, passage.end) == passage.text
        before = crystal.quote(passage.path, 0, passage.start)
        assert passage.place.line_start == before.count("\n") + 1
        assert passage.place.line_end == passage.place.line_start + passage.text.rstrip().count("\n")


def test_an_instruction_comes_without_the_reply_to_it(tmp_path, encoder_folder):
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker="off") as crystal:
        crystal.ingest([write_chat(tmp_path / "chat.json", SAID)])
        (told,) = [each for each in crystal.recall("How wide are oak tables?", 5) if INSTRUCTION in each.shares]
    assert told.text.endswith("Always answer in centimetres when I ask about oak tables.")
