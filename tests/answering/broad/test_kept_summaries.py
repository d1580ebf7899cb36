"""What a model has said of a part is kept in the crystal, as long as the part stays what it was."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from support.damage import change, verdict_of
from support.lexical_crystals import read_into, write

from crystalcli import Crystal, library
from crystalcli.maintenance.diff import diff_crystals
from crystalcli.maintenance.merge import merge_crystals
from crystalcli.maintenance.repair import repair_crystal
from crystalcli.storage.store import Store

GOLDEN = Path(__file__).parent.parent.parent / "golden"
QUESTION = "What is tale.txt about?"
SAID = "The keeper lit the lamp of the island."
TALE = "".join(
    f"Chapter {n}\n\n" + f"The keeper lit the lamp of the island, and the ferry came on day {n}. " * 40 + "\n\n\n"
    for n in range(1, 9)
)
Asked = Callable[[Path], tuple[list[str], int]]


@pytest.fixture
def shelf(tmp_path) -> Path:
    files = write(tmp_path / "d", {"tale.txt": TALE, "rope.txt": "A rope is made of yarn. " * 30})
    return read_into(tmp_path / "m.crystal", files)


@pytest.fixture
def ask(language_model) -> Asked:
    """Ask a model that says one sentence of everything; give the parts, and how often it was asked."""

    class Reciting:
        def __init__(self) -> None:
            self.model, self.asked = language_model, 0

        def __getattr__(self, name: str) -> object:
            return getattr(self.model, name)

        def say(self, messages, sampling):
            self.asked += 1
            yield SAID

    def asked(path: Path, mode: str = "auto") -> tuple[list[str], int]:
        model = Reciting()
        with Crystal(path, mode=mode, encoder=None) as crystal:
            answer = crystal.ask(QUESTION, model=model, time=600)
            assert all(crystal.verified(citation) for citation in answer.citations)
        return [portion.text for portion in answer.portions], model.asked

    return asked


def rows(path: Path) -> list[tuple]:
    with Store.open(path) as store:
        return [row for source in store.sources() for row in store.summaries(source.id)]


def test_the_second_time_the_model_is_not_asked(shelf, ask):
    first, asked = ask(shelf)
    assert asked == len(first) > 3
    assert set(first) == {SAID}
    assert ask(shelf) == (first, 0)
    assert len(rows(shelf)) == len(first)
    assert verdict_of(shelf).sound
    assert not shelf.with_name("m.crystal-wal").exists()


def test_a_text_that_changes_loses_its_summaries(shelf, ask, tmp_path):
    ask(shelf)
    (tmp_path / "d" / "tale.txt").write_text(TALE + "The end of the tale.\n")
    read_into(shelf, tmp_path / "d")
    assert rows(shelf) == []
    assert ask(shelf)[1] > 0
    with Crystal(shelf, encoder=None) as crystal:
        crystal.forget(["tale.txt"])
    assert rows(shelf) == []
    assert verdict_of(shelf).sound


def test_a_summary_of_another_text_is_not_read(shelf, ask):
    first, asked = ask(shelf)
    change(
        shelf, "UPDATE summary SET digest = zeroblob(16)", "UPDATE summary SET text = 'The keeper is dead.'", seal=True
    )
    assert ask(shelf) == (first, asked)
    change(shelf, "UPDATE summary SET text = 'The keeper sank the ferry of the island.'", seal=True)
    assert ask(shelf) == (first, asked)  # it is not borne out


def test_nothing_is_kept_by_a_reader_or_beside_a_writer(shelf, ask, monkeypatch):
    monkeypatch.setattr(library, "_WAIT_TO_KEEP", 0.0)
    before = shelf.read_bytes()
    first, asked = ask(shelf, "read")
    assert asked
    assert shelf.read_bytes() == before
    with Store.open(shelf, writable=True):
        assert ask(shelf) == (first, asked)
        assert rows(shelf) == []
    assert ask(shelf) == (first, asked)
    assert rows(shelf)


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is refused to root")
def test_a_file_that_cannot_be_written_is_answered_from(shelf, ask):
    shelf.chmod(0o444)
    first, asked = ask(shelf)
    assert ask(shelf) == (first, asked)


def test_a_reader_that_has_the_file_open_goes_on(shelf, ask):
    with Crystal.open(shelf, encoder=None) as reader:
        passages = reader.recall("Who lit the lamp?", 3).passages
        ask(shelf)
        assert reader.recall("Who lit the lamp?", 3).passages == passages
        assert rows(shelf)


def test_compact_merge_and_repair_take_them_along(shelf, ask, tmp_path):
    first, _ = ask(shelf)
    with Crystal(shelf, encoder=None) as crystal:
        crystal.forget(["rope.txt"])
        crystal.compact()
    assert ask(shelf) == (first, 0)
    other = read_into(tmp_path / "n.crystal", write(tmp_path / "e", {"a.txt": "High water at noon.\n"}))
    merge_crystals([other, shelf], tmp_path / "all.crystal")
    assert ask(tmp_path / "all.crystal") == (first, 0)
    assert verdict_of(tmp_path / "all.crystal").sound
    assert diff_crystals(shelf, shelf).any is False
    with Crystal.open(shelf, encoder=None) as crystal:
        crystal.export(tmp_path / "out")
        assert (tmp_path / "out" / "tale.txt").read_text() == TALE
    change(shelf, "UPDATE seal SET members = members + 1 WHERE name = ''")
    assert repair_crystal(shelf).changed
    assert ask(shelf) == (first, 0)


@pytest.mark.parametrize(
    ("damage", "lost"),
    [
        ("UPDATE summary SET characters = 1 << 40", None),
        ("UPDATE summary SET start = -1 WHERE start = 0", 1),
        ("UPDATE summary SET digest = x'00'", None),
        ("UPDATE summary SET source = 99", None),
    ],
)
def test_damaged_summaries_are_found_and_left_behind(shelf, ask, damage, lost):
    first, asked = ask(shelf)
    change(shelf, damage, seal=True)
    assert not verdict_of(shelf).sound
    assert repair_crystal(shelf).changed
    assert verdict_of(shelf).sound
    assert ask(shelf) == (first, lost or asked)


@pytest.mark.parametrize(("version", "becomes"), [(1, 1), (2, 2), (3, 6), (4, 6)])
def test_a_file_of_version_3_becomes_one_of_today_with_its_first_summary(tmp_path, ask, version, becomes):
    path = Path(shutil.copy(GOLDEN / f"v{version}.crystal", tmp_path / "old.crystal"))
    with Crystal(path, encoder=None) as crystal:
        crystal.ingest([write(tmp_path / "d", {"tale.txt": TALE})])
        crystal.forget(["notes.md", "tide.py"])
        assert crystal.stats().format_version == version
    texts, _ = ask(path)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (becomes,)
    assert bool(rows(path)) == (SAID in texts and becomes == 6)
    assert verdict_of(path).sound
