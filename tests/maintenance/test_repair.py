"""repair keeps all that can be read and reports losses; an ingest then completes the crystal."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

import pytest
from support.damage import TABLES, change, library, make, texts, verdict_of

from crystalcli.errors import CrystalError, DamagedCrystalError, NotACrystalError
from crystalcli.library import Crystal
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.storage.file.connection import PAGE
from crystalcli.storage.store import Store


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    return library(tmp_path_factory.mktemp("repair") / "shelf")


@pytest.fixture(scope="module")
def sound(folder, encoder_folder) -> Path:
    return make(folder.parent / "m.crystal", folder, encoder_folder)


@pytest.fixture
def own(sound) -> Path:
    """A copy beside the original, so that its ledger names the same files."""
    path = Path(shutil.copy(sound, sound.with_name("own.crystal")))
    yield path
    for left in path.parent.glob("own*"):
        left.unlink()


def content(path: Path) -> dict[str, list[tuple]]:
    """What a crystal holds, but for how its chunks are numbered."""
    with Crystal.open(path, encoder=None) as crystal:
        ledger = [
            (document.path, document.kind, document.title, document.state, document.characters, document.chunks)
            for document in crystal.documents()
        ]
        store = crystal._store
        marks = store.rows(
            "SELECT path, start, landmark.kind, label FROM landmark JOIN source ON source = id ORDER BY path, start"
        )
        return {"ledger": sorted(ledger), "landmarks": marks, "texts": sorted(texts(path).items())}


def mended(path: Path, encoder: Path | None = None):
    report = repair_crystal(path, encoder=lambda meta, home: encoder)
    assert report.changed
    assert verdict_of(path).sound
    return report


def ingested(path: Path, folder: Path, encoder: Path | None) -> None:
    with Crystal.open(path, writable=True, encoder=encoder) as crystal:
        crystal.ingest([folder], prune=True)
    assert verdict_of(path).sound


def test_a_sound_crystal_is_left_alone(own):
    before = own.read_bytes()
    report = repair_crystal(own)
    assert not report.changed
    assert own.read_bytes() == before
    assert not list(own.parent.glob("own*.damaged"))


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("kind", ["a row", "every row"])
def test_each_table_can_be_lost(own, sound, folder, table, kind):
    key = {"meta": "key", "run": "source, ordinal", "landmark": "source, kind, start", "seal": "name, number"}.get(
        table, "rowid"
    )
    alone = table in ("folder", "lexicon", "posting")  # tables with one row
    row = f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {int(not alone)}"
    limit = f"WHERE ({key}) IN ({row})" if kind == "a row" else ""
    change(own, f"DELETE FROM {table} {limit}")
    before = texts(own) if table not in ("meta", "part", "segment", "lexicon", "folder") else {}
    report = mended(own)
    after = texts(own)
    for name, text in before.items():
        if name in after:
            assert after[name] == text
    if table in ("meta", "lexicon", "posting", "segment"):
        assert list(report.lost) == []
        assert list(report.to_read_again) == []
    if table in ("landmark", "run"):
        assert report.to_read_again
    ingested(own, folder, None)
    assert content(own) == content(sound)


@pytest.mark.parametrize("part", ["text", "spans", "hashes", "lengths", "atoms", "clusters", "units"])
def test_each_part_can_be_broken(own, sound, folder, part, encoder_folder):
    rowid = sqlite3.connect(own).execute("SELECT rowid FROM part WHERE name = ? AND segment = 2", (part,)).fetchone()[0]
    raw = sqlite3.connect(own, isolation_level=None)
    with raw.blobopen("part", "data", rowid) as blob:
        blob[len(blob) // 2] ^= 0x55
    raw.close()
    assert verdict_of(own, quick=True).documents
    layers = part in ("atoms", "clusters", "units")
    report = mended(own, encoder_folder if layers else None)
    assert any("segment 2" in line for line in report.lost) == (part == "text")
    if part != "text":
        assert list(report.lost) == []
        assert content(own) == content(sound)
    else:
        assert report.to_read_again
        kept = texts(own)
        assert kept.items() <= texts(sound).items()
        assert kept
        ingested(own, folder, encoder_folder)
        assert content(own) == content(sound)
    with Store.open(own) as store:
        assert all(segment.encoded for segment in store.segments())


@pytest.mark.parametrize("every", [8, pytest.param(1, marks=pytest.mark.slow)])
def test_pages_that_cannot_be_read_cost_only_what_they_hold(own, sound, folder, every):
    data = own.read_bytes()
    pages = len(data) // PAGE
    lost_something = 0
    for page in range(1, pages, every):
        own.write_bytes(data[: page * PAGE] + bytes(PAGE) + data[(page + 1) * PAGE :])
        try:
            broken = not verdict_of(own, quick=True).sound
        except DamagedCrystalError:
            broken = True
        if not broken:
            continue
        report = mended(own)
        lost_something += bool(report.lost)
        wanted = texts(sound)
        assert all(wanted[name] == text for name, text in texts(own).items() if name in wanted)
        if page % 5 == 0:
            ingested(own, folder, None)
            assert content(own)["texts"] == content(sound)["texts"]
    assert lost_something


def schema_pages(data: bytes) -> list[int]:
    """The pages of SQLite's list of tables, but for the first page of the file, from 0."""
    pages = [number for number in range(1, len(data) // PAGE) if b"CREATE TABLE " in data[number * PAGE :][:PAGE]]
    assert len(pages) > 1
    return pages


def test_a_lost_page_of_the_list_of_tables_costs_nothing(own, sound):
    data = own.read_bytes()
    for page in schema_pages(data):
        own.write_bytes(data[: page * PAGE] + bytes(PAGE) + data[(page + 1) * PAGE :])
        report = mended(own)
        assert not report.lost
        assert not report.to_read_again
        assert content(own) == content(sound)


def test_tables_that_an_older_file_got_later_are_found_without_the_list_of_tables(tmp_path):
    path = tmp_path / "m.crystal"
    shutil.copy(Path(__file__).parents[1] / "golden" / "v4.crystal", path)
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.remember("The boiler is serviced in May.")
    before = texts(path)
    data = path.read_bytes()
    for page in schema_pages(data):
        path.write_bytes(data[: page * PAGE] + bytes(PAGE) + data[(page + 1) * PAGE :])
        assert not mended(path).lost
        assert texts(path) == before
        with Crystal.open(path, encoder=None) as crystal:
            assert [memory.text for memory in crystal.memories()] == ["The boiler is serviced in May."]


@pytest.mark.parametrize(
    "statements",
    [
        ["DROP INDEX run_by_chunk"],
        ["CREATE VIEW v AS SELECT 1"],
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'title', 'tit(e') WHERE name = 'source'",
        ],
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET name = 'tart', sql = 'CREATE TABLE tart (a)' WHERE name = 'part'",
        ],
    ],
)
def test_a_damaged_schema_costs_nothing(own, sound, statements):
    change(own, *statements)
    with pytest.raises(DamagedCrystalError, match="damaged"):
        Store.open(own)
    report = mended(own)
    assert list(report.lost) == []
    assert content(own) == content(sound)
    assert not list(own.parent.glob("own*-repair*"))


def test_the_damaged_file_is_kept_unless_told_otherwise(own):
    change(own, "DELETE FROM posting WHERE rowid = 1")
    damaged = own.read_bytes()
    report = mended(own)
    assert Path(report.backup).name == "own.crystal.damaged"
    assert Path(report.backup).read_bytes() == damaged
    change(own, "DELETE FROM posting WHERE rowid = 1")
    assert Path(mended(own).backup).name == "own-2.crystal.damaged"
    change(own, "DELETE FROM posting WHERE rowid = 1")
    assert repair_crystal(own, backup=False).backup is None
    assert sorted(path.name for path in own.parent.glob("own*")) == [
        "own-2.crystal.damaged",
        "own.crystal",
        "own.crystal.damaged",
    ]


def test_what_sqlite_left_beside_the_damaged_file_goes_with_it(own, tmp_path):
    """A write-ahead log of the old file would be replayed into the new one."""
    raw = sqlite3.connect(own, isolation_level=None)
    raw.execute("PRAGMA journal_mode = WAL")
    raw.execute("DELETE FROM posting WHERE rowid = 1")
    shutil.copy(own, tmp_path / "own.crystal")
    shutil.copy(f"{own}-wal", tmp_path / "own.crystal-wal")
    raw.close()
    path = tmp_path / "own.crystal"
    report = repair_crystal(path)
    assert report.changed
    assert sorted(file.name for file in tmp_path.iterdir() if not file.name.endswith("-shm")) == [
        "own.crystal",
        "own.crystal.damaged",
        "own.crystal.damaged-wal",
    ]
    assert verdict_of(path).sound


def test_what_is_no_crystal_is_not_repaired(tmp_path):
    path = tmp_path / "x.crystal"
    path.write_bytes(b"no crystal at all, " * 20)
    with pytest.raises(NotACrystalError, match="is not a crystal"):
        repair_crystal(path)
    assert path.read_bytes() == b"no crystal at all, " * 20
    with pytest.raises(CrystalError, match="does not exist"):
        repair_crystal(tmp_path / "none.crystal")


def test_a_repair_does_not_meet_a_writer(own):
    with Store.open(own, writable=True), pytest.raises(CrystalError, match="another program is writing"):
        repair_crystal(own)
