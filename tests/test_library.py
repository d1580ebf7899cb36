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
