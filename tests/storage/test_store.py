import errno
import fcntl
import os
import signal
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli.errors import CrystalError, DamagedCrystalError, MissingFileError, NewerFormatError, NotACrystalError
from crystalcli.storage.file import file_lock, seal
from crystalcli.storage.file.connection import PAGE_CACHE
from crystalcli.storage.file.query_guard import QueryGuard
from crystalcli.storage.file.schema import APPLICATION_ID, FORMAT_VERSION
from crystalcli.storage.file.signals import signals_held_back
from crystalcli.storage.store import Store
from crystalcli.storage.tables.chunk_spans import ChunkSpans
from crystalcli.storage.tables.rows import RunRow, SegmentRow, SourceRow

SOURCE = SourceRow(0, "a.txt", "a.txt", ".", "text", "", "done", "", "", 5, 1, b"x" * 32, 5, 1, 1)


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "m.crystal", {"encoder": "some"}) as made:
        yield made


def test_a_closed_crystal_is_one_plain_file(store, tmp_path):
    with store.transaction():
        store.set_meta("key", "value")
    store.close()
    assert [path.name for path in tmp_path.iterdir()] == ["m.crystal"]
    head = (tmp_path / "m.crystal").read_bytes()[:100]
    assert int.from_bytes(head[68:72], "big") == APPLICATION_ID
    assert int.from_bytes(head[60:64], "big") == FORMAT_VERSION
    assert head[18:20] == b"\x01\x01"  # not in WAL mode: readable from a read-only medium
    with Store.open(tmp_path / "m.crystal") as again:
        assert again.meta() == {"encoder": "some", "key": "value"}


@pytest.mark.parametrize("readers", [1, 2])
def test_a_crystal_is_one_plain_file_after_the_last_reader_that_outlasts_its_writer(store, tmp_path, readers):
    path = tmp_path / "m.crystal"
    with store.transaction():
        store.set_meta("key", "value")
    opened = [Store.open(path) for _ in range(readers)]
    assert opened[0].meta()["key"] == "value"
    store.close()
    for reader in opened:
        assert path.with_name("m.crystal-wal").exists()
        reader.close()
    assert [each.name for each in tmp_path.iterdir()] == ["m.crystal"]
    with Store.open(path) as again:
        assert again.meta()["key"] == "value"


def test_what_fails_half_way_was_never_there(store):
    with pytest.raises(ZeroDivisionError, match="division"), store.transaction():
        store.put_source(SOURCE)
        _ = 1 / 0
    assert store.sources() == []


def test_parts_are_checked_when_they_are_read(store):
    with store.transaction():
        number = store.add_segment(SegmentRow(0, 0, 1, 0, 1, 1, 1, 3, 11, 0))
        store.add_text(number, b"hello world")
        store.add_part(number, "atoms", b"\x01\x02")
    assert store.text(number) == b"hello world"
    assert store.part(number, "atoms") == b"\x01\x02"
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute("UPDATE part SET data = x'0103' WHERE name = 'atoms'")
    raw.execute("DELETE FROM part WHERE name = 'text'")
    raw.commit()
    raw.close()
    with Store.open(store.path) as again:
        with pytest.raises(DamagedCrystalError, match="does not match its digest"):
            again.part(number, "atoms")
        with pytest.raises(DamagedCrystalError, match="part text of segment 1 is missing"):
            again.text(number)


def test_a_text_that_claims_another_size_is_not_decompressed(store):
    with store.transaction():
        number = store.add_segment(SegmentRow(0, 0, 1, 0, 1, 1, 1, 3, 11, 0))
        store.add_text(number, b"0" * 1_000_000)
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute("UPDATE part SET size = 11 WHERE name = 'text'")
    raw.commit()
    raw.close()
    with Store.open(store.path) as again, pytest.raises(DamagedCrystalError, match="does not have the size"):
        again.text(number)


def test_runs_over_a_chunk_are_found_wherever_it_stands(store):
    with store.transaction():
        first = store.put_source(SOURCE)
        second = store.put_source(SOURCE._replace(path="b", location="b"))
        runs = [RunRow(first, 0, 0, 64, 0, 0), RunRow(first, 1, 64, 10, 900, 9), RunRow(second, 0, 60, 8, 0, 0)]
        store.add_runs(runs)
    assert store.runs_over(63) == [runs[0], runs[2]]
    assert store.runs_over(66) == [runs[1], runs[2]]
    assert store.runs_over(74) == []


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not a crystal"),
        (b"just some text that is long enough to be looked at " * 9, "is not a crystal"),
        (b"SQLite format 3\0" + b"\0" * 200, "database of another program"),
    ],
)
def test_what_is_not_a_crystal_is_named(tmp_path, content, message):
    path = tmp_path / "x.crystal"
    path.write_bytes(content)
    with pytest.raises(NotACrystalError, match=message):
        Store.open(path)


def test_folders_missing_files_and_newer_versions_are_named(tmp_path, store):
    with pytest.raises(NotACrystalError, match="is a folder"):
        Store.open(tmp_path)
    with pytest.raises(MissingFileError, match="does not exist"):
        Store.open(tmp_path / "none.crystal")
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute(f"PRAGMA user_version = {FORMAT_VERSION + 1}")
    raw.close()
    with pytest.raises(NewerFormatError, match=f"format version {FORMAT_VERSION + 1}"):
        Store.open(store.path)


@pytest.mark.parametrize("size", [100, 1000, 4096, 20_000])
def test_a_truncated_crystal_is_damaged(store, size):
    with store.transaction():
        for number in range(300):
            store.put_source(SOURCE._replace(path=f"{number}", location=f"{number}"))
    store.close()
    store.path.write_bytes(store.path.read_bytes()[:size])
    with pytest.raises(DamagedCrystalError, match="damaged"), Store.open(store.path) as again:
        again.sources()
        again.segments()
        again.rows("SELECT * FROM run")


def test_two_writers_do_not_meet(store):
    with pytest.raises(CrystalError, match="another program is writing"):
        Store.open(store.path, writable=True)
    store.close()
    Store.open(store.path, writable=True).close()


def test_a_reader_sees_the_last_commit_during_a_write(store):
    with store.transaction():
        store.put_source(SOURCE)
    with Store.open(store.path) as reader:
        assert len(reader.sources()) == 1
        version = reader.version()
        with store.transaction():
            store.put_source(SOURCE._replace(path="b", location="b"))
            assert len(reader.sources()) == 1
        assert len(reader.sources()) == 2
        assert reader.version() != version


def test_a_folder_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    with pytest.raises(CrystalError, match=r"folder .* does not exist"):
        Store.create(tmp_path / "missing" / "m.crystal", {})
    if os.geteuid() != 0:  # root may write anywhere
        tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
        with pytest.raises(CrystalError, match="cannot write"):
            Store.create(tmp_path / "m.crystal", {})
        tmp_path.chmod(stat.S_IRWXU)


@given(st.lists(st.tuples(*[st.integers(0, 10**6)] * 4), max_size=20), st.lists(st.integers(0, 10**4), max_size=60))
def test_spans_come_back(chunks, units):
    columns = [np.array([chunk[i] for chunk in chunks], np.int64) for i in range(4)]
    spans = ChunkSpans(*columns, np.array(units, np.int64))
    back = ChunkSpans.from_flat(spans.flat(), len(chunks), len(units))
    assert all(np.array_equal(a, b) for a, b in zip(spans, back, strict=True))
    with pytest.raises(DamagedCrystalError, match="contradict"):
        ChunkSpans.from_flat(spans.flat(), len(chunks) + 1, len(units))


def test_paths_with_odd_characters_work(tmp_path):
    path = tmp_path / "a ?#%&é.crystal"
    Store.create(path, {"a": "b"}).close()
    assert [file.name for file in Path(tmp_path).iterdir()] == [path.name]
    with Store.open(path) as again:
        assert again.meta() == {"a": "b"}


_HALF_A_WRITE = """
import os, signal, sqlite3, sys
raw = sqlite3.connect(sys.argv[1], isolation_level=None)
raw.execute("PRAGMA cache_size = 1")
raw.execute("BEGIN IMMEDIATE")
raw.executemany("INSERT INTO meta VALUES (?, ?)", [(str(n), "x" * 500) for n in range(3000)])
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_reader_undoes_what_a_killed_writer_left_half_done(store):
    """As the change to or from WAL mode may leave it: a journal that must be rolled back, which a reader may not do."""
    store.close()
    before = store.path.read_bytes()
    subprocess.run([sys.executable, "-c", _HALF_A_WRITE, str(store.path)])
    assert store.path.with_name("m.crystal-journal").exists()
    assert store.path.read_bytes() != before
    with Store.open(store.path) as again:
        assert again.meta() == {"encoder": "some"}


def test_a_crystal_is_whole_or_not_there(tmp_path):
    """What an interruption leaves of a new crystal is in nobody's way, nor is the log of one that was deleted."""
    path = tmp_path / "m.crystal"
    for suffix in ("-new", "-new-journal", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).write_bytes(b"left behind" * 1000)
    with Store.create(path, {"encoder": "some"}) as made:
        assert made.meta() == {"encoder": "some"}
    assert [file.name for file in tmp_path.iterdir()] == ["m.crystal"]


def test_a_crystal_behind_a_link_has_one_lock_and_one_log(tmp_path):
    (tmp_path / "real").mkdir()
    link = tmp_path / "link.crystal"
    link.symlink_to(tmp_path / "real" / "m.crystal")
    with Store.create(link, {"encoder": "some"}) as made:
        with pytest.raises(CrystalError, match="another program is writing"):
            Store.open(tmp_path / "real" / "m.crystal", writable=True)
        with made.transaction():
            made.set_meta("key", "value")
        beside = {file.name for file in (tmp_path / "real").iterdir()}
        assert beside == {"m.crystal", "m.crystal-lock", "m.crystal-wal", "m.crystal-shm"}
        assert {file.name for file in tmp_path.iterdir()} == {"real", "link.crystal"}
    assert link.is_symlink()
    with Store.open(link) as again:
        assert again.meta()["key"] == "value"


def test_a_lock_file_that_a_killed_writer_left_means_nothing(store):
    store.close()
    store.path.with_name("m.crystal-lock").write_text("1")
    Store.open(store.path, writable=True).close()


class Clock:
    """Time that passes only in sleep. then: called after each, with the seconds slept in all."""

    def __init__(self, then: Callable[[float], object] = lambda _: None) -> None:
        self.now, self._then = 0.0, then

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._then(self.now)


def test_waiting_for_another_writer(store, monkeypatch):
    messages: list[str] = []
    clock = Clock()
    monkeypatch.setattr(file_lock, "time", clock)
    with pytest.raises(CrystalError, match=rf"another program is writing m.crystal \(process {os.getpid()}\): wait"):
        Store.open(store.path, writable=True, wait=0.3, waiting=messages.append)
    assert clock.now == pytest.approx(0.3)
    assert messages == [f"waiting for another program that is writing m.crystal (process {os.getpid()})"]
    clock = Clock(lambda now: store.close() if now > 5 else None)
    monkeypatch.setattr(file_lock, "time", clock)
    Store.open(store.path, writable=True, wait=20).close()
    assert 5 < clock.now < 6  # at the first look after the other was done


def test_a_writer_waits_for_readers_that_leave(store, monkeypatch):
    store.close()
    lock = file_lock.lock_in_passing(store.path)
    clock = Clock(lambda now: file_lock.release_lock(lock) if now > 3 else None)
    monkeypatch.setattr(file_lock, "time", clock)
    Store.open(store.path, writable=True).close()
    assert 3 < clock.now < 4


def test_where_the_system_has_no_locks_sqlite_alone_keeps_order(tmp_path, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with Store.create(tmp_path / "m.crystal", {"encoder": "some"}) as one, Store.open(one.path, writable=True) as two:
        with one.transaction():
            one.set_meta("a", "1")
        with two.transaction():
            two.set_meta("b", "2")
        assert one.meta() == {"encoder": "some", "a": "1", "b": "2"}


def test_a_reader_that_keeps_a_transaction_open_stops_no_commit_and_the_log_shrinks_after_it(store):
    with store.transaction():
        store.put_source(SOURCE)
    log = store.path.with_name("m.crystal-wal")
    with Store.open(store.path) as reader:
        with reader.snapshot():
            assert len(reader.sources()) == 1
            for number in range(40):
                with store.transaction():
                    store.set_meta(f"{number}", "x" * 500_000)
            assert len(reader.sources()) == 1
            assert "39" not in reader.meta()
            assert log.stat().st_size > 1 << 24
        for number in range(10):  # a reader that is open and reads between the commits, but holds nothing
            assert len(reader.meta()) > 39
            with store.transaction():
                store.set_meta(f"{number}", "y" * 500_000)
        assert log.stat().st_size <= 1 << 24
        store.close()
        assert reader.meta()["9"] == "y" * 500_000
    Store.open(store.path, writable=True).close()
    assert store.path.read_bytes()[18:20] == b"\x01\x01"


def test_signals_wait_while_they_are_held_back():
    order: list[str] = []
    before = signal.signal(signal.SIGTERM, lambda *_: order.append("handled"))
    try:
        with signals_held_back():
            with signals_held_back():
                signal.raise_signal(signal.SIGTERM)
                order.append("inner")
            order.append("outer")
        assert order == ["inner", "outer", "handled"]
        with pytest.raises(KeyboardInterrupt, match=r"^$"), signals_held_back():
            signal.raise_signal(signal.SIGINT)
            order.append("still here")
        assert order[-1] == "still here"
    finally:
        signal.signal(signal.SIGTERM, before)


def test_a_ctrl_c_while_sqlite_calls_us_is_a_ctrl_c(tmp_path, monkeypatch):
    """It arrives in the function that counts rows for the seals, or in the one that ends queries that go on too long."""
    count, ticks = seal.row_digest, []

    def interrupted(*row: object) -> int:
        ticks.append(row)
        signal.raise_signal(signal.SIGINT)
        return count(*row)

    with monkeypatch.context() as patch:
        patch.setattr(seal, "row_digest", interrupted)
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            Store.create(tmp_path / "a.crystal", {"a": "1"})
    assert ticks
    assert not list(tmp_path.iterdir())
    with Store.create(tmp_path / "b.crystal", {}) as store:
        with monkeypatch.context() as patch:
            patch.setattr(seal, "row_digest", interrupted)
            with pytest.raises(KeyboardInterrupt, match=r"^$"), store.transaction():
                store.set_meta("key", "value")
        assert store.meta() == {"key": "value"}  # what had begun was written to its end
        assert not list(seal.broken_seals(store.rows))

    look = QueryGuard._too_long
    monkeypatch.setattr(QueryGuard, "_too_long", lambda guard: (signal.raise_signal(signal.SIGINT), look(guard))[1])
    with Store.open(tmp_path / "b.crystal") as store:
        endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100000) SELECT count(*) FROM n"
        with pytest.raises(KeyboardInterrupt, match=r"^$"):
            store.rows(endless)
        monkeypatch.undo()
        assert store.meta() == {"key": "value"}


_WRITER = """
import sys; from pathlib import Path; from crystalcli.storage.store import Store
for turn in range(30):
    with Store.open(Path(sys.argv[1]), writable=True) as store, store.transaction():
        store.set_meta("text", str(turn) * 30000)
"""


def test_two_readers_in_one_process_do_not_take_each_other_s_locks_away(store):
    """To open and close the file itself, for a look at its first bytes, would."""
    store.close()
    writer = subprocess.Popen([sys.executable, "-c", _WRITER, str(store.path)])
    with Store.open(store.path) as resident:
        while writer.poll() is None:
            with Store.open(store.path) as passing:
                for reader in (resident, passing):
                    assert len(set(reader.meta().get("text", "")[:9])) <= 2
                    assert reader.rows("PRAGMA quick_check") == [("ok",)]
    assert writer.returncode == 0


def test_sqlite_keeps_so_much_of_the_file_and_maps_none(store):
    assert store.rows("PRAGMA cache_size") == [(-PAGE_CACHE // 1024,)]
    assert store.rows("PRAGMA mmap_size") in ([], [(0,)])
