"""Who may import whom, and that starting is quick because nothing heavy is imported."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import crystalcli

PACKAGE = Path(crystalcli.__file__).parent
FLOORS = {
    "errors": 0,
    "types": 0,
    "onednn": 0,
    "processor": 0,
    "paths": 0,
    "text": 1,
    "vectors": 1,
    "lexical": 1,
    "storage": 1,
    "lm": 1,
    "models": 1,
    "language_models": 2,
    "memory": 2,
    "answering": 3,
    "library": 4,
    "cli": 5,
    "examples": 6,
    "__main__": 6,
}
# Each heavy library is imported in these rooms and nowhere else.
HOMES = {
    "torch": {"vectors", "lm", "memory"},
    "safetensors": {"vectors", "lm", "memory"},
    "tokenizers": {"vectors", "lm"},
    "tiktoken": {"lm"},
    "jinja2": {"lm"},
    "lxml": {"text"},
    "pypdfium2": {"text"},
    "pypdf": set(),
    "tree_sitter": {"text"},
    "pathspec": {"text"},
    "watchfiles": {"text"},
    "zstandard": {"storage", "text"},
    "sqlite3": {"storage"},
    "Stemmer": {"lexical"},
    "click": set(),  # each Typer carries its own
    "typer": {"cli", "examples"},
    "pydantic": set(),
    "matplotlib": {"examples"},
    "rich": {"cli", "examples"},
    "platformdirs": {"models", "cli"},
    "urllib": {"models"},
    "http": {"models", "lm"},
    "pickle": set(),
    "transformers": {"lm"},
    "sentence_transformers": set(),
    "gguf": set(),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
            names += [f"{node.module}.{alias.name}" for alias in node.names if node.module == "crystalcli"]
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{path}: relative import")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_from_itself_and_from_lower_floors(path):
    room = room_of(path)
    if room == "__init__":
        return  # names its public members; they are looked up late
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "crystalcli" and len(parts) > 1 and parts[1] in FLOORS:
            other = parts[1]
            assert other == room or FLOORS[other] < FLOORS[room], f"{room} imports {other}"
        elif parts[0] in HOMES and name != "urllib.parse":  # which takes names apart, and opens nothing
            assert room in HOMES[parts[0]], f"{room} imports {parts[0]}"


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms <= FLOORS.keys()


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import crystalcli", {"numpy", "torch", "typer", "rich", "sqlite3"}),
        (
            "from crystalcli.cli.app import run; run(['--help'])",
            {"numpy", "torch", "rich", "sqlite3", "pypdfium2", "lxml", "tokenizers", "tree_sitter", "pydantic"},
        ),
        ("import crystalcli.memory.recall", {"torch", "rich", "pypdfium2", "tiktoken", "zstandard"}),
        ("import crystalcli.memory.ingest", {"torch", "rich", "pypdfium2", "lxml", "tiktoken", "tree_sitter"}),
        ("import crystalcli.answering.ask", {"torch", "rich", "pypdfium2", "lxml", "tiktoken", "tree_sitter"}),
    ],
)
def test_heavy_libraries_wait_until_they_are_used(code, absent):
    check = f"{code}\nimport sys\nsys.exit(repr(sorted({absent!r} & sys.modules.keys())) if {absent!r} & sys.modules.keys() else 0)"
    result = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_the_public_names():
    assert crystalcli.__all__ == [
        "Answer",
        "Citation",
        "Crystal",
        "CrystalError",
        "Document",
        "InfiniteMemoryTransformer",
        "MemoryCrystal",
        "Passage",
    ]
    for name in crystalcli.__all__:
        assert getattr(crystalcli, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = crystalcli.nonsense


def test_files_stay_small():
    assert {
        path.name: len(path.read_text().splitlines()) for path in FILES if len(path.read_text().splitlines()) > 450
    } == {}
