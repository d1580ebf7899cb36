from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.newest_first import newest_first
from crystalcli.datatypes import Passage

NOTES = {
    "2026-01-10.md": "The dues at the harbour are 20 a week.",
    "2026-06-10.md": "The dues at the harbour are 25 a week.",
    "2026-11-10.md": "A seal lay on the slip all day.",
    "undated.md": "The harbour has a slip and two cranes.",
}


@pytest.fixture(scope="module")
def notes(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("notes")
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    crystal = Crystal(folder / "notes.crystal", encoder=encoder_folder)
    crystal.ingest([folder])
    return crystal


def passages(notes: Crystal, **judged: tuple[float, float | None]) -> list[Passage]:
    """Give the passages of the notes with scores and logits, best first."""
    found = {passage.path: passage for passage in notes.recall("harbour dues slip seal", 10)}
    named = {"january": "2026-01-10.md", "june": "2026-06-10.md", "november": "2026-11-10.md", "undated": "undated.md"}
    given = [replace(found[named[name]], score=score, logit=logit) for name, (score, logit) in judged.items()]
    return sorted(given, key=lambda passage: -passage.score)


def order(question: str, given: list[Passage], *, asked: bool = False) -> list[str]:
    return [passage.path.removesuffix(".md") for passage in newest_first(question, given, asked=asked)]


def test_of_those_that_answer_about_as_well_the_newest_comes_first(notes):
    given = passages(notes, january=(1.0, 3.0), june=(0.9, 2.5))
    assert order("What are the dues now?", given, asked=True) == ["2026-06-10", "2026-01-10"]
    assert order("What were the dues?", given) == ["2026-01-10", "2026-06-10"]


def test_a_passage_that_answers_worse_gains_nothing_by_being_new(notes):
    given = passages(notes, january=(1.0, 1.0), november=(0.9, -10.0))
    assert order("What are the dues now?", given, asked=True)[0] == "2026-01-10"
    given = passages(notes, january=(1.0, 3.0), june=(0.9, 2.5), november=(0.95, -10.0), undated=(0.85, -9.0))
    assert order("What are the dues now?", given, asked=True)[:2] == ["2026-06-10", "2026-01-10"]


def test_without_a_reranker_scores_alone_say_what_answers(notes):
    given = passages(notes, january=(1.0, None), november=(0.9, None))
    assert order("What are the dues now?", given, asked=True)[0] == "2026-11-10"


def test_how_something_has_changed_is_shown_by_its_ends(notes):
    given = passages(notes, june=(1.0, 3.0), january=(0.8, 2.0), undated=(0.7, 2.0), november=(0.6, 1.0))
    assert order("How have the dues changed since 2025?", given) == [
        "2026-11-10",
        "2026-01-10",
        "2026-06-10",
        "undated",
    ]
    ordered = newest_first("How have the dues changed since 2025?", given)
    assert [passage.score for passage in ordered] == [1.0, 0.8, 0.7, 0.6]


def test_what_was_before_comes_after_what_is(notes):
    given = passages(notes, january=(1.0, 3.0), june=(0.8, 2.0), november=(0.7, -10.0))
    question = "What are the dues, and what were they before?"
    assert order(question, given) == ["2026-06-10", "2026-01-10", "2026-11-10"]


def test_front_matter_dates_a_note_and_does_not_speak_against_it(tmp_path, encoder_folder, reranker_folder):
    (tmp_path / "rent.md").write_text(
        "---\ntitle: Berth\ndate: 2026-01-05\ntags: [harbour, boats, money]\naliases: [mooring]\n---\n\n"
        "The berth is 40 a week.\n",
        encoding="utf-8",
    )
    (tmp_path / "2026-09-01.md").write_text("The berth is 55 a week.", encoding="utf-8")
    (tmp_path / "2026-05-03.md").write_text("The mare had her foal.", encoding="utf-8")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path])
        found = {passage.path: passage for passage in crystal.recall("How much is the berth?")}
        assert str(found["rent.md"].date) == "2026-01-05"
        assert found["rent.md"].logit > found["2026-05-03.md"].logit + 5
        citations = crystal.ask("How much is the berth, and how much was it before?", extractive=True).citations
        assert [citation.path for citation in citations] == ["2026-09-01.md", "rent.md"]


def judged_notes(
    folder: Path, notes: dict[str, str], words: str, judged: dict[str, tuple[float, float]]
) -> list[Passage]:
    """Recall notes by their words alone, and give each a score and a logit."""
    for name, text in notes.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
        found = {passage.path: passage for passage in crystal.recall(words, 10)}
    return [replace(found[name], score=score, logit=logit) for name, (score, logit) in judged.items()]


def test_values_of_one_unit_count_whatever_the_reranker_says(tmp_path):
    notes = {
        "2026-01-05.md": "The vat is at 40 litres, said the cooper.",
        "2026-05-03.md": "Vat: 55 litres. The mare had her foal.",
        "2026-09-01.md": "Vat 62 litres.",
        "2026-10-01.md": "The well has 900 litres.",
    }
    judged = {
        "2026-01-05.md": (1.0, 3.0),
        "2026-05-03.md": (0.9, -10.0),
        "2026-09-01.md": (0.1, -10.0),
        "2026-10-01.md": (0.05, -11.0),
    }
    given = judged_notes(tmp_path, notes, "vat litres well", judged)
    assert order("How has the vat changed?", given) == ["2026-09-01", "2026-01-05", "2026-05-03", "2026-10-01"]
    assert order("How full is the vat, and how full was it before?", given) == [
        "2026-09-01", "2026-05-03", "2026-01-05", "2026-10-01",
    ]  # fmt: skip
    assert order("How full is the vat now?", given, asked=True)[0] == "2026-05-03"  # the newest of the near ones


def test_the_newest_entry_of_a_series_stands_for_all_whatever_is_beside_it(tmp_path):
    notes = {
        "2026-01-05.md": "Heel 84.2 cm. Began to caulk.",
        "2026-05-03.md": "Heel 82.6 cm. The mare had her foal.",
        "2026-09-01.md": "Heel 81.0 cm. Read three books in a week, and liked them all.",
        "2026-10-01.md": "Heel of the loaf went to the ducks, 3 of them.",
    }
    judged = {
        "2026-05-03.md": (1.0, 3.0),
        "2026-01-05.md": (0.9, 2.0),
        "2026-10-01.md": (0.8, -9.0),
        "2026-09-01.md": (0.7, -9.0),
    }
    given = judged_notes(tmp_path, notes, "heel", judged)
    assert order("How deep is the heel?", given)[:2] == ["2026-09-01", "2026-05-03"]
    assert order("How deep was the heel?", given)[0] == "2026-05-03"


def test_where_a_thing_is_now_comes_before_where_it_was(tmp_path):
    notes = {
        "2026-04-20.md": "Rain all day. The spare key is under the blue pot.",
        "2026-07-01.md": "The spare key is with Mrs Novak now. Rain again.",
        "2026-08-01.md": "The spare key is of brass.",
    }
    judged = {"2026-04-20.md": (1.0, 5.0), "2026-07-01.md": (0.6, -1.0), "2026-08-01.md": (0.5, -9.0)}
    given = judged_notes(tmp_path, notes, "spare key", judged)
    assert order("Where is the spare key?", given)[0] == "2026-07-01"
    assert order("Where was the spare key?", given)[0] == "2026-04-20"
    assert order("What is the spare key of?", given)[0] == "2026-04-20"
