"""Questions for ratios, which reports do not print: the lines that they are made of are looked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.datatypes import Passage, Place
from crystalcli.recall.page_score import PAGED_KIND, REPEATED_PAGE, spread_over_pages
from crystalcli.recall.question_frame import without_condition
from crystalcli.recall.searcher import lexical_query
from crystalcli.recall.statement_lines import statement_lines
from tests.recall.test_page_score import write_pdf

PAGES = (
    "Our margin of safety is wide, and the quick ratio of visits to sales is a thing that we talk about.\nThe quick ratio is good.",
    "Consolidated Balance Sheets\nCash and cash equivalents 14\nReceivables 11\nTotal current assets 70\nTotal current liabilities 35",
    "The weather of the year was mild, and the shops were open every day of the week but one.",
)


@pytest.mark.parametrize(
    ("question", "line"),
    [
        ("Has the quick ratio improved?", "total current liabilities"),
        ("What was the gross margin in 2022?", "gross profit"),
        ("FY2021 capex?", "purchases of property"),
        ("Does it have an improving free cashflow conversion?", "operating activities"),
        ("What is the ROA of the company?", "total assets"),
    ],
)
def test_a_ratio_asks_for_the_lines_that_it_is_made_of(question: str, line: str) -> None:
    assert line in statement_lines(question)


@pytest.mark.parametrize(
    "question", ["Who keeps the roads open?", "Is the margin of the page wide?", "", "Who is Roe?"]
)
def test_other_questions_ask_for_no_lines(question: str) -> None:
    assert statement_lines(question) == ""


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        (
            "Has the margin improved? If it is not a useful metric here, then state that and explain why.",
            "Has the margin improved?",
        ),
        ("Who pays? If nobody does, say so", "Who pays?"),
        ("If the tide is high, tell me when the ferry goes.", "If the tide is high, tell me when the ferry goes."),
        ("What happens if the pilot does not answer?", "What happens if the pilot does not answer?"),
    ],
)
def test_what_to_write_without_an_answer_is_not_looked_for(question: str, rest: str) -> None:
    assert without_condition(question) == rest


def test_the_statement_is_found_by_the_lines_of_a_ratio(tmp_path: Path) -> None:
    write_pdf(tmp_path / "report.pdf", list(PAGES))
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "report.pdf"])
        query = crystal.searcher().prepare("Has the quick ratio improved?")
        assert query.with_lines is not None
        pages = [crystal.shelf.place(int(atom)).text for atom in (-query.with_lines.bm25).argsort()[:1]]
        assert "Total current assets" in pages[0]
        assert crystal.searcher().prepare("Who opens the shops?").with_lines is None


def test_text_that_has_no_pages_is_asked_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text(PAGES[0], encoding="utf-8")
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "note.txt"])
        assert crystal.searcher().prepare("Has the quick ratio improved?").with_lines is None
        assert lexical_query(crystal.shelf, "quick ratio").with_lines is None


def passage(page: int, score: float, kind: str = PAGED_KIND) -> Passage:
    place = Place("a.pdf", page * 100, page * 100 + 9, 1, 1, page, page, kind)
    return Passage(place=place, text="some text", score=score)


def test_a_page_that_was_shown_stands_back_and_nothing_is_lost() -> None:
    before = [passage(3, 1.0), passage(3, 0.99), passage(3, 0.95), passage(7, 0.9)]
    after = spread_over_pages(before)
    assert [each.place.page_start for each in after] == [3, 7, 3, 3]
    assert [each.score for each in after] == pytest.approx([1.0, 0.9, 0.99 - REPEATED_PAGE, 0.95 - 2 * REPEATED_PAGE])
    assert after[0] is before[0] and after[2].shares["repeated"] == pytest.approx(-REPEATED_PAGE)


def test_pages_of_text_that_flows_on_do_not_stand_back() -> None:
    before = [passage(3, 1.0, "text"), passage(3, 0.99, "text"), passage(7, 0.9, "text")]
    assert spread_over_pages(before) == before
