"""What `crystal ask` does when the crystal does not hold an answer, and with sentences that nothing bears out."""

from __future__ import annotations

import json

import pytest

from crystalcli.cli.app import run

NOWHERE = "What is the boiling point of tungsten?"


@pytest.mark.parametrize("more", [[], ["--extractive"]])
def test_it_says_so_shows_the_nearest_and_exits_with_7(samples_crystal, capsys, more):
    assert run(["ask", NOWHERE, "-c", str(samples_crystal), *more]) == 7
    shown = capsys.readouterr()
    assert shown.err == ""
    assert shown.out.startswith("not in this crystal; the nearest it has:\n\n[1] ")
    assert 1 <= shown.out.count("% sure\n") <= 3


def test_programs_are_told_in_the_same_form(samples_crystal, capsys):
    assert run(["ask", NOWHERE, "-c", str(samples_crystal), "--json"]) == 7
    answer = json.loads(capsys.readouterr().out)
    assert answer["answered"] is False
    assert answer["answer"] == "not in this crystal"
    assert 0 <= answer["evidence"] < 0.5
    assert answer["passages"]
    assert answer["claims"] == []


def test_the_floor_can_be_set(samples_crystal, capsys):
    assert run(["ask", NOWHERE, "-c", str(samples_crystal), "--extractive", "--floor", "0"]) == 0
    assert capsys.readouterr().out.startswith("maybe; the nearest:\n[1] ")
    assert run(["ask", "Who keeps the ledgers?", "-c", str(samples_crystal), "--extractive", "--floor", "1"]) == 7
    capsys.readouterr()
    assert run(["ask", NOWHERE, "-c", str(samples_crystal), "--extractive", "--floor", "2"]) == 2
    assert "floor: expected a number from 0 (answer always) to 1, got 2.0" in capsys.readouterr().err


def test_a_generated_answer_is_marked_and_strict_quotes(samples_crystal, language_model_path, capsys):
    arguments = [
        "ask",
        "--generate",
        "Who keeps the ledgers?",
        "-c",
        str(samples_crystal),
        "--max-tokens",
        "24",
        "--floor",
        "0",
    ]
    assert run([*arguments, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer["claims"]
    for claim in answer["claims"]:
        assert answer["answer"][claim["start"] : claim["end"]] == claim["text"]
        assert claim["supported"] == (not claim["missing"])
    assert run([*arguments, "--json", "--strict"]) == 0
    strict = json.loads(capsys.readouterr().out)
    assert all(claim["supported"] for claim in strict["claims"])
