from crystalcli.storage.store import Store
from crystalcli.storage.tables.rows import RunRow, SourceRow
from crystalcli.storage.tables.runs import runs_by_chunk


def test_runs_come_in_the_order_of_their_chunks(tmp_path):
    source = SourceRow(0, "a", "a", ".", "text", "", "done", "", "", 5, 1, b"", 5, 1, 1)
    with Store.create(tmp_path / "m.crystal", {}) as store:
        with store.transaction():
            for number in range(3):
                path = f"{number}"
                document = store.put_source(source._replace(path=path, location=path))
                store.add_runs(RunRow(document, place, 700 * place + number, 5, 0, 0) for place in range(5))
        expected = sorted((700 * place + number, 5) for place in range(5) for number in range(3))
        assert [run for runs in runs_by_chunk(store, 10_000) for run in runs] == expected
        assert [run for runs in runs_by_chunk(store, 1401) for run in runs] == expected[:7]
