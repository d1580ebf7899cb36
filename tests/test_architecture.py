"""Who may import whom, and that starting is quick because nothing heavy is imported."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
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
    "click": {"cli", "examples"},
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
        ("import crystalcli", {"numpy", "torch", "click", "rich", "sqlite3"}),
        (
            "from crystalcli.cli.app import run; run(['--help'])",
            {"numpy", "torch", "rich", "sqlite3", "pypdfium2", "lxml", "tokenizers", "tree_sitter"},
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
    assert crystalcli.__all__ == sorted(crystalcli._HOMES)
    for name in crystalcli.__all__:
        assert getattr(crystalcli, name).__doc__
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = crystalcli.nonsense


# Of annotations: what Python and numpy have, and aliases of these.
PLAIN = frozenset((
    "AbstractContextManager", "Any", "BinaryIO", "Callable", "ClassVar", "Exception", "Fetch", "FloatArray", "HalfLife",
    "Iterator", "Literal", "Mapping", "Mode", "NamedTuple", "None", "OnProgress", "Path", "Paths", "Self", "Sequence",
    "Tensor", "Unpack",
))  # fmt: skip
# What only the rooms above recall handle: the searcher, its index, and what a prepared query is made of.
INNER = frozenset(("AskArguments", "Codec", "Encoded", "Packed", "Searcher", "Shelf"))


def test_the_types_of_public_signatures_are_public():
    """Every class that a method of `Crystal` takes or gives, or that a public record holds, has a public name."""
    kinds = [getattr(crystalcli, name) for name in crystalcli.__all__]
    records = [
        kind for kind in kinds if dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, tuple))
    ]
    methods = [
        member
        for name, member in inspect.getmembers(crystalcli.Crystal)
        if inspect.isroutine(member) and not name.startswith("_") and name != "bring_in"
    ]
    for thing in (*records, *methods, crystalcli.Crystal.__init__):
        for annotation in inspect.get_annotations(thing).values():
            text = (
                annotation if isinstance(annotation, str) else getattr(annotation, "__forward_arg__", str(annotation))
            )
            named = set(re.findall(r"(?<![\w.\"])[A-Z]\w+(?!\")", text))
            assert named <= {*crystalcli.__all__, *PLAIN, *INNER}, f"{thing}: {text}"


def test_reports_are_frozen():
    for name in crystalcli.__all__:
        kind = getattr(crystalcli, name)
        if name.endswith("Report"):
            assert dataclasses.is_dataclass(kind), name
            assert kind.__dataclass_params__.frozen, name


def test_no_two_public_names_are_alike():
    assert len({getattr(crystalcli, name) for name in crystalcli.__all__}) == len(crystalcli.__all__)
