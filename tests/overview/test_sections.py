"""Documents divided into parts: nothing left out, nothing twice, like sizes, cut at chapters and folders."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from support.lexical_crystals import read_into, write

from crystalcli.index.atom_spans import atoms_of_documents, document_atoms
from crystalcli.index.index_reader import IndexReader
from crystalcli.overview.representatives import representative_passages
from crystalcli.overview.resolve import DocumentRange, resolve_documents, whole_document
from crystalcli.overview.sections import opening_section, split_sections
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.store import Store

WORDS = "ferry harbour keeper ledger lamp oil tide rope anchor pilot chart storm winter bell salt".split()  # noqa: SIM905


def chapter(seed: int, sentences: int = 60) -> str:
    picked = [WORDS[(seed * 7 + i * (seed % 5 + 1)) % len(WORDS)] for i in range(3 * sentences)]
    return " ".join(f"The {a} {seed} of the {b} met the {c}." for a, b, c in zip(*[iter(picked)] * 3, strict=True))


BOOK = "\n\n\n".join(f"Chapter {n}\n\n{chapter(n)}" for n in range(1, 21)) + "\n\n\nEndnotes\n\n" + chapter(99)
FILES = {
    "book.txt": BOOK,
    "flat.txt": chapter(3, 200),
    "tiny.txt": "One line about a ferry.\n",
    "README.md": "# Tides\n\nTides is a program that reads tide tables. It prints them.\n",
    **{
        f"src/{part}/m{n}.py": f"def f{n}():\n    return {n}\n\n" * (n + 3)
        for part in ("core", "web")
        for n in range(8)
    },
}


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("parts")
    path = read_into(folder / "m.crystal", write(folder / "d", FILES))
    with Store.open(path) as store:
        yield IndexReader(store)


def only(shelf: IndexReader, name: str) -> DocumentRange:
    return next(whole_document(source) for source in shelf.store.sources() if source.path == name)


@pytest.mark.parametrize("name", FILES)
def test_an_extent_is_a_documents_atoms_at_their_places(shelf, name):
    source = only(shelf, name).source
    atoms, starts = document_atoms(shelf, source)
    text = shelf.span_text(source)
    assert sorted(atoms.tolist()) == sorted(atoms_of_documents(shelf, [source.id])[source.id].tolist())
    assert (np.diff(starts) > 0).all()
    for atom, start in zip(atoms.tolist(), starts.tolist(), strict=True):
        place = shelf.place(atom)
        assert text[start : start + place.end - place.start] == place.text[place.start : place.end]


@pytest.mark.parametrize("most", [1, 2, 5, 8, 12, 40])
def test_a_book_is_divided_at_its_chapters(shelf, most):
    book = only(shelf, "book.txt")
    parts = split_sections(shelf, [book], most)
    assert 1 <= len(parts) <= most
    held = np.concatenate([part.atoms for part in parts])
    atoms, starts = document_atoms(shelf, book.source)
    notes = BOOK.index("Endnotes")
    assert held.tolist() == atoms[starts < notes].tolist()  # in order, all of them, and nothing of the notes
    if most <= 12:
        sizes = [len(part.atoms) for part in parts]
        assert max(sizes) <= 3 * min(sizes)  # two chapters beside one
        assert all(before.places[-1] < after.places[0] for before, after in pairwise(parts))  # no chapter is cut
        assert parts[0].label.startswith("Chapter 1") and parts[-1].label.endswith("Chapter 20")


def test_a_text_without_chapters_is_divided_all_the_same(shelf):
    parts = split_sections(shelf, [only(shelf, "flat.txt")], 4)
    assert [part.label for part in parts] == [f"part {n} of 4" for n in (1, 2, 3, 4)]
    assert [part.label for part in split_sections(shelf, [only(shelf, "tiny.txt")], 8)] == [""]


def test_many_files_are_divided_by_folder(shelf):
    code = [whole_document(source) for source in shelf.store.sources() if source.path.startswith("src/")]
    parts = split_sections(shelf, code, 2)
    assert [part.label for part in parts] == [
        "src/core/{m0.py – m7.py} (8 files)",
        "src/web/{m0.py – m7.py} (8 files)",
    ]
    assert sum(len(part.sources) for part in parts) == len(code)
    few = split_sections(shelf, code, 40)
    assert {source.path for part in few for source in part.sources} == {each.source.path for each in code}


def test_a_topic_is_divided_by_where_it_is_spoken_of(shelf):
    book = only(shelf, "book.txt")
    atoms, starts = document_atoms(shelf, book.source)
    late = atoms[starts > len(BOOK) // 2]
    parts = split_sections(shelf, [book], 4, late)
    assert set(np.concatenate([part.atoms for part in parts]).tolist()) <= set(late.tolist())
    everything = [whole_document(source) for source in shelf.store.sources()]
    assert {source.path for part in split_sections(shelf, everything, 8, late) for source in part.sources} == {
        "book.txt"
    }


def test_a_folder_opens_with_its_readme_and_a_paper_with_its_abstract(shelf, tmp_path):
    everything = [whole_document(source) for source in shelf.store.sources()]
    first = opening_section(shelf, everything)
    assert first is not None and first.label == "README.md"
    assert opening_section(shelf, [only(shelf, "book.txt")]) is None
    paper = f"# Of Tides\n\nA. N. Other\n\n## Abstract\n\nWe measure tides. {chapter(1)}\n\n## Method\n\n{chapter(2)}\n"
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "p", {"paper.md": paper}))
    with Store.open(path) as store:
        own = IndexReader(store)
        (source,) = store.sources()
        found = opening_section(own, [whole_document(source)])
        assert found is not None
        query = Searcher(own, None, None).prepare("tides")
        texts = [passage.text for passage in representative_passages(own, None, query, found, 4)]
        assert texts and all(text in paper[: paper.index("## Method")] for text in texts)


def test_an_overview_is_of_its_part_alone_and_spread_over_its_chapters(shelf):
    (stretch,) = resolve_documents(shelf.store, [only(shelf, "book.txt").source], "book.txt")
    query = Searcher(shelf, None, None).prepare("keeper")
    for part in split_sections(shelf, [stretch], 4):
        passages = representative_passages(shelf, None, query, part, 4)
        assert len(passages) == 4
        chapters = {passage.heading for passage in passages}
        assert len(chapters) >= 3
        for passage in passages:
            assert BOOK[passage.start : passage.end] == passage.text
