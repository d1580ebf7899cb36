"""Every writer leaves a sound crystal, and no reader opens its file except by SQLite."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from support.damage import change, library, verdict_of
from support.lexical_crystals import read_into, write
from support.waiting import GUARD

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import segment_writer
from crystalcli.ingest.status import crystal_status
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.diff import diff_crystals
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.storage.store import Store


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(segment_writer, "SEGMENT_BYTES", 3000)


@pytest.fixture
def made(tmp_path) -> Path:
    return read_into(tmp_path / "m.crystal", library(tmp_path / "shelf"))


def assert_sound(path: Path) -> None:
    assert verdict_of(path).problems == ()


def test_a_new_crystal_verifies(tmp_path):
    Crystal.create(tmp_path / "empty.crystal", encoder=None).close()
    assert_sound(tmp_path / "empty.crystal")


def test_after_edits_forget_prune_and_compact_it_verifies(made, tmp_path):
    shelf = tmp_path / "shelf"
    (shelf / "log-0.md").write_text((shelf / "log-0.md").read_text().replace("anchor", "grapnel"))
    (shelf / "log-1.md").unlink()
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([shelf])
        assert verify_crystal(crystal._store).sound
        crystal.forget(["log-3.md"])
        assert verify_crystal(crystal._store).sound
        crystal.ingest([shelf], prune=True)
    assert_sound(made)
    assert compact_crystal(made).before.chunks > compact_crystal(made).after.chunks > 0
    assert_sound(made)
    with Store.open(made) as store:
        assert crystal_status(store).folders == ("shelf",)


def test_a_merged_crystal_verifies_and_knows_the_folders_of_all(made, tmp_path):
    other = tmp_path / "elsewhere"
    other.mkdir()
    second = read_into(other / "two.crystal", write(other / "docs", {"log-0.md": "Another log.\n", "b.txt": "Rope.\n"}))
    merge_crystals([made, second], tmp_path / "all.crystal")
    assert_sound(tmp_path / "all.crystal")
    merge_crystals([made, second], made, force=True)
    assert_sound(made)
    with Store.open(made) as store:
        status = crystal_status(store)
    assert status.folders == ("elsewhere/docs", "shelf")
    assert status.complete or status.segments_without_layers
    assert {entry.now for entry in status.entries} == {"same"}


def test_an_ingest_stopped_again_and_again_leaves_a_crystal_that_verifies(tmp_path):
    shelf, path = library(tmp_path / "shelf"), tmp_path / "m.crystal"
    commit = segment_writer.SegmentWriter.commit

    def stopped(writer: segment_writer.SegmentWriter, *, layers: bool = True) -> None:
        commit(writer, layers=layers)
        if layers:
            raise KeyboardInterrupt

    Crystal.create(path, encoder=None).close()
    for _ in range(3):
        with pytest.MonkeyPatch.context() as patch, Crystal.open(path, writable=True, encoder=None) as crystal:
            patch.setattr(segment_writer.SegmentWriter, "commit", stopped)
            with pytest.raises(KeyboardInterrupt):
                crystal.ingest([shelf])
        assert_sound(path)
    read_into(path, shelf)
    assert_sound(path)
    with Store.open(path) as store:
        assert {entry.state for entry in crystal_status(store).entries} == {"done"}


def test_two_writers_one_after_the_other_leave_a_crystal_that_verifies(made, tmp_path):
    more = write(tmp_path / "more", {"tide.txt": "High water at noon.\n"})
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        command = [sys.executable, "-m", "crystalcli", "ingest", str(more), "-c", str(made), "--wait", "60"]
        env = {**os.environ, "CRYSTAL_OFFLINE": "1", "CRYSTAL_MODELS": str(tmp_path / "none")}
        waiting = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=env)
        assert waiting.stderr is not None
        for line in waiting.stderr:
            if "waiting" in line:
                break
        crystal.forget(["log-2.md"])
    assert waiting.communicate(timeout=GUARD)
    assert waiting.returncode == 0
    assert_sound(made)
    with Crystal.open(made, encoder=None) as crystal:
        assert {"tide.txt"} <= {document.path for document in crystal.documents()}


def test_verify_sees_one_commit_while_another_thread_writes(made, tmp_path):
    texts = {f"{number}.txt": f"Entry {number}. The rope of ship {number} is new.\n" * 60 for number in range(30)}
    more = write(tmp_path / "more", texts)
    failed: list[BaseException] = []

    def ingest() -> None:
        try:
            with Crystal.open(made, writable=True, encoder=None) as crystal:
                crystal.ingest([more])
        except BaseException as error:
            failed.append(error)

    writer = threading.Thread(target=ingest)
    writer.start()
    seen = set()
    while writer.is_alive():
        with Store.open(made) as store:
            verdict = verify_crystal(store)
            assert verdict.sound, verdict.problems
            seen.add(verdict.checked["segments"])
    writer.join()
    assert not failed
    assert len(seen) > 1


def test_what_is_damaged_is_not_sealed_anew(made, tmp_path):
    other = Path(shutil.copy(made, tmp_path / "other.crystal"))
    change(made, "UPDATE run SET lines = lines + 1 WHERE source = 3 AND ordinal = 0")
    before = made.read_bytes()
    for copied in (
        lambda: compact_crystal(made),
        lambda: merge_crystals([other, made], tmp_path / "all.crystal"),
        lambda: diff_crystals(other, made),
    ):
        with pytest.raises(DamagedCrystalError, match="not what was written"):
            copied()
    with Crystal.open(made, encoder=None) as crystal, pytest.raises(DamagedCrystalError, match="not what was written"):
        crystal.export(tmp_path / "out")
    assert made.read_bytes() == before
    assert not (tmp_path / "all.crystal").exists()


def test_a_document_that_a_repair_found_incomplete_is_read_again_even_after_it_was_gone(made, tmp_path):
    file = tmp_path / "shelf" / "log-4.md"
    file.rename(tmp_path / "kept.md")
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([tmp_path / "shelf"])
    with Store.open(made) as store:
        number = store.source_named("log-4.md").id
    change(made, f"DELETE FROM run WHERE source = {number} AND ordinal = 0")
    assert list(repair_crystal(made).to_read_again) == ["log-4.md"]
    assert_sound(made)
    (tmp_path / "kept.md").rename(file)
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([tmp_path / "shelf"])
        assert crystal.shelf.span_text(crystal._store.source_named("log-4.md")) == file.read_text()
    assert_sound(made)


def test_a_repair_behind_a_link_mends_the_file_and_leaves_the_link(made, tmp_path):
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "l.crystal"
    link.symlink_to(made)
    change(made, "DELETE FROM posting WHERE rowid = 1")
    assert repair_crystal(link).changed
    assert link.is_symlink()
    assert_sound(made)
    assert made.with_name("m.crystal.damaged").exists()


def test_no_file_is_opened_while_sqlite_has_it_open(made, monkeypatch):
    """To close any descriptor of a file takes away the locks that this process holds on it."""
    open_now: list[int] = []
    wrong: list[str] = []
    watching, connect = True, sqlite3.connect

    class Connection(sqlite3.Connection):
        def close(self) -> None:
            super().close()
            if id(self) in open_now:
                open_now.remove(id(self))

    def connected(database: str, **options: Any) -> sqlite3.Connection:
        made_now = connect(database, factory=Connection, **options)
        if f"file://{made}?" in database:
            open_now.append(id(made_now))
        return made_now

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and watching and open_now and str(arguments[0]) == str(made):
            wrong.append(str(arguments[0]))

    change(made, "DELETE FROM posting WHERE rowid = 1")
    sys.addaudithook(hook)
    monkeypatch.setattr(sqlite3, "connect", connected)
    try:
        with Store.open(made) as store:
            assert open_now
            assert not verify_crystal(store).sound
            crystal_status(store)
        assert not open_now
        assert repair_crystal(made).changed
        assert not open_now
        with Store.open(made), made.open("rb"):
            assert wrong == [str(made)]  # it would have been seen
    finally:
        watching = False
    assert_sound(made)
