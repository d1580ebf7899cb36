"""What recall keeps in memory, and what it reads of the file. The crystals are synthetic: see benchmarks/synthetic.py."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import synthetic
from hypothesis import given
from hypothesis import strategies as st

from crystalcli import Crystal
from crystalcli.errors import DamagedCrystalError
from crystalcli.index import resolve_encoder
from crystalcli.index.byte_cache import ByteCache
from crystalcli.index.index_reader import IndexReader
from crystalcli.index.segment_writer import SEGMENT_BYTES
from crystalcli.index.tree import NodeTree, ranges
from crystalcli.ingest.ingester import Ingester
from crystalcli.recall.passages import PassageBuilder
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.store import Store
from crystalcli.vectors import pyramid_layout

ALLOWED = 1e6  # bytes of memory for a million tokens
READ = 2e6  # bytes of the file for 20 passages
QUESTIONS = 20
CHILD = """
import json, resource, sys
from pathlib import Path
import psutil, synthetic
from crystalcli import Crystal
with Crystal.open(sys.argv[1], encoder=Path(sys.argv[2])) as crystal:
    for question in synthetic.Words(3).questions(int(sys.argv[3])):
        crystal.recall(question, 5, depth=3, rerank=False)  # the reranker takes the same for any crystal, by the texts it reads
    now = psutil.Process().memory_info().rss
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    tokens = crystal.stats().tokens  # which recall has no need of
print(json.dumps({"tokens": tokens, "now": now, "peak": peak}))
"""


@pytest.fixture(scope="module")
def million(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("million") / "one.crystal"
    synthetic.make(path, 1_000_000)
    return path


def memory(crystal: Path, encoder: Path) -> dict[str, float]:
    """Tokens, and resident bytes after the questions and at the peak, of a process that recalls from `crystal`."""
    path = os.pathsep.join([str(Path(synthetic.__file__).parent), *filter(None, sys.path)])
    command = [sys.executable, "-c", CHILD, str(crystal), str(encoder), str(QUESTIONS)]
    environment = {**os.environ, "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1"}
    child = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert child.returncode == 0, child.stderr
    return dict(json.loads(child.stdout))


def test_recall_keeps_less_than_a_megabyte_for_a_million_tokens(million, tmp_path, encoder_folder):
    synthetic.make(tmp_path / "eight.crystal", 8_000_000)
    small, large = memory(million, encoder_folder), memory(tmp_path / "eight.crystal", encoder_folder)
    millions = (large["tokens"] - small["tokens"]) / 1e6
    assert millions > 6.9
    for moment in ("now", "peak"):
        assert (large[moment] - small[moment]) / millions <= ALLOWED, moment


@pytest.mark.slow
def test_forty_million_tokens_keep_to_it_too(million, tmp_path, encoder_folder):
    synthetic.make(tmp_path / "forty.crystal", 40_000_000, base=1_000_000)
    small, large = memory(million, encoder_folder), memory(tmp_path / "forty.crystal", encoder_folder)
    millions = (large["tokens"] - small["tokens"]) / 1e6
    assert (large["peak"] - small["peak"]) / millions <= ALLOWED


def test_inspect_says_what_the_process_takes(million, encoder_folder):
    with Crystal.open(million, encoder=encoder_folder) as crystal:
        report, atoms = crystal.memory_use(), crystal.shelf.atoms
    assert report.tokens > 1_000_000
    grows = {part.name: part.bytes for part in report.parts if part.grows}
    assert grows["atoms' codes"] == 32 * atoms
    assert 0 < report.per_million <= ALLOWED
    assert report.per_million == pytest.approx(sum(grows.values()) / report.tokens * 1e6)
    assert report.peak is None or report.peak >= report.resident > sum(
        part.bytes for part in report.parts if part.grows
    )


def test_without_vectors_there_are_no_codes_to_keep(million, tmp_path):
    with Crystal.open(million, encoder=None) as crystal:
        names = {part.name for part in crystal.memory_use().parts}
    assert not names & {"codebooks", "the question's encoder"}
    with Crystal.create(tmp_path / "empty.crystal", encoder=None) as crystal:
        report = crystal.memory_use()
    assert report.tokens == report.per_million == 0
    assert report.grown < 100


class CountingStore(Store):
    """Counts the bytes of every blob that is read, by the part's name; postings as "posting"."""

    def rows(self, query, values=()):
        rows = super().rows(query, values)
        for row in rows:
            names = [name for name in row if name in ("text", "spans", "atoms", "clusters", "units", "lengths")]
            read = sum(len(value) for value in row if isinstance(value, bytes))
            self.read[(names or [name for name in values if name in ("text", "spans")] or ["other"])[0]] += read
        return rows

    @property
    def read(self) -> Counter[str]:
        if not hasattr(self, "_read"):
            self._read: Counter[str] = Counter()
        return self._read


def bytes_read() -> int:
    """Bytes that this process has asked files for."""
    return int(Path("/proc/self/io").read_text().split()[1])


@pytest.mark.skipif(not Path("/proc/self/io").exists(), reason="this system does not count what a process reads")
def test_twenty_passages_read_less_than_two_megabytes(million, encoder_folder):
    with Crystal.open(million, encoder=encoder_folder) as crystal:
        recall = crystal.searcher()
        recall.recall("so that everything is imported", 20)
        for question in synthetic.Words(5).questions(5):
            query = recall.prepare(question)
            ranked = recall.rank(query, 3, 80)
            with CountingStore.open(million) as store:  # a connection and a shelf that have read nothing of this yet
                shelf = IndexReader(store)
                store.read.clear()
                before = bytes_read()
                assert len(PassageBuilder(shelf, recall._codec, query).make(ranked, 20)) == 20
                asked, blobs = bytes_read() - before, sum(store.read.values())
                assert store.read["text"] > 20 * 1000
                assert max(asked, blobs) <= READ  # what SQLite had in memory from opening is among the blobs alone


def test_depth_1_reads_nothing_below_the_atoms(million, encoder_folder):
    with Crystal.open(million, encoder=encoder_folder) as crystal, CountingStore.open(million) as store:
        whole = crystal.searcher()
        recall = Searcher(IndexReader(store), whole._encoder, whole._codec)
        read = {}
        for depth in (1, 2, 3):
            store.read.clear()
            assert recall.recall("an ordinary question of ships and towns", 3, depth)
            read[depth] = {name for name in ("clusters", "units") if store.read[name]}
        assert read[1] == set()
        assert "clusters" in read[2]
        assert "units" in read[3]


def test_a_segment_s_text_is_bounded_in_bytes_in_every_script(tmp_path):
    text = "".join(f"第{number}只船停在水面上，潮水每天涨落两次。" for number in range(9_000))
    (tmp_path / "long.txt").write_text(text, encoding="utf-8")
    with Store.create(tmp_path / "m.crystal", resolve_encoder(None, tmp_path)[1]) as store:
        Ingester(store, None).run([tmp_path / "long.txt"])
        sizes = [segment.bytes for segment in store.segments()]
    assert sum(sizes) > 2 * SEGMENT_BYTES
    assert max(sizes) < SEGMENT_BYTES + 4096


@given(st.lists(st.integers(0, 254), max_size=30))
def test_nesting_is_each_chunk_s_layout_one_after_the_other(tokens):
    nesting = NodeTree(np.array(tokens, np.uint16))
    clusters: list[tuple[int, int]] = []
    units: list[tuple[int, int]] = []
    chunks: list[int] = []
    for number, count in enumerate(tokens):
        shape = pyramid_layout(count)
        first = units[-1][1] if units else 0
        units += [(first + a, first + b) for a, b in zip(shape.clusters, shape.clusters[1:], strict=False)]
        first = clusters[-1][1] if clusters else 0
        clusters += [(first + a, first + b) for a, b in zip(shape.atoms, shape.atoms[1:], strict=False)]
        chunks += [number] * (len(shape.atoms) - 1)
    atoms = np.arange(len(chunks))
    assert nesting.chunk_of(atoms).tolist() == chunks
    assert list(zip(*nesting.clusters_of(atoms), strict=True)) == clusters
    numbers, owners = ranges(*nesting.clusters_of(atoms))
    assert numbers.tolist() == list(range(len(units)))
    assert owners.tolist() == [atom for atom, (a, b) in enumerate(clusters) for _ in range(b - a)]
    assert list(zip(*nesting.units_of(numbers), strict=True)) == units


def test_nodes_are_found_below_any_atoms(crystal):
    """The fast way to the codes against the view of one segment at a time."""
    shelf = crystal.shelf
    atoms = np.unique(np.random.default_rng(0).integers(0, shelf.atoms, 40))
    below = shelf.below(atoms)
    for place, atom in enumerate(atoms):
        index = int(shelf.segment_of(np.array([atom]))[0])
        view, (clusters, units) = shelf.view(index), shelf.codes(index)
        local = atom - view.row.first_atom
        first, last = view.atom_clusters[local], view.atom_clusters[local + 1]
        mine = below.owners == place
        assert np.array_equal(below.clusters[mine], clusters[first:last])
        assert np.array_equal(
            below.units[mine[below.parents]], units[view.cluster_units[first] : view.cluster_units[last]]
        )
    assert np.array_equal(shelf.below(atoms, units=False).clusters, below.clusters)
    assert not len(shelf.below(atoms, units=False).units)


def test_the_mean_length_of_atoms_is_that_of_their_lengths(crystal):
    assert crystal.shelf.mean_length == crystal.shelf.lengths.mean(dtype=np.float64) > 1


def test_codes_that_were_compared_are_read_in_part(crystal, monkeypatch):
    with crystal.snapshot():
        shelf = IndexReader(crystal._store)
        shelf.kept = ByteCache(0)
        atoms = np.arange(0, shelf.atoms, 7)
        first = shelf.below(atoms)
        monkeypatch.setattr(shelf.store, "parts_of", lambda *_: pytest.fail("whole parts are read again"))
        again = shelf.below(atoms)
        assert len(first.units) > len(first.clusters) > len(atoms)
        assert all(np.array_equal(one, other) for one, other in zip(first, again, strict=True))
        assert np.array_equal(shelf.units(0, 2, 5), shelf.units(0, 0, 9)[2:5])


@given(st.integers(1, 100), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 60)), max_size=40))
def test_what_is_kept_stays_within_its_room(room, puts):
    kept = ByteCache(room)
    expected: list[tuple[int, int]] = []  # the same, plainly: oldest first
    for key, size in puts:
        kept.put(key, ("value", key, size), size)
        expected = [entry for entry in expected if entry[0] != key]
        expected += [(key, size)] if size <= room else []
        while sum(size for _, size in expected) > room:
            expected.pop(0)
        assert kept.bytes == sum(size for _, size in expected) <= room
        assert len(kept) == len(expected)
    assert [kept.get(key) for key, _ in expected] == [("value", key, size) for key, size in expected]
    assert all(kept.get(key) is None for key in set(range(10)) - {key for key, _ in expected})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("UPDATE segment SET first_atom = first_atom + 1 WHERE id = 2", "segment 2 does not follow the one before it"),
        ("UPDATE segment SET chunks = -chunks WHERE id = 1", "a row of the table segment has impossible values"),
        ("UPDATE segment SET units = units + 1 WHERE id = 1", "contradicts its counts"),
        (
            "UPDATE run SET first_chunk = 7, chunks = 1 << 40 WHERE ordinal = 0",
            "chunks that are not there|impossible values",
        ),
        ("DELETE FROM part WHERE segment = 1 AND name = 'spans'", "part spans of segment 1 is missing"),
        ("DELETE FROM part WHERE segment = 2 AND name = 'atoms'", "part atoms of segment 2 is missing"),
    ],
)
def test_a_crystal_that_contradicts_itself_is_not_opened(own_samples_crystal, change, message):
    import sqlite3

    raw = sqlite3.connect(own_samples_crystal)
    raw.execute(change)
    raw.commit()
    raw.close()
    with Store.open(own_samples_crystal) as store, pytest.raises(DamagedCrystalError, match=message):
        IndexReader(store)
