from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.answer_span import answer_spans, cite_spans
from crystalcli.answering.evidence.surroundings import with_surroundings

CHAPTER = " ".join(f"Sentence {number} of the chapter tells of lamp {number}." for number in range(40))
TEXT = f"Chapter 1\n\n{CHAPTER}\n\nChapter 2\n\nThe pilot came home at last.\n"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("book")
    (folder / "book.txt").write_text(TEXT, encoding="utf-8")
    (folder / "note.md").write_text(f"# Lamps\n\n{CHAPTER}\n", encoding="utf-8")
    crystal = Crystal(folder / "book.crystal", encoder=encoder_folder)
    crystal.ingest([folder])
    return crystal


def span_of(text: str) -> tuple[int, int]:
    return TEXT.index(text), TEXT.index(text) + len(text)


def test_whole_sentences_of_both_sides_fill_the_room(book):
    span = span_of("Sentence 20 of the chapter tells of lamp 20.")
    with book.snapshot():
        low, high = with_surroundings(book, "book.txt", span, 400, ())
    assert low < span[0] and high > span[1] and high - low <= 400
    assert TEXT[low:].startswith("Sentence") and TEXT[:high].endswith(".")
    assert high - span[1] > span[0] - low  # what follows is worth more


def test_the_chapter_and_other_quotations_are_bounds(book):
    first, last = span_of("Sentence 0 of the chapter tells of lamp 0."), span_of("The pilot came home at last.")
    after = span_of("Sentence 2 of the chapter tells of lamp 2.")
    with book.snapshot():
        low, high = with_surroundings(book, "book.txt", first, 700, [after])
        assert low <= first[0] and first[1] < high <= after[0]
        low, _ = with_surroundings(book, "book.txt", last, 700, ())
        assert "tells of lamp" not in TEXT[low:]


def test_a_quotation_without_room_stays(book):
    span = span_of("Sentence 20 of the chapter tells of lamp 20.")
    with book.snapshot():
        assert with_surroundings(book, "book.txt", span, span[1] - span[0] + 10, ()) == span


def test_a_short_passage_of_a_book_is_quoted_with_what_is_around_it(book):
    with book.snapshot():
        passages = book.recall("Which sentence tells of lamp 17?", 20)
        for path, is_wider in (("book.txt", True), ("note.md", False)):
            passage = next(each for each in passages if each.path == path)
            low, _ = passage.best
            short = replace(
                passage, place=replace(passage.place, start=low, end=passage.best[1]), text=passage.best_text
            )
            (citation,) = cite_spans(book, answer_spans(book, "lamp 17", [short], 1))
            assert short.text.strip() in citation.quote and book.verified(citation)
            assert (len(citation.quote) > 500) == is_wider
