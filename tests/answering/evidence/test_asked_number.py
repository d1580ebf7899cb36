"""Asked for a number or an address, the line that states it comes first, and without one there is no answer."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lexical_crystals import write

from crystalcli import Crystal
from crystalcli.datatypes import AnswerVerdict

FILES = {
    "people.md": (
        "# People\n\n- Dan: my brother in Skarn, birthday 9 May\n- Ann: plays the flute, mobile 07700 900145\n"
        "- Dan Crask: plumber, 07700 900632\n- Cid: keeps bees\n"
    ),
    "bills.md": "# Bills\n\n- Cid's phone: 12 pounds a month since 2025-11-01\n- Dan the plumber: 185 pounds\n",
    "insurance.md": "# Insurance of the car\n\nPolicy TD-778-204, drivers: Ann, Cid. Write to car@thistle.example\n",
    "plumber.md": "# Dan the plumber\n\nDan came at ten and changed the valve. The plumber says it will last two winters.\n",
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path, reranker_folder: Path):
    folder = write(tmp_path_factory.mktemp("numbers"), FILES)
    with Crystal(folder / "n.crystal", encoder=encoder_folder, reranker=reranker_folder) as opened:
        opened.ingest([folder])
        yield opened


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("Dan the plumber's number", "07700 900632"),
        ("What is Ann's phone number?", "07700 900145"),
        ("What's our policy number?", "TD-778-204"),
    ],
)
def test_the_line_with_the_number_is_quoted_first(crystal, question, value):
    answer = crystal.ask(question, extractive=True)
    assert value in answer.citations[0].quote
    assert answer.verdict is AnswerVerdict.ANSWERED


@pytest.mark.parametrize(
    "question", ["What is Cid's phone number?", "What's my passport number?", "What is Dan's e-mail address?"]
)
def test_without_such_a_line_there_is_no_answer(crystal, question):
    assert crystal.ask(question, extractive=True).verdict is AnswerVerdict.NOT_HERE
