"""The languages of chunks in real crystals: stored, searched, checked, copied, repaired."""

from __future__ import annotations

import sqlite3

import pytest

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import chunk_language
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.storage import languages_of, stored_languages
from crystalcli.storage.store import Store

GERMAN = "Die alten Häuser am Hafen gehören den Fischern, und in den Kellern lagern sie ihre Netze.\n"
FRENCH = "Les vieilles maisons du port sont aux pêcheurs, et dans les caves ils gardent leurs filets.\n"
ENGLISH = "The chandler sells rope to the pilots, and he writes what they owe him in the ledger.\n"
CODE = "def anker(kette):\n    # Das ist die Kette, und sie ist nicht für den Hafen.\n    return kette\n"


@pytest.fixture
def folder(tmp_path):
    files = {"a.txt": GERMAN, "b.txt": FRENCH, "c.txt": ENGLISH, "d.py": CODE}
    (tmp_path / "shelf").mkdir()
    for name, text in files.items():
        (tmp_path / "shelf" / name).write_text(text, encoding="utf-8")
    return tmp_path / "shelf"


def ingested(path, folder):
    with Crystal(path, mode="write", encoder=None) as crystal:
        return crystal.ingest(folder)


def languages(path):
    with Store.open(path) as store:
        chunks = ChunkReader(store)
        return {chunks.get(number).text: chunks.get(number).language for number in range(4)}, stored_languages(store)


def best(path, question):
    with Crystal(path, mode="read", encoder=None) as crystal:
        found = crystal.recall(question, 1)
        return found[0].path.rpartition("/")[2] if len(found) else ""


def test_the_language_of_a_document_is_stored_and_asked_for(tmp_path, folder):
    path = tmp_path / "m.crystal"
    report = ingested(path, folder)
    assert report.languages.keys() == {"de", "fr", "en", ""}
    assert languages(path) == ({GERMAN: "de", FRENCH: "fr", ENGLISH: "", CODE: ""}, ["de", "fr"])
    assert best(path, "In welchem Haus ist ein Keller?") == "a.txt"  # no word is the same
    assert best(path, "une cave sous la maison d'un pêcheur") == "b.txt"
    assert best(path, "selling ropes") == "c.txt"
    assert best(path, "wo ist das und die") == ""  # stop words alone
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_an_english_crystal_has_nothing_of_it(tmp_path, folder):
    for name in ("a.txt", "b.txt"):
        (folder / name).unlink()
    path = tmp_path / "m.crystal"
    ingested(path, folder)
    with Store.open(path) as store:
        assert "languages" not in store.meta()
        assert "languages" not in store.part_sizes()


def test_old_chunks_stay_english_beside_new_ones(tmp_path, folder, monkeypatch):
    path = tmp_path / "m.crystal"
    (folder / "b.txt").rename(tmp_path / "b.txt")
    with monkeypatch.context() as before:
        before.setattr(chunk_language, "identify_language", lambda text: "")
        ingested(path, folder)
    (tmp_path / "b.txt").rename(folder / "b.txt")
    ingested(path, folder)
    assert languages(path) == ({GERMAN: "", FRENCH: "fr", ENGLISH: "", CODE: ""}, ["fr"])
    assert best(path, "Häuser am Hafen") == "a.txt"
    assert best(path, "une cave sous la maison d'un pêcheur") == "b.txt"
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_copies_keep_languages(tmp_path, folder):
    path, other, both = tmp_path / "m.crystal", tmp_path / "o.crystal", tmp_path / "both.crystal"
    ingested(path, folder)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "e.txt").write_text("Il vecchio molo è della città, e non ha più una gru.\n", encoding="utf-8")
    ingested(other, tmp_path / "more")
    Crystal.merge([path, other], both)
    with Store.open(both) as store:
        assert stored_languages(store) == ["de", "fr", "it"]
    assert best(both, "i moli vecchi") == "e.txt"
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.forget("a.txt")
        crystal.compact()
    with Store.open(path) as store:
        assert stored_languages(store) == ["fr"]
    for file in (path, both):
        with Crystal(file, mode="read", encoder=None) as crystal:
            assert crystal.verify().sound


def test_lost_languages_are_found_and_made_again(tmp_path, folder):
    path = tmp_path / "m.crystal"
    ingested(path, folder)
    with sqlite3.connect(path) as db:
        db.execute("UPDATE part SET data = x'00' WHERE name = 'languages'")
    db.close()
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert not crystal.verify().sound
    Crystal.repair(path, encoder=None)
    assert languages(path)[0] == {GERMAN: "de", FRENCH: "fr", ENGLISH: "", CODE: "de"}  # by its comment
    with Crystal(path, mode="read", encoder=None) as crystal:
        assert crystal.verify().sound


def test_an_unknown_language_is_damage(tmp_path, folder):
    path = tmp_path / "m.crystal"
    ingested(path, folder)
    with Store.open(path, writable=True) as store, store.transaction():
        (row,) = store.segments()
        store.add_part(row.id, "languages", *_frame("xx\n\n\n"))
    with Store.open(path) as store:
        assert languages_of(store, row)[0] == "xx"
        with pytest.raises(DamagedCrystalError, match="names 'xx', which is no language"):
            ChunkReader(store).get(0)


def _frame(text):
    from crystalcli.storage import compressed

    return compressed(text.encode()), len(text)


def test_a_chunk_that_is_not_clear_has_the_language_of_the_one_before():
    from crystalcli.datatypes import Chunk

    empty = [Chunk(text, None, None) for text in ("7 8 9", GERMAN, "Kapitel 3", FRENCH, "12", "河边的城市很漂亮。")]
    assert [each.language for each in chunk_language.with_languages(empty)] == ["", "de", "de", "fr", "fr", "fr"]
