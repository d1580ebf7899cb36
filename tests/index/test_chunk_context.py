"""What a chunk stands in: made from landmarks, stored, carried by everything that moves chunks, and part of terms and vectors."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.repository import GOLDEN

from crystalcli import Crystal
from crystalcli.datatypes import Chunk, Landmark
from crystalcli.errors import DamagedCrystalError
from crystalcli.index.chunk_context import CONTEXT_MARK, ContextTracker, chunk_identity
from crystalcli.index.chunk_reader import ChunkReader
from crystalcli.index.layer_encoder import PREFIX, LayerEncoder, _prefix
from crystalcli.maintenance.compact import compact_crystal
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.maintenance.verify import verify_crystal
from crystalcli.storage.file.schema import FORMAT_VERSION
from crystalcli.storage.store import Store

CODE = "".join(f"def step_{i}(tide):\n    return tide * {i} + anchor_{i}\n\n\n" for i in range(40))
LICENCE = "".join(f"Clause {i}: whoever copies the lamp shall keep this notice about lamps.\n" for i in range(12))


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A folder with code, two copies of a licence in Markdown, one of them in plain text twice, and a guide with headings."""
    folder = tmp_path / "tree"
    (folder / "src" / "harbour").mkdir(parents=True)
    (folder / "src" / "harbour" / "pilotage.py").write_text(CODE, encoding="utf-8")
    (folder / "src" / "test_pilotage.py").write_text("def test_steps():\n    assert step_3(2)\n", encoding="utf-8")
    (folder / "guide.md").write_text(
        "# Guide\n\nWords first.\n\n## Mooring\n\n" + "Tie the rope to the ring and wait for the boat. " * 60,
        encoding="utf-8",
    )
    for name in ("one/LICENCE.md", "two/LICENCE.md", "one/copy.txt", "two/copy.txt"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(LICENCE, encoding="utf-8")
    return folder


@pytest.fixture
def made(tmp_path: Path, tree: Path) -> Path:
    """Its crystal, without layers."""
    path = tmp_path / "m.crystal"
    with Crystal.create(path, encoder=None) as crystal:
        crystal.ingest([tree])
    return path


def contexts(path: Path) -> dict[str, list[str]]:
    """Of every document: the contexts of its chunks, in order."""
    with Store.open(path) as store:
        chunks = ChunkReader(store)
        return {each.path: [chunks.context(chunk) for chunk in chunks.of(each.id)] for each in store.sources()}


def problems(path: Path) -> list[str]:
    with Store.open(path) as store:
        return [each.message for each in verify_crystal(store).problems]


# --- what it says ---------------------------------------------------------------------------------------


def test_code_has_its_name_and_its_definition_and_prose_only_its_headings():
    marks = [
        Landmark(0, "heading", "Guide › Mooring"),
        Landmark(3, "page", "7"),
        Landmark(5, "definition", "Boat.moor"),
        Landmark(9, "heading", ""),
        Landmark(12, "definition", ""),
    ]
    code, text = ContextTracker("src/boat  yard.py", "code"), ContextTracker("tale.txt", "text")
    for mark in marks:
        code.note(mark)
        text.note(mark)
    assert [code.at(at) for at in (0, 6, 10, 20)] == [
        f"src/boat yard.py{CONTEXT_MARK}{place}"
        for place in ("Guide › Mooring", "Guide › Mooring Boat.moor", "Boat.moor", "")
    ]
    assert [text.at(at) for at in (0, 6, 10, 20)] == ["Guide › Mooring", "Guide › Mooring Boat.moor", "Boat.moor", ""]


def test_a_chunk_stands_where_its_first_letter_stands():
    contexts = ContextTracker("a.md", "markdown")
    for mark in (Landmark(0, "heading", "One"), Landmark(7, "heading", "Two")):
        contexts.note(mark)
    none = np.zeros(0, np.int32)
    given = contexts.given([Chunk("One.\n", none, none), Chunk("\n\nTwo.", none, none), Chunk("\n", none, none)])
    assert [chunk.context for chunk in given] == [
        f"a.md{CONTEXT_MARK}One",
        f"a.md{CONTEXT_MARK}Two",
        f"a.md{CONTEXT_MARK}Two",
    ]


@given(st.text(), st.lists(st.tuples(st.integers(0, 50), st.text())))
def test_a_context_is_one_line_of_bounded_length(name, labels):
    for kind in ("code", "text"):
        contexts = ContextTracker(name, kind)
        for start, label in sorted(labels):
            contexts.note(Landmark(start, "heading", label))
        said = contexts.at(50)
        assert "\n" not in said
        assert said.count(CONTEXT_MARK) == (kind == "code")
        assert len(said) <= 402


# --- what is stored -------------------------------------------------------------------------------------


def test_every_chunk_of_a_tree_says_where_it_stands(made):
    found = contexts(made)
    assert {each.split(CONTEXT_MARK)[0] for each in found["src/harbour/pilotage.py"]} == {"src/harbour/pilotage.py"}
    assert all(each.split(CONTEXT_MARK)[1].startswith("step_") for each in found["src/harbour/pilotage.py"])
    assert found["guide.md"][0] == f"guide.md{CONTEXT_MARK}Guide"
    assert found["guide.md"][-1].startswith(f"guide.md{CONTEXT_MARK}")
    assert found["guide.md"][-1].endswith("Mooring")
    assert set(found["one/copy.txt"]) == {""}
    assert problems(made) == []


def test_text_is_stored_once_for_each_context(made):
    with Store.open(made) as store:
        chunks = ChunkReader(store)
        of = {each.path: chunks.of(each.id) for each in store.sources()}
        assert of["one/copy.txt"] == of["two/copy.txt"]
        assert not set(of["one/LICENCE.md"]) & set(of["two/LICENCE.md"])
        assert [chunks.key(one) for one in of["one/LICENCE.md"]] == [chunks.key(two) for two in of["two/LICENCE.md"]]


def test_a_file_that_is_renamed_is_read_under_its_new_name(made, tree):
    (tree / "guide.md").rename(tree / "manual.md")
    (tree / "one" / "copy.txt").rename(tree / "one" / "licence.txt")
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([tree])
    found = contexts(made)
    assert found["manual.md"][-1].startswith(f"manual.md{CONTEXT_MARK}")
    assert problems(made) == []


def test_a_second_ingest_adds_nothing(made, tree, tmp_path):
    with Store.open(made) as store:
        before = sum(segment.chunks for segment in store.segments())
    for path in tree.rglob("*.*"):
        path.touch()
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([tree])
    with Store.open(made) as store:
        assert sum(segment.chunks for segment in store.segments()) == before


def test_copies_and_merges_carry_contexts(made, tmp_path):
    before = contexts(made)
    other = tmp_path / "other.crystal"
    with Crystal.create(other, encoder=None) as crystal:
        (tmp_path / "more").mkdir()
        (tmp_path / "more" / "b.py").write_text("def b():\n    return 1\n", encoding="utf-8")
        crystal.ingest([tmp_path / "more"])
    merge_crystals([made, other], tmp_path / "both.crystal")
    assert contexts(tmp_path / "both.crystal") == {**before, "b.py": [f"b.py{CONTEXT_MARK}b"]}
    assert problems(tmp_path / "both.crystal") == []
    compact_crystal(made)
    assert contexts(made) == before
    assert problems(made) == []


def test_a_repair_keeps_contexts_or_says_that_they_are_lost(made, tmp_path):
    before = contexts(made)
    hurt = Path(shutil.copy(made, tmp_path / "hurt.crystal"))
    with Store.open(hurt, writable=True) as store, store.transaction():
        store.rows("DELETE FROM posting")
    assert problems(hurt)
    repair_crystal(hurt)
    assert (contexts(hurt), problems(hurt)) == (before, [])
    with Store.open(made, writable=True) as store, store.transaction():
        store.rows("UPDATE part SET data = zeroblob(20) WHERE name = 'contexts'")
    assert any("contexts" in each for each in problems(made))
    report = repair_crystal(made)
    assert any("file and headings" in line for line in report.lost)
    assert {context for found in contexts(made).values() for context in found} == {""}
    assert problems(made) == []


@pytest.mark.parametrize("lines", [b"", b"a\nb", b"\xff"])
def test_contexts_that_are_not_the_chunks_are_damage(made, lines):
    from crystalcli.storage.tables.blobs import compressed

    with Store.open(made, writable=True) as store, store.transaction():
        for segment in store.segments():
            store.add_part(segment.id, "contexts", compressed(lines), len(lines))
    with Store.open(made) as store, pytest.raises(DamagedCrystalError, match="contexts"):
        ChunkReader(store).context(0)
    assert any("contexts" in each for each in problems(made))


def test_a_crystal_of_version_1_stays_one(tmp_path, tree):
    path = Path(shutil.copy(GOLDEN / "v1.crystal", tmp_path / "old.crystal"))
    with Crystal.open(path, writable=True, encoder=None) as crystal:
        crystal.ingest([tree])
        assert crystal.stats().format_version == 1
    assert {context for found in contexts(path).values() for context in found} == {""}
    assert problems(path) == []
    compact_crystal(path)
    with Store.open(path) as store:
        assert store.format == FORMAT_VERSION
    assert problems(path) == []


# --- what it is for -------------------------------------------------------------------------------------


def test_words_of_a_name_and_of_headings_find_text_that_lacks_them(made):
    with Crystal.open(made, encoder=None) as crystal:
        assert crystal.recall("harbour", 1)[0].path == "src/harbour/pilotage.py"
        found = crystal.recall("mooring", 5)
        assert {each.path for each in found} == {"guide.md"}


def test_the_same_text_in_several_contexts_is_one_passage(made):
    with Crystal.open(made, encoder=None) as crystal:
        found = crystal.recall("whoever copies the lamp shall keep this notice", 5)
    assert len({each.text for each in found}) == len(found)
    best = found[0]
    paths = [best.path, *(each.path for each in best.also)]
    assert sorted(paths) == ["one/LICENCE.md", "one/copy.txt", "two/LICENCE.md", "two/copy.txt"]
    assert all(each.end - each.start == len(best.text) for each in best.also)


def test_a_passage_is_given_from_where_its_file_still_is(made, tree):
    for gone in ("one/LICENCE.md", "one/copy.txt", "two/copy.txt"):
        (tree / gone).unlink()
    with Crystal.open(made, writable=True, encoder=None) as crystal:
        crystal.ingest([tree])
        best = crystal.recall("whoever copies the lamp shall keep this notice", 5)[0]
    assert (best.path, best.gone, best.also) == ("two/LICENCE.md", False, ())


@given(st.integers(0, 60), st.integers(0, 60), st.integers(-3, 60))
def test_a_prefix_keeps_the_ends_of_name_and_place(name, place, room):
    names, places = np.arange(name, dtype=np.int32), 1000 + np.arange(place, dtype=np.int32)
    found = _prefix(names, places, room).tolist()
    most = max(0, min(PREFIX, room))
    assert len(found) == min(most, name + place)
    ours = [each for each in found if each < 1000]
    theirs = [each for each in found if each >= 1000]
    assert ours == names.tolist()[name - len(ours) :]
    assert theirs == places.tolist()[place - len(theirs) :]
    assert len(ours) >= min(name, most // 2)
    assert len(theirs) >= min(place, most // 2)


def test_the_context_is_in_the_vectors_where_it_is_marked(encoder_folder):
    layers = LayerEncoder(encoder_folder)
    none, text = np.zeros(0, np.int32), "def moor(boat):\n    return boat.rope\n"
    places = ("", "Mooring Boat", f"boat.py{CONTEXT_MARK}Boat", f"boat.py{CONTEXT_MARK}Harbour")
    plain, prose, one, other = (layers.codes([Chunk(text, none, none, place)], [12]) for place in places)
    assert plain == prose
    assert len({plain.atoms, one.atoms, other.atoms}) == 3
    together = layers.codes([Chunk(text, none, none, place) for place in places], [12] * 4)
    assert together.atoms == plain.atoms + prose.atoms + one.atoms + other.atoms  # in whatever company it is encoded
    assert [len(each) for each in plain] == [len(each) for each in one]


def test_chunks_are_told_apart_by_text_and_context():
    key = bytes(16)
    assert chunk_identity(key, "") == key
    assert (
        len({chunk_identity(key, "a"), chunk_identity(key, "b"), chunk_identity(bytes([1]) + key[1:], "a"), key}) == 4
    )
