"""`crystal open`, and the forms of `crystal recall` that editors and shells read."""

from __future__ import annotations

import json
import os
import stat
import sys
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write

from crystalcli import Crystal
from crystalcli.cli.app import run
from crystalcli.cli.commands.open_cmd import editor_command

NOTES = "# Tides\n\nIntro.\n\n    é. High water at Oldhaven is at four.\n"


@pytest.fixture
def crystal(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("CRYSTAL_HISTORY", str(tmp_path / "own" / "history"))
    for name in ("VISUAL", "EDITOR"):
        monkeypatch.delenv(name, raising=False)
    write(tmp_path / "docs", {"notes.md": NOTES, "a b.csv": "what,built by\ncrane,Ida Trent\n"})
    monkeypatch.chdir(tmp_path)
    return read_into(tmp_path / "m.crystal", tmp_path / "docs")


@pytest.fixture
def program(tmp_path, monkeypatch):
    """A program that writes down what it is called with, under the name that a test gives it."""

    def make(name: str, code: int = 0) -> Path:
        (tmp_path / "bin").mkdir(exist_ok=True)
        file = tmp_path / "bin" / name
        file.write_text(
            f"#!{sys.executable}\nimport json, sys\njson.dump(sys.argv[1:], open('called', 'w'))\nsys.exit({code})\n"
        )
        file.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
        return file

    return make


def recall(crystal: Path, *arguments: str) -> int:
    return run(["recall", *arguments, "-c", str(crystal)])


def test_a_source_opens_in_the_editor_at_its_line(crystal, program, monkeypatch, tmp_path, capsys):
    assert recall(crystal, "high", "water") == 0
    program("vim")
    monkeypatch.setenv("EDITOR", "vim -R")
    assert run(["open"]) == 0
    assert json.loads(Path("called").read_text()) == ["-R", "+1", str(tmp_path / "docs/notes.md")]
    kept = tmp_path / "own" / "history-sources.json"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_what_has_no_lines_opens_in_the_viewer(crystal, program, monkeypatch, tmp_path, capsys):
    assert run(["ask", "--quote", "Who built the crane?", "-c", str(crystal)]) in (0, 7)
    program("open" if sys.platform == "darwin" else "xdg-open")
    monkeypatch.setenv("EDITOR", "vim")
    assert run(["open", "1"]) == 0
    assert json.loads(Path("called").read_text()) == [str(tmp_path / "docs/a b.csv")]
    assert "crystal: opening a b.csv, row" in capsys.readouterr().err


def test_what_cannot_be_opened_is_said(crystal, program, monkeypatch, tmp_path, capsys):
    assert run(["open"]) == 7
    assert "no answer is kept: ask with `crystal ask` or `crystal recall` first" in capsys.readouterr().err
    assert recall(crystal, "high", "water") == 0
    assert run(["open", "9"]) == 7
    assert "the last answer has no source 9; it has 1" in capsys.readouterr().err
    monkeypatch.setenv("VISUAL", "no-such-editor")
    assert run(["open"]) == 1
    assert f"no-such-editor is not here: set $EDITOR to a program that opens {tmp_path}" in capsys.readouterr().err
    program("nano", code=3)
    monkeypatch.setenv("VISUAL", "nano")
    assert run(["open"]) == 1
    assert "nano ended with exit code 3" in capsys.readouterr().err
    (tmp_path / "docs/notes.md").unlink()
    assert run(["open"]) == 3
    assert "docs/notes.md does not exist any more" in capsys.readouterr().err
    (tmp_path / "own" / "history-sources.json").write_text("[[1]]")
    assert run(["open"]) == 7
    monkeypatch.setenv("CRYSTAL_HISTORY", "")
    assert recall(crystal, "crane") == 0
    assert run(["open"]) == 7


@pytest.mark.parametrize(
    ("editor", "words"),
    [
        ("/usr/bin/nvim", ["/usr/bin/nvim", "+7", "/a b"]),
        ("emacsclient -t", ["emacsclient", "-t", "+7", "/a b"]),
        ("code -w", ["code", "-w", "--goto", "/a b:7"]),
        ("hx", ["hx", "/a b:7"]),
        ("'/my apps/edit' --new", ["/my apps/edit", "--new", "/a b"]),
    ],
)
def test_each_editor_is_told_the_line_in_its_own_way(editor, words):
    assert editor_command(editor, "/a b", 7) == words


def test_editors_get_path_line_and_column(crystal, capsys):
    assert recall(crystal, "high", "water", "--format", "vimgrep") == 0
    assert capsys.readouterr().out == "docs/notes.md:5:9:High water at Oldhaven is at four.\n"
    assert recall(crystal, "crane", "--format", "vimgrep") == 0
    assert capsys.readouterr().out.startswith("docs/a b.csv:1:1:row")


def test_shells_get_names_alone(crystal, tmp_path, capsys):
    (tmp_path / "docs/more.md").write_text("High water is late today.\n", encoding="utf-8")
    with Crystal(crystal, encoder=None) as opened:
        opened.ingest(tmp_path / "docs")
    assert recall(crystal, "high", "water", "--files") == 0
    assert sorted(capsys.readouterr().out.splitlines()) == ["docs/more.md", "docs/notes.md"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--files", "--json"], "--files prints names alone"),
        (["--files", "--explain"], "--files prints names alone"),
        (
            ["--format", "vimgrep", "--json"],
            "--json means --format json, which cannot be combined with --format vimgrep",
        ),
        (["--format", "vimgrep", "--explain"], "--explain goes with plain passages and with JSON"),
        (["--format", "xml"], "'--format'"),
    ],
)
def test_forms_that_exclude_one_another_are_refused(crystal, options, message, capsys):
    assert recall(crystal, "water", *options) == 2
    assert message in capsys.readouterr().err


def test_the_form_json_is_that_of_the_option(crystal, capsys):
    assert recall(crystal, "water", "--json") == 0
    one = capsys.readouterr().out
    assert recall(crystal, "water", "--format", "json") == 0
    assert capsys.readouterr().out == one
