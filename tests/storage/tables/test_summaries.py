"""Summaries are stored with their document, in files that have a table for them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.check import check_seal
from crystalcli.storage.file.seal import seal_holds
from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import SourceRow, SummaryRow

GOLDEN = Path(__file__).parent.parent.parent / "golden"
ROW = SummaryRow(1, 0, 5, "some-model", b"d" * 16, "Rope.")


def test_summaries_go_with_their_document(tmp_path):
    with Store.create(tmp_path / "m.crystal", {}) as store:
        assert store.add_new_tables()
        with store.transaction():
            source = store.put_source(SourceRow(0, "a", "a", ".", "text", state="done", characters=5))
            store.add_summaries([ROW._replace(source=source), ROW._replace(source=source, model="another")])
            store.add_summaries([ROW._replace(source=source, text="Yarn.")])
        assert [(row.model, row.text) for row in store.summaries(source)] == [
            ("another", "Rope."),
            ("some-model", "Yarn."),
        ]
        assert seal_holds(store.stream, ("source", source))
        with store.transaction():
            store.clear_source(source)
        assert store.summaries(source) == []
        assert seal_holds(store.stream, ("source", source))


@pytest.mark.parametrize(("version", "has_table"), [(1, False), (2, False), (3, True)])
def test_a_file_of_version_3_gets_the_table_in_place(tmp_path, version, has_table):
    path = Path(shutil.copy(GOLDEN / f"v{version}.crystal", tmp_path / "m.crystal"))
    with Store.open(path) as reader, Store.open(path, writable=True) as store:
        assert store.summaries(1) == reader.summaries(1) == []
        check_seal(reader, reader.source(1))
        assert store.add_new_tables() is has_table
        assert store.format == (6 if has_table else version)
        if has_table:
            with store.transaction():
                store.add_summaries([ROW])
            assert store.summaries(1) == [ROW]
            check_seal(reader, reader.source(1))  # by the columns of the new schema
        assert len(reader.sources()) == len(store.sources())
    with Store.open(path) as store:
        assert store.summaries(1) == ([ROW] if has_table else [])
        assert all(seal_holds(store.stream, ("source", source.id)) for source in store.sources())


def test_impossible_values_are_damage(tmp_path):
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            store.add_summaries([ROW._replace(start=-1)])
        with pytest.raises(DamagedCrystalError, match="a row of the table summary has impossible values"):
            store.summaries(1)
