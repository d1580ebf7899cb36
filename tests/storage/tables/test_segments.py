import sqlite3

import pytest

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.file.connection import PAGE_CACHE
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import RunRow, SegmentRow, SourceRow
from crystalcli.storage.tables.runs import runs_by_chunk
from crystalcli.storage.tables.segments import stored_parts


@pytest.fixture
def store(tmp_path):
    with Store.create(tmp_path / "m.crystal", {}) as made:
        with made.transaction():
            for number in range(100):
                segment = made.add_segment(SegmentRow(0, number, 1, number, 1, 1, 1, 1, 1, 1))
                made.add_part(segment, "atoms", bytes([number]))
                if number % 3:
                    made.add_part(segment, "units", bytes([number, 1]))
        yield made


def test_parts_of_many_segments_come_in_the_order_asked_for(store):
    ids = list(range(100, 0, -1))
    found = list(stored_parts(store, ids, ("units", "atoms")))
    assert [each["atoms"][0] + 1 for each in found] == ids
    assert [each.get("units") for each in found] == [bytes([i - 1, 1]) if (i - 1) % 3 else None for i in ids]
    assert list(stored_parts(store, [], ("units",))) == []


def test_parts_are_checked(store):
    store.close()
    raw = sqlite3.connect(store.path)
    raw.execute("UPDATE part SET data = x'ff' WHERE segment = 77 AND name = 'atoms'")
    raw.commit()
    raw.close()
    with Store.open(store.path) as again:
        assert len(list(stored_parts(again, range(1, 77), ("atoms",)))) == 76
        with pytest.raises(DamagedCrystalError, match="part atoms of segment 77 does not match its digest"):
            list(stored_parts(again, range(1, 100), ("atoms",)))


def test_runs_come_in_the_order_of_their_chunks(store):
    source = SourceRow(0, "a", "a", ".", "text", "", "done", "", "", 5, 1, b"", 5, 1, 1)
    with store.transaction():
        for number in range(3):
            where = f"{number}"
            made = store.put_source(source._replace(path=where, location=where))
            store.add_runs(RunRow(made, place, 700 * place + number, 5, 0, 0) for place in range(5))
    wanted = sorted((700 * place + number, 5) for place in range(5) for number in range(3))
    assert list(runs_by_chunk(store, 10_000)) == wanted
    assert list(runs_by_chunk(store, 1401)) == wanted[:7]


def test_sqlite_keeps_so_much_of_the_file_and_maps_none(store):
    assert store.rows("PRAGMA cache_size") == [(-PAGE_CACHE // 1024,)]
    assert store.rows("PRAGMA mmap_size") in ([], [(0,)])
