"""Crystals whose terms were made by another analysis: asked, extended, checked, made anew."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import DEFAULT_META
from crystalcli.storage import Store, stored_analysis

NOTES = {
    "door.md": "Der Türöffner liegt im Schuppen.",
    "key.md": "钥匙挂在门后面的钉子上。",
    "oil.md": "The oil is kept in a barrel.",
}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    folder = tmp_path / "notes"
    folder.mkdir()
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    path = tmp_path / "old.crystal"
    meta = {key: value for key, value in DEFAULT_META.items() if key != "analysis"}
    Store.create(path, meta).close()
    with Crystal(path, mode="write", encoder=None) as crystal:
        crystal.ingest(folder)
    return path


def best(path: Path, question: str) -> str:
    with Crystal(path, mode="read", encoder=None) as crystal:
        found = crystal.recall(question, 1)
        return Path(found[0].path).name if len(found) else ""


def test_an_old_crystal_keeps_its_analysis_until_it_is_made_anew(old: Path) -> None:
    with Store.open(old) as store:
        assert stored_analysis(store) == 1
    assert best(old, "Türöffner") == "door.md"
    assert best(old, unicodedata.normalize("NFD", "Türöffner")) == "door.md"
    assert best(old, "钥匙") == ""
    with Crystal(old, mode="write", encoder=None) as crystal:
        assert crystal.verify().sound
        assert not crystal.status().is_index_current
        crystal.compact()
        assert crystal.status().is_index_current
    with Store.open(old) as store:
        assert stored_analysis(store) == 2
    assert (best(old, "钥匙"), best(old, "Türöffner"), best(old, "barrels")) == ("key.md", "door.md", "oil.md")
    with Crystal(old, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_an_analysis_that_is_no_number_is_damage(old: Path) -> None:
    with Store.open(old, writable=True) as store, store.transaction():
        store.set_meta("analysis", "new")
    with pytest.raises(DamagedCrystalError, match="analysis"):
        best(old, "oil")
