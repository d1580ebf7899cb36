from __future__ import annotations

import pytest

from crystalcli.datatypes import Passage, Place
from crystalcli.recall.subject_match import PENALTY, name_words, spell_out, subjects_first

REPORTS = ["HARBOUR_2022_10K.pdf", "reports/SALTMILL_2023.pdf", "KETTLE_KETTLE_2022Q4.pdf"]


def passage(path: str, text: str, score: float, kind: str = "pdf") -> Passage:
    return Passage(Place(path, 0, len(text), 1, 1, kind=kind), text, score)


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What was Harbour's revenue in 2022?", "HARBOUR_2022_10K.pdf"),
        ("How big is the Salt Mill workforce?", "reports/SALTMILL_2023.pdf"),
        ("What was the revenue in 2022?", "KETTLE_KETTLE_2022Q4.pdf"),
        ("what was harbour revenue", "KETTLE_KETTLE_2022Q4.pdf"),
        ("Which revenue had Harbour and Salt Mill?", "HARBOUR_2022_10K.pdf"),
    ],
)
def test_passages_of_the_documents_named_after_the_subject_come_first(question, first):
    passages = [
        passage("KETTLE_KETTLE_2022Q4.pdf", "Revenue grew to 4 million.", 1.2),
        passage("HARBOUR_2022_10K.pdf", "Revenue was 7 million.", 1.0),
        passage("reports/SALTMILL_2023.pdf", "We employ 40 people.", 0.9),
    ]
    assert subjects_first(question, passages)[0].path == first


def test_a_passage_that_names_the_subject_keeps_its_place():
    passages = [
        passage("KETTLE_2022.pdf", "Unlike Salt\nMill, we lost nothing.", 1.2),
        passage("SALTMILL_2023.pdf", "Nothing was lost.", 1.0),
        passage("KETTLE_2022.pdf", "We lost a boat.", 0.9),
    ]
    ordered = subjects_first("What did Salt Mill lose?", passages)
    assert [each.score for each in ordered] == pytest.approx([1.2, 1.0, 0.9 - PENALTY])
    assert ordered[2].shares == {"subject": -PENALTY}


def test_source_code_is_not_about_the_name_of_its_file():
    passages = [passage("b.py", "def f(): ...", 1.2, "code"), passage("harbour.py", "def g(): ...", 1.0, "code")]
    assert subjects_first("What does Harbour do?", passages) == passages


def test_words_without_a_meaning_of_their_own_are_no_subject():
    passages = [passage("b.md", "A list.", 1.2), passage("what-is.md", "Another.", 1.0)]
    assert subjects_first("What is on the list?", passages) == passages


@pytest.mark.parametrize(
    ("question", "spelled"),
    [
        ("K&K sales", "Kettle & Kettle sales"),
        ("What are KnK's sales?", "What are Kettle & Kettle's sales?"),
        ("S & M", "S & M"),
        ("H&K sales", "H&K sales"),
    ],
)
def test_abbreviations_are_spelled_as_the_documents_are_named(question, spelled):
    assert spell_out(question, lambda: REPORTS) == spelled


def test_paths_are_not_read_without_an_abbreviation():
    assert spell_out("What is it?", lambda: pytest.fail("read")) == "What is it?"


def test_the_name_of_a_document_has_no_numbers():
    assert name_words("x/SaltMill_2022_10K_dated-2022-07.pdf") == ("salt", "mill", "dated")
