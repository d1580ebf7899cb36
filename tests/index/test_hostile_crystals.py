"""A crystal is data from strangers: whatever its bytes, reading it ends in an answer or in an error with a name, soon and small."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from support.damage import change
from support.repository import environment

from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.index import segment_writer
from crystalcli.library import Crystal
from crystalcli.storage.file.connection import PAGE
from crystalcli.storage.store import Store

COUNT = int(os.environ.get("CRYSTAL_FUZZ", "100"))
MANY = 1000
SEED = int(os.environ.get("CRYSTAL_FUZZ_SEED", "0"))


@pytest.fixture(scope="module")
def small(tmp_path_factory, encoder_folder) -> Path:
    """As little as has everything: three documents with headings, three segments, layers."""
    folder = tmp_path_factory.mktemp("hostile")
    (folder / "shelf").mkdir()
    for number in range(3):
        entries = [
            f"## Entry {i}\n\nOn day {i * 37 % 101} the {word} of port {number} weighed {i * 7919 % 1000} stone – ça va.\n\n"
            for i, word in enumerate(("anchor", "barrel", "compass", "dinghy", "ensign", "ferry") * (3 + 3 * number))
        ]
        (folder / "shelf" / f"log-{number}.md").write_text(f"# Log {number}\n\n" + "".join(entries), encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segment_writer, "SEGMENT_BYTES", 2500)
        with Crystal.create(folder / "m.crystal", encoder=encoder_folder) as crystal:
            crystal.ingest([folder / "shelf"])
            assert len(crystal._store.segments()) == 3
    return folder / "m.crystal"


@pytest.fixture
def own(small, tmp_path) -> Path:
    return Path(shutil.copy(small, tmp_path / "own.crystal"))


@pytest.mark.parametrize("count", [COUNT, pytest.param(MANY, marks=pytest.mark.slow)])
def test_mutated_files_give_an_answer_or_a_named_error(small, tmp_path, encoder_folder, count):
    """100 mutations, or $CRYSTAL_FUZZ of them from $CRYSTAL_FUZZ_SEED on; see `tests/support/hostile.py`."""
    done = subprocess.run(
        [sys.executable, "-m", "support.hostile", small, tmp_path, str(SEED), str(count), encoder_folder],
        capture_output=True,
        text=True,
        env=environment(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1"),
    )
    assert done.returncode == 0, done.stderr[-3000:]
    counts = [line.split() for line in done.stdout.splitlines() if line.split()[-1].isdigit()]
    assert sum(int(each[-1]) for each in counts) == count
    if count >= 100:
        assert {each[0] for each in counts} >= {
            "flips",
            "zeroed",
            "pages_moved",
            "blobs_behind_digests",
            "rows_behind_seals",
        }


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (["CREATE VIEW v AS SELECT 1"], "unexpected view v"),
        (["CREATE TRIGGER t AFTER INSERT ON source BEGIN DELETE FROM run; END"], "unexpected trigger t"),
        (["CREATE TABLE extra (a)"], "unexpected table extra"),
        (["DROP INDEX run_by_chunk"], "index run_by_chunk is missing"),
        (["DROP TABLE landmark"], "table landmark is missing"),
        (["ALTER TABLE meta ADD COLUMN more TEXT AS ('x')"], "table meta differs from format version"),
        (
            ["DROP TABLE meta", "CREATE VIEW meta(key, value) AS SELECT 'encoder', 'x'"],
            "unexpected view meta|view meta differs",
        ),
    ],
)
def test_a_schema_that_is_not_this_program_s_is_refused(own, statements, message):
    change(own, *statements)
    with pytest.raises(DamagedCrystalError, match=message):
        Store.open(own)


def test_what_is_refused_for_writing_stays_as_it_was(own, tmp_path):
    change(own, "DROP INDEX run_by_chunk")
    before = own.read_bytes()
    with pytest.raises(DamagedCrystalError, match="run_by_chunk"):
        Store.open(own, writable=True)
    assert own.read_bytes() == before


def test_a_damaged_crystal_that_an_ingest_refuses_stays_as_it_was(own, tmp_path):
    raw = sqlite3.connect(own, isolation_level=None)
    raw.execute("UPDATE part SET data = zeroblob(length(data)) WHERE name = 'hashes' AND segment = 2")
    raw.close()
    before = own.read_bytes()
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "a.txt").write_text("Something new.")
    with (
        pytest.raises(DamagedCrystalError, match="part hashes of segment 2"),
        Crystal.open(own, writable=True, encoder=None) as crystal,
    ):
        crystal.ingest([tmp_path / "new"])
    assert own.read_bytes() == before
    assert not list(tmp_path.glob("own.crystal-*"))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE segment SET chunks = 1 << 40 WHERE id = 3",
        "UPDATE segment SET units = 1 << 40, clusters = 1 << 39, atoms = 1 << 38 WHERE id = 3",
        "UPDATE segment SET first_chunk = -5 WHERE id = 1",
        "UPDATE run SET first_chunk = 1 << 40",
        "UPDATE run SET chunks = 1 << 40",
        "UPDATE part SET size = 1 << 40 WHERE name = 'text'",
    ],
)
def test_counts_that_a_file_only_claims_are_not_made_room_for(own, statement):
    change(own, statement, seal=True)
    with pytest.raises(DamagedCrystalError, match="damaged"), Crystal.open(own, encoder=None) as crystal:
        for document in crystal.documents():
            list(crystal.zoom(document.path)[1])
        crystal.recall("compass")


def test_a_page_that_is_pointed_at_a_thousand_times_ends_as_damage(own):
    """A b-tree that names the same pages over and over has more rows than any file of its size."""
    data = bytearray(own.read_bytes())
    raw = sqlite3.connect(own)
    (root,) = raw.execute("SELECT rootpage FROM sqlite_master WHERE name = 'segment'").fetchone()
    raw.close()
    pages = len(data) // PAGE
    for level in range(3):  # three interior pages, each of which names the next one hundreds of times
        page = bytearray(PAGE)
        target = pages + level + 2 if level < 2 else root
        cells = (PAGE - 12) // 7
        page[0] = 5
        page[3:5] = cells.to_bytes(2, "big")
        page[8:12] = target.to_bytes(4, "big")
        for cell in range(cells):
            place = PAGE - 5 * (cell + 1)
            page[place : place + 4] = target.to_bytes(4, "big")
            page[place + 4] = 1
            page[12 + 2 * cell : 14 + 2 * cell] = place.to_bytes(2, "big")
        page[5:7] = (PAGE - 5 * cells).to_bytes(2, "big")
        data += page
    first = bytes(data[PAGE * pages : PAGE * pages + PAGE])
    leaf = bytes(data[PAGE * (root - 1) : PAGE * root])
    data[PAGE * (root - 1) : PAGE * root] = first
    data += leaf
    last = pages + 2  # the third page names the leaf, which now stands at the end
    leaf_page = len(data) // PAGE
    start = PAGE * last
    page = data[start : start + PAGE]
    for cell in range((PAGE - 12) // 7):
        place = PAGE - 5 * (cell + 1)
        page[place : place + 4] = leaf_page.to_bytes(4, "big")
    page[8:12] = leaf_page.to_bytes(4, "big")
    data[start : start + PAGE] = page
    data[28:32] = leaf_page.to_bytes(4, "big")
    own.write_bytes(data)
    with Store.open(own) as store, pytest.raises(DamagedCrystalError, match="damaged"):
        store.rows("SELECT * FROM segment NOT INDEXED")
    with Store.open(own) as store, pytest.raises(DamagedCrystalError, match="damaged"):
        store.rows("SELECT sum(bytes) FROM segment NOT INDEXED")


def test_names_and_text_with_control_sequences_are_shown_harmless(own, capsys):
    from crystalcli.cli.app import run

    change(
        own,
        "UPDATE source SET path = char(27) || '[2J' || path, reason = char(27) || ']0;owned' || char(7), state = 'failed' WHERE id = 1",
        "UPDATE landmark SET label = char(27) || '[31m' || label",
        seal=True,
    )
    for command in (["status", "--all"], ["verify"], ["inspect", "--documents"], ["recall", "compass of port"]):
        run([*command, "-c", str(own)])
        said = capsys.readouterr()
        assert said.out
        assert "\x1b" not in said.out + said.err
        assert "\x07" not in said.out + said.err


def test_a_source_whose_places_were_altered_is_not_cited(own):
    change(own, "UPDATE run SET start = start + 7, lines = lines + 1 WHERE source = 3")
    with Crystal.open(own, encoder=None) as crystal:
        with pytest.raises(DamagedCrystalError, match="not what was written"):
            crystal.recall("On day 37 the barrel of port 2")
        with pytest.raises(CrystalError, match=r"log-2\.md"):
            crystal.quote("log-2.md", 0, 10)
        assert crystal.quote("log-1.md", 0, 7) == "# Log 1"
