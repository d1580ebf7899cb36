"""A profile has what a person said of themselves, as it was said, where and when; and who "I" is, is kept."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from crystalcli import Crystal
from crystalcli.answering import AskOptions
from crystalcli.answering.prompt.prompt_context import build_prompt
from crystalcli.cli.app import run
from crystalcli.errors import NotFoundError, UsageError

CHAT = """\
[01/02/2026, 10:00] Ann: I moved to 7 Ropewalk in January.
[01/02/2026, 10:01] Sam Berg: I really like rye bread.
[01/02/2026, 10:02] Sam Berg: Do you like it?
[05/03/2026, 18:00] Sam Berg: I'm flying to Lisbon on 3 April.
[06/03/2026, 18:00] Sam Berg: I really like rye bread!
"""
ASSISTANT = [
    {"role": "user", "content": "I'm a nurse. Where can I learn Dutch?"},
    {"role": "assistant", "content": "I live in a data centre. My favourite school is in Skarn."},
]


@pytest.fixture
def crystal(tmp_path: Path):
    folder = tmp_path / "kept"
    (folder / "diary").mkdir(parents=True)
    (folder / "WhatsApp Chat with Ann.txt").write_text(CHAT)
    (folder / "assistant.json").write_text(json.dumps(ASSISTANT))
    (folder / "diary" / "2026-01-05.md").write_text("Rent 900 a month.\n")
    (folder / "diary" / "2026-09-01.md").write_text("Rent 950 a month. The sea was calm.\n")
    (folder / "novel.txt").write_text("I am a sailor, and I live in a whale.\n")
    with Crystal(tmp_path / "memory.crystal", encoder=None) as opened:
        opened.ingest([folder])
        yield opened


def quotes(report) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for line in report.lines:
        found.setdefault(line.group.value, []).append(line.quote)
    return found


def test_a_profile_has_what_one_person_said_and_no_one_else(crystal):
    assert quotes(crystal.profile()) == {"facts": ["Rent 950 a month.", "I'm a nurse."]}
    assert quotes(crystal.profile("sam")) == {
        "plans": ["I'm flying to Lisbon on 3 April."],
        "preferences": ["I really like rye bread!"],
    }
    assert quotes(crystal.profile("Ann")) == {"facts": ["I moved to 7 Ropewalk in January."]}
    assert crystal.profile().people == {"": 3, "Sam Berg": 3, "Ann": 1}
    with pytest.raises(NotFoundError, match=r"nobody named Ines .*Sam Berg"):
        crystal.profile("Ines")


def test_each_line_is_a_quotation_with_its_place_and_its_days(crystal):
    for line in [*crystal.profile().lines, *crystal.profile("Sam").lines]:
        assert crystal.quote(line.citation.path, line.citation.start, line.citation.end) == line.citation.quote
    bread, plan = crystal.profile("Sam").lines
    assert plan.citation.date == date(2026, 3, 5)
    assert plan.planned == date(2026, 4, 3)
    assert bread.times == 2


def test_what_no_longer_holds_is_below_what_does(crystal):
    (rent,) = [line for line in crystal.profile().lines if "Rent" in line.quote]
    assert [older.quote for older in rent.before] == ["Rent 900 a month."]
    crystal.remember("I live in 3 Mill Lane", at="2026-01-05")
    crystal.remember("I moved to 7 Ropewalk", at="2026-09-20")
    (home,) = [line for line in crystal.profile().lines if "Ropewalk" in line.quote]
    assert [older.quote for older in home.before] == ["I live in 3 Mill Lane"]


def test_who_i_am_is_kept_and_joins_what_has_no_name(crystal):
    crystal.set_me("Sam Berg")
    assert crystal.me == "Sam Berg"
    said = quotes(crystal.profile())
    assert said["preferences"] == ["I really like rye bread!"]
    assert said["facts"] == ["Rent 950 a month.", "I'm a nurse."]
    assert crystal.verify().sound
    crystal.compact()
    with Crystal(crystal.path, mode="read", encoder=None) as reader:
        assert reader.me == "Sam Berg"
    crystal.set_me("")
    assert crystal.me == ""
    with pytest.raises(UsageError, match="invalid name"):
        crystal.set_me("Sam: Berg")


def test_a_question_with_my_prefers_what_that_person_said(crystal, tmp_path):
    (tmp_path / "kept" / "WhatsApp Chat with Liv.txt").write_text(
        "[01/02/2026, 10:00] Liv: My boat is called Alma.\n[01/02/2026, 10:01] Sam Berg: My boat is called Tern.\n"
    )
    crystal.ingest([tmp_path / "kept"])
    crystal.set_me("Sam Berg")
    results = crystal.recall("What is my boat called?", 1)
    assert results.reading is not None
    assert results.reading.notice == "read as: “I” is Sam Berg"
    assert crystal.recall("What is the boat called?").reading.me == ""
    prompt = build_prompt("What is my boat called?", results, AskOptions(), None, len, results.reading.me)
    assert "Sam Berg, who asks" in prompt.messages[0]["content"]
    answer = crystal.ask("What is my boat called?", extractive=True, floor=0.0)
    assert answer.reading is not None
    assert answer.reading.me == "Sam Berg"


def test_the_command_prints_groups_and_keeps_who_i_am(crystal, capsys, monkeypatch):
    monkeypatch.chdir(crystal.path.parent)
    assert run(["profile", "Sam"]) == 0
    printed = capsys.readouterr()
    assert "preferences" in printed.out
    assert "said 2 times" in printed.out
    assert "for 2026-04-03" in printed.out
    assert "Ann (1)" in printed.err
    assert run(["profile", "--me", "Sam Berg", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["me"] == "Sam Berg"
    assert run(["profile", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert data["counts"]["facts"] == 2
    assert data["groups"]["plans"][0]["planned"] == "2026-04-03"
    assert run(["profile", "Ines"]) == 7
    assert run(["profile", "Sam", "--me", "Sam"]) == 2
