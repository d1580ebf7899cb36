"""Who may import whom, and that starting is quick because nothing heavy is imported."""

from __future__ import annotations

import ast
import dataclasses
import importlib
import inspect
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import crystalcli

PACKAGE = Path(crystalcli.__file__).parent
ROOT = Path(__file__).parents[1]
FLOORS = {
    "errors": 0,
    "datatypes": 0,
    "cpu": 0,
    "huffman": 0,
    "paths": 0,
    "lazy_import": 0,
    "text": 1,
    "vectors": 1,
    "lexical": 1,
    "storage": 1,
    "lm": 1,
    "models": 1,
    "neural_memory": 1,
    "index": 2,
    "language_models": 2,
    "ingest": 3,
    "recall": 3,
    "evaluation": 4,
    "maintenance": 4,
    "memories": 4,
    "overview": 4,
    "retrieval_lm": 4,
    "answering": 5,
    "library": 6,
    "cluster": 7,
    "mcp_server": 7,
    "web_server": 8,
    "cli": 9,
    "examples": 10,
    "__main__": 10,
}
ROOMS = [name for name in FLOORS if (PACKAGE / name).is_dir()]
# Rooms that nothing imports but the programs in them: they need no door.
DOORLESS = frozenset(("cli", "examples"))
# Each heavy library is imported in these rooms and nowhere else.
HOMES = {
    "torch": {"vectors", "lm", "neural_memory", "retrieval_lm", "index"},
    "safetensors": {"vectors", "lm", "neural_memory"},
    "tokenizers": {"vectors", "lm"},
    "tiktoken": {"lm"},
    "jinja2": {"lm", "web_server"},
    "lxml": {"text"},
    "pypdfium2": {"text"},
    "pypdf": {"text"},
    "rapidocr": {"text"},
    "cv2": set(),  # rapidocr carries its own
    "PIL": {"text"},
    "pygments": {"web_server"},
    "tree_sitter": {"text"},
    "pathspec": {"text"},
    "watchfiles": {"text"},
    "zstandard": {"storage", "text"},
    "sqlite3": {"storage"},
    "Stemmer": {"lexical"},
    "click": set(),  # each Typer carries its own
    "typer": {"cli", "examples"},
    "pydantic": set(),
    "mcp": {"mcp_server"},
    "mcp_types": {"mcp_server"},
    "anyio": {"mcp_server"},
    "starlette": {"mcp_server", "web_server"},
    "sse_starlette": {"web_server"},
    "uvicorn": {"mcp_server", "web_server"},
    "matplotlib": {"examples"},
    "rich": {"cli", "examples"},
    "platformdirs": {"models", "cli", "cpu"},
    "urllib": {"models", "ingest"},
    "http": {"models", "lm", "ingest"},
    "pickle": set(),
    "transformers": {"lm"},
    "xllamacpp": {"lm"},
    "ray": {"cluster"},
    "sentence_transformers": set(),
    "gguf": set(),
}
FILES = sorted(PACKAGE.rglob("*.py"))


def room_of(path: Path) -> str:
    relative = path.relative_to(PACKAGE)
    return relative.parts[0] if len(relative.parts) > 1 else relative.stem


def module_of(path: Path) -> str:
    """Give the dotted name below the package; of a folder's `__init__` the folder's."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def imports(path: Path) -> list[str]:
    names = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.append(node.module or "")
            members = [f"{node.module}.{alias.name}" for alias in node.names]
            names += [name for name in members if name.removeprefix("crystalcli.") in MODULES]
        elif isinstance(node, ast.ImportFrom):
            raise AssertionError(f"{path}: relative import")
    return names


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_room_imports_from_itself_and_from_the_doors_of_lower_floors(path):
    room = room_of(path)
    if room == "__init__":
        return  # names its public members; they are looked up late
    for name in imports(path):
        parts = name.split(".")
        if parts[0] == "crystalcli" and len(parts) > 1 and parts[1] in FLOORS:
            other = parts[1]
            assert other == room or FLOORS[other] < FLOORS[room], f"{room} imports {other}"
            if other != room and other in ROOMS and other not in DOORLESS:
                door = importlib.import_module(f"crystalcli.{other}")
                assert len(parts) == 2 or (len(parts) == 3 and parts[2] in door.__all__), (
                    f"{path} passes the door: {name}"
                )
        elif parts[0] in HOMES and name != "urllib.parse":  # which takes names apart, and opens nothing
            assert room in HOMES[parts[0]], f"{room} imports {parts[0]}"


def test_every_room_has_a_floor():
    rooms = {room_of(path) for path in FILES} - {"__init__"}
    assert rooms == FLOORS.keys()


@pytest.mark.parametrize("room", [room for room in ROOMS if room not in DOORLESS])
def test_a_door_gives_what_it_names(room):
    door = importlib.import_module(f"crystalcli.{room}")
    for name in door.__all__:
        assert getattr(door, name) is not None
    assert len(set(door.__all__)) == len(door.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = door.nonsense


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_lists_its_files(room):
    """Each file stands in the list of the room's `__init__`, or in that of the folder it is in."""
    for path in sorted((PACKAGE / room).rglob("*.py")):
        if path.name != "__init__.py":
            heads = [(folder / "__init__.py").read_text(encoding="utf-8") for folder in (PACKAGE / room, path.parent)]
            assert any(re.search(rf"^ *{re.escape(path.name)} ", head, re.MULTILINE) for head in heads), path


def circles(edges: set[tuple[str, str]]) -> set[str]:
    """Give what can be reached from itself."""
    following: dict[str, set[str]] = {}
    for one, other in edges:
        following.setdefault(one, set()).add(other)
    found = set()
    for start in following:
        seen: set[str] = set()
        ahead = [*following[start]]
        while ahead:
            if (node := ahead.pop()) not in seen:
                seen.add(node)
                ahead += following.get(node, ())
        if start in seen:
            found.add(start)
    return found


def edges_between(name_of: Callable[[str], str]) -> set[tuple[str, str]]:
    """Give who imports whom inside the rooms, each module by the name of what it is in."""
    edges = set()
    for module, path in MODULES.items():
        room = module.split(".")[0]
        if path.name == "__init__.py" or room not in ROOMS:
            continue
        for name in imports(path):
            other = name.removeprefix("crystalcli.")
            if other in MODULES and other.split(".")[0] == room and MODULES[other].name != "__init__.py":
                edges.add((name_of(module), name_of(other)))
    return {(one, other) for one, other in edges if one != other}


def test_no_modules_import_one_another():
    assert circles(edges_between(lambda module: module)) == set()


def test_no_folders_of_a_room_import_one_another():
    assert circles(edges_between(lambda module: module.rpartition(".")[0])) == set()


def test_no_module_is_named_like_another_or_like_one_of_the_standard_library():
    stems = Counter(module.rpartition(".")[2] for module in MODULES if module and module != "__main__")
    assert [stem for stem, count in stems.items() if count > 1] == []
    assert stems.keys() & sys.stdlib_module_names == set()


def test_no_two_public_classes_or_functions_of_the_package_are_named_alike():
    places: dict[str, list[str]] = {}
    for module, path in MODULES.items():
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                places.setdefault(node.name, []).append(module)
    alike = {name: modules for name, modules in places.items() if len(modules) > 1}
    # `main` is what Python's scripts are entered by.
    assert {name: modules for name, modules in alike.items() if name != "main"} == {}


def test_the_architecture_page_is_current():
    result = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_architecture.py"), "--check"], capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize(
    ("code", "absent"),
    [
        ("import crystalcli", {"numpy", "torch", "typer", "rich", "sqlite3"}),
        (
            "from crystalcli.cli.app import run; run(['--help'])",
            {"numpy", "torch", "rich", "sqlite3", "pypdfium2", "lxml", "tokenizers", "tree_sitter", "pydantic"},
        ),
        ("import crystalcli.recall.searcher", {"torch", "rich", "pypdfium2", "tiktoken", "zstandard"}),
        ("import crystalcli.ingest.ingester", {"torch", "rich", "pypdfium2", "lxml", "tiktoken", "tree_sitter"}),
        ("import crystalcli.answering.answer", {"torch", "rich", "pypdfium2", "lxml", "tiktoken", "tree_sitter"}),
        (
            "import crystalcli.web_server.http_server",
            {"numpy", "torch", "rich", "typer", "starlette", "jinja2", "pygments", "PIL", "mcp", "onnxruntime"},
        ),
        ("import crystalcli.mcp_server.service", {"numpy", "torch", "rich", "typer", "mcp", "onnxruntime"}),
        (
            "from pathlib import Path; from crystalcli.mcp_server import service as s; s._make_server(Path('a'), write=True)",
            {"numpy", "torch", "rich", "typer", "onnxruntime", "tokenizers"},
        ),
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
# Only rooms above recall, and the command line, handle these: the searcher and its codec, the parts of a prepared query,
# and options that are made already.
INNER = frozenset(
    (
        "AskArguments",
        "Codec",
        "CrossEncoder",
        "EncodedQuestion",
        "IngestOptions",
        "PackedPostings",
        "Searcher",
        "FilterMask",
        "SimilarityScale",
    )
)


def test_the_types_of_public_signatures_are_public():
    """Every class that a method of `Crystal` takes or gives, or that a public record holds, has a public name."""
    kinds = [getattr(crystalcli, name) for name in crystalcli.__all__]
    records = [
        kind for kind in kinds if dataclasses.is_dataclass(kind) or (isinstance(kind, type) and issubclass(kind, tuple))
    ]
    methods = [
        member
        for name, member in inspect.getmembers(crystalcli.Crystal)
        if inspect.isroutine(member) and not name.startswith("_")
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
