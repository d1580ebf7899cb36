"""Filters by what documents state of themselves: `--by`, `--tag`, `--since`, and what `inspect` shows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.datatypes import FilterReading, RecallFilter
from crystalcli.errors import NotFoundError

DOCUMENTS = {
    "essay.md": "---\nauthor: Maud Fenn\ndate: 2026-05-01\ntags: [tents]\n---\nThe tent of the essay.",
    "page.html": "<meta name=author content='Ann Berg'><meta name=date content=2026-06-02><p>The tent of the page.",
    "letter.eml": "From: Ann Berg <a@example.org>\nDate: Mon, 03 Aug 2026 10:00:00 +0000\n\nThe tent of the letter.\n",
    "2026-07-04 walk.txt": "The tent of the walk.",
    "plain.txt": "The tent of nobody.",
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Crystal]:
    folder: Path = tmp_path_factory.mktemp("stated")
    for name, text in DOCUMENTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Crystal.create(folder / "c.crystal", encoder=None) as opened:
        opened.ingest([folder / name for name in DOCUMENTS])
        yield opened


def found(crystal: Crystal, **conditions: object) -> set[str]:
    where = FilterReading(RecallFilter(**conditions))  # type: ignore[arg-type]
    return {passage.path for passage in crystal.recall("tent", 20, where=where)}


def test_a_person_is_the_author_of_documents_and_of_messages(crystal: Crystal) -> None:
    assert found(crystal, people=("Ann",)) == {"page.html", "letter.eml"}
    assert found(crystal, people=("fenn",)) == {"essay.md"}
    assert found(crystal, people=("Ann",), since=date(2026, 7, 1)) == {"letter.eml"}
    with pytest.raises(NotFoundError, match="no messages by Maud Finn in this crystal; nearest: Maud Fenn"):
        found(crystal, people=("Maud Finn",))


def test_a_day_of_a_question_is_that_which_text_names_and_mails_state(crystal: Crystal) -> None:
    said = {"by_content": True}
    assert found(crystal, since=date(2026, 5, 1), until=date(2026, 6, 30), **said) == {"essay.md", "page.html"}
    assert found(crystal, since=date(2026, 7, 1), **said) == {"2026-07-04 walk.txt", "letter.eml"}


def test_documents_say_what_they_state(crystal: Crystal) -> None:
    stated = {document.path: (document.author, document.date, document.tags) for document in crystal.documents()}
    assert stated == {
        "essay.md": ("Maud Fenn", "2026-05-01", ("tents",)),
        "page.html": ("Ann Berg", "2026-06-02", ()),
        "letter.eml": ("Ann Berg", "2026-08-03", ()),
        "2026-07-04 walk.txt": (None, "2026-07-04", ()),
        "plain.txt": (None, None, ()),
    }
