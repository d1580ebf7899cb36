from __future__ import annotations

import hashlib
import os
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from support.damage import reseal
from support.lexical_crystals import documents, folders, inside, read_into, recalled, texts, write

from crystalcli import Crystal
from crystalcli.errors import CrystalError, DamagedCrystalError
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.index.encoder import DEFAULT_META
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.ingest.ingester import Ingester
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.storage.store import Store
from crystalcli.vectors import pyramid_layout

QUESTION = "ferry keeper lamp tide"


class CodesFromText:
    """Codes that identify their node: hashes of the chunk's text, the layer and the position."""

    def codes(self, chunks, tokens=None):
        parts = dict.fromkeys(LayerCodes._fields, b"")
        for chunk in chunks:
            for name, data in self.of(chunk.text, len(chunk.ids))._asdict().items():
                parts[name] += data
        return LayerCodes(**parts)

    @staticmethod
    def of(text, tokens):
        shape = pyramid_layout(tokens)
        widths = {"atoms": (32, shape.atoms), "clusters": (12, shape.clusters), "units": (4, shape.units)}
        return LayerCodes(
            **{
                name: b"".join(
                    hashlib.blake2b(f"{name} {node} {text}".encode(), digest_size=width).digest()
                    for node in range(len(bounds) - 1)
                )
                for name, (width, bounds) in widths.items()
            }
        )


def read_with_codes(path, folder):
    store = Store.open(path, writable=True) if path.exists() else Store.create(path, dict(DEFAULT_META))
    with store:
        Ingester(store, CodesFromText()).run([folder])
    return path


@settings(max_examples=8, deadline=None)
@given(before=folders, edit=documents)
def test_a_compacted_crystal_is_what_one_ingest_of_the_same_files_would_have_written(before, edit):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        crystal = read_into(home / "m.crystal", write(home / "docs", before))
        first, *others = sorted(before)
        after = {**before, first: edit + before[first]}
        if others:
            del after[others[-1]]
        read_into(crystal, write(home / "docs", after), prune=True)
        report = compact_crystal(crystal)
        fresh = read_into(home / "fresh.crystal", home / "docs")
        assert texts(crystal) == after
        assert inside(crystal) == inside(fresh)
        assert recalled(crystal, QUESTION) == recalled(fresh, QUESTION)
        assert report.documents == len(after)
        assert report.after.bytes <= report.before.bytes
        assert {path.name for path in home.iterdir()} == {"docs", "m.crystal", "fresh.crystal"}
        again = compact_crystal(crystal)
        assert (again.before, again.after) == (report.after, report.after)


def test_codes_go_with_their_chunks_and_nothing_is_encoded(tmp_path):
    folder = tmp_path / "docs"
    numbers = np.random.default_rng(0)
    for number in range(4):
        text = "".join(f"Entry {i} of {number}: {numbers.integers(1e9)}.\n\n" for i in range(800))
        write(folder / str(number), {"x.txt": text})
    crystal = read_with_codes(tmp_path / "m.crystal", folder)
    path = folder / "1" / "x.txt"
    path.write_text(path.read_text().replace("Entry 700 of", "Entry seven hundred of"))
    (folder / "0" / "x.txt").unlink()
    read_with_codes(crystal, folder)
    with Crystal.open(crystal, writable=True, encoder=None) as opened:
        opened.forget(["0/x.txt"])
    report = compact_crystal(crystal)
    assert report.before.tokens > report.after.tokens
    with Store.open(crystal) as store:
        chunks = ChunkReader(store)
        for source in store.sources():
            for chunk in map(chunks.get, chunks.of(source.id)):
                assert chunk.codes == CodesFromText.of(chunk.text, chunk.tokens)
    assert inside(crystal) == inside(read_with_codes(tmp_path / "fresh.crystal", folder))


def test_many_small_ingests_become_few_segments_and_recall_stays_the_same(tmp_path):
    folder = tmp_path / "docs"
    for number in range(9):
        lines = (f"Entry {i} is of the year {1900 + i * 7}, in ledger {number * 31 + i}.\n" for i in range(90))
        write(folder / str(number), {"x.txt": "".join(lines)})
        read_into(tmp_path / "m.crystal", folder)
    before = recalled(tmp_path / "m.crystal", "entry of the year 1921")
    report = compact_crystal(tmp_path / "m.crystal")
    assert (report.before.segments, report.after.segments) == (9, 1)
    assert report.after.bytes < report.before.bytes
    assert recalled(tmp_path / "m.crystal", "entry of the year 1921") == before
    assert read_into(tmp_path / "m.crystal", folder)
    # All nine files were as they are in the ledger.
    assert compact_crystal(tmp_path / "m.crystal").before == report.after


def test_segments_without_layers_stay_so(tmp_path):
    read_with_codes(tmp_path / "m.crystal", write(tmp_path / "one", {"a.txt": "The lamp burns oil.\n"}))
    read_into(tmp_path / "m.crystal", write(tmp_path / "two", {"b.txt": "The bell rings twice.\n"}))
    compact_crystal(tmp_path / "m.crystal")
    with Store.open(tmp_path / "m.crystal") as store:
        assert [segment.encoded for segment in store.segments()] == [1, 0]


def test_real_layers_recall_the_same_before_and_after(own_samples_crystal, encoder_folder, answerable):
    def answers():
        with Crystal.open(own_samples_crystal, encoder=encoder_folder) as crystal:
            return [list(crystal.recall(item["question"], 4)) for item in answerable[::10]]

    before = answers()
    own_samples_crystal.chmod(0o640)
    report = compact_crystal(own_samples_crystal)
    assert (report.before.chunks, report.before.tokens) == (report.after.chunks, report.after.tokens)
    assert report.after.segments <= report.before.segments
    assert answers() == before
    assert own_samples_crystal.stat().st_mode & 0o777 == 0o640


def test_meta_landmarks_and_codebooks_are_carried_over(own_samples_crystal):
    def carried():
        raw = sqlite3.connect(own_samples_crystal)
        tables = ("meta", "source", "landmark", "codebook")
        rows = [sorted(raw.execute(f"SELECT * FROM {table}").fetchall()) for table in tables]
        raw.close()
        return rows

    raw = sqlite3.connect(own_samples_crystal)
    raw.execute("INSERT INTO meta VALUES ('note', 'kept')")
    raw.execute("INSERT INTO codebook VALUES ('atoms_rotation', ?, x'00ff')", (_digest(b"\x00\xff"),))
    raw.commit()
    raw.close()
    before = carried()
    compact_crystal(own_samples_crystal)
    assert carried() == before
    assert len(before[2]) > 20


def test_readers_that_have_the_old_file_open_go_on_with_it_and_crystals_find_the_new_one(tmp_path):
    folder = write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n", "b.txt": "The bell rings twice.\n"})
    path = read_into(tmp_path / "m.crystal", folder)
    with Store.open(path) as reader, Crystal.open(path, encoder=None) as crystal:
        assert crystal.recall("lamp")
        old = reader.text(1)
        with Crystal.open(path, writable=True, encoder=None) as writer:
            assert writer.recall("bell")
            # The file is open while it is written, with a write-ahead log beside it.
            assert crystal.recall("bell")
            assert reader.sources()
            writer.forget(["a.txt"])
            assert reader.sources()
        compact_crystal(path)
        with Crystal.open(path, writable=True, encoder=None) as writer:
            writer.ingest([write(folder, {"c.txt": "The rope is new.\n"})])
            assert reader.text(1) == old  # the file it has opened, and nothing of the new one's log
            assert [source.path for source in reader.sources()] == ["b.txt"]
        assert not crystal.recall("lamp")
        assert crystal.recall("rope")[0].path == "c.txt"
        assert crystal.quote("c.txt", 0, 8) == "The rope"
    assert set(texts(path)) == {"b.txt", "c.txt"}
    inside(path)


def test_only_one_writes_and_a_link_is_followed(tmp_path):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n"}))
    with (
        Crystal.open(path, writable=True, encoder=None),
        pytest.raises(CrystalError, match="another program is writing"),
    ):
        compact_crystal(path)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "link.crystal").symlink_to(path)
    (tmp_path / "folder").symlink_to(tmp_path)
    compact_crystal(tmp_path / "elsewhere" / "link.crystal")
    compact_crystal(tmp_path / "folder" / "m.crystal")
    assert (tmp_path / "elsewhere" / "link.crystal").is_symlink()
    assert texts(path) == {"a.txt": "The lamp burns oil.\n"}
    assert sorted(file.name for file in tmp_path.iterdir()) == ["docs", "elsewhere", "folder", "m.crystal"]


KILLED = """
import os, signal, sys
from pathlib import Path
from crystalcli.maintenance import compact_crystal

documents = []

def progress(done, total):
    documents.append(done)
    if len(documents) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

compact_crystal(Path(sys.argv[1]), progress)
"""


def test_a_kill_leaves_the_old_crystal_whole_and_the_next_run_cleans_up(tmp_path):
    text = "".join(f"Entry {i}: the keeper of lamp {i * 7919 % 10007} drew oil.\n\n" for i in range(8000))
    kept = {"a.txt": text, "c.txt": "The lamp burns oil.\n"}
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {**kept, "b.txt": "The bell rings.\n"}))
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.forget(["b.txt"])
    before = inside(path)
    for count in (1, 2):
        killed = subprocess.run([sys.executable, "-c", KILLED, str(path), str(count)])
        assert killed.returncode == -signal.SIGKILL
        assert inside(path) == before
        assert texts(path) == kept
    assert (tmp_path / ".m.crystal-new").exists()
    compact_crystal(path)
    assert texts(path) == kept
    assert sorted(file.name for file in tmp_path.iterdir()) == ["docs", "m.crystal"]


def test_a_full_disk_leaves_the_old_crystal_as_it_was(tmp_path):
    text = "".join(f"Entry {i}: the keeper of lamp {i * 7919 % 10007} drew oil.\n\n" for i in range(4000))
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": text}))
    before = inside(path)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)); sys.argv[1:] = sys.argv[2:]"
    )
    command = f"{limited}; from crystalcli.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", command, "-", "compact", "-c", str(path)], capture_output=True, text=True
    )
    assert (result.returncode, result.stdout) == (1, ""), result.stderr
    assert result.stderr.startswith("crystal: cannot write")
    assert result.stderr.count("\n") == 1
    assert inside(path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["docs", "m.crystal"]


def test_an_error_on_the_way_leaves_the_old_crystal_as_it_was(tmp_path):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n"}))
    raw = sqlite3.connect(path)
    raw.execute("UPDATE part SET data = zeroblob(16), digest = ? WHERE name = 'hashes'", (_digest(bytes(16)),))
    raw.commit()
    raw.close()
    before = inside(path)
    with pytest.raises(DamagedCrystalError, match="chunk 0 does not match its hash"):
        compact_crystal(path)
    assert inside(path) == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["docs", "m.crystal"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE run SET first_chunk = 7", "refers to chunk 7, which is missing"),
        ("UPDATE run SET chunks = 900000000", "a row of the table run has impossible values"),
        ("UPDATE segment SET units = units + 1", "contradict"),
        ("UPDATE segment SET bytes = 0, atoms = 9", "contradicts its counts"),
        ("DELETE FROM part WHERE name = 'spans'", "part spans of segment 1 is missing"),
    ],
)
def test_a_crystal_that_contradicts_itself_is_damaged(tmp_path, change, message):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n"}))
    raw = sqlite3.connect(path)
    raw.execute(change)
    raw.commit()
    raw.close()
    reseal(path)
    with pytest.raises(DamagedCrystalError, match=message):
        compact_crystal(path)
    assert not list(tmp_path.glob(".*"))


def _digest(data):
    return hashlib.blake2b(data, digest_size=16).digest()


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": "The lamp burns oil.\n"}))
    (tmp_path / ".m.crystal-new").mkdir()  # what only a person can have put there
    with pytest.raises(CrystalError, match="cannot write"):
        compact_crystal(path)
    assert texts(path) == {"a.txt": "The lamp burns oil.\n"}
    assert os.listdir(tmp_path / ".m.crystal-new") == []  # noqa: PTH208 - names only
