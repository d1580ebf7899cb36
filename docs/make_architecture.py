"""Writes docs/ARCHITECTURE.md and the file lists of the rooms, from the heads of the modules.

    python docs/make_architecture.py            writes
    python docs/make_architecture.py --check    exits 1 when something is not current

A room's heading and the text below it come from its `__init__`, the line of a file from the first
line of its docstring.
"""

from __future__ import annotations

import ast
import sys
import textwrap
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "crystalcli"
PAGE = ROOT / "docs" / "ARCHITECTURE.md"
WIDTH = 100
ROOMS = (
    ("errors datatypes cpu huffman paths lazy_import", 0),
    ("text vectors lexical storage lm models neural_memory", 1),
    ("index language_models", 2),
    ("ingest recall", 3),
    ("evaluation maintenance memories overview retrieval_lm", 4),
    ("answering", 5),
    ("library", 6),
    ("cluster mcp_server", 7),
    ("cli", 8),
    ("examples", 9),
)
START = """\
# Architecture

Every room of `crystalcli` answers one question. A file imports from its own room and from rooms on
lower floors, and from these only the names that their `__init__` exports; each heavy library is
imported in one or two rooms, where it is used, and late. Inside a room no two files and no two
folders import one another. No two modules, public classes or functions have the same name.
`tests/test_architecture.py` holds all of this, and that this page is current
(`docs/make_architecture.py` writes it). [Design](DESIGN.md) has the ideas,
[decision 001](decisions/001-rooms-and-floors.md) the reasons for the rooms.

## The way of the data

    files -> text -> documents -> index -> ingest -> storage
    question -> recall -> passages -> answering -> an answer with citations

1. `text` walks the folders, reads each file, and cuts its text into chunks.
2. `ingest` decides what has to be read, and commits chunks in segments by way of `index`.
3. `index` knows what the numbers in a segment mean: spans, parents and children, codes, terms.
4. `vectors` makes units, clusters and atoms of a chunk, and codes of these; `lexical` its postings.
5. `storage` keeps all of it in one SQLite file, with digests and seals.
6. `recall` takes a question through the layers, from coarse to fine, to ranked passages.
7. `answering` quotes the best sentences, or lets `lm` put them in words and checks each sentence.
"""


def head_of(path: Path) -> str:
    """Give the docstring of a module."""
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""


def first_line(path: Path) -> str:
    """Give the first line of a module's docstring."""
    return head_of(path).split("\n")[0]


def files_of(folder: Path) -> list[Path]:
    """Give the modules of a folder, without its `__init__`."""
    return sorted(path for path in folder.glob("*.py") if path.name != "__init__.py")


def folders_of(room: Path) -> list[Path]:
    """Give the folders of a room that hold modules."""
    return sorted({path.parent for path in room.rglob("*.py") if path.parent != room and path.name != "__init__.py"})


def listing(room: Path, indent: str = "") -> list[str]:
    """Give the files of a room, a line each, under their folders."""
    width = max(len(path.name) for path in room.rglob("*.py")) + 2
    lines = []
    for folder in [room, *folders_of(room)]:
        inner = folder != room
        if inner:
            lines += ["", f"{indent}{folder.relative_to(room).as_posix()}/"]
        edge = indent + ("    " if inner else "")
        for path in files_of(folder):
            lines += textwrap.wrap(
                f"{path.name.ljust(width)}{first_line(path)}",
                WIDTH,
                initial_indent=edge,
                subsequent_indent=edge + " " * width,
            )
    return lines[1:] if lines and not lines[0] else lines


def door(room: Path) -> str:
    """Give the text of a room's `__init__` with a current list of files."""
    path = room / "__init__.py"
    text = path.read_text(encoding="utf-8")
    old = ast.get_docstring(ast.parse(text), clean=False) or ""
    paragraphs = [part for part in old.strip("\n").split("\n\n") if not is_list(part)]
    new = "\n\n".join([*paragraphs, "\n".join(listing(room))]).rstrip() + "\n"
    return text.replace(old, new, 1)


def is_list(paragraph: str) -> bool:
    """Tell whether a docstring's paragraph is a list of files, or a folder's name with one."""
    first = paragraph.split("\n")[0].strip()
    name = first.split(" ")[0]
    return name.endswith((".py", "/"))


def page() -> str:
    """Give the text of the page."""
    parts = [START]
    for names, floor in ROOMS:
        for name in names.split():
            room = PACKAGE / name
            if not room.is_dir():
                head = head_of(PACKAGE / f"{name}.py").split("\n\n")
                parts.append(f"## {name}.py (floor {floor})\n\n{wrapped(head[0])}\n")
                continue
            head = [part for part in head_of(room / "__init__.py").split("\n\n") if not is_list(part)]
            text = "\n\n".join(wrapped(part) for part in head)
            parts.append(f"## {name} (floor {floor})\n\n{text}\n\n" + "\n".join(listing(room, "    ")) + "\n")
    return "\n".join(parts)


def wrapped(paragraph: str) -> str:
    """Wrap a paragraph of the page."""
    return textwrap.fill(" ".join(paragraph.split()), WIDTH, break_long_words=False, break_on_hyphens=False)


def main() -> int:
    """Write, or check with --check; return the exit code."""
    wanted = {
        room / "__init__.py": door(room) for room in sorted(PACKAGE.iterdir()) if (room / "__init__.py").is_file()
    }
    wanted[PAGE] = page()
    old = [path for path, text in wanted.items() if not path.exists() or path.read_text(encoding="utf-8") != text]
    if "--check" in sys.argv[1:]:
        for path in old:
            sys.stderr.write(f"{path.relative_to(ROOT)} is not current: run python docs/make_architecture.py\n")
        return int(bool(old))
    for path in old:
        path.write_text(wanted[path], encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
