"""Who signed a document that is named by its owner, its form and its time."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write

from crystalcli import Crystal
from crystalcli.datatypes import AnswerVerdict

HEAD = "FORM {form}\n\nFor the year ended March 30, {year}\n\nMARL PLC\n\nBoats were built, and sold in every port. "
SIGNED = "\n\nSIGNATURES\n\nMARL PLC\n\nBy: /s/ {name}\n{name}\n{office}\nDated: {day}\n"
FILES = {
    "MARL_2030_10K.txt": HEAD.format(form="10-K", year=2030)
    + SIGNED.format(name="Ann Marl", office="Controller", day="May 2, 2030"),
    "MARL_2031_10K.txt": HEAD.format(form="10-K", year=2031)
    + SIGNED.format(name="Bo Fenn", office="Chief Executive Officer", day="May 4, 2031")
    + "It has been signed below by:\n\n/s/ Cid Orme\nChief Financial Officer\n\n/s/ Dee Quill\nDirector\n",
    "MARL_2031_8K.txt": HEAD.format(form="8-K", year=2031)
    + SIGNED.format(name="Eve Sand", office="Secretary", day="July 1, 2031"),
    "tides.txt": "The moon pulls at the sea, and Marl has signed nothing here.\n",
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Filings of a company, without vectors."""
    folder = tmp_path_factory.mktemp("signers")
    return read_into(folder / "m.crystal", write(folder / "d", FILES))


@pytest.fixture
def opened(shelf: Path):
    with Crystal.open(shelf, encoder=None) as crystal:
        yield crystal


@pytest.mark.parametrize(
    ("question", "said", "quoted"),
    [
        ("Who signed Marl's 10-K for fiscal 2030?", "MARL_2030_10K.txt is signed by Ann Marl [1].", "Controller"),
        ("Who signed the 8-K that Marl filed in July 2031?", "MARL_2031_8K.txt is signed by Eve Sand [1].", "Secretary"),
        ("By whom was Marl's 8-K signed?", "MARL_2031_8K.txt is signed by Eve Sand [1].", "July 1, 2031"),
        (
            "Who are the signatories of Marl's 2031 10-K?",
            "MARL_2031_10K.txt is signed by Bo Fenn [1], and by 2 further persons below.",
            "Chief Executive Officer",
        ),
        ("Which chief financial officer signed Marl's 10-K for 2031?", "is signed by Cid Orme [1].", "Cid Orme"),
        ("Who signed MARL_2030_10K.txt?", "MARL_2030_10K.txt is signed by Ann Marl [1].", None),
        ("Who signed Marl's 10-K?", "MARL_2030_10K.txt is signed by Ann Marl [1].\nMARL_2031_10K.txt is signed by Bo", None),
    ],
)  # fmt: skip
def test_signers_are_named_and_quoted(opened, question, said, quoted):
    answer = opened.ask(question, extractive=True)
    assert said in answer.text
    assert answer.answered
    assert all(opened.verified(citation) for citation in answer.citations)
    assert quoted is None or quoted in answer.citations[0].quote


@pytest.mark.parametrize(
    ("question", "other"),
    [
        ("Who signed Marl's 10-K for fiscal 2024?", "MARL_2030_10K.txt and MARL_2031_10K.txt are of another time"),
        ("Who signed the 8-K that Marl filed in July 2030?", "MARL_2031_8K.txt is of another time"),
    ],
)
def test_a_document_of_another_time_is_not_here(opened, question, other):
    answer = opened.ask(question, extractive=True)
    assert answer.verdict is AnswerVerdict.NOT_HERE
    assert other in answer.text
    assert answer.citations


@pytest.mark.parametrize(
    "question", ["Who signed the treaty of Verdun?", "Which treasurer signed Marl's 8-K?", "Who signed tides?"]
)
def test_what_no_signature_says_is_left_to_the_passages(opened, question):
    answer = opened.ask(question, extractive=True, floor=0.0)
    assert answer.evidence is not None
    assert "is signed by" not in answer.text
