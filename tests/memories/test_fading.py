"""Memories fade on one curve, less when they are recalled, pinned or told often; nothing goes by itself."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.memories import tell_memory
from crystalcli.recall import read_recalls
from crystalcli.storage import Store

DAY = timedelta(days=1)
NOW = datetime.now().astimezone()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A crystal of memories that were told 500 days ago, and one of today."""
    made = tmp_path / "memory.crystal"
    with Crystal(made, mode="write", encoder=None) as crystal:
        long_ago = NOW - 500 * DAY
        for text in (
            "The bell rings at noon.",
            "The lamp burns oil.",
            "The lamp burns oil.",
            "The key is under the mat.",
        ):
            tell_memory(crystal._store, crystal._encoder, text, now=long_ago)
        tell_memory(crystal._store, crystal._encoder, "The gate is green.", pinned=True, now=long_ago)
        tell_memory(crystal._store, crystal._encoder, "The rope is new.", now=NOW)
    return made


def faded(path: Path) -> list[str]:
    with Crystal(path, mode="read", encoder=None) as crystal:
        return sorted(each.memory.text for each in crystal.faded_memories())


def recalls(path: Path) -> dict:
    with Store.open(path) as store:
        return read_recalls(store)


def test_what_was_told_once_fades_and_what_is_pinned_new_or_told_twice_does_not(path):
    assert faded(path) == ["The bell rings at noon.", "The key is under the mat."]
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert len(crystal.faded_memories(half_life=30)) == 4
        assert all(0 < each.retained < 0.5 for each in crystal.faded_memories())


def test_a_recalled_memory_is_strengthened_once_a_day(path):
    with Crystal(path, encoder=None) as crystal:
        crystal.recall("When does the bell ring?", 1)
    assert faded(path) == ["The key is under the mat."]
    ((number, strength),) = recalls(path).items()
    assert strength.factor > 1
    before = path.read_bytes()
    with Crystal(path, encoder=None) as crystal:
        crystal.recall("When does the bell ring?", 1)
        assert crystal.find_memory(number).text == "The bell rings at noon."
    assert path.read_bytes() == before
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_only_what_an_answer_cites_counts_as_recalled(path):
    with Crystal(path, encoder=None) as crystal:
        answer = crystal.ask("When does the bell ring?", extractive=True, floor=0.0)
        cited = {citation.path.rpartition("-")[2] for citation in answer.citations}
    assert set(recalls(path)) == cited


def test_nothing_is_kept_where_that_is_not_wanted_or_not_possible(path, monkeypatch):
    before = path.read_bytes()
    with Crystal(path, mode="read", encoder=None) as crystal:
        crystal.recall("When does the bell ring?")
    with Crystal(path, encoder=None, strengthen=False) as crystal:
        crystal.recall("When does the bell ring?")
    with Store.open(path, writable=True), Crystal(path, encoder=None) as crystal:  # another program writes it
        crystal.recall("When does the bell ring?")
        crystal.close()
    assert recalls(path) == {}
    assert path.read_bytes() == before


def test_a_recalled_memory_fades_less_in_recall_and_keeps_its_strength_through_compact_and_merge(path, tmp_path):
    def penalty(text: str) -> float:
        with Crystal(path, mode="read", encoder=None) as crystal:
            (passage,) = [each for each in crystal.recall("bell key", half_life=365.0) if text in each.text]
            return passage.recency

    assert penalty("bell") == pytest.approx(penalty("key"), abs=1e-3)
    with Crystal(path, encoder=None) as crystal:
        crystal.recall("When does the bell ring?", 1)
    assert penalty("bell") > penalty("key")
    kept = recalls(path)
    with Crystal(path, mode="write", encoder=None) as crystal:
        crystal.compact()
    assert recalls(path) == kept
    with Crystal(tmp_path / "other.crystal", encoder=None) as other:
        other.remember("The sail is torn.")
    Crystal.merge([tmp_path / "other.crystal", path], tmp_path / "all.crystal")
    assert recalls(tmp_path / "all.crystal") == kept


def test_forget_faded_lists_and_forgets_only_when_told_to(path, capsys, monkeypatch):
    monkeypatch.chdir(path.parent)
    assert run(["forget", "--faded", "--dry-run"]) == 0
    assert capsys.readouterr().out.count("\n") == 2
    assert run(["forget", "--faded"]) == 0  # nobody can be asked
    assert "--yes forgets them" in capsys.readouterr().err
    assert len(faded(path)) == 2
    assert run(["forget", "--faded", "--yes", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["forgotten"] is True
    assert {each["text"] for each in data["memories"]} == {"The bell rings at noon.", "The key is under the mat."}
    assert faded(path) == []
    assert run(["forget", "--faded", "notes.md"]) == 2
    assert run(["forget"]) == 2
