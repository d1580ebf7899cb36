"""A name in a question means documents, or sections of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.lexical_crystals import read_into, write

from crystalcli.overview.resolve import nearest_names, resolve_documents
from crystalcli.storage.store import Store

BOOK = "\n\n\n".join(
    f"{number}\n\n{title}\n\n" + f"The tide of {title} came in, and the keeper wrote it down. " * 12
    for number, title in (
        ("I", "The Ferry"),
        ("II", "A Good Balance"),
        ("III", "The Whiteness of the Whale"),
        ("IV", "Low Water"),
    )
)
FILES = {
    "books/herman-melville_moby-dick.txt": BOOK,
    "books/ulysses-s-grant_personal-memoirs-of-ulysses-s-grant.txt": "The war went on. " * 40,
    "books/oscar-wilde_the-picture-of-dorian-gray.txt": "The portrait hung there. " * 40,
    "books/jane-austen_emma.txt": "Emma was handsome. " * 40,
    "books/jane-austen_pride-and-prejudice.txt": "It is a truth. " * 40,
    "src/app.py": "def run():\n    return 1\n",
    "src/json/tag.py": "def tag():\n    return 2\n",
    "docs/quickstart.md": "# Quickstart\n\nInstall it.\n\n## First steps\n\nRun it. Then run it again, and again.\n",
    "docs/report.md": "# Annual Tide Report\n\nThe tide was high.\n",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("naming")
    root = write(folder / "shelf", FILES)
    return read_into(folder / "m.crystal", root)


def meant(path: Path, phrase: str) -> list[tuple[str, str]]:
    with Store.open(path) as store:
        sources = [source for source in store.sources() if source.chunks]
        return [(document.source.path, document.label) for document in resolve_documents(store, sources, phrase)]


MOBY, EMMA, GRAY = (
    "books/herman-melville_moby-dick.txt",
    "books/jane-austen_emma.txt",
    "books/oscar-wilde_the-picture-of-dorian-gray.txt",
)


@pytest.mark.parametrize(
    ("phrase", "documents"),
    [
        ("Moby Dick", [MOBY]),
        ("moby-dick", [MOBY]),
        ("“Moby Dick”", [MOBY]),
        ("the novel Moby Dick", [MOBY]),
        ("Moby Dick by Herman Melville", [MOBY]),
        ("Melville's Moby Dick", [MOBY]),
        ("the book called Emma", [EMMA]),
        ("Dorian Gray", [GRAY]),
        ("Jane Austen", [EMMA, "books/jane-austen_pride-and-prejudice.txt"]),
        ("app.py", ["src/app.py"]),
        ("src/app.py", ["src/app.py"]),
        ("src", ["src/app.py", "src/json/tag.py"]),
        ("the src folder", ["src/app.py", "src/json/tag.py"]),
        ("src/json", ["src/json/tag.py"]),
        ("the docs", ["docs/quickstart.md", "docs/report.md"]),
        ("quickstart", ["docs/quickstart.md"]),
        ("the annual tide report", ["docs/report.md"]),  # its title
        ("Ulysses", []),  # one word of another's name is not the name of that
        ("Grant", []),
        ("War and Peace", []),
        ("Moby Duck", []),
        ("", []),
        ("the", []),
        ("!?", []),
        ("100%_", []),
    ],
)
def test_names_of_documents(path, phrase, documents):
    assert meant(path, phrase) == [(document, "") for document in documents]


@pytest.mark.parametrize(
    ("phrase", "label"),
    [
        ("chapter 2 of Moby Dick", "II. A Good Balance"),
        ("chapter II of Moby Dick", "II. A Good Balance"),
        ("the second chapter of Moby Dick", "II. A Good Balance"),
        ("Chapter three of Moby Dick", "III. The Whiteness of the Whale"),
        ("the last chapter of Moby Dick", "IV. Low Water"),
        ("the chapter on the whiteness of the whale", "III. The Whiteness of the Whale"),
        ("The Whiteness of the Whale", "III. The Whiteness of the Whale"),
    ],
)
def test_names_of_chapters(path, phrase, label):
    assert meant(path, phrase) == [(MOBY, label)]


def test_what_is_no_chapter(path):
    assert meant(path, "chapter 9 of Moby Dick") == []
    assert meant(path, "chapter 2 of Ulysses") == []
    assert meant(path, "chapter 2") == []  # of which of the documents?


def test_a_chapter_goes_to_the_next_that_is_not_below_it(path):
    with Store.open(path) as store:
        sources = [source for source in store.sources() if source.chunks]
        (chapter,) = resolve_documents(store, sources, "chapter 2 of Moby Dick")
        assert BOOK[chapter.start :].startswith("II\n")
        assert BOOK[chapter.end :].startswith("III\n")
        (all_of_it,) = resolve_documents(store, sources, "Quickstart")
        assert all_of_it.end == all_of_it.source.characters


def test_the_nearest_names_are_offered(path):
    with Store.open(path) as store:
        near = nearest_names(store.sources(), "Ulysses by James Joyce")
        assert [source.path for source in near] == ["books/ulysses-s-grant_personal-memoirs-of-ulysses-s-grant.txt"]
        assert nearest_names(store.sources(), "Xyzzy") == []
