from __future__ import annotations

import os
import stat
from pathlib import Path

from crystalcli.cli.commands.ask.question_history import MAX_QUESTIONS, QuestionHistory
from crystalcli.cli.options.user_files import history_path


def test_questions_are_kept_for_their_owner_alone(tmp_path):
    path = tmp_path / "deep" / "history"
    history = QuestionHistory(path)
    assert history.add("Who keeps\nthe  ledger?")
    assert not history.add("Who keeps the ledger?")
    assert not history.add("  ")
    assert history.add("What is\x1b[2J a spike?")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert QuestionHistory(path).lines == ["Who keeps the ledger?", "What is\N{REPLACEMENT CHARACTER}[2J a spike?"]


def test_two_prompts_keep_what_both_were_asked(tmp_path):
    one, other = QuestionHistory(tmp_path / "h"), QuestionHistory(tmp_path / "h")
    one.add("a")
    other.add("b")
    one.add("c")
    assert QuestionHistory(tmp_path / "h").lines == ["a", "b", "c"]


def test_the_file_is_bounded(tmp_path):
    path = tmp_path / "history"
    path.write_text("".join(f"question {number}\n" for number in range(5 * MAX_QUESTIONS)))
    history = QuestionHistory(path)
    assert history.lines == [f"question {number}" for number in range(4 * MAX_QUESTIONS, 5 * MAX_QUESTIONS)]
    assert path.read_text().count("\n") == MAX_QUESTIONS
    for number in range(MAX_QUESTIONS + 5):
        history.add(f"more {number}")
    assert MAX_QUESTIONS <= path.read_text().count("\n") <= 2 * MAX_QUESTIONS
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(b"x" * 3_000_000 + b"\nlast\n")
    assert QuestionHistory(path).lines == ["last"]
    assert path.stat().st_size < 100


def test_what_cannot_be_kept_is_no_trouble(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    for path in (None, tmp_path / "folder", tmp_path / "bytes", Path(os.devnull) / "x"):
        history = QuestionHistory(path)
        assert history.add("a question")
        assert history.lines[-1] == "a question"
        assert not any(set(line) & set(map(chr, range(32))) for line in history.lines)


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("CRYSTAL_HISTORY", str(tmp_path / "mine"))
    assert history_path() == tmp_path / "mine"
    monkeypatch.setenv("CRYSTAL_HISTORY", "")
    assert history_path() is None
    monkeypatch.delenv("CRYSTAL_HISTORY")
    found = history_path()
    assert found is not None
    assert found.parts[-2:] == ("crystal", "history")
