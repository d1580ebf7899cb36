"""What one has stated in notes is quoted first, and not what is nearest to the words."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lexical_crystals import write

from crystalcli import Crystal
from crystalcli.datatypes import AnswerVerdict, RecallFilter

NOTES = {
    "2024-05-02.md": "Moved into the flat at 9 Weir Street. Cold day.",
    "2025-01-09.md": "Moved! New address: 31 Hill Road, third floor. Rent 900.",
    "2025-09-01.md": "I live at 4 Quay Lane now. The cat hates it.",
    "minutes/2025-02-03-parents.md": "# Parents' council\n\nPresent: Ann Crask (chair), Ben Sollas\n\n- Balance: £2,316.40 (Ben)\n",
    "minutes/2025-06-03-parents.md": "# Parents' council\n\n1. New chair: Ben Sollas, elected by all.\n2. Balance: £2,104.15\n",
    "2025-02-01.md": "My boss is Ann Crask. Snow again.",
    "2025-06-20.md": "Ann Crask is ill until autumn. Ben Sollas is acting head, so he is my boss now.",
    "people.md": "- Lena: plays the flute, lives in Mill Street\n- Olaf: lives in Harbour Street, has a dog\n",
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path, reranker_folder: Path):
    folder = write(tmp_path_factory.mktemp("homes"), NOTES)
    with Crystal(folder / "homes.crystal", encoder=encoder_folder, reranker=reranker_folder) as opened:
        opened.ingest([folder])
        yield opened


@pytest.mark.parametrize(
    ("question", "home"),
    [
        ("Where do I live?", "4 Quay Lane"),
        ("Where do I live now?", "4 Quay Lane"),
        ("What is my address?", "4 Quay Lane"),
        ("What's my current address?", "4 Quay Lane"),
        ("Where did I live in March 2025?", "31 Hill Road"),
        ("Where was I living in June 2024?", "9 Weir Street"),
        ("Where did I live before Quay Lane?", "31 Hill Road"),
        ("Where did I live before Hill Road?", "9 Weir Street"),
    ],
)
def test_the_home_of_the_time_is_quoted_first(crystal, question, home):
    answer = crystal.ask(question, extractive=True)
    assert home in answer.citations[0].quote
    assert answer.verdict is AnswerVerdict.ANSWERED
    assert crystal.verified(answer.citations[0])


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Who is the chair of the parents' council?", "New chair: Ben Sollas"),
        ("What's the balance?", "2,104.15"),
        ("Who is my boss now?", "Ben Sollas"),
        ("What was the balance in March 2025?", "2,316.40"),
    ],
)
def test_what_is_stated_of_a_thing_by_name_is_quoted_first(crystal, question, value):
    assert value in crystal.ask(question, extractive=True).citations[0].quote


@pytest.mark.parametrize("question", ["Who is the chair of the rowing club?", "Who is Ann's balance?"])
def test_what_is_stated_of_another_thing_is_not(crystal, question):
    answer = crystal.ask(question, extractive=True, floor=0.0)
    assert answer.verdict is not AnswerVerdict.ANSWERED or not answer.citations[0].quote.startswith(
        ("New chair", "Bal")
    )


def test_what_was_told_later_comes_before_notes(tmp_path, encoder_folder):
    (tmp_path / "2025-09-01.md").write_text("I live at 4 Quay Lane now. I work at Harland.\n")
    with Crystal(tmp_path / "told.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([tmp_path])
        crystal.remember("I moved to 7 Ropewalk.", at="2026-01-05")
        crystal.remember("I no longer work at Harland.", at="2026-01-05")
        assert crystal.ask("Where do I live?", extractive=True).citations[0].quote == "I moved to 7 Ropewalk."
        crystal.remember("All boxes are unpacked, 9 Tar Alley is my home now.", at="2026-03-05")
        assert "9 Tar Alley" in crystal.ask("Where do I live?", extractive=True).citations[0].quote
        assert "no longer" in crystal.ask("Where do I work?", extractive=True, floor=0.0).text


@pytest.mark.parametrize("question", ["Where does Olaf live?", "Where did I live in May 1990?", "What do I live on?"])
def test_other_questions_are_left_to_the_passages(crystal, question):
    answer = crystal.ask(question, extractive=True, floor=0.0)
    homes = ("Quay Lane", "Hill Road", "Weir Street")
    assert answer.verdict is not AnswerVerdict.ANSWERED or not any(home in answer.citations[0].quote for home in homes)


def test_what_options_leave_out_is_not_stated(crystal):
    where = RecallFilter(within=("people.md",))
    answer = crystal.ask("Where do I live?", extractive=True, floor=0.0, where=where)
    assert {citation.path for citation in answer.citations} == {"people.md"}


def test_a_note_that_is_gone_states_nothing(tmp_path, encoder_folder):
    notes = tmp_path / "notes"
    (notes / "minutes").mkdir(parents=True)
    for name, text in NOTES.items():
        (notes / name).write_text(text, encoding="utf-8")
    with Crystal(tmp_path / "gone.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([notes])
        (notes / "2025-09-01.md").unlink()
        crystal.ingest([notes])
        assert "31 Hill Road" in crystal.ask("Where do I live?", extractive=True).citations[0].quote
