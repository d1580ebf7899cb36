"""Follow-ups at the prompt, as data, and in Python."""

from __future__ import annotations

import json
import os
import sys

import pexpect
import pytest
from support.waiting import GUARD

from crystalcli import Turn
from crystalcli.cli.app import run
from crystalcli.library import Crystal

LEDGERS = Turn("Who keeps the ledgers?", "Who keeps the ledgers?", "Mr Haddow keeps them.")


def test_json_says_how_a_question_was_understood(own_samples_crystal, encoder_folder, tmp_path):
    command = f"{sys.executable} -m crystalcli ask --quote --format json -c {own_samples_crystal} > {tmp_path}/out"
    environment = {**os.environ, "CRYSTAL_HISTORY": ""}
    child = pexpect.spawn("bash", ["-c", command], encoding="utf-8", timeout=GUARD, env=environment)
    for question in ("Who keeps the ledgers?", "and the cash box?"):
        child.expect("crystal> ")
        child.sendline(question)
    child.expect("crystal> ")
    child.sendline("exit")
    child.expect(pexpect.EOF)
    decoder, text, answers = json.JSONDecoder(), (tmp_path / "out").read_text(), []
    while text.strip():
        answer, end = decoder.raw_decode(text.lstrip())
        answers.append((answer["question"], answer["read_as"]))
        text = text.lstrip()[end:]
    assert answers == [("Who keeps the ledgers?", None), ("and the cash box?", "Who keeps the cash box?")]


def test_chat_wants_a_terminal(capsys):
    assert run(["chat"]) == 2
    assert "expected a terminal" in capsys.readouterr().err


def test_chat_has_the_options_of_ask(capsys):
    helps = []
    for command in ("ask", "chat"):
        assert run([command, "--help"]) == 0
        helps.append(capsys.readouterr().out.partition("Options:")[2].partition("Examples:")[0])
    assert helps[0] == helps[1] != ""


def test_an_answer_tells_the_question_and_how_it_was_understood(crystal):
    heard: list[str] = []
    answer = crystal.ask("and the cash box?", extractive=True, history=[LEDGERS], on_read_as=heard.append)
    assert (answer.question, answer.read_as, heard) == ("and the cash box?", answer.read_as, [answer.read_as])
    assert answer.turn.read_as == "Who keeps the cash box?"
    assert answer.turn.document == answer.citations[0].path
    alone = crystal.ask("Who keeps the cash box?", extractive=True)
    assert (alone.read_as, alone.turn.read_as, alone.text) == (None, alone.question, answer.text)


def test_the_context_for_another_model_is_that_of_the_question_as_understood(crystal):
    packed = crystal.pack_context("and the cash box?", history=[LEDGERS])
    assert packed.question == "Who keeps the cash box?"
    assert packed.context == crystal.pack_context("Who keeps the cash box?").context


@pytest.fixture(scope="module")
def shelf(tmp_path_factory, encoder_folder):
    """A crystal of two books."""
    folder = tmp_path_factory.mktemp("shelf")
    texts = {"The Salt Road": "The villain is Captain Orme.", "Winter Light": "The villain is the tax collector."}
    for title, text in texts.items():
        path = folder / "books" / f"{title.lower().replace(' ', '_')}.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"# {title}\n\n{text} " + "The sea was calm that year. " * 20, encoding="utf-8")
    with Crystal.create(folder / "two.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder / "books"])
    with Crystal.open(folder / "two.crystal", encoder=encoder_folder, reranker=None) as crystal:
        yield crystal


def test_the_other_book_is_the_one_that_was_not_cited(shelf):
    first = shelf.ask("Who is the villain in The Salt Road?", extractive=True)
    assert "Orme" in first.text
    second = shelf.ask("in the other book?", extractive=True, history=[first.turn])
    assert second.read_as == "Who is the villain in “Winter Light”?"
    assert "tax collector" in second.text
    third = shelf.ask("and in the other book?", extractive=True, history=[first.turn, second.turn])
    assert third.read_as == "Who is the villain in “The Salt Road”?"
    assert "Orme" in third.text


def test_the_other_book_is_left_open_where_it_could_be_any(crystal):
    first = crystal.ask("Who keeps the ledgers?", extractive=True)
    second = crystal.ask("What calls the tide gauge?", extractive=True, floor=0.0)
    third = crystal.ask("and in the other story?", extractive=True, history=[second.turn, first.turn], floor=0.0)
    assert third.read_as == "Who keeps the ledgers in the other story?"
