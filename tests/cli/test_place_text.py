"""A place is written so that it opens: relative below the working directory, absolute elsewhere, a name without a file."""

from __future__ import annotations

import io
import os
import zipfile
from pathlib import Path

import pytest
from rich.console import Console
from support.lexical_crystals import read_into, write

from crystalcli import Crystal
from crystalcli.cli.render.place_text import format_location, format_path, location_text

NOTES = "# Tides\n\nHigh water at Oldhaven is at four.\n"
TABLE = "what,built by\ncrane,Ida Trent\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("opens")
    write(folder / "docs", {"notes.md": NOTES, "a b.csv": TABLE, "gone.md": "The ferry sank off Gull Rock.\n"})
    with zipfile.ZipFile(folder / "docs" / "old.zip", "w") as archive:
        archive.writestr("lamp.txt", "The lamp burns fourteen litres of oil.\n")
    with Crystal(read_into(folder / "m.crystal", folder / "docs"), encoder=None) as crystal:
        crystal.ingest_stream(io.BytesIO(b"The bell rings twice in fog.\n"), "bell.txt")
    (folder / "docs" / "gone.md").unlink()
    return folder


def location(folder: Path, question: str) -> str:
    with Crystal.open(folder / "m.crystal", encoder=None) as crystal:
        return format_location(crystal.recall(question, 1)[0])


@pytest.mark.parametrize(
    ("question", "name"),
    [("high water", "notes.md:1"), ("who built the crane", "a b.csv rows 1-2")],
    ids=["lines", "rows"],
)
def test_a_file_is_named_as_the_shell_has_it(folder, monkeypatch, tmp_path, question, name):
    monkeypatch.chdir(folder)
    assert location(folder, question) == f"docs/{name}"
    monkeypatch.chdir(folder / "docs")
    assert location(folder, question) == name
    monkeypatch.chdir(tmp_path)
    assert location(folder, question) == f"{folder}/docs/{name}"
    assert Path(location(folder, question).removesuffix(":1").removesuffix(" rows 1-2")).is_file()


@pytest.mark.parametrize(
    ("question", "name"),
    [("lamp oil", "old.zip/lamp.txt:1"), ("bell in fog", "bell.txt:1"), ("the ferry sank", "gone.md:1")],
    ids=["member of an archive", "standard input", "gone"],
)
def test_what_is_no_file_has_the_name_of_the_ledger(folder, monkeypatch, question, name):
    monkeypatch.chdir(folder)
    assert location(folder, question) == name
    with Crystal.open(folder / "m.crystal", encoder=None) as crystal:
        assert crystal.recall(question, 1)[0].source is None
        assert crystal.find_file(name.removesuffix(":1")) is None


def test_the_source_is_the_absolute_path_of_the_file(folder):
    with Crystal.open(folder / "m.crystal", encoder=None) as crystal:
        assert crystal.recall("high water", 1)[0].source == str(folder / "docs" / "notes.md")
        assert crystal.cite("notes.md", 0, 5).source == str(folder / "docs" / "notes.md")
        assert crystal.find_file("notes.md") == folder / "docs" / "notes.md"


def test_a_working_directory_that_was_deleted_is_no_failure(folder, monkeypatch, tmp_path):
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    (tmp_path / "away").rmdir()
    assert location(folder, "high water") == f"{folder}/docs/notes.md:1"
    os.chdir(tmp_path)


def test_a_path_cannot_write_to_the_terminal(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert format_path(tmp_path / "a\x1b]8;;\nb", "a") == "a\N{REPLACEMENT CHARACTER}]8;;\N{REPLACEMENT CHARACTER}b"


def shown(folder: Path, question: str, terminal: bool) -> str:
    console = Console(file=io.StringIO(), force_terminal=terminal, color_system="truecolor" if terminal else None)
    with Crystal.open(folder / "m.crystal", encoder=None) as crystal:
        console.print(location_text(crystal.recall(question, 1)[0], "cyan"), soft_wrap=True)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_terminal_gets_a_link_where_no_line_can_be_found(folder, monkeypatch):
    monkeypatch.chdir(folder)
    linked = shown(folder, "who built the crane", terminal=True)
    assert "docs/a b.csv" in linked
    assert f"{folder}/docs/a%20b.csv\x1b\\" in linked
    assert "\x1b]8;" not in shown(folder, "high water", terminal=True)
    assert "\x1b]8;" not in shown(folder, "lamp oil", terminal=True)
    assert shown(folder, "who built the crane", terminal=False) == "docs/a b.csv rows 1-2\n"


def test_links_take_the_form_that_the_user_wants(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setenv("CRYSTAL_LINK", "vscode://file{path}:{line}")
    assert f";vscode://file{folder}/docs/notes.md:1\x1b\\" in shown(folder, "high water", terminal=True)
    assert f";vscode://file{folder}/docs/a%20b.csv:1\x1b\\" in shown(folder, "who built the crane", terminal=True)
    assert "\x1b]8;" not in shown(folder, "lamp oil", terminal=True)
