"""A citation stands where its own words stand, not where the passage begins that they were found in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.lexical_crystals import documents, read_into, write

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.errors import NotFoundError

FILES = {
    "chat.txt": "[01.05.24, 10:30:12] Bob: The ferry leaves at six.\n[02.05.24, 11:31:12] Ann: The pump is broken.\n",
    "film.srt": "1\n00:00:01,000 --> 00:00:02,000\nLaid.\n\n2\n00:00:09,000 --> 00:00:11,000\nMagnus paid for the propeller.\n",
    "costs.csv": "what,price\nanchor,12\nwindlass,99\n",
    "crane.py": "import os\n\n\nclass Crane:\n    def lift(self):\n        ...\n\n    def lower_slowly(self):\n        return hoist\n",
    "notes.md": "# Yard\n\nThe yard is old.\n\n## Slip\n\nThe slipway is made of oak.\n",
    "page.html": "<!DOCTYPE html><body>\n<h1>Tides</h1>\n\n\n<p>High water\ncomes twice.</p>\n\n<p>Neap tides are weak.</p></body>\n",
    "box.mbox": "".join(
        f"From a@b.c Wed May  1 10:30:00 2024\nFrom: {name}\nSubject: {about}\nDate: Wed, {day} May 2024 08:00:00 +0000\n\n{text}\n\n"
        for name, about, day, text in (
            ("Carl", "Ropes", 1, "The hawser is wet."),
            ("Eve", "Sails", 2, "The jib is torn."),
        )
    ),
}
PLACES = {
    "is the pump broken": ("chat.txt", "Ann, 2024-05-02 11:31", "", ""),
    "who paid for the propeller": ("film.srt", "00:00:09", "", ""),
    "price of the windlass": ("costs.csv", "row 3", "", ""),
    "def lower_slowly": ("crane.py", "lines 8-9", "", "Crane.lower_slowly"),
    "what is the slipway made of": ("notes.md", "lines 3-7", "Yard › Slip", ""),
    "are neap tides weak": ("page.html", "lines 5-8", "Tides", ""),
    "is the jib torn": ("box.mbox", "Eve, 2024-05-02 08:00", "Sails", ""),
}


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("quoting")
    return read_into(folder / "m.crystal", write(folder / "docs", FILES))


@pytest.mark.parametrize("question", sorted(PLACES))
def test_a_quotation_has_its_own_place(crystal: Path, question: str) -> None:
    with Crystal.open(crystal, encoder=None) as opened:
        answer = opened.ask(question, extractive=True, floor=0)
        first = answer.citations[0]
        assert (first.path, str(first.place), first.heading or "", first.place.marks.get("definition", "")) == PLACES[
            question
        ]
        assert opened.verified(first)
        passage = opened.recall(question, 1)[0]
        assert passage.place.marks.get("definition", "") == PLACES[question][3]


def test_it_is_shown_to_people_and_to_programs(crystal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["ask", "def lower_slowly", "--floor", "0", "-c", str(crystal)]
    assert run(asked) == 0
    assert f"[1] {crystal.parent}/docs/crane.py:8  Crane.lower_slowly\n" in capsys.readouterr().out
    assert run([*asked, "--format", "markdown"]) == 0
    assert f"1. `{crystal.parent}/docs/crane.py:8` Crane.lower\\_slowly\n" in capsys.readouterr().out
    assert run([*asked, "--json"]) == 0
    first = json.loads(capsys.readouterr().out)["citations"][0]
    assert (first["line_start"], first["heading"], first["marks"]) == (8, None, {"definition": "Crane.lower_slowly"})


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(documents, st.floats(0, 1), st.integers(1, 200))
def test_lines_are_those_of_the_file(tmp_path: Path, text: str, at: float, length: int) -> None:
    (tmp_path / "m.crystal").unlink(missing_ok=True)
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"a.txt": text}))
    start = int(at * (len(text) - 1))
    end = min(len(text), start + length)
    with Crystal.open(path, encoder=None) as opened:
        citation = opened.cite("a.txt", start, end)
        assert citation.quote == text[start:end] == opened.quote("a.txt", start, end)
        line = 1 + text.count("\n", 0, start)
        assert (citation.place.line_start, citation.place.line_end) == (
            line,
            line + text[start:end].rstrip().count("\n"),
        )
        with pytest.raises(NotFoundError, match=r"no document b\.txt"):
            opened.cite("b.txt", 0, 1)


def test_what_a_model_is_given_of_a_passage_has_the_place_of_that_part(tmp_path: Path) -> None:
    names = "Ann Bob Carl Dora Eve Fred Gus Hal".split()  # noqa: SIM905
    messages = "".join(
        f"[0{day}.05.24, 10:30:12] {name}: It was about the {what} again, and nobody knew why.\n"
        for day, (name, what) in enumerate(zip(names, "oil rope lamp sail mast keel tide crew".split(), strict=True), 1)  # noqa: SIM905
    )
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "docs", {"chat.txt": messages}))
    with Crystal.open(path, encoder=None) as opened:
        packed = opened.pack_context("What did Gus say about the tide again?")
        (passage,) = packed.passages
        assert passage.text == opened.quote("chat.txt", passage.start, passage.end)
        assert passage.start > 0
        author = passage.text.split("] ")[1].split(":")[0]
        assert author == "Gus"
        assert str(passage.place) == "Gus, 2024-05-07 10:30"
        assert packed.context.startswith(f"[1] chat.txt, {passage.place}, 7 May 2024:\n")
