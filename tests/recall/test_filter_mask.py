"""Filters over a small crystal of notes, a journal, a chat and a book, without vectors."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.datatypes import FilterReading, RecallFilter
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.index import name_day, summarize_ledger
from crystalcli.recall.content_dates import heading_day, message_of
from crystalcli.storage import SourceRow

FILLER = "The harbour lay still and nobody spoke of it. " * 12
CHAT = [
    ("Ann Berg", "2026-03-02T10:00", "The tent is with Henrik."),
    ("Sam", "2026-03-02T10:01", "I need the tent back."),
    ("Ann Berg", "2026-06-05T10:00", "The tent is torn now."),
    ("Sam", "2026-09-05T10:00", "I bought a new tent."),
    ("Anna", "2026-09-06T10:00", "No tent for me."),
]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    folder = tmp_path_factory.mktemp("where")
    (folder / "notes").mkdir()
    (folder / "books").mkdir()
    messages = [{"author": author, "time": time, "text": text} for author, time, text in CHAT]
    (folder / "chat.json").write_text(json.dumps(messages), encoding="utf-8")
    (folder / "notes/2026-03-14.md").write_text("The tent smells of smoke.", encoding="utf-8")
    (folder / "notes/shed.md").write_text(
        "---\ntags: [wood, home]\n---\n# Shed\n\n## 2026-02-01\n\nThe tent hangs in the shed.\n\n"
        f"{FILLER}\n\n## 2026-08-01\n\nThe tent is gone from the shed. #lost/tent\n",
        encoding="utf-8",
    )
    (folder / "notes/plan.md").write_text("---\ndate: 2026-05-01\n---\nA tent for two.", encoding="utf-8")
    (folder / "books/jane-doe_the-tent.txt").write_text(f"The tent of the book. {FILLER}", encoding="utf-8")
    old = datetime(2019, 5, 1, tzinfo=UTC).timestamp()
    os.utime(folder / "books/jane-doe_the-tent.txt", (old, old))
    with Crystal.create(folder / "c.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "notes", folder / "books", folder / "chat.json"])
    return folder / "c.crystal"


@pytest.fixture(scope="module")
def crystal(path):
    with Crystal.open(path, encoder=None) as opened:
        yield opened


def texts(crystal: Crystal, question: str = "tent", **conditions) -> str:
    where = FilterReading(RecallFilter(**conditions))
    return "\n".join(passage.text for passage in crystal.recall(question, 20, where=where))


def test_without_a_filter_nothing_is_masked(crystal):
    assert crystal.filter_mask(RecallFilter()) is None
    assert crystal.filter_mask(RecallFilter(present=True)) is None


@pytest.mark.parametrize("name", ["books", "books/", "*_the-tent.txt", "books/*", "jane-doe_the-tent.txt", "**/*.txt"])
def test_documents_are_chosen_by_folder_glob_or_the_end_of_their_name(crystal, name):
    found = crystal.recall("tent", 20, where=FilterReading(RecallFilter(within=(name,))))
    assert {passage.path.rpartition("/")[2] for passage in found} == {"jane-doe_the-tent.txt"}


def test_a_path_on_this_machine_chooses_too(crystal, path):
    assert "of the book" in texts(crystal, within=(str(path.parent / "books"),))


def test_several_names_add_up_and_kinds_narrow(crystal):
    found = crystal.recall(
        "tent", 20, where=FilterReading(RecallFilter(within=("books", "notes"), kinds=("markdown",)))
    )
    assert {passage.place.kind for passage in found} == {"markdown"}


def test_messages_are_chosen_by_author_and_sentences_are_theirs(crystal):
    found = crystal.recall("tent", 20, where=FilterReading(RecallFilter(people=("ann",))))
    best = [passage.best_text for passage in found]
    assert all("Ann Berg: " in text for text in best) and best
    assert "Anna" not in "".join(passage.text[-1:] for passage in found)
    for passage in found:
        for start, end in passage.allowed or ((passage.start, passage.end),):
            assert "Sam:" not in passage.text[start - passage.start : end - passage.start]


def test_messages_sections_and_names_have_dates(crystal):
    march = texts(crystal, since=date(2026, 3, 1), until=date(2026, 3, 31))
    assert "with Henrik" in march and "smells of smoke" in march
    assert not any(other in march for other in ("torn", "new tent", "hangs", "gone from", "of the book", "for two"))
    summer = texts(crystal, since=date(2026, 5, 1), until=date(2026, 8, 31))
    assert "torn" in summer and "gone from the shed" in summer and "for two" in summer and "hangs" not in summer


def test_the_time_of_a_file_counts_where_the_text_has_no_date(crystal):
    assert "of the book" in texts(crystal, until=date(2019, 12, 31))
    with pytest.raises(NotFoundError, match="nothing in this crystal is until 2019-12-31"):
        texts(crystal, until=date(2019, 12, 31), by_content=True)


def test_author_and_time_hold_together(crystal):
    found = texts(crystal, people=("Ann Berg",), since=date(2026, 6, 1))
    assert "torn" in found and "Henrik" not in found and "new tent" not in found


@pytest.mark.parametrize("tag", ["wood", "home", "lost", "lost/tent", "Lost"])
def test_tags_are_read_from_front_matter_and_text(crystal, tag):
    found = crystal.recall("tent", 20, where=FilterReading(RecallFilter(tags=(tag,))))
    assert {passage.path.rpartition("/")[2] for passage in found} == {"shed.md"}


@pytest.mark.parametrize(
    ("conditions", "words"),
    [
        ({"within": ("bokks",)}, "no document matches bokks; nearest: books"),
        ({"within": ("*.pdf",)}, r"no document matches \*.pdf"),
        ({"kinds": ("pdf",)}, "no document of kind pdf in this crystal; its kinds: chat, markdown, text"),
        ({"people": ("Samm",)}, "no messages by Samm in this crystal; nearest: Sam"),
        ({"tags": ("wod",)}, "has the tag #wod; nearest: wood"),
        ({"since": date(2031, 1, 1)}, "nothing in this crystal is since 2031-01-01"),
    ],
)
def test_what_is_nowhere_is_one_clear_error(crystal, conditions, words):
    with pytest.raises(NotFoundError, match=words):
        texts(crystal, **conditions)


def test_wrong_filters_are_usage_errors(crystal):
    with pytest.raises(UsageError, match="the first day, 2026-02-01, is after the last, 2026-01-01"):
        texts(crystal, since=date(2026, 2, 1), until=date(2026, 1, 1))
    with pytest.raises(UsageError, match="the name of a document is empty"):
        texts(crystal, within=(" ",))


def test_the_mask_is_a_bool_for_each_atom(crystal):
    mask = crystal.filter_mask(RecallFilter(within=("books",)))
    assert mask.atoms.dtype == np.bool_ and len(mask.atoms) == crystal.shelf.atoms
    assert 0 < mask.atoms.sum() < len(mask.atoms)


def test_vectors_are_masked_before_candidates_are_chosen(crystal_with_vectors):
    found = crystal_with_vectors.recall("tent", 5, where=FilterReading(RecallFilter(within=("b.txt",))))
    assert {passage.path for passage in found} == {"b.txt"}
    assert all(np.isfinite(passage.score) for passage in found)


@pytest.fixture(scope="module")
def crystal_with_vectors(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vectors")
    for name in "abc":
        (folder / f"{name}.txt").write_text(f"A tent of {name}. {FILLER * 3}", encoding="utf-8")
    with Crystal(folder / "c.crystal") as opened:
        opened.ingest([folder / f"{name}.txt" for name in "abc"])
        yield opened


def test_files_that_are_gone_can_be_left_out(tmp_path):
    (tmp_path / "a.txt").write_text("The tent is green.", encoding="utf-8")
    (tmp_path / "b.txt").write_text("The tent is blue.", encoding="utf-8")
    with Crystal.create(tmp_path / "c.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path])
        (tmp_path / "a.txt").unlink()
        crystal.ingest([tmp_path])
        assert "green" not in texts(crystal, present=True)
        assert "green" in texts(crystal)


@pytest.mark.parametrize(
    ("label", "author", "day"),
    [
        ("Ann, 2024-05-01 10:30", "Ann", date(2024, 5, 1)),
        ("Berg, Ann, 2024-05-01 10:30 UTC", "Berg, Ann", date(2024, 5, 1)),
        ("2024-05-01 10:30", "", date(2024, 5, 1)),
        ("Ann", "Ann", None),
        ("Ann, 2024-02-31 10:30", "Ann", None),
    ],
)
def test_the_label_of_a_message_is_taken_apart(label, author, day):
    assert message_of(label) == (author, day)


def row(path: str, kind: str = "markdown") -> SourceRow:
    return SourceRow(1, path, path, "", kind)


@pytest.mark.parametrize(
    ("label", "name", "day"),
    [
        ("2026-03-14", "log.md", date(2026, 3, 14)),
        ("Log › Monday 4 May 2026", "log.md", date(2026, 5, 4)),
        ("2026-03-14 Standup › Open points", "log.md", date(2026, 3, 14)),
        ("2025 › 3 May", "log.md", date(2025, 5, 3)),
        ("Monday, May 4", "2026/log.md", date(2026, 5, 4)),
        ("Standup 2026-03-14", "log.md", date(2026, 3, 14)),
        ("Chapter 3", "log.md", None),
        ("3 May", "log.md", None),
        ("12 monkeys 2020", "log.md", None),
    ],
)
def test_a_heading_may_be_a_date(label, name, day):
    assert heading_day(label, row(name)) == day


def test_a_report_s_heading_that_ends_with_a_date_has_none():
    assert heading_day("Balance as of 31 May 2022", row("report.pdf", "pdf")) is None


@pytest.mark.parametrize(
    ("path", "kind", "day", "strict"),
    [
        ("2026-03-16.md", "markdown", date(2026, 3, 16), date(2026, 3, 16)),
        ("work/2026-02-12-migration.md", "markdown", date(2026, 2, 12), date(2026, 2, 12)),
        ("journal/2026/03/16.md", "markdown", date(2026, 3, 16), date(2026, 3, 16)),
        ("20260316 minutes.docx", "docx", date(2026, 3, 16), date(2026, 3, 16)),
        ("8K_dated-2022-07-01.pdf", "pdf", date(2022, 7, 1), None),
        ("expenses-2026-03.csv", "csv", date(2026, 3, 1), None),
        ("IMG_120260316.txt", "text", None, None),
        ("version-1.2.3.txt", "text", None, None),
        ("lamps_2022_10K.pdf", "pdf", None, None),  # a form, not October
    ],
)
def test_a_name_may_have_a_date(path, kind, day, strict):
    assert name_day(path, kind) == day
    assert name_day(path, kind, strict=True) == strict


def test_each_document_has_the_newest_date_of_its_text_or_else_of_its_file(crystal):
    days = crystal.document_days([document.path for document in crystal.documents()])
    assert days == {
        "2026-03-14.md": date(2026, 3, 14),
        "shed.md": date(2026, 8, 1),
        "plan.md": date(2026, 5, 1),
        "jane-doe_the-tent.txt": date(2019, 5, 1),
        "chat.json": date(2026, 9, 6),
    }
    assert crystal.document_days(["plan.md", "nowhere.md"]) == {"plan.md": date(2026, 5, 1)}


def test_documents_are_listed_by_folder_or_glob(crystal):
    assert [document.path for document in crystal.documents("2026*")] == ["2026-03-14.md"]
    assert len(crystal.documents("notes")) == 3
    with pytest.raises(NotFoundError, match="no document matches bokks; nearest: books"):
        crystal.documents("bokks")


def test_one_document_is_found_by_its_name_or_refused(crystal, path):
    assert crystal.find_document("SHED.md").path == "shed.md"
    assert crystal.find_document(str(path.parent / "notes/plan.md")).path == "plan.md"
    with pytest.raises(NotFoundError, match=r"3 documents match \*\.md: give one of them, for example 2026-03-14\.md"):
        crystal.find_document("*.md")
    with pytest.raises(UsageError, match="empty"):
        crystal.find_document(" ")


def test_the_ledger_is_counted_without_the_index(path):
    summary = summarize_ledger(path)
    assert (summary.documents, summary.kinds) == (5, {"markdown": 3, "chat": 1, "text": 1})
    assert summary.folders == {}
