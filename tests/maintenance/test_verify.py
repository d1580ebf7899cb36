"""verify finds every missing or altered row, and every altered byte of a blob."""

from __future__ import annotations

import random
import shutil
import sqlite3
from pathlib import Path

import pytest
from support.damage import TABLES, change, library, make, verdict_of

from crystalcli.errors import DamagedCrystalError
from crystalcli.storage.store import Store


@pytest.fixture(scope="module")
def sound(tmp_path_factory, encoder_folder) -> Path:
    folder = tmp_path_factory.mktemp("verify")
    return make(folder / "m.crystal", library(folder / "shelf"), encoder_folder)


@pytest.fixture
def own(sound, tmp_path) -> Path:
    return Path(shutil.copy(sound, tmp_path / "own.crystal"))


def rows_of(path: Path, table: str) -> list[tuple]:
    db = sqlite3.connect(path)
    try:
        return db.execute(f"SELECT * FROM {table}").fetchall()
    finally:
        db.close()


def test_a_crystal_as_it_was_made_is_sound(sound):
    verdict = verdict_of(sound)
    assert verdict.sound, verdict.problems
    assert verdict.checked["segments"] > 2
    assert verdict.checked["sources"] == 7
    assert all(abs(ratio / wanted - 1) < 0.1 for ratio, wanted in zip(verdict.ratios, (10, 5, 2), strict=True))


@pytest.mark.parametrize("table", TABLES)
def test_any_missing_row_is_found(sound, tmp_path, table):
    keys = {"meta": "key", "run": "source, ordinal", "landmark": "source, kind, start", "seal": "name, number"}
    key = keys.get(table, "rowid")
    count = len(rows_of(sound, table))
    assert count
    for number in sorted({0, count // 2, count - 1}):
        path = Path(shutil.copy(sound, tmp_path / "own.crystal"))
        change(
            path,
            f"DELETE FROM {table} WHERE ({key}) IN (SELECT {key} FROM {table} ORDER BY {key} LIMIT 1 OFFSET {number})",
        )
        assert len(rows_of(path, table)) == count - 1
        assert not verdict_of(path, quick=True).sound, f"row {number} of {table}"


@pytest.mark.parametrize("table", TABLES)
def test_any_altered_value_is_found_even_behind_the_digests(sound, tmp_path, table):
    db = sqlite3.connect(sound)
    columns = db.execute(f"PRAGMA table_info({table})").fetchall()
    key = ", ".join(row[1] for row in columns if row[5])
    first = db.execute(f"SELECT {key} FROM {table} ORDER BY {key} LIMIT 2").fetchall()[-1]
    db.close()
    for _, name, kind, *_ in columns:
        path = Path(shutil.copy(sound, tmp_path / "own.crystal"))
        raw = sqlite3.connect(path, isolation_level=None)
        changed = {"INTEGER": f"{name} + 1000", "TEXT": f"{name} || 'x'", "BLOB": f"zeroblob(length({name}))"}[kind]
        raw.execute(f"UPDATE {table} SET {name} = {changed} WHERE ({key}) = ({', '.join('?' * len(first))})", first)
        assert raw.execute("SELECT changes()").fetchone() == (1,)
        raw.close()
        assert not verdict_of(path, quick=True).sound, f"{table}.{name}"


def test_any_flipped_byte_in_a_blob_is_found_and_its_documents_are_named(sound, tmp_path):
    random.seed(7)
    blobs = []
    db = sqlite3.connect(sound)
    for table in ("part", "posting"):
        blobs += [(table, rowid, size) for rowid, size in db.execute(f"SELECT rowid, length(data) FROM {table}")]
    db.close()
    for table, rowid, size in random.choices(blobs, k=60):
        path = Path(shutil.copy(sound, tmp_path / "own.crystal"))
        raw = sqlite3.connect(path, isolation_level=None)
        with raw.blobopen(table, "data", rowid) as blob:
            place = random.randrange(size)
            blob[place] = blob[place] ^ (1 << random.randrange(8))
        raw.close()
        verdict = verdict_of(path, quick=True)
        assert not verdict.sound
        assert verdict.documents


def test_flipped_bytes_of_the_file_are_found_or_change_nothing(sound, tmp_path):
    """Bytes that nothing refers to, such as free space in a page, may have any value."""
    random.seed(11)
    data = sound.read_bytes()
    path = tmp_path / "own.crystal"
    wanted = [rows_of(sound, table) for table in TABLES]
    detected = 0
    for _ in range(120):
        place = random.randrange(100, len(data))
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << random.randrange(8))]) + data[place + 1 :])
        try:
            verdict = verdict_of(path, quick=True)
        except DamagedCrystalError:
            detected += 1
            continue
        if verdict.sound:
            assert [rows_of(path, table) for table in TABLES] == wanted
        else:
            detected += 1
    assert detected > 20


def test_what_is_sealed_again_but_contradicts_itself_is_found(own):
    """Behind digests and seals: rows that say something else than the text."""
    for number, statement in enumerate(
        (
            "UPDATE source SET characters = characters + 1 WHERE id = 1",
            "UPDATE source SET state = 'finished' WHERE id = 1",
            "UPDATE run SET start = start + 1 WHERE source = 2 AND ordinal = (SELECT max(ordinal) FROM run WHERE source = 2)",
            "UPDATE run SET first_chunk = 100000 WHERE source = 3",
            "DELETE FROM run WHERE source = 4",
            "UPDATE landmark SET start = start + 1000000 WHERE source = 2",
            "UPDATE segment SET tokens = tokens + 1 WHERE id = 1",
            "UPDATE segment SET first_chunk = first_chunk + 1 WHERE id = 2",
            "UPDATE segment SET atoms = 1 << 40 WHERE id = 2",
            "UPDATE lexicon SET first_atom = first_atom + 1",
            "DELETE FROM posting WHERE rowid = 1",
            "UPDATE source SET location = (SELECT location || '/log-1.md' FROM folder) WHERE path = 'log-2.md'",
            "UPDATE meta SET value = '7 7 7' WHERE key = 'ratios'",
        )
    ):
        path = Path(shutil.copy(own, own.with_name(f"{number}.crystal")))
        change(path, statement, seal=True)
        verdict = verdict_of(path)
        assert not verdict.sound, statement
        assert not any("is not what was written" in problem.message for problem in verdict.problems)


def test_the_affected_documents_are_named(own):
    change(
        own,
        "DELETE FROM landmark WHERE source = (SELECT id FROM source WHERE path = 'log-3.md') AND kind = 'heading' AND start = 0",
    )
    (problem,) = verdict_of(own).problems
    assert problem.documents == ("log-3.md",)
    assert "1 row missing" in problem.message


def test_an_index_that_says_something_else_than_the_text_is_found_by_the_full_check(own):
    """A whole posting list moved to another atom, with digests and seals that hold."""
    from crystalcli.lexical import build_blocks, decode_block
    from crystalcli.storage.tables.blobs import digest

    with Store.open(own) as store:
        lexicon = store.lexicons()[0]
        blocks = list(store.blocks(lexicon.id))
    entries = [(term, posting) for block in blocks for term, posting in decode_block(block, lexicon.first_atom)]
    counts: dict[int, dict[str, int]] = {
        atom: {} for atom in range(lexicon.first_atom, lexicon.first_atom + lexicon.atoms)
    }
    for term, posting in entries:
        for atom, frequency in zip(posting.atoms.tolist(), posting.frequencies.tolist(), strict=True):
            counts[atom + (1 if term == "compass" and atom + 1 in counts else 0)][term] = frequency
    raw = sqlite3.connect(own, isolation_level=None)
    raw.execute("DELETE FROM posting WHERE lexicon = ?", (lexicon.id,))
    for term, data in build_blocks(counts.values(), lexicon.first_atom):
        raw.execute("INSERT INTO posting VALUES (?, ?, ?, ?)", (lexicon.id, term, digest(data), data))
    raw.close()
    change(own, seal=True)
    assert verdict_of(own, quick=True).sound
    verdict = verdict_of(own)
    assert "differs from the text" in verdict.problems[0].message
    assert set(verdict.documents) <= {f"log-{number}.md" for number in range(5)} | {"copy.md", "tide.py"}
    assert verdict.documents
