"""The Python door: what stands on the class, beside what the rooms' own tests show."""

from __future__ import annotations

import dataclasses
import sqlite3
from pathlib import Path

import pytest

from crystalcli import AskOptions, CrystalError, UsageError
from crystalcli.answering import AskArguments
from crystalcli.library import Crystal


class Shelf(Crystal):
    """A user's own class."""


@pytest.fixture
def file(tmp_path, shelf_folder) -> Path:
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=None) as crystal:
        crystal.ingest([shelf_folder])
    return path


def test_a_class_of_crystal_opens_as_itself(file, tmp_path):
    with Shelf.open(file, encoder=None) as opened:
        assert type(opened) is Shelf
        assert sorted(opened) == ["code/tide.py", "notes.md", "tale.txt"]
    with Shelf.create(tmp_path / "other.crystal", encoder=None) as made:
        assert type(made) is Shelf


def test_verify_says_what_does_not_hold(file):
    with Crystal.open(file, encoder=None) as crystal:
        verdict = crystal.verify()
        assert (verdict.sound, verdict.quick) == (True, False)
        assert crystal.verify(quick=True).quick
    _flip(file)
    with Crystal.open(file, encoder=None) as crystal:
        verdict = crystal.verify()
        assert not verdict.sound
        assert any("text" in problem.message for problem in verdict.problems)


def test_repair_leaves_a_sound_crystal_alone_and_makes_a_damaged_one_whole(file, shelf_folder):
    before = file.read_bytes()
    assert not Crystal.repair(file, encoder=None).changed
    assert file.read_bytes() == before
    _flip(file)
    damaged = file.read_bytes()
    report = Crystal.repair(str(file), encoder=None)
    assert report.changed
    assert report.to_read_again
    assert Path(report.backup).read_bytes() == damaged
    with Crystal.open(file, writable=True, encoder=None) as crystal:
        assert crystal.verify().sound
        assert crystal.ingest([shelf_folder]).read == 3  # what was lost is read again
    _flip(file)
    assert Crystal.repair(file, encoder=None, backup=False).backup is None


def test_it_opens_or_makes_and_can_be_read_while_another_writes(tmp_path, shelf_folder):
    path = tmp_path / "shelf.crystal"
    for read in (3, 0):
        with Crystal(path, encoder=None) as crystal:
            assert crystal.ingest(shelf_folder).read == read
    with Crystal(str(path), mode="write", encoder=None) as writer, Crystal(path, encoder=None) as reader:
        (shelf_folder / "new.md").write_text("Herons stand in the reeds.\n", encoding="utf-8")
        assert writer.ingest([shelf_folder]).read == 1
        assert reader.recall("herons", 1)[0].path == "new.md"
        with pytest.raises(CrystalError, match="another program is writing"):
            reader.ingest([shelf_folder])
        assert list(reader) == list(writer)
    with Crystal(path, mode="read", encoder=None) as reader, pytest.raises(CrystalError, match="for reading only"):
        reader.forget("new.md")
    with pytest.raises(CrystalError, match="does not exist"):
        Crystal(tmp_path / "other.crystal", mode="read", encoder=None)
    assert not (tmp_path / "other.crystal").exists()


def test_a_command_that_writes_locks_for_as_long_as_it_runs(file, shelf_folder):
    with Crystal(file, encoder=None) as one, Crystal(file, encoder=None) as two:
        assert one.forget("notes.md").tokens
        assert "notes.md" not in list(two)
        assert two.compact().documents == 2
        assert one.ingest(shelf_folder).read == 1
        assert one.diff(file).any is False
        assert sorted(two) == ["code/tide.py", "notes.md", "tale.txt"]


def test_options_are_given_in_one_way(file):
    with Crystal(file, encoder=None) as crystal:
        answer = crystal.ask("When is high water?", AskOptions(k=2, floor=0.0))
        assert crystal.ask("When is high water?", k=2, floor=0.0).citations == answer.citations
        for ask in (crystal.ask, crystal.pack_context):
            with pytest.raises(UsageError, match="given twice: give k, floor"):
                ask("When is high water?", AskOptions(), k=2, floor=0.0)
    assert {field.name for field in dataclasses.fields(AskOptions)} == AskArguments.__annotations__.keys()


def test_what_things_are_is_said(file):
    with Crystal(file, encoder=None) as crystal:
        assert repr(crystal) == f"<Crystal {str(file)!r}, mode 'auto'>"
        results = crystal.recall("When is high water?", 1)
        assert repr(results).startswith("<Results for 'When is high water?': 1 passages (notes.md line")
        assert list(results) == [results[0]] == list(results.passages)
        answer = crystal.ask("When is high water?", floor=0.0)
        assert str(answer) == answer.text
        assert repr(answer).startswith("<Answer to 'When is high water?': ")
        assert (answer.extractive, answer.model) == (True, None)


def _flip(file: Path) -> None:
    """One byte of a blob is not what was written."""
    db = sqlite3.connect(file, isolation_level=None)
    (data,) = db.execute("SELECT data FROM part WHERE name = 'text' LIMIT 1").fetchone()
    db.execute("UPDATE part SET data = ? WHERE name = 'text'", (data[:-9] + bytes((data[-9] ^ 1,)) + data[-8:],))
    db.close()
