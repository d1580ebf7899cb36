"""Who speaks in what was found, and whether that is who was asked about."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence import sentence_ranking
from crystalcli.answering.evidence.sentence_ranking import RankedSentence
from crystalcli.answering.evidence.speaker_match import speaker_match
from crystalcli.datatypes import Passage, Place

TALK = """Gina: Hey Jon, how is it going?

Jon: I took a job at the harbour to pay the rent. Your shop is a fine one, though.

Gina: Thanks! I sell my own lamps there, and the rent is low. You should dance more.

"""


def found(text: str, said: str, score: float = 1.0, start: int = 0) -> RankedSentence:
    """A sentence of a passage that begins at character `start` of a document whose text is `text`."""
    passage = Passage(Place("talk.txt", start, len(text), 1, 1), text[start:], 1.0)
    at = text.index(said)
    return RankedSentence(passage, 0, at, at + len(said), score)


def heard(question: str, *said: RankedSentence, text: str = TALK) -> float:
    return speaker_match(question, said, lambda path, start, end: text[start:end])


@pytest.mark.parametrize(
    ("said", "whose"),
    [
        ("I took a job at the harbour to pay the rent.", "Jon"),
        ("Your shop is a fine one, though.", "Gina"),
        ("I sell my own lamps there, and the rent is low.", "Gina"),
        ("You should dance more.", "Jon"),
    ],
)
def test_i_is_who_speaks_and_you_is_who_is_spoken_to(said, whose):
    for name in ("Jon", "Gina"):
        assert (heard(f"What does {name} do?", found(TALK, said)) > 0) == (name == whose)


def test_who_speaks_is_looked_for_before_the_passage():
    start = TALK.index("Your shop")
    assert heard("What does Gina have?", found(TALK, "Your shop is a fine one, though.", start=start)) == 0.5
    assert (
        speaker_match(
            "What does Gina have?", [found(TALK, "Your shop is a fine one, though.", start=start)], lambda *_: ""
        )
        == 0
    )


@pytest.mark.parametrize(
    "question",
    ["What is sold?", "what does gina sell?", "What did Ann say?", "What do Jon and Gina do?"],
)
def test_without_just_one_person_who_is_asked_about_nothing_is_heard(question):
    assert heard(question, found(TALK, "I sell my own lamps there, and the rent is low.")) == 0


def test_questions_and_prose_say_nothing():
    assert heard("How is Jon?", found(TALK, "Gina: Hey Jon, how is it going?")) == 0
    prose = "Jon took a job. I took none. The harbour lay to the north: Gina knew it."
    assert heard("What did Jon take?", found(prose, "I took none."), text=prose) == 0


def test_a_possessive_is_the_person_too():
    for question in ("What is Gina's rent?", "What is Gina’s rent?", "What rent is Gina's?", "Is the shop Gina's."):
        assert heard(question, found(TALK, "I sell my own lamps there, and the rent is low.")) == 1
        assert heard(question, found(TALK, "I took a job at the harbour to pay the rent.")) == -1


def test_what_answers_a_question_is_of_who_says_it_and_what_admires_of_who_is_spoken_to():
    text = (
        "Gina: What did the walk show, Jon?\n\nJon: That a rest is a need.\n\nGina: That's great! The sea is near.\n\n"
    )
    assert heard("What did Jon see?", found(text, "That a rest is a need."), text=text) == 1
    assert heard("What did Gina see?", found(text, "That a rest is a need."), text=text) == -1
    asked = "Gina: What made you rest so well?\nJon: The sea.\nGina: I see.\n"
    assert heard("What made Jon rest?", found(asked, "What made you rest so well?"), text=asked) == 1
    assert heard("What made Gina rest?", found(asked, "What made you rest so well?"), text=asked) == -1
    assert heard("What is great of Jon?", found(text, "That's great!"), text=text) == 0.5
    assert 0 < heard("What is near Gina?", found(text, "The sea is near."), text=text) < 0.5


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("Colitis: what I need to know.\nWe treat it with rest.\n", False),
        ("Summary: it is common.\nColitis: what I need to know.\nWe treat it with rest.\n", False),
        ("Ann: it is common.\nColitis: oh.\nAnn: And now?\nColitis: We treat it with rest.\n", True),
    ],
)
def test_a_word_before_a_colon_is_no_conversation(text, is_one):
    assert heard("How is Colitis treated?", found(text, "We treat it with rest."), text=text) == is_one


def test_what_stands_elsewhere_takes_no_room():
    prose = "The lamp is low. " * 12
    others = [RankedSentence(Passage(Place("prose.txt", 0, len(prose), 1, 1), prose, 1.0), 0, 0, 16, 3.0)] * 12
    mine = found(TALK, "I sell my own lamps there, and the rent is low.")
    asked = [found(TALK, "Gina: Hey Jon, how is it going?", 2.0)] * 9
    assert heard("What does Gina sell?", *others, *asked, mine) == 1


def test_the_best_sentence_counts_most():
    mine, other = "I took a job at the harbour to pay the rent.", "I sell my own lamps there, and the rent is low."
    assert heard("What does Jon do?", found(TALK, mine, 2.0), found(TALK, other, 1.0)) > 0.9
    assert heard("What does Jon do?", found(TALK, mine, 1.0), found(TALK, other, 2.0)) < -0.9
    assert heard("What does Jon do?", found(TALK, mine), found(TALK, other)) == pytest.approx(0, abs=1e-9)


def test_a_full_name_is_asked_about_by_a_part_of_it():
    text = TALK.replace("Gina:", "Gina Lee:")
    assert heard("What does Lee sell?", found(text, "I sell my own lamps there, and the rent is low."), text=text) == 1


def test_what_somebody_else_said_is_not_in_this_crystal(tmp_path: Path, encoder_folder: Path):
    turns = [
        ("Gina", "I opened my own shop for lamps in the spring, and it is going well."),
        ("Jon", "I took a job at the harbour to pay the rent while I look for a studio."),
        ("Gina", "The first customers came from the ferry. I gave each of them a candle."),
        ("Jon", "I sold my bicycle to an old sailor for forty crowns last week."),
    ]
    chat = [
        {"author": name, "text": text, "time": f"2024-05-0{day}T10:00:00"} for day, (name, text) in enumerate(turns, 1)
    ]
    (tmp_path / "chat.json").write_text(json.dumps(chat), encoding="utf-8")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path / "chat.json"])
        for name, other, did in (("Jon", "Gina", "sell"), ("Gina", "Jon", "open a shop for")):
            right, wrong = (crystal.ask(f"What did {who} {did}?", extractive=True).evidence for who in (name, other))
            assert wrong < right - 0.1
            asked = f"What did {other} {did}?"
            results = crystal.recall(asked, 5)
            reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, results)
            assert speaker_match(asked, reading.sentences, crystal.quote) < 0
