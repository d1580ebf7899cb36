"""Several crystals read as one: what they hold and how it is ranked, against their merge."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.lexical_crystals import folders, read_into, write

from crystalcli import Crystal, Passage
from crystalcli.errors import (
    CrystalError,
    DamagedCrystalError,
    EncoderMismatchError,
    MissingFileError,
    NotACrystalError,
    UsageError,
)
from crystalcli.index.byte_cache import ByteCache
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.maintenance.multi_reader import crystal_files
from crystalcli.storage.store import Store

QUESTION = "ferry keeper lamp tide"
FERRY = "# Ferry\n\nThe ferry to the lower lock sails at noon. Ingrid keeps its ledger.\n"


def without_crystal(passages: list[Passage]) -> list[Passage]:
    """Passages as a merge has them, which does not say what they are from."""
    return [
        replace(
            passage,
            place=replace(passage.place, crystal=None),
            also=tuple(replace(place, crystal=None) for place in passage.also),
        )
        for passage in passages
    ]


@settings(max_examples=12, deadline=None)
@given(shelves=st.lists(folders, min_size=2, max_size=3), forgotten=st.sampled_from([None, "a.txt", "b.md"]))
def test_several_crystals_are_what_their_merge_is(shelves, forgotten):
    with tempfile.TemporaryDirectory() as name:
        home = Path(name).resolve()
        files = [
            read_into(home / f"{number}.crystal", write(home / f"folder{number}", shelf))
            for number, shelf in enumerate(shelves)
        ]
        if forgotten in shelves[-1]:
            with Crystal.open(files[-1], writable=True, encoder=None) as crystal:
                crystal.forget(forgotten)
        merge_crystals(files, home / "all.crystal", force=True)
        with Crystal(files, encoder=None) as several, Crystal(home / "all.crystal", encoder=None) as merged:
            assert several.documents() == merged.documents()
            assert [several.quote(path, 0, 1 << 20) for path in several] == [
                merged.quote(path, 0, 1 << 20) for path in merged
            ]
            assert without_crystal(list(several.recall(QUESTION, 50))) == list(merged.recall(QUESTION, 50))
            assert several.shelf.atoms == merged.shelf.atoms
            assert several.idf(QUESTION) == merged.idf(QUESTION)
            assert (several.stats().tokens, several.stats().kinds) == (merged.stats().tokens, merged.stats().kinds)
            assert {Path(passage.place.crystal) for passage in several.recall(QUESTION, 50)} <= set(files)


@pytest.fixture(scope="module")
def shelves(samples_crystal: Path, encoder_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Three crystals with layers: the samples, two notes, and one of these again with a third."""
    home = tmp_path_factory.mktemp("shelves")
    files = [Path(shutil.copy(samples_crystal, home / "samples.crystal"))]
    notes = {
        "pump.md": "# Pump\n\nThe pump of the lower lock was repaired by Ingrid.\n",
        "lamp.md": "# Lamp\n\nThe lamp of the upper lock burns gas since March.\n",
    }
    for name, texts in (("notes", notes), ("more", {"ferry.md": FERRY, "lamp.md": notes["lamp.md"]})):
        folder = write(home / f"{name}-files" / name, texts)
        with Crystal.create(home / f"{name}.crystal", encoder=encoder_folder) as crystal:
            crystal.ingest([folder])
        files.append(home / f"{name}.crystal")
    return files


def test_by_vectors_several_crystals_rank_as_their_merge(
    shelves, encoder_folder, reranker_folder, answerable, tmp_path
):
    merge_crystals(shelves, tmp_path / "all.crystal")
    questions = [item["question"] for item in answerable[:1]] + ["Who repaired the pump?"]
    with (
        Crystal(shelves, encoder=encoder_folder, reranker=reranker_folder) as several,
        Crystal(tmp_path / "all.crystal", encoder=encoder_folder, reranker=reranker_folder) as merged,
    ):
        for question in questions:
            for rerank in (False, question == questions[-1]):
                found = without_crystal(list(several.recall(question, 10, rerank=rerank)))
                expected = list(merged.recall(question, 10, rerank=rerank))
                assert [passage.text for passage in found] == [passage.text for passage in expected]
                assert [passage.path for passage in found] == [passage.path for passage in expected]
                assert [passage.score for passage in found] == pytest.approx([p.score for p in expected], abs=1e-5)
            answer, of_merged = several.ask(question, extractive=True), merged.ask(question, extractive=True)
            assert answer.text == of_merged.text
            assert [replace(c.place, crystal=None) for c in answer.citations] == [c.place for c in of_merged.citations]
        with several.snapshot():
            shelf = several.shelf
            whole = shelf.below(np.arange(shelf.atoms))
            shelf.kept = ByteCache(0)  # what has been compared is now read in part, of cut segments too
            assert all(map(np.array_equal, whole, shelf.below(np.arange(shelf.atoms))))
        pump = several.recall("Who repaired the pump?", 1)[0]
        assert pump.place.crystal == str(shelves[1])
        assert several.stats().complete
        # A document of two crystals is there once.
        assert len(several.documents()) == len(merged.documents()) < sum(_documents(path) for path in shelves)


def test_by_vectors_several_crystals_rank_as_one_ingest(shelves, encoder_folder, tmp_path):
    ferry = write(tmp_path / "ferry", {"ferry.md": FERRY})
    with Crystal.create(tmp_path / "one.crystal", encoder=encoder_folder) as one:
        one.ingest([shelves[1].parent / "notes-files" / "notes", ferry])
        with Crystal(shelves[1:], encoder=encoder_folder, reranker=None) as several:
            assert several.shelf.atoms == one.shelf.atoms
            for question in ("Who repaired the pump?", "When does the ferry sail?", "upper lock lamp gas"):
                found, expected = several.recall(question, 5), one.recall(question, 5, rerank=False)
                assert [p.text for p in found] == [p.text for p in expected]
                assert [p.score for p in found] == pytest.approx([p.score for p in expected], abs=1e-5)


def _documents(path: Path) -> int:
    with Store.open(path) as store:
        return len(store.sources())


def test_what_others_write_into_one_of_several_is_seen(tmp_path):
    files = [
        read_into(tmp_path / f"{name}.crystal", write(tmp_path / name, {f"{name}.txt": f"The {name} is new.\n"}))
        for name in ("rope", "bell")
    ]
    with Crystal(files, encoder=None) as several:
        assert [passage.path for passage in several.recall("anchor rope", 5)] == ["rope.txt"]
        write(tmp_path / "rope", {"anchor.txt": "The anchor is old.\n"})
        read_into(files[0], tmp_path / "rope")
        assert sorted(passage.path for passage in several.recall("anchor rope", 5)) == ["anchor.txt", "rope.txt"]
        with Crystal(files[1], encoder=None) as crystal:
            crystal.forget("bell.txt")
            crystal.compact()
        assert sorted(several) == ["anchor.txt", "rope.txt"]


def test_a_memory_of_one_crystal_supersedes_one_of_another(tmp_path):
    files = [tmp_path / "old.crystal", tmp_path / "new.crystal"]
    for file, day, street in zip(files, ("2026-01-05", "2026-09-20"), ("Mill Lane", "Ropewalk"), strict=True):
        with Crystal(file, encoder=None) as crystal:
            crystal.remember(f"Jonas lives at 3 {street}.", at=day)
    with Crystal(files, encoder=None) as several:
        assert several.memory_count() == 2
        ((older, newer),) = several.memory_changes()
        assert ("Mill Lane" in older.text, "Ropewalk" in newer.text) == (True, True)
    with Crystal(files[0], encoder=None) as crystal:
        assert crystal.memory_changes() == []


def test_a_note_in_one_crystal_supersedes_one_in_another(tmp_path):
    files = []
    for name, rent in (("2026-01-05", 700), ("2026-09-20", 740)):
        folder = write(tmp_path / name, {f"{name}.md": f"The rent of the shed is {rent} euros.\n"})
        files.append(read_into(tmp_path / f"{name}.crystal", folder))
    with Crystal(files, encoder=None) as several:
        (conflict,) = several.conflicts()
        assert ("700" in conflict.older.value, "740" in conflict.newer.value) == (True, True)


def test_nothing_is_written_into_several(tmp_path):
    files = [read_into(tmp_path / f"{n}.crystal", write(tmp_path / n, {"x.txt": f"{n}.\n"})) for n in ("one", "two")]
    before = [file.read_bytes() for file in files]
    with pytest.raises(UsageError, match="for reading alone"):
        Crystal(files, mode="write", encoder=None)
    with Crystal(files, encoder=None) as several:
        for write_it in (
            lambda: several.ingest([tmp_path / "one"]),
            lambda: several.forget("x.txt"),
            lambda: several.remember("The rope is new."),
            several.compact,
        ):
            with pytest.raises(CrystalError, match="reading only"):
                write_it()
        assert sorted(several) == ["two/x.txt", "x.txt"]
    assert [file.read_bytes() for file in files] == before


def test_crystals_that_cannot_be_read_as_one_are_named(tmp_path):
    write(tmp_path / "docs", {"x.txt": "The rope is new.\n"})
    one = read_into(tmp_path / "one.crystal", tmp_path / "docs")
    for key, value, error in (("weights", "others", EncoderMismatchError), ("analysis", "1", CrystalError)):
        other = Path(shutil.copy(one, tmp_path / "other.crystal"))
        with Store.open(other, writable=True) as store, store.transaction():
            store.set_meta(key, value)
        with pytest.raises(error, match=r"other\.crystal"):
            Crystal([one, other], encoder=None)
    with pytest.raises(MissingFileError, match=r"two\.crystal does not exist"):
        Crystal([one, tmp_path / "two.crystal"], mode="read", encoder=None)
    (tmp_path / "three.crystal").write_bytes(one.read_bytes()[:5000])
    with pytest.raises((DamagedCrystalError, NotACrystalError), match=r"three\.crystal"):
        Crystal([one, tmp_path / "three.crystal"], encoder=None)


def test_a_folder_and_a_glob_name_the_crystals_in_them(tmp_path, monkeypatch):
    for name in ("b.crystal", "a.crystal", "c[1].crystal", "notes.txt"):
        (tmp_path / name).touch()
    names = ["a.crystal", "b.crystal", "c[1].crystal"]
    assert [path.name for path in crystal_files(tmp_path)] == names
    assert [path.name for path in crystal_files(tmp_path / "*.crystal")] == names
    monkeypatch.chdir(tmp_path)
    assert crystal_files("[ab].crystal") == [Path("a.crystal"), Path("b.crystal")]
    assert crystal_files("c[1].crystal") == [Path("c[1].crystal")]
    assert crystal_files("new.crystal") == [Path("new.crystal")]
    with pytest.raises(MissingFileError, match="no crystal matches"):
        crystal_files("x*.crystal")
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotACrystalError, match="without a crystal"):
        crystal_files("empty")
