"""Queries on a file of unknown origin have bounds, which follow the file as it grows."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.file.query_guard import QueryGuard


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "m.db"
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("CREATE TABLE number (value INTEGER)")
        db.execute("INSERT INTO number VALUES (1)")
    return path


def test_a_file_that_has_grown_gives_all_its_rows(table):
    with closing(sqlite3.connect(table)) as reader, closing(sqlite3.connect(table, isolation_level=None)) as writer:
        guard = QueryGuard(reader, table)
        assert list(guard.stream("SELECT value FROM number")) == [(1,)]
        writer.execute(
            "WITH RECURSIVE more (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM more LIMIT 150000) "
            "INSERT INTO number SELECT n FROM more"
        )
        assert sum(1 for _ in guard.stream("SELECT value FROM number")) == 150_001


@pytest.mark.parametrize(
    ("condition", "message"), [("", "more rows than the file has bytes"), ("WHERE n < 0", "interrupted")]
)
def test_a_query_without_an_end_is_stopped(table, condition, message):
    with closing(sqlite3.connect(table)) as reader:
        guard = QueryGuard(reader, table)
        list(guard.stream("SELECT value FROM number"))
        with pytest.raises(DamagedCrystalError, match=message):
            list(
                guard.stream(
                    f"WITH RECURSIVE more (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more) "
                    f"SELECT n FROM more {condition}"
                )
            )
