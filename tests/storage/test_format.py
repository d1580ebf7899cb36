"""docs/FORMAT.md says of every table what the program makes."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from support.repository import DOCS

from crystalcli.storage.file.schema import APPLICATION_ID, FORMAT_VERSION, schema_fault, schema_statements, table_names
from crystalcli.storage.store import Store

FORMAT = (DOCS / "FORMAT.md").read_text(encoding="utf-8")


def made(path: Path) -> sqlite3.Connection:
    Store.create(path, {"encoder": "some"}).close()
    return sqlite3.connect(path)


def test_every_table_and_column_is_written_down(tmp_path):
    db = made(tmp_path / "m.crystal")
    said = {
        name: [(column, kind) for column, kind in re.findall(r"^\| `(\w+)` \| (\w+) \|", rows, re.MULTILINE)]
        for name, rows in re.findall(r"^### `(\w+)`\n(.*?)(?=^##|\Z)", FORMAT, re.MULTILINE | re.DOTALL)
    }
    assert list(said) == table_names()
    for name, columns in said.items():
        real = [(row[1], row[2]) for row in db.execute(f"PRAGMA table_info({name})")]
        assert columns == real, name
    keys = dict(re.findall(r"^### `(\w+)`\n.*?Key: (.*?)[.;]", FORMAT, re.MULTILINE | re.DOTALL))
    for name in table_names():
        info = db.execute(f"PRAGMA table_info({name})").fetchall()
        key = [row[1] for row in sorted(info, key=lambda row: row[5]) if row[5]]
        assert re.findall(r"`(\w+)`", keys[name]) == key, name
    db.close()


def test_the_numbers_in_the_head_are_written_down(tmp_path):
    db = made(tmp_path / "m.crystal")
    assert db.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert db.execute("PRAGMA user_version").fetchone() == (FORMAT_VERSION,)
    assert f"0x{APPLICATION_ID:08X}".lower() in FORMAT.lower()
    assert f"format version {FORMAT_VERSION}" in FORMAT.splitlines()[0]
    indexes = [row[0] for row in db.execute("SELECT name FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")]
    assert all(f"`{name}`" in FORMAT for name in indexes)
    db.close()


def test_the_schema_that_is_checked_is_the_one_that_is_made(tmp_path):
    db = made(tmp_path / "m.crystal")
    rows = db.execute("SELECT type, name, sql FROM sqlite_master").fetchall()
    db.close()
    assert schema_fault(rows) == ""
    assert len([row for row in rows if row[2]]) == len(schema_statements())
    for number, (kind, name, sql) in enumerate(rows):
        if sql:
            assert name in schema_fault(rows[:number] + rows[number + 1 :])
            assert name in schema_fault(
                [*rows[:number], (kind, name, sql.replace(" ", " NOT ", 2)), *rows[number + 1 :]]
            )
