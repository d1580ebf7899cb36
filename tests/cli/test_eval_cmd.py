"""`crystal eval` as a person runs it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write

from crystalcli.cli.app import run

FILES = {"tale.txt": "The lamp burns 14 litres of oil.\n", "notes.md": "High water at Oldhaven is at 04:10.\n"}
ROWS = [
    {"question": "How much oil does the lamp burn?", "answers": ["14 litres"]},
    {"question": "When is high water at Oldhaven?", "answers": ["noon"]},
    {"question": "Which opera did Gluck finish in Vienna?", "refuse": True},
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CRYSTAL_MODELS", str(tmp_path / "none"))
    monkeypatch.setenv("CRYSTAL_OFFLINE", "1")
    read_into(tmp_path / "memory.crystal", write(tmp_path / "docs", FILES))
    (tmp_path / "q.jsonl").write_text("\n".join(map(json.dumps, ROWS)), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_people_see_figures_and_what_failed(folder, capsys):
    assert run(["eval", "q.jsonl"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("2 questions with an answer, 1 without\n")
    assert "right in the first source" in out
    assert "refused, and there is none  1 of 1" in out
    failed = out[out.index("1 question failed") :]
    assert "line 2  When is high water at Oldhaven?" in failed
    assert "wanted  noon" in failed
    assert "docs/notes.md:1" in failed
    assert "line 1" not in failed


def test_recall_alone_shows_no_answers(folder, capsys):
    assert run(["eval", "q.jsonl", "--only-recall", "--limit", "1"]) == 0
    out = capsys.readouterr().out
    assert "1 / rank, mean" in out
    assert "source" not in out
    assert "failed" not in out


def test_programs_get_every_result(folder, capsys):
    assert run(["eval", "q.jsonl", "--json"]) == 0
    data = json.loads(capsys.readouterr().out)
    assert (data["command"], data["answerable"], data["unanswerable"]) == ("eval", 2, 1)
    assert [result["failed"] for result in data["results"]] == [False, True, False]
    assert data["answers"]["first"][0] == 0.5
    assert data["results"][0]["answer"]["sources"][0]["source"] == str(folder / "docs" / "tale.txt")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["missing.jsonl"], 3, "cannot read missing.jsonl: No such file"),
        (["q.jsonl", "--only-recall", "--generate"], 2, "--only-recall measures no answers"),
        (["q.jsonl", "--limit", "0"], 2, "limit: expected 1 or more, got 0"),
        (["bad.jsonl"], 2, "bad.jsonl, line 1: question: expected a text"),
    ],
)
def test_mistakes_are_told(folder, capsys, arguments, code, said):
    (folder / "bad.jsonl").write_text("{}\n")
    assert run(["eval", *arguments]) == code
    assert said in capsys.readouterr().err
