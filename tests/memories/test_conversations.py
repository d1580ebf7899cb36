"""Conversations are kept, left out of other answers, and found when they are meant; the prompt keeps memories."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.answering import AskOptions
from crystalcli.cli.commands.ask import repl
from crystalcli.cli.commands.ask.ask_session import AskSession

NOTES = {
    "harbour.md": "# Harbour\n\nThe harbour office is in Ropewalk. The harbour bell rings at noon.\n",
    "lamp.md": "# Lamp\n\nThe lamp of the lighthouse burns 14 litres of oil a night.\n",
}


@pytest.fixture
def crystal(tmp_path: Path):
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text)
    with Crystal(tmp_path / "m.crystal", encoder=None) as opened:
        opened.ingest([folder])
        yield opened


def session(crystal: Crystal, *, stores: bool = True) -> AskSession:
    return AskSession(crystal, AskOptions(extractive=True, floor=0.0), None, False, "plain", False, stores=stores)


def test_a_turn_is_kept_with_what_was_cited_and_left_out_of_other_answers(crystal):
    asked = session(crystal)
    asked.answer("When does the harbour bell ring?")
    asked.answer("How much oil does the lamp burn?")
    (document,) = [each for each in crystal.documents() if each.kind == "conversation"]
    text = crystal.quote(document.path, 0, document.characters)
    assert text.index("You: When does the harbour bell ring?") < text.index("You: How much oil does the lamp burn?")
    assert "Crystal: " in text
    assert "(from harbour.md " in text
    assert crystal.verify().sound
    assert {passage.path for passage in crystal.recall("When does the harbour bell ring?", 9)} == {"harbour.md"}
    assert "conversations/" not in "".join(c.path for c in crystal.mentions("harbour").citations)


def test_a_later_session_knows_this_one(crystal):
    session(crystal).answer("When does the harbour bell ring?")
    answer = crystal.ask("What did I ask about the harbour?", extractive=True, floor=0.0)
    assert answer.citations[0].path.startswith("conversations/")
    assert "When does the harbour bell ring?" in answer.text
    only = crystal.recall("harbour bell", where=RecallFilter(kinds=("conversation",)))
    assert {passage.path[:13] for passage in only} == {"conversations"}
    assert crystal.last_conversation_day() == only[0].date


def test_nothing_is_kept_where_that_is_not_wanted(crystal):
    session(crystal, stores=False).answer("When does the harbour bell ring?")
    assert {document.kind for document in crystal.documents()} == {"markdown"}


def test_a_read_only_crystal_is_asked_all_the_same(crystal, capsys):
    with Crystal(crystal.path, mode="read", encoder=None) as reader:
        asked = session(reader)
        asked.answer("When does the harbour bell ring?")
        asked.answer("How much oil does the lamp burn?")
    assert capsys.readouterr().err.count("this conversation is not kept") == 1


def test_a_conversation_is_merged_compacted_and_forgotten_like_any_document(crystal, tmp_path):
    asked = session(crystal)
    asked.answer("When does the harbour bell ring?")
    crystal.compact()
    asked.answer("How much oil does the lamp burn?")
    assert crystal.verify().sound
    (name,) = [each.path for each in crystal.documents() if each.kind == "conversation"]
    assert crystal.quote(name, 0, crystal.find_document(name).characters).count("You: ") == 2
    crystal.forget([name])
    assert crystal.last_conversation_day() is None


def at_prompt(monkeypatch, asked: AskSession, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
    monkeypatch.setattr(repl, "_has_input", lambda: False)
    repl.run_prompt(asked)


def test_the_prompt_remembers_and_forgets(crystal, monkeypatch, capsys):
    asked = session(crystal)
    at_prompt(monkeypatch, asked, "remember that the harbour bell cracked", "Please remember: buy rope", "/context")
    assert [memory.text for memory in crystal.memories()] == ["buy rope", "the harbour bell cracked"]
    assert "pinned: 0" in capsys.readouterr().out
    at_prompt(monkeypatch, asked, "forget that the harbour bell cracked", "n", "forget about the bell", "y")
    assert [memory.text for memory in crystal.memories()] == ["buy rope"]
    assert "it is kept" in capsys.readouterr().err
    at_prompt(monkeypatch, asked, "forget the lighthouse keeper", "n", "Do you remember when the bell rings?")
    assert crystal.memory_count() == 1


def test_a_question_about_oneself_prefers_what_was_told(crystal, encoder_folder):
    with Crystal(crystal.path, encoder=encoder_folder) as opened:
        opened.ingest([crystal.path.parent / "notes"])
        opened.remember("I moved to 3 Mill Lane in Oldhaven.", at="2026-09-20")
        answer = opened.ask("Where do I live?", extractive=True, floor=0.0)
        assert answer.citations[0].quote.startswith("I moved to 3 Mill Lane")
