"""Text first: layers are made afterwards, the newest first, while other programs write; and they are the same layers."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from support import faults
from support.damage import verdict_of
from support.lexical_crystals import read_into, texts

from crystalcli.datatypes import Chunk, Phase, Progress
from crystalcli.errors import CrystalError, ModelMissingError
from crystalcli.index import layer_encoder, segment_writer
from crystalcli.index.encoder import DEFAULT_META
from crystalcli.index.fill import fill_layers, fill_layers_in_turns
from crystalcli.index.layer_encoder import LayerCodes
from crystalcli.ingest import ingester
from crystalcli.ingest.ingester import Ingester
from crystalcli.ingest.layer_maker import layer_worker, stop_layer_worker
from crystalcli.ingest.status import crystal_status
from crystalcli.library import Crystal
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.diff import diff_crystals
from crystalcli.maintenance.export import export_documents
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.recall.query import SimilarityScale
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.file.file_lock import MAKING_LAYERS, lock_beside, release_lock
from crystalcli.storage.store import Store
from crystalcli.vectors import QuestionEncoder


@pytest.fixture(autouse=True)
def small_segments(monkeypatch):
    monkeypatch.setattr(segment_writer, "SEGMENT_BYTES", faults.SEGMENT_BYTES)


class MeddlingEncoder(faults.HashEncoder):
    """Calls a function of the number of segments so far before it encodes the next one."""

    def __init__(self, before: Callable[[int], object]) -> None:
        super().__init__()
        self._before, self._segments = before, 0

    def codes(self, chunks: Sequence[Chunk], tokens: Sequence[int] | None = None) -> LayerCodes:
        self._before(self._segments)
        self._segments += 1
        return super().codes(chunks, tokens)


def stop_after(segments: int) -> Callable[[int], None]:
    def stop(count: int) -> None:
        if count == segments:
            raise KeyboardInterrupt

    return stop


def read(path: Path, folder: Path, encoder: faults.HashEncoder | None = None) -> Path:
    """Ingest with an encoder that encodes along with the text, or without one."""
    exists = path.exists()
    with Store.open(path, writable=True) if exists else Store.create(path, dict(DEFAULT_META)) as store:
        Ingester(store, encoder).run([folder])
    return path


def fill(path: Path, before: Callable[[int], object] = lambda _: None) -> int:
    """Make layers with the lock held for each commit alone, as a command does; return the tokens."""
    opened = [Store.open(path)]

    def current() -> Store:
        if opened[0].replaced():
            opened[0].close()
            opened[0] = Store.open(path)
        return opened[0]

    @contextmanager
    def writing():
        opened[0].close()
        with Store.open(path, writable=True) as store:
            yield store
        opened[0] = Store.open(path)

    try:
        return fill_layers_in_turns(current, writing, MeddlingEncoder(before))
    finally:
        opened[0].close()


def encoded(path: Path) -> list[int]:
    with Store.open(path) as store:
        return [segment.encoded for segment in store.segments()]


@pytest.fixture
def folder(tmp_path) -> Path:
    faults.make_folder(tmp_path / "docs", random.Random(7))
    return tmp_path / "docs"


@pytest.fixture
def reference(tmp_path, folder) -> Path:
    """The crystal whose layers were made along with its text."""
    return read(tmp_path / "reference.crystal", folder, faults.HashEncoder())


@pytest.fixture
def partly(tmp_path, folder) -> Path:
    """A crystal whose newest three segments have layers."""
    path = read(tmp_path / "m.crystal", folder)
    with pytest.raises(KeyboardInterrupt):
        fill(path, stop_after(3))
    return path


# --- the same crystal -------------------------------------------------------------------------------------------------


def test_layers_that_follow_the_text_are_those_that_are_made_along_with_it(tmp_path, folder, reference):
    path = read(tmp_path / "m.crystal", folder)
    assert set(encoded(path)) == {0}
    tokens = fill(path)
    with Store.open(path) as store:
        assert store.encoded_tokens() == (tokens, tokens)
        assert store.layer_share() == 1.0
    faults.check_same(path, reference)
    assert verdict_of(path).problems == ()


def test_the_newest_text_gets_its_layers_first_and_a_stop_keeps_them(partly, reference):
    flags = encoded(partly)
    assert flags == [0] * (len(flags) - 3) + [1] * 3
    fill(partly)
    faults.check_same(partly, reference)


def test_progress_counts_the_tokens_of_the_whole_crystal(partly):
    seen: list[Progress] = []
    with Store.open(partly, writable=True) as store:
        before, total = store.encoded_tokens()
        fill_layers(store, faults.HashEncoder(), seen.append)
    assert {state.phase for state in seen} == {Phase.LAYERS}
    assert (seen[0].done, seen[0].total, seen[0].tokens) == (before, total, 0)
    assert (seen[-1].done, seen[-1].tokens) == (total, total - before)
    assert [state.done for state in seen] == sorted({state.done for state in seen})


# --- other writers in between -----------------------------------------------------------------------------------------


def test_text_that_is_added_meanwhile_gets_its_layers_too(tmp_path, folder, reference):
    path = read(tmp_path / "m.crystal", folder)

    def add(count: int) -> None:
        if count == 2:
            faults.change_folder(folder, random.Random(3))
            read(path, folder)

    assert set(encoded(reference)) == {1}
    fill(path, add)
    assert set(encoded(path)) == {1}
    faults.check_same(path, read(reference, folder, faults.HashEncoder()))


def test_a_file_that_is_replaced_meanwhile_gets_the_layers_of_its_own_text(tmp_path, folder, reference):
    path = read(tmp_path / "m.crystal", folder)
    faults.change_folder(folder, random.Random(2))
    read(path, folder)  # the first text of changed files is dead: a compact numbers chunks anew

    def replace(count: int) -> None:
        if count == 2:
            compact_crystal(path)

    fill(path, replace)
    assert set(encoded(path)) == {1}
    assert verdict_of(path).problems == ()
    one, other = faults.content(path), faults.content(read(reference, folder, faults.HashEncoder()))
    assert one["layers"] == other["layers"]
    assert one["texts"] == other["texts"]


def test_layers_that_another_process_has_made_meanwhile_stay(partly, reference):
    def fill_all(count: int) -> None:
        if count == 0:
            with Store.open(partly, writable=True) as store:
                fill_layers(store, faults.HashEncoder())

    assert fill(partly, fill_all) == 0
    faults.check_same(partly, reference)


# --- one maker at a time ----------------------------------------------------------------------------------------------


def test_layers_that_another_process_makes_are_left_to_it(tmp_path, shelf_folder, encoder_folder):
    path = tmp_path / "m.crystal"
    with Crystal(path, encoder=encoder_folder) as crystal:
        assert crystal.ingest([shelf_folder / "notes.md"], layers=False).layer_share == 0.0
        assert crystal.layer_worker is None
        lock = lock_beside(path, work=MAKING_LAYERS)
        try:
            worker = crystal.layer_worker
            assert worker is not None
            assert not worker.in_background
            report = crystal.make_layers()
            assert (report.encoded_tokens, report.layer_share, report.layers_by) == (0, 0.0, worker.process)
            ingested = crystal.ingest([shelf_folder / "tale.txt"])
            assert (ingested.read, ingested.layers_by, ingested.layer_share) == (1, worker.process, 0.0)
            assert crystal.status().layer_worker == worker
            with pytest.raises(CrystalError, match="in the foreground: stop it there"):
                stop_layer_worker(path)
        finally:
            release_lock(lock)
        assert stop_layer_worker(path) is None
        assert crystal.make_layers().layer_share == 1.0
        assert crystal.status().complete
    assert sorted(file.name for file in tmp_path.iterdir()) == ["m.crystal", "shelf"]


def test_a_lock_that_a_killed_maker_left_means_nothing(partly):
    partly.with_name("m.crystal-layers").write_text("1 background")
    assert layer_worker(partly) is None
    assert stop_layer_worker(partly) is None


def test_the_lock_is_never_read_into_a_crystal(tmp_path, folder):
    (folder / "m.crystal-layers").write_text("1 background and some text")
    (folder / "other.crystal-layers").write_text("1 background and some text")
    read_into(folder / "m.crystal", folder)
    assert not [name for name in texts(folder / "m.crystal") if "crystal" in name]


def test_layers_cannot_be_made_without_weights_or_a_file_to_write(partly, encoder_folder):
    with Crystal(partly, encoder=None) as crystal, pytest.raises(ModelMissingError, match="are not on this machine"):
        crystal.make_layers()
    with (
        Crystal(partly, mode="read", encoder=encoder_folder) as crystal,
        pytest.raises(CrystalError, match="reading only"),
    ):
        crystal.make_layers()


# --- questions and upkeep while layers are made ------------------------------------------------------------------------


def test_questions_are_answered_before_layers_are_made(tmp_path, shelf_folder, encoder_folder):
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=None) as crystal:
        report = crystal.ingest([shelf_folder], layers=False)
        assert (report.layer_share, report.encoded_tokens, report.lexical_only) == (0.0, 0, False)
        assert 0 < report.text_seconds <= report.seconds
        assert crystal.has_weights
        assert crystal.lexical_only
        assert "04:10" in crystal.recall("When is high water at Oldhaven?", 1)[0].text
        assert "04:10" in crystal.ask("When is high water at Oldhaven?", extractive=True).text
        assert not crystal.status().complete
        assert crystal.ingest([shelf_folder]).encoded_tokens == report.tokens
        assert crystal.layer_share == 1.0
        assert not crystal.lexical_only


@pytest.mark.parametrize(("jobs", "follow", "begins"), [(1, True, 1), (2, True, 0), (1, False, 0)])
def test_the_encoder_is_imported_beside_the_first_text(
    tmp_path, shelf_folder, encoder_folder, monkeypatch, jobs, follow, begins
):
    begun: list[int] = []
    monkeypatch.setattr(ingester, "begin_import", lambda: begun.append(1))
    monkeypatch.setattr(ingester, "available_processors", lambda: 2)
    options = ingester.IngestOptions(layers=False, jobs=jobs, layers_follow=follow)
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest_with_options([shelf_folder], options)
        assert len(begun) == begins
        crystal.ingest_with_options([shelf_folder], options)  # nothing is new
    assert len(begun) == begins


def test_what_cannot_be_imported_is_not_said_by_the_thread(monkeypatch):
    asked: list[str] = []

    def refuse(name: str) -> None:
        asked.append(name)
        raise ImportError(name)

    monkeypatch.setattr(layer_encoder, "import_module", refuse)
    monkeypatch.setattr(layer_encoder, "sys", SimpleNamespace(modules={}))
    monkeypatch.setattr(threading, "excepthook", lambda _: asked.append("said"))
    layer_encoder.begin_import()
    for thread in threading.enumerate():
        if thread.name == "import of torch":
            thread.join(10)
    assert asked == ["crystalcli.vectors.bert"]


def test_text_without_layers_does_not_move_the_scale_of_an_encoder_of_ones_own(tmp_path, shelf_folder, encoder_folder):
    def scale(crystal: Crystal) -> SimilarityScale:
        encoder = QuestionEncoder(encoder_folder, crystal.tokenizer)
        return Searcher(crystal.shelf, encoder, crystal.codec(), rescale=True).prepare("the lamp of the keeper").scale

    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=None) as crystal:
        crystal.ingest([shelf_folder / "tale.txt"])
        before = scale(crystal)
        assert before.gain > 1
        assert crystal.ingest([shelf_folder], layers=False).layer_share < 1
        assert scale(crystal) == before


def test_upkeep_knows_a_crystal_whose_layers_are_partly_made(partly, reference, tmp_path, folder):
    assert verdict_of(partly).problems == ()
    with Store.open(partly) as store:
        status, share = crystal_status(store), store.layer_share()
        assert 0 < status.layer_share == share < 1
        assert status.segments_without_layers == encoded(partly).count(0)
        export_documents(store, tmp_path / "out", [])
    assert (tmp_path / "out" / "00.txt").read_bytes() == (folder / "00.txt").read_bytes()
    with Crystal.open(partly, encoder=None) as crystal:
        stats = crystal.stats()
        assert (stats.complete, stats.layer_share) == (False, share)
    assert not diff_crystals(partly, reference).any
    other = read_into(tmp_path / "other.crystal", folder / "code")
    merge_crystals([partly, other], tmp_path / "both.crystal")
    for path in (partly, tmp_path / "both.crystal"):
        compact_crystal(path)
        assert verdict_of(path).problems == ()
        with Store.open(path) as store:
            assert 0 < store.layer_share() < 1
        fill(path)
        one, other_content = faults.content(path), faults.content(reference)
        assert one["layers"] == other_content["layers"]
