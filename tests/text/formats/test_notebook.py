"""Notebooks: cells, headings, and what the code said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.documents import read

from crystalcli.errors import SourceError
from crystalcli.text.readers import open_source


def notebook(path: Path, cells: list[object], **more: object) -> Path:
    path.write_text(json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": cells, **more}))
    return path


def test_a_notebook(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "stream", "name": "stdout", "text": ["one\n", "\x1b[31mtwo\x1b[0m\n"]},
        {
            "output_type": "display_data",
            "data": {"image/png": "aGk=" * 1000, "text/plain": "<Figure size 640x480 with 1 Axes>"},
        },
        {"output_type": "execute_result", "data": {"text/html": "<b>5</b>", "text/plain": ["5"]}},
        {"output_type": "error", "ename": "ValueError", "evalue": "no ferry", "traceback": ["long"]},
    ]
    cells = [
        {"cell_type": "markdown", "source": ["# The ferry\n", "It leaves at six.\n"]},
        {"cell_type": "code", "source": "def fare():\n    return 5\n", "outputs": outputs},
        {"cell_type": "code", "source": "", "outputs": []},
        {"cell_type": "markdown", "source": "## Winter\n\nIt does not.\n\n### Ice\n"},
        {"cell_type": "raw", "source": "as it is"},
    ]
    found = read(notebook(tmp_path / "a.ipynb", cells))
    assert (found.kind, found.title) == ("notebook", "The ferry")
    assert found.text == (
        "# The ferry\nIt leaves at six.\n\ndef fare():\n    return 5\n\none\ntwo\n5\nValueError: no ferry\n\n"
        "## Winter\n\nIt does not.\n\n### Ice\n\nas it is\n"
    )
    assert found.at("return 5") == {"cell": "2", "heading": "The ferry"}
    assert found.at("It does not") == {"cell": "4", "heading": "The ferry › Winter"}
    assert found.at("as it is") == {"cell": "5", "heading": "The ferry › Winter › Ice"}


def test_the_third_version(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "heading", "level": 2, "source": ["Fares"]},
        {"cell_type": "code", "input": ["1 + 1"], "outputs": [{"output_type": "pyout", "text": ["2"]}]},
    ]
    path = tmp_path / "a.ipynb"
    path.write_text(json.dumps({"nbformat": 3, "metadata": {"name": "Named"}, "worksheets": [{"cells": cells}]}))
    found = read(path)
    assert (found.title, found.text) == ("Named", "Fares\n\n1 + 1\n\n2\n")
    assert found.labels("heading") == ["Fares"]


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ({"text/markdown": ["The *mean* ", "is 4.1."], "text/plain": "<IPython.core.display.Markdown object>"}, "The *mean* is 4.1."),
        ({"text/html": "<p>It broke <b>twice</b>.</p>", "text/plain": "<IPython.core.display.HTML object>"}, "It broke twice."),
        (
            {
                "text/html": "<table><thead><tr><th></th><th>lamp</th></tr></thead><tr><th>0</th><td>red</td></tr></table>",
                "text/plain": "  lamp\n0  red",
            },
            " | lamp\n0; lamp: red",
        ),
        ({"text/html": "<b>5</b>", "text/plain": "5"}, "5"),
        ({"text/latex": "$$x^2$$"}, "x^2"),
        ({"text/html": "<div>" * 3000}, ""),
    ],
)  # fmt: skip
def test_rich_outputs(tmp_path: Path, data: dict[str, object], text: str) -> None:
    outputs = [{"output_type": "display_data", "data": data}]
    found = read(notebook(tmp_path / "a.ipynb", [{"cell_type": "code", "source": "show()", "outputs": outputs}])).text
    assert found == f"show()\n\n{text}\n" if text else found == "show()\n"


def test_a_bar_of_progress_is_shown_as_it_ends(tmp_path: Path) -> None:
    output = {"output_type": "stream", "text": ["\r", " 0%|  |\r", " 50%|# |\r", "100%|##|\r\n", "done\r"]}
    path = notebook(tmp_path / "a.ipynb", [{"cell_type": "code", "source": "run()", "outputs": [output]}])
    assert read(path).text == "run()\n\n100%|##|\ndone\n"


def test_long_outputs_are_cut(tmp_path: Path) -> None:
    output = {"output_type": "stream", "text": "line\n" * 1_000_000}
    text = read(notebook(tmp_path / "a.ipynb", [{"cell_type": "code", "source": "run()", "outputs": [output]}])).text
    assert len(text) < 5000
    assert text.endswith(" …\n")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "damaged notebook: invalid JSON"),
        ("[" * 200_000, "damaged notebook: invalid JSON"),
        ("[]", "damaged notebook: its list of cells is missing"),
        ('{"cells": 5}', "damaged notebook: its list of cells is missing"),
        ('{"worksheets": [1, {"cells": {}}]}', "damaged notebook: its list of cells is missing"),
        ('{"cells": []}', "no text in it"),
        (
            '{"cells": [1, null, {}, {"source": 5}, {"source": [1], "outputs": [2, {"data": 3}, {"text": {}}]}]}',
            "no text in it",
        ),
        ('{"cells": [{"source": "\\ud800"}]}', "no text in it"),
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: str, reason: str) -> None:
    path = tmp_path / "a.ipynb"
    path.write_text(content)
    _, reading = open_source(path)
    assert reading.title == ""
    with pytest.raises(SourceError, match=f"^{reason}$"):
        list(reading.pieces())
