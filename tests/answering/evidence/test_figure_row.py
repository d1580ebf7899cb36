"""The row that states a figure comes before prose about it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.figure_row import with_figure_row
from crystalcli.datatypes import RecallFilter

REPORTS = {
    "ACME_2022.txt": """Acme grew in fiscal 2022. Total revenue was good, and revenue of its ferries was better in 2022.

Consolidated results (in millions)
Sales: Total revenue; 2022: $17,606; 2021: $15,785
Total cost of revenue; 2022: $2,165; 2021: $1,865
Cost of revenue; 2022: $97; 2021: $70
Adjusted results: Net income; 2022: $5,000; 2021: $4,900
Net income; 2022: $4,756; 2021: $4,822
Gross margin; 2022: 88 %; 2021: 86 %

Ferries
Revenue; 2022: $612; 2021: $590
""",
    "BOLT_2022.txt": "Bolt sells screws.\n\nResults\nTotal revenue; 2022: $99,000; 2021: $98,000\n",
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path):
    folder = tmp_path_factory.mktemp("reports")
    for name, text in REPORTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Crystal(folder / "reports.crystal", encoder=encoder_folder) as opened:
        opened.ingest([folder])
        yield opened


def first_row(crystal: Crystal, question: str) -> str:
    """Return the row put first, of passages that pages are made of; "" where none is."""
    passages = [replace(each, place=replace(each.place, kind="pdf")) for each in crystal.recall(question, 5)]
    found = with_figure_row(crystal, question, passages, RecallFilter())
    if len(found) == len(passages):
        assert found == passages
        return ""
    assert crystal.quote(found[0].path, found[0].start, found[0].end) == found[0].text
    assert found[1:] == passages
    return f"{found[0].path}: {found[0].text}"


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("What was Acme's total revenue in fiscal 2022?", "Sales: Total revenue; 2022: $17,606; 2021: $15,785"),
        ("Acme revenue 2022 vs 2021", "Sales: Total revenue; 2022: $17,606; 2021: $15,785"),
        ("What was the cost of revenue of Acme in 2022?", "Total cost of revenue; 2022: $2,165; 2021: $1,865"),
        ("How much net income did Acme have in FY2021?", "Net income; 2022: $4,756; 2021: $4,822"),
        ("Acme's adjusted net income in 2022", "Adjusted results: Net income; 2022: $5,000; 2021: $4,900"),
        ("What was Acme's gross margin in 2022?", "Gross margin; 2022: 88 %; 2021: 86 %"),
    ],
)
def test_the_row_with_the_words_and_the_year_comes_first(crystal, question, row):
    assert first_row(crystal, question) == f"ACME_2022.txt: {row}"


@pytest.mark.parametrize(
    "question",
    [
        "What was Acme's total revenue in 2024?",
        "What was Acme's total revenue?",
        "Why did Acme's total revenue grow in 2022?",
        "What was Acme's advertising revenue in 2022?",
    ],
)
def test_what_no_row_states_is_left_as_it_is(crystal, question):
    assert first_row(crystal, question) == ""
