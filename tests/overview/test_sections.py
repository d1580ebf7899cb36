"""Documents are divided into sections of similar sizes, at chapters and folders, without loss."""

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
        f"src/{section}/m{n}.py": f"def f{n}():\n    return {n}\n\n" * (n + 3)
        for section in ("core", "web")
        for n in range(8)
    },
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("sections")
    path = read_into(folder / "m.crystal", write(folder / "d", FILES))
    with Store.open(path) as store:
        yield IndexReader(store)


def only(index: IndexReader, name: str) -> DocumentRange:
    return next(whole_document(source) for source in index.store.sources() if source.path == name)


@pytest.mark.parametrize("name", FILES)
def test_the_atoms_of_a_document_are_at_their_places(index, name):
    source = only(index, name).source
    atoms, starts = document_atoms(index, source)
    text = index.span_text(source)
    assert sorted(atoms.tolist()) == sorted(atoms_of_documents(index, [source.id])[source.id].tolist())
    assert (np.diff(starts) > 0).all()
    for atom, start in zip(atoms.tolist(), starts.tolist(), strict=True):
        place = index.place(atom)
        assert text[start : start + place.end - place.start] == place.text[place.start : place.end]


@pytest.mark.parametrize("most", [1, 2, 5, 8, 12, 40])
def test_a_book_is_divided_at_its_chapters(index, most):
    book = only(index, "book.txt")
    sections = split_sections(index, [book], most)
    assert 1 <= len(sections) <= most
    covered = np.concatenate([section.atoms for section in sections])
    atoms, starts = document_atoms(index, book.source)
    notes = BOOK.index("Endnotes")
    # In order, all of them, and none of the notes.
    assert covered.tolist() == atoms[starts < notes].tolist()
    if most <= 12:
        sizes = [len(section.atoms) for section in sections]
        assert max(sizes) <= 3 * min(sizes)  # one chapter or two
        # No chapter is cut.
        assert all(one.places[-1] < following.places[0] for one, following in pairwise(sections))
        assert sections[0].label.startswith("Chapter 1") and sections[-1].label.endswith("Chapter 20")


def test_a_text_without_chapters_is_divided_all_the_same(index):
    sections = split_sections(index, [only(index, "flat.txt")], 4)
    assert [section.label for section in sections] == [f"part {n} of 4" for n in (1, 2, 3, 4)]
    assert [section.label for section in split_sections(index, [only(index, "tiny.txt")], 8)] == [""]


def test_many_files_are_divided_by_folder(index):
    code = [whole_document(source) for source in index.store.sources() if source.path.startswith("src/")]
    sections = split_sections(index, code, 2)
    assert [section.label for section in sections] == [
        "src/core/{m0.py – m7.py} (8 files)",
        "src/web/{m0.py – m7.py} (8 files)",
    ]
    assert sum(len(section.sources) for section in sections) == len(code)
    few = split_sections(index, code, 40)
    assert {source.path for section in few for source in section.sources} == {document.source.path for document in code}


def test_a_topic_is_divided_by_where_it_is_spoken_of(index):
    book = only(index, "book.txt")
    atoms, starts = document_atoms(index, book.source)
    late = atoms[starts > len(BOOK) // 2]
    sections = split_sections(index, [book], 4, late)
    assert set(np.concatenate([section.atoms for section in sections]).tolist()) <= set(late.tolist())
    everything = [whole_document(source) for source in index.store.sources()]
    assert {source.path for section in split_sections(index, everything, 8, late) for source in section.sources} == {
        "book.txt"
    }


def test_a_folder_opens_with_its_readme_and_a_paper_with_its_abstract(index, tmp_path):
    everything = [whole_document(source) for source in index.store.sources()]
    first = opening_section(index, everything)
    assert first is not None and first.label == "README.md"
    assert opening_section(index, [only(index, "book.txt")]) is None
    paper = f"# Of Tides\n\nA. N. Other\n\n## Abstract\n\nWe measure tides. {chapter(1)}\n\n## Method\n\n{chapter(2)}\n"
    path = read_into(tmp_path / "m.crystal", write(tmp_path / "p", {"paper.md": paper}))
    with Store.open(path) as store:
        own = IndexReader(store)
        (source,) = store.sources()
        section = opening_section(own, [whole_document(source)])
        assert section is not None
        query = Searcher(own, None, None).prepare("tides")
        texts = [passage.text for passage in representative_passages(own, None, query, section, 4)]
        assert texts and all(text in paper[: paper.index("## Method")] for text in texts)


def test_representatives_are_of_their_section_alone_and_spread_over_its_chapters(index):
    (book,) = resolve_documents(index.store, [only(index, "book.txt").source], "book.txt")
    query = Searcher(index, None, None).prepare("keeper")
    for section in split_sections(index, [book], 4):
        passages = representative_passages(index, None, query, section, 4)
        assert len(passages) == 4
        chapters = {passage.heading for passage in passages}
        assert len(chapters) >= 3
        for passage in passages:
            assert BOOK[passage.start : passage.end] == passage.text
