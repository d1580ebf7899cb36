"""The Python door: what stands on the class, beside what the rooms' own tests show."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

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


def _flip(file: Path) -> None:
    """One byte of a blob is not what was written."""
    db = sqlite3.connect(file, isolation_level=None)
    (data,) = db.execute("SELECT data FROM part WHERE name = 'text' LIMIT 1").fetchone()
    db.execute("UPDATE part SET data = ? WHERE name = 'text'", (data[:-9] + bytes((data[-9] ^ 1,)) + data[-8:],))
    db.close()
