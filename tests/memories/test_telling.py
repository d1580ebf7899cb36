"""Memories: told, listed, edited, pinned, forgotten; one way through every other part of the program."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.errors import CrystalError, NotFoundError, UsageError
from crystalcli.storage.store import Store

GOLDEN = Path(__file__).parent.parent / "golden"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "m.crystal"


@pytest.fixture
def crystal(path: Path):
    with Crystal(path, encoder=None) as opened:
        yield opened


def test_a_memory_is_a_dated_document_of_its_own_kind(crystal):
    memory = crystal.remember(
        "The office is at 7 Ropewalk.", by="Ann", at="2026-09-20", tags=["#Home", "work"], pin=True
    )
    assert (memory.dated, memory.author, memory.tags, memory.pinned) == ("2026-09-20", "Ann", ("home", "work"), True)
    (document,) = crystal.documents()
    assert (document.path, document.kind) == (memory.document, "memory")
    (passage,) = crystal.recall("Where is the office?")
    assert (passage.path, passage.date) == (memory.document, date(2026, 9, 20))
    assert passage.place.marks["message"] == "Ann, 2026-09-20"
    assert crystal.authors() == {"Ann": 1}
    assert crystal.tags() == ["home", "work"]
    assert crystal.verify().sound


def test_the_same_sentence_is_kept_as_often_as_it_is_told(crystal):
    first, second = (crystal.remember("Buy rope.") for _ in "12")
    assert first.id != second.id
    assert [memory.text for memory in crystal.memories()] == ["Buy rope.", "Buy rope."]
    assert len(crystal.documents()) == 2


def test_memories_are_listed_by_date_author_tag_and_pin(crystal):
    told = [
        crystal.remember("One.", at="2026-01-05", by="Ann"),
        crystal.remember("Two.", at="2026-03-01 09:30", tags=["home/garden"]),
        crystal.remember("Three.", at="2026-02-10", by="Ben", pin=True),
    ]
    assert [memory.text for memory in crystal.memories()] == ["Two.", "Three.", "One."]
    assert [memory.text for memory in crystal.memories(limit=1)] == ["Two."]
    assert [memory.text for memory in crystal.memories(by="ann")] == ["One."]
    assert [memory.text for memory in crystal.memories(tags=["#home/garden"])] == ["Two."]
    assert [memory.text for memory in crystal.memories(tags=["home"])] == []
    assert [memory.text for memory in crystal.memories(pinned=True)] == ["Three."]
    (unpinned,) = crystal.pin_memories([told[2].id], pinned=False)
    assert not unpinned.pinned
    assert crystal.memories(pinned=True) == []
    assert crystal.memory_count() == 3


def test_an_edited_memory_keeps_its_id_and_loses_its_old_text(crystal):
    memory = crystal.remember("The office is at 3 Mill Lane.", at="2026-01-05", tags=["work"])
    edited = crystal.edit_memory(memory.id[:4], "The office is at 7 Ropewalk.")
    assert (edited.id, edited.dated, edited.tags) == (memory.id, memory.dated, memory.tags)
    assert "Mill Lane" not in "".join(passage.text for passage in crystal.recall("office"))
    assert [passage.text for passage in crystal.recall("Ropewalk")] == ["The office is at 7 Ropewalk."]
    assert crystal.verify().sound


def test_forgetting_is_all_or_nothing(crystal):
    one, two = crystal.remember("The red key."), crystal.remember("The blue key.")
    with pytest.raises(NotFoundError, match="no memory abcdefab"):
        crystal.forget_memories([one.id, "abcdefab"])
    assert crystal.memory_count() == 2
    crystal.forget_memories([one.id, two.document, one.id])
    assert crystal.memories() == crystal.documents() == []
    assert crystal.verify().sound


def test_the_document_of_a_memory_can_be_forgotten_as_any_other(crystal):
    memory = crystal.remember("The red key.")
    crystal.forget([memory.document])
    assert crystal.memories() == []
    assert crystal.verify().sound


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (" \n", {}),
        ("a\0b", {}),
        ("x" * 100_001, {}),
        ("Rope.", {"at": "2026-02-30"}),
        ("Rope.", {"at": "soon"}),
        ("Rope.", {"tags": ["two words"]}),
        ("Rope.", {"tags": [""]}),
        ("Rope.", {"by": "Ann\x1b[2J"}),
        ("Rope.", {"by": "Ann: me"}),
    ],
)
def test_what_cannot_be_kept_is_refused_and_changes_nothing(crystal, text, options):
    crystal.remember("The red key.")
    with pytest.raises(UsageError, match=r"empty|not text|characters|invalid"):
        crystal.remember(text, **options)
    assert crystal.memory_count() == 1


def test_a_crystal_that_is_read_only_takes_nothing(path, crystal):
    crystal.remember("The red key.")
    with Crystal(path, mode="read", encoder=None) as reader, pytest.raises(CrystalError, match="for reading only"):
        reader.remember("Another.")


@pytest.mark.parametrize("version", [3, 4])
def test_an_older_file_takes_memories_in_place(tmp_path, version):
    path = Path(shutil.copy(GOLDEN / f"v{version}.crystal", tmp_path / "m.crystal"))
    with Crystal(path, encoder=None) as crystal:
        assert crystal.memories() == []
        crystal.remember("The ferry leaves at seven now.")
        assert crystal.stats().format_version == 6
        assert [passage.path[:8] for passage in crystal.recall("ferry leaves", 1)] == ["memories"]
        assert crystal.verify().sound


@pytest.mark.parametrize("version", [1, 2])
def test_the_first_versions_say_what_to_do(tmp_path, version):
    path = Path(shutil.copy(GOLDEN / f"v{version}.crystal", tmp_path / "m.crystal"))
    with Crystal(path, encoder=None) as crystal:
        with pytest.raises(CrystalError, match="`crystal compact` makes it one that does"):
            crystal.remember("The ferry leaves at seven now.")
        crystal.compact()
        crystal.remember("The ferry leaves at seven now.")
        assert crystal.memory_count() == 1


def test_many_memories_make_few_segments(path, crystal):
    for number in range(40):
        crystal.remember(f"The key of room {number} hangs at hook {number * 7}.")
    with Store.open(path) as store:
        assert len(store.segments()) <= 7
        assert len(store.lexicons()) <= 9
    assert "hook 231" in crystal.recall("key of room 33", 1)[0].text
    assert crystal.verify().sound


def test_compact_merge_export_and_repair_know_memories(tmp_path, path, crystal):
    memory = crystal.remember("The bell weighs two hundredweight.", by="Ann", tags=["bell"], pin=True)
    gone = crystal.remember("The bell is lost.")
    crystal.forget_memories([gone.id])
    crystal.compact()
    assert crystal.memories() == [memory]
    other = tmp_path / "other.crystal"
    shutil.copy(path, other)
    with Crystal(other, encoder=None) as second:
        added = second.remember("The bell was sold.", at="2027-01-01")
    crystal.remember("The lamp burns oil.", at="2025-01-01")
    Crystal.merge([path, other], tmp_path / "both.crystal")
    with Crystal(tmp_path / "both.crystal", encoder=None) as both:
        assert [(m.id, m.text) for m in both.memories()][:2] == [(added.id, added.text), (memory.id, memory.text)]
        assert both.memory_count() == 3
        assert both.verify().sound
    crystal.export(tmp_path / "out")
    assert "two hundredweight" in (tmp_path / "out" / f"{memory.document}.txt").read_text()


def test_a_crystal_whose_ledger_is_damaged_keeps_what_was_told(path, crystal):
    import sqlite3

    memory = crystal.remember("The bell weighs two hundredweight.", tags=["bell"])
    crystal.remember("The lamp burns oil.")
    with sqlite3.connect(path) as db:
        db.execute("DELETE FROM run WHERE source = 1")
    assert not crystal.verify().sound
    crystal.close()
    Crystal.repair(path, encoder=None)
    with Crystal(path, encoder=None) as repaired:
        assert repaired.verify().sound
        assert {m.text for m in repaired.memories()} == {memory.text, "The lamp burns oil."}
