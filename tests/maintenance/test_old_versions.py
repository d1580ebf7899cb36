"""Crystals of older format versions are read, written and repaired: 1 and 2 without reason codes, 6 with rows in full."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from support.locked_zip import locked

from crystalcli.errors import Reason
from crystalcli.ingest.status import crystal_status
from crystalcli.library import Crystal
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.storage.file.schema import FORMAT_VERSION
from crystalcli.storage.store import Store

GOLDEN = Path(__file__).parent.parent / "golden"
CODES = {
    "data.bin": Reason.NOT_TEXT,
    "empty.txt": Reason.EMPTY,
    "papers.zip/a.txt": Reason.ENCRYPTED,
    "poetry.lock": Reason.LOCK_FILE,
}


@pytest.fixture(params=[1, 2, 3, 6])
def old(request, tmp_path) -> tuple[Path, int]:
    """A golden crystal, and its version."""
    return Path(shutil.copy(GOLDEN / f"v{request.param}.crystal", tmp_path / "old.crystal")), request.param


@pytest.fixture
def folder(tmp_path) -> Path:
    """A folder with files that are not read, each for another reason."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "data.bin").write_bytes(bytes(range(256)))
    (folder / "empty.txt").write_bytes(b"")
    (folder / "poetry.lock").write_text("[[package]]\nname = 'rope'\n")
    (folder / "papers.zip").write_bytes(locked("a.txt", b"The brass key hangs behind the lamp.\n", b"word"))
    for path in folder.iterdir():
        os.utime(path, (1_700_000_000, 1_700_000_000))  # old enough to be trusted
    return folder


def codes(path: Path) -> dict[str, str]:
    with Store.open(path) as store:
        assert verify_crystal(store).problems == ()
        rows = {source.path: source.code for source in store.sources()}
        assert {entry.path: entry.code for entry in crystal_status(store).entries} == rows
    return {path: code for path, code in rows.items() if path in CODES}


def has_column(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as db:
        return "code" in [row[1] for row in db.execute("PRAGMA table_info(source)")]


def test_an_old_file_keeps_its_version_and_its_codes(old, folder):
    path, version = old
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([folder])
        assert crystal.stats().format_version == version
    assert codes(path) == CODES
    assert has_column(path) == (version >= 3)


def test_codes_steer_what_is_read_again_in_an_old_file(old, folder):
    path, _ = old
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([folder])
        again = crystal.ingest([folder])
        assert again.read == 0
        assert {file.code for file in again.skipped} >= set(CODES.values())
        report = crystal.ingest([folder], password="wrong")
        assert Reason.WRONG_PASSWORD in {file.code for file in report.skipped}
        assert crystal.ingest([folder], password="word").changed == (("papers.zip/a.txt", "read"),)
        assert crystal.ingest([folder / "poetry.lock"]).changed == (("poetry.lock", "read"),)
        rows = {document.path: document for document in crystal.documents()}
    assert (rows["papers.zip/a.txt"].reason, rows["papers.zip/a.txt"].code) == (None, None)
    assert (rows["poetry.lock"].reason, rows["poetry.lock"].code) == (None, None)


@pytest.mark.parametrize("renew", [compact_crystal, "repair"])
def test_a_new_file_made_of_an_old_one_has_the_column(old, folder, renew):
    path, _ = old
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([folder])
    before = codes(path)
    if renew == "repair":
        with closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE seal SET members = members + 1 WHERE name = ''")
            db.commit()
        assert repair_crystal(path).changed
    else:
        renew(path)
    with Store.open(path) as store:
        assert store.format == FORMAT_VERSION
    assert has_column(path)
    assert codes(path) == before


@pytest.mark.parametrize(
    "statements",
    [
        [
            "PRAGMA writable_schema = ON",
            "UPDATE sqlite_master SET sql = replace(sql, 'title', 'tit(e') WHERE name = 'source'",
        ],
        ["PRAGMA user_version = 0"],
    ],
)
def test_a_damaged_head_of_an_old_file_is_repaired(old, folder, statements):
    path, _ = old
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([folder])
        documents = crystal.documents()
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        for statement in statements:
            db.execute(statement)
    assert repair_crystal(path).changed
    with Crystal.open(path, encoder=None) as crystal:
        assert crystal.documents() == documents
        assert crystal.stats().format_version == FORMAT_VERSION
