import sqlite3

import pytest

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import SegmentRow
from crystalcli.storage.tables.segments import PartSlice, stored_parts


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
    parts = list(stored_parts(store, ids, ("units", "atoms")))
    assert [part["atoms"][0] + 1 for part in parts] == ids
    assert [part.get("units") for part in parts] == [bytes([i - 1, 1]) if (i - 1) % 3 else None for i in ids]
    assert list(stored_parts(store, [], ("units",))) == []


def test_slices_of_parts_come_in_the_order_asked_for(store):
    with store.transaction():
        for number in range(1, 100):
            store.add_part(number, "clusters", bytes(range(number, number + 100)))
    slices = [PartSlice(number, "clusters", number % 50, 7) for number in (*range(99, 0, -1), *range(1, 99))]
    found = store.part_slices([*slices, PartSlice(5, "atoms", 0, 1), PartSlice(5, "atoms", 1, 4)])
    assert found[:-2] == [bytes(range(n + n % 50, n + n % 50 + 7)) for n, *_ in slices]
    assert found[-2:] == [bytes([4]), b""]
    assert store.part_slices([]) == []
    with pytest.raises(DamagedCrystalError, match="missing"):
        store.part_slices([PartSlice(1, "units", 0, 1)])


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
