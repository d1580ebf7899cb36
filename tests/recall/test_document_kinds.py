"""Documents of many kinds in one crystal: passages with their places, whole rows, and text that reads well."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.lexical_crystals import read_into, recalled

from crystalcli.answering.prompt.prompt_context import pack_passages
from crystalcli.cli.render.recall_view import passage_json, print_passages
from crystalcli.text.readers import READERS

PAGE = "<!DOCTYPE html>\n<title>t</title>\n<h1>Harbour</h1>\n"
PAGE += "<p>The pilot boards at the red buoy.\n<table>\n<tr><td>lamp oil<td>12\n</table>"
BOOK = (
    "CHAPTER I\n\nThe Keeper\n\nThe keeper trims the wick of the great lamp every night at nine, and\n"
    "writes the hour of it in his ledger before he sleeps.\n"
)


@pytest.fixture(scope="module")
def crystal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "page.html").write_text(PAGE)
    (folder / "book.txt").write_text(BOOK)
    rows = "".join(f'{n},Quay number {n}. It is "{"long" if n % 2 else "short"}",{n * 100}\n' for n in range(1, 200))
    (folder / "quays.csv").write_text("Number,Description,Depth\n" + rows)
    (folder / "guide.rst").write_text("Guide\n=====\n\nRopes\n-----\n\nSplice the hawser twice.\n")
    cells = [
        {"cell_type": "markdown", "source": "# Tides"},
        {"cell_type": "code", "source": "springtide = 4.2", "outputs": []},
    ]
    (folder / "tides.ipynb").write_text(json.dumps({"nbformat": 4, "metadata": {}, "cells": cells}))
    return read_into(folder.parent / f"{folder.name}.crystal", folder)


@pytest.mark.parametrize(
    ("question", "path", "place", "heading"),
    [
        ("Where does the pilot board at the buoy?", "page.html", "lines 3-6", "Harbour"),
        ("lamp oil", "page.html", "lines 3-6", "Harbour"),
        ("Who trims the wick?", "book.txt", "ch. 1 The Keeper, lines 1-6", "CHAPTER I. The Keeper"),
        ("Splice the hawser", "guide.rst", "lines 1-7", "Guide › Ropes"),
        ("springtide", "tides.ipynb", "cell 1", "Tides"),
    ],
)
def test_places(crystal: Path, question: str, path: str, place: str, heading: str) -> None:
    first = recalled(crystal, question)[0]
    assert (first.path, str(first.place), first.heading or "") == (path, place, heading)


def test_passages_of_a_table_are_whole_rows(crystal: Path) -> None:
    first = recalled(crystal, "quay number 137")[0]
    assert first.best_text == 'Number: 137; Description: Quay number 137. It is "long"; Depth: 13700'
    low, high = (int(number) for number in first.place.marks["row"].split("-"))
    assert low <= 138 <= high
    assert str(first.place) == f"rows {low}-{high}"
    for line in first.text.split("\n"):
        assert line.startswith("Number: ")
        assert "; Depth: " in line


def test_wrapped_lines_are_joined_where_they_are_read(crystal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    passages = recalled(crystal, "Who trims the wick?")
    assert "at nine, and\nwrites the hour" in passages[0].text
    print_passages(passages[:1])
    assert "at nine, and writes the hour" in capsys.readouterr().out
    assert "at nine, and writes the hour" in pack_passages("Who?", passages[:1], len)[1]
    assert "at nine, and\nwrites" in passage_json(passages[0])["text"]


def test_libraries_of_readers_wait_until_they_are_needed() -> None:
    code = "import sys; from crystalcli.text.readers import open_source; assert 'lxml' not in sys.modules and 'json' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert {"html", "rst", "epub", "docx", "pptx", "xlsx", "csv", "odt", "ods", "odp", "notebook"} <= READERS.keys()
