"""Crystals whose terms were made by another analysis: asked, extended, checked, made anew."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import DEFAULT_META
from crystalcli.index.segment_writer import count_terms
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
        assert stored_analysis(store) == 3
    assert (best(old, "钥匙"), best(old, "Türöffner"), best(old, "barrels")) == ("key.md", "door.md", "oil.md")
    with Crystal(old, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_an_analysis_that_is_no_number_is_damage(old: Path) -> None:
    with Store.open(old, writable=True) as store, store.transaction():
        store.set_meta("analysis", "new")
    with pytest.raises(DamagedCrystalError, match="analysis"):
        best(old, "oil")


TABLE = "Goodwill; 2022: $12,787; 2021: $12,668\nDebt; 2022: $14; 2021: $15\nCash; 2022: $7; 2021: $2\n"


def test_names_of_columns_count_once_in_an_atom() -> None:
    second = TABLE.index("Cash")
    whole, (first, rest) = count_terms(TABLE, [0], "", ""), count_terms(TABLE, [0, second], "", "")
    assert (whole[0]["2022"], whole[0]["2021"], whole[0]["goodwil"], whole[0]["12"]) == (1, 1, 1, 2)
    assert (first["2022"], rest["2022"], rest["cash"]) == (1, 1, 1)
    assert count_terms(TABLE, [0], "", "", 2)[0]["2022"] == 3


def test_values_that_are_like_a_name_and_sentences_count_as_often_as_they_stand() -> None:
    row = "Sold; 2021: 2022; 2020: 2022\nKept; 2021: 2022; 2020: 7\n"
    assert count_terms(row, [0], "", "")[0]["2022"] == 3
    prose = "The tide came in; the tide went out. The tide: it turns."
    assert count_terms(prose, [0], "", "")[0]["tide"] == 3


def test_a_crystal_of_the_second_analysis_keeps_counting_as_it_did(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_text(TABLE, encoding="utf-8")
    path = tmp_path / "second.crystal"
    Store.create(path, {**DEFAULT_META, "analysis": "2"}).close()
    with Crystal(path, mode="write", encoder=None) as crystal:
        crystal.ingest(tmp_path / "t.txt")
        assert crystal.verify().sound
        long = int(crystal.shelf.lengths.sum())
        crystal.compact()
        assert crystal.verify().sound
        assert int(crystal.shelf.lengths.sum()) < long
