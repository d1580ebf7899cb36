from __future__ import annotations

import os
import stat
from pathlib import Path

from crystalcli.cli.commands.ask.question_history import KEPT, History, place


def test_questions_are_kept_for_their_owner_alone(tmp_path):
    path = tmp_path / "deep" / "history"
    history = History(path)
    assert history.add("Who keeps\nthe  ledger?")
    assert not history.add("Who keeps the ledger?")
    assert not history.add("  ")
    assert history.add("What is\x1b[2J a spike?")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert History(path).lines == ["Who keeps the ledger?", "What is\N{REPLACEMENT CHARACTER}[2J a spike?"]


def test_two_prompts_keep_what_both_were_asked(tmp_path):
    one, other = History(tmp_path / "h"), History(tmp_path / "h")
    one.add("a")
    other.add("b")
    one.add("c")
    assert History(tmp_path / "h").lines == ["a", "b", "c"]


def test_the_file_is_bounded(tmp_path):
    path = tmp_path / "history"
    path.write_text("".join(f"question {number}\n" for number in range(5 * KEPT)))
    history = History(path)
    assert history.lines == [f"question {number}" for number in range(4 * KEPT, 5 * KEPT)]
    assert path.read_text().count("\n") == KEPT
    for number in range(KEPT + 5):
        history.add(f"more {number}")
    assert KEPT <= path.read_text().count("\n") <= 2 * KEPT
    assert list(tmp_path.iterdir()) == [path]
    path.write_bytes(b"x" * 3_000_000 + b"\nlast\n")
    assert History(path).lines == ["last"]
    assert path.stat().st_size < 100


def test_what_cannot_be_kept_is_no_trouble(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "bytes").write_bytes(bytes(range(256)))
    for path in (None, tmp_path / "folder", tmp_path / "bytes", Path(os.devnull) / "x"):
        history = History(path)
        assert history.add("a question")
        assert history.lines[-1] == "a question"
        assert not any(set(line) & set(map(chr, range(32))) for line in history.lines)


def test_where_it_is(monkeypatch, tmp_path):
    monkeypatch.setenv("CRYSTAL_HISTORY", str(tmp_path / "mine"))
    assert place() == tmp_path / "mine"
    monkeypatch.setenv("CRYSTAL_HISTORY", "")
    assert place() is None
    monkeypatch.delenv("CRYSTAL_HISTORY")
    found = place()
    assert found is not None
    assert found.parts[-2:] == ("crystal", "history")
