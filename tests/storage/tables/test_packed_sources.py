"""Rows of `source` are packed from format version 7 on, come back in full, and stay in full in older files."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage import check_seal
from crystalcli.storage.file.seal import seal_holds
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import SourceRow

GOLDEN = Path(__file__).parent.parent.parent / "golden"
IN_THEIR_FOLDER = [
    SourceRow(1, "a.txt", "notes/a.txt", "notes", "text", state="done", characters=5, reader=3),
    SourceRow(2, "deep/b.txt", "/srv/shelf/deep/b.txt", "/srv/shelf", "text", state="done"),
    SourceRow(3, "c.txt", "c.txt", ".", "text", state="done"),
    SourceRow(4, "told", "stdin://told", "stdin://", "memory", state="done"),
    SourceRow(5, "d.txt", "/d.txt", "/", "text", state="done"),
    SourceRow(6, "p_%.txt", "50%/p_%.txt", "50%", "text", state="done"),
]
ELSEWHERE = [
    SourceRow(7, "notes/a.txt", "other/notes/a.txt", "other/notes", "text", state="done"),
    SourceRow(8, "a.txt (gone, 8)", "notes/a-old.txt", "notes", "text", state="gone"),
]


def stored(path: Path) -> list[tuple[str, str]]:
    db = sqlite3.connect(path)
    rows = db.execute("SELECT path, location FROM source ORDER BY id").fetchall()
    db.close()
    return rows


def test_a_location_that_its_folder_tells_is_not_stored(tmp_path):
    rows = [*IN_THEIR_FOLDER, *ELSEWHERE]
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            for row in rows:
                assert store.put_source(row) == row.id
        assert store.sources() == rows
        assert [store.source(row.id) for row in rows] == rows
        assert [store.source_named(row.path) for row in rows] == rows
        assert len(store.rows("SELECT * FROM folder")) == 7
        for row in rows:
            check_seal(store, row)
    assert stored(tmp_path / "m.crystal") == [
        *((row.path, "") for row in IN_THEIR_FOLDER),
        *((row.path, row.location) for row in ELSEWHERE),
    ]


def test_a_document_that_moves_is_found_where_it_is(tmp_path):
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            store.put_source(IN_THEIR_FOLDER[0])
        for moved in (
            IN_THEIR_FOLDER[0]._replace(location="attic/a.txt"),
            IN_THEIR_FOLDER[0]._replace(location="attic/a.txt", root="attic"),
        ):
            with store.transaction():
                store.put_source(moved)
            assert store.sources() == [moved]
            check_seal(store, moved)


def test_a_document_without_its_folder_is_damage(tmp_path):
    path = tmp_path / "m.crystal"
    with Store.create(path, {}) as store, store.transaction():
        store.put_source(IN_THEIR_FOLDER[0])
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM folder")
    db.close()
    with Store.open(path) as store, pytest.raises(DamagedCrystalError, match="folder"):
        store.sources()


def test_seals_of_documents_are_short(tmp_path):
    path = tmp_path / "m.crystal"
    with Store.create(path, {}) as store, store.transaction():
        store.put_source(IN_THEIR_FOLDER[0])
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT source, members, length(total) FROM source_seal").fetchall() == [(1, 1, 8)]
        assert db.execute("SELECT count(*) FROM seal WHERE name = 'source'").fetchone() == (0,)
        db.execute("UPDATE source SET title = 'x'")
    db.close()
    with Store.open(path) as store:
        assert not seal_holds(store.stream, ("source", 1))


@pytest.mark.parametrize("version", range(1, 7))
def test_rows_of_older_files_stay_in_full(tmp_path, version):
    path = Path(shutil.copy(GOLDEN / f"v{version}.crystal", tmp_path / "m.crystal"))
    row = SourceRow(900, "z.txt", "notes/z.txt", "notes", "text", state="done", reader=2)
    with Store.open(path, writable=True) as store:
        with store.transaction():
            store.put_source(row)
        assert store.source(900) == row._replace(reader=0)
        check_seal(store, row)
        assert store.rows("SELECT location, root FROM source WHERE id = 900") == [("notes/z.txt", "notes")]
