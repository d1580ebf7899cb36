"""Of what dated notes, chats and mail state of one thing the newest holds, and the older are shown as before."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal, NotFoundError, RecallFilter
from crystalcli.memories.claim import read_statement
from crystalcli.memories.document_statements import sentences_of

JANUARY, SEPTEMBER = "notes/2026-01-05.md", "notes/2026-09-20.md"
NOTES = {
    JANUARY: "# Monday\n\nMoved into the flat at 3 Mill Lane, second floor. Rent 900 a month.\n\n- buy curtains\n",
    "notes/2026-04-12.md": "Weight 84.2 kg. Ran 5 km along the canal.\n",
    SEPTEMBER: "Moved! New address: 7 Ropewalk, ground floor. Rent 950 a month.\n",
    "notes/2026-10-12.md": "Weight 81.0 kg. Chapter 12 is done.\n",
    "diary.md": "# Diary\n\n## 2026-02-01\n\nThe gate opens at 7:00.\n\n## 2026-05-01\n\nThe gate opens at 8:30 now.\n",
    "undated.md": "Rent 700 a month. The gate opens at 9:00.\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, text in NOTES.items():
        path = tmp_path / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "docs"


@pytest.fixture
def crystal(tmp_path: Path, folder: Path):
    with Crystal(tmp_path / "k.crystal", encoder=None) as opened:
        opened.ingest(folder)
        yield opened


def pairs(crystal: Crystal) -> set[tuple[str, str, str]]:
    return {(each.subject, each.older.value, each.newer.value) for each in crystal.conflicts()}


ALL = {
    ("home address", "3 Mill Lane", "7 Ropewalk"),
    ("rent", "900 a month", "950 a month"),
    ("weight", "84.2 kg", "81.0 kg"),
    ("gate opens", "7:00", "8:30"),
}


@pytest.mark.parametrize(
    ("sentence", "value"),
    [
        ("Emergency fund stands at 31,000.", "31,000"),
        ("New phone number: 555 0192.", "555 0192"),
        ("Rate limit raised to 900 requests a minute, billing 4.9.0.", "900 requests a minute"),
        ("Practice moves to Wednesdays at 8 from October", "Wednesdays at 8"),
        ("Landlord is Mr Crask.", "Mr Crask"),
        ("Ran 5 km.", ""),
        ("Chapter 12", ""),
        ("Paid rent 900", ""),
        ("Lunch with Ann Crask", ""),
    ],
)
def test_notes_state_in_few_words(sentence, value):
    claim = read_statement(sentence, is_note=True)
    assert (claim.shown if claim is not None else "") == value


def test_people_who_chat_state_in_whole_sentences():
    assert read_statement("Table 5", "Ann", is_note=False) is None
    assert read_statement("My number is 555 0192", "Ann", is_note=False) is not None


def test_sentences_are_read_back_at_their_places():
    text = "- Dr. Wiik has my file; the dentist is Dr Moe.\n> I live in Skarn\n\nWeight 81.0 kg!"
    assert [text[start : start + len(sentence)] for start, sentence in sentences_of(text)] == [
        sentence for _, sentence in sentences_of(text)
    ]
    assert [sentence for _, sentence in sentences_of(text)] == ["the dentist is Dr Moe.", "Weight 81.0 kg!"]


def test_the_newest_of_dated_statements_supersedes_the_older(crystal):
    assert pairs(crystal) == ALL
    home = next(each for each in crystal.conflicts() if each.subject == "home address")
    assert (home.older.path, home.older.dated, home.newer.path) == (JANUARY, "2026-01-05", SEPTEMBER)
    assert crystal.quote(home.newer.path, home.newer.start, home.newer.start + 11) == "New address"
    assert crystal.verify().sound


def test_an_answer_quotes_what_holds_and_shows_what_was_before(crystal):
    answer = crystal.ask("What is the rent?", extractive=True, floor=0.0, where=RecallFilter(within=("notes",)))
    assert answer.citations[0].path == SEPTEMBER
    assert answer.changes == ("950 a month since 2026-09-20; before: 900 a month (2026-01-05)",)
    then = crystal.ask("What is the rent?", extractive=True, floor=0.0, where=RecallFilter(as_of=date(2026, 3, 1)))
    assert then.citations[0].path == JANUARY
    assert then.changes == ()


def test_a_link_goes_with_the_document_that_made_it(crystal, folder):
    (folder / SEPTEMBER).write_text("Rain all day.\n")
    crystal.ingest(folder)
    assert pairs(crystal) == {each for each in ALL if each[0] in ("weight", "gate opens")}
    (folder / "notes/2026-10-12.md").unlink()
    crystal.ingest(folder, prune=True)
    assert pairs(crystal) == {each for each in ALL if each[0] == "gate opens"}
    assert crystal.verify().sound


def test_a_memory_supersedes_a_note_and_a_note_a_memory(crystal):
    crystal.remember("I moved to 9 Quay Street.", at="2026-11-01")
    crystal.remember("I live at 1 Tar Alley.", at="2025-03-01")
    assert {("home address", "7 Ropewalk", "9 Quay Street"), ("home address", "1 Tar Alley", "3 Mill Lane")} <= pairs(
        crystal
    )


def test_a_statement_is_upheld_by_hand_and_stays_so(crystal, folder, tmp_path):
    rent = next(each for each in crystal.conflicts() if each.subject == "rent")
    crystal.uphold_statement(rent.older.path, rent.older.start)
    assert ("rent", "900 a month", "950 a month") not in pairs(crystal)
    crystal.compact()
    Crystal.repair(crystal.path, encoder=None)
    crystal.ingest(folder)
    assert pairs(crystal) == {each for each in ALL if each[0] != "rent"}
    crystal.uphold_statement(rent.older.path, rent.older.start, holds=False)
    assert pairs(crystal) == ALL
    with pytest.raises(NotFoundError, match="no statement at"):
        crystal.uphold_statement(rent.older.path, 1)


def test_merged_crystals_have_the_links_of_both(folder, tmp_path):
    for name, paths in (("a", [JANUARY, "notes/2026-10-12.md"]), ("b", [SEPTEMBER, "notes/2026-04-12.md"])):
        part = tmp_path / name / "notes"
        part.mkdir(parents=True)
        for path in paths:
            shutil.copy(folder / path, part)
        with Crystal(tmp_path / f"{name}.crystal", encoder=None) as crystal:
            crystal.ingest(part)
            assert pairs(crystal) == set()
    Crystal.merge([tmp_path / "a.crystal", tmp_path / "b.crystal"], tmp_path / "both.crystal")
    with Crystal(tmp_path / "both.crystal", encoder=None) as crystal:
        assert pairs(crystal) == {each for each in ALL if each[0] != "gate opens"}
        assert crystal.verify().sound


def test_two_folders_of_notes_are_not_mixed_up(tmp_path):
    for person, rent in (("ann", "900"), ("ben", "700")):
        path = tmp_path / "docs" / person / f"2026-0{rent[0]}-01.md"
        path.parent.mkdir(parents=True)
        path.write_text(f"Rent {rent} a month.\n")
    with Crystal(tmp_path / "k.crystal", encoder=None) as crystal:
        crystal.ingest(tmp_path / "docs")
        assert pairs(crystal) == set()


def test_a_file_of_an_older_version_gets_statements_with_the_next_ingest(tmp_path, folder):
    golden = Path(__file__).parent.parent / "golden"
    for version in (1, 5):
        shutil.copy(golden / f"v{version}.crystal", tmp_path / "old.crystal")
        with Crystal(tmp_path / "old.crystal", encoder=None) as crystal:
            crystal.ingest(folder)
            assert pairs(crystal) == (ALL if version == 5 else set())


def test_a_document_says_what_it_changed_and_what_has_changed_since(crystal):
    assert crystal.changes(JANUARY) == (
        "home address: 7 Ropewalk since 2026-09-20; before: 3 Mill Lane (2026-01-05)",
        "rent: 950 a month since 2026-09-20; before: 900 a month (2026-01-05)",
    )
    assert crystal.changes(SEPTEMBER) == crystal.changes(JANUARY)
    assert crystal.changes(JANUARY, as_of=date(2026, 3, 1)) == ()
    assert crystal.changes("undated.md") == ()
    passages = crystal.recall("How much is the rent?").passages
    assert "950 a month since 2026-09-20; before: 900 a month (2026-01-05)" in crystal.changes_recalled(
        "How much is the rent?", passages
    )


def test_documents_are_listed_and_shown_as_of_a_day(crystal):
    then = {each.path for each in crystal.documents(as_of=date(2026, 3, 1))}
    assert then == {"notes/2026-01-05.md", "diary.md"}
    assert {each.path for each in crystal.documents()} == set(NOTES)
    with pytest.raises(NotFoundError, match=r"is dated 2026-03-01 or earlier"):
        crystal.zoom(SEPTEMBER, as_of=date(2026, 3, 1))
    _, chunks = crystal.zoom(JANUARY, as_of=date(2026, 3, 1))
    assert len(list(chunks)) == 1
