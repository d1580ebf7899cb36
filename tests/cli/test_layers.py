"""Inside of the command line no folder imports upward, and names do not repeat."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

import crystalcli.cli

ROOM = Path(crystalcli.cli.__file__).parent
FLOORS = {"terminal": 0, "parsing": 1, "options": 2, "render": 2, "commands": 3, "app": 4, "reference": 5}
FILES = sorted(ROOM.rglob("*.py"))


def folder_of(parts: tuple[str, ...]) -> str:
    return Path(parts[0]).stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOM)))
def test_no_folder_imports_upward(path):
    folder = folder_of(path.relative_to(ROOM).parts)
    if folder == "__init__":
        return
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crystalcli.cli."):
            other = folder_of(tuple((node.module or "").split(".")[2:]))
            assert other == folder or FLOORS[other] < FLOORS[folder], f"{folder} imports {other}"


def test_no_module_has_the_name_of_another_or_of_the_standard_library():
    names = [path.stem for path in FILES if path.stem != "__init__"]
    assert len(names) == len(set(names))
    assert not set(names) & sys.stdlib_module_names


def test_no_two_public_functions_or_classes_have_one_name():
    names = [
        node.name
        for path in FILES
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_")
    ]
    assert sorted(name for name in set(names) if names.count(name) > 1) == ["main"]
