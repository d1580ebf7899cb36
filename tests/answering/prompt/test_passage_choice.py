from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.prompt.passage_choice import choose_passages
from crystalcli.datatypes import RecallFilter

CHAT = """[2026-05-01 10:00] Ann: The lamp oil is in the shed.
[2026-05-01 10:01] Ben: Lamp oil is dear this year.
[2026-05-01 10:02] Ann: The lamp oil is nearly gone.
"""

CHANGED = """[2026-02-20 20:00] Jo: Band practice is at the mill, Mondays at 7
[2026-02-20 20:01] Sam: I bring the bass
[2026-09-12 21:00] Jo: Practice moves to Wednesdays at 8 from October
"""


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("notes")
    (folder / "2025-03-01.md").write_text("The keeper of the light is Tom.\n", encoding="utf-8")
    (folder / "2026-03-01.md").write_text("The keeper of the light is Mary from today.\n", encoding="utf-8")
    (folder / "light.md").write_text("The light has a keeper and two lamps.\n", encoding="utf-8")
    (folder / "chat.txt").write_text(CHAT, encoding="utf-8")
    (folder / "band.txt").write_text(CHANGED, encoding="utf-8")
    crystal = Crystal(folder / "notes.crystal", encoder=encoder_folder, reranker=None)
    crystal.ingest([folder])
    return crystal


def test_how_things_are_is_not_asked_of_old_notes(notes):
    found = {each.path: each for each in notes.recall("keeper of the light", 4)}
    ranked = [found["2026-03-01.md"], found["2025-03-01.md"], found["light.md"]]
    for question, newest, paths in (
        ("Who is the keeper?", False, ["2026-03-01.md", "light.md"]),
        ("Who was the keeper?", False, ["2026-03-01.md", "2025-03-01.md", "light.md"]),
        ("When did the keeper last come?", True, ["2026-03-01.md", "light.md"]),
    ):
        assert [each.path for each in choose_passages(notes, question, ranked, newest=newest)] == paths
    assert choose_passages(notes, "Who is it?", ranked[1:], newest=False) == ranked[1:]
    assert choose_passages(notes, "Who is it?", [], newest=True) == []


def test_of_a_conversation_only_what_the_filter_lets_through(notes):
    found = notes.recall("lamp oil", 2, where=RecallFilter(people=("Ben",)))
    (chosen,) = choose_passages(notes, "What did Ben say of lamp oil?", found.passages, newest=False)
    assert "Ben: Lamp oil is dear" in chosen.text
    assert "Ann" not in chosen.text
    assert notes.quote(chosen.path, chosen.start, chosen.end) == chosen.text


def test_of_a_chat_no_message_that_a_later_one_changes(notes):
    found = notes.recall("When is band practice?", 1).passages
    assert "Mondays" in found[0].text
    for question, is_left_out in (("When is band practice?", True), ("When was band practice?", False)):
        chosen = choose_passages(notes, question, found, newest=False)
        given = "\n".join(each.text for each in chosen)
        assert ("Mondays" not in given) is is_left_out
        assert "Sam: I bring the bass" in given
        assert "Wednesdays at 8" in given
        for part in chosen:
            assert notes.quote(part.path, part.start, part.end) == part.text
    answer = notes.ask("When is band practice?", extractive=True)
    assert answer.citations[0].place.marks["message"] == "Jo, 2026-09-12 21:00"
