"""The document score: a document's name, its other words, and the penalty of tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.index.index_reader import IndexReader
from crystalcli.lexical import query_terms, terms
from crystalcli.recall.document_score import (
    COVERAGE,
    LOG_PENALTY,
    PATH_CODE,
    PATH_PROSE,
    TEST_PENALTY,
    atom_documents,
    document_scores,
    terms_of_path,
)
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.searcher import Searcher
from crystalcli.storage.store import Store

WORDS = "rope anchor lantern harbour beacon tide mooring ferry".split()  # noqa: SIM905 - a list would take a page
QUESTION = "How does the lantern of the harbour find a mooring at high tide?"


def function(seed: int) -> str:
    one, two = WORDS[seed % len(WORDS)], WORDS[(3 * seed + 1) % len(WORDS)]
    return f"def {one}_{seed}({two}):\n    return [{two} + {seed} for _ in range({seed})]\n\n\n"


@pytest.mark.parametrize("name", ["src/RopeTests/test_rope.py", "Ä/Größe der Häfen/绳子.md", "/a//b.tar.gz", ""])
def test_a_path_has_the_terms_of_its_names(name):
    assert terms_of_path(name) == {term for term, _ in terms(name)}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("standing")
    texts = {
        "src/harbour.py": "".join(map(function, range(0, 150, 3))),
        "src/rope.py": "".join(map(function, range(0, 90, 8))),
        "src/test_rope.py": "".join(map(function, range(0, 90, 8))) + "# tests\n",
        "harbour/log.txt": "The ferry left at six, and nobody spoke of the tide. " * 40,
        "other.txt": "The ferry left at seven, and everybody spoke of the lantern. " * 40,
    }
    for name, text in texts.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder / "src", folder / "harbour", folder / "other.txt"])
    return folder / "m.crystal"


def scores_by_path(path: Path, question: str) -> dict[str, tuple[set[bool], set[float]]]:
    """For each document: whether its atoms are code, and their scores."""
    with Store.open(path) as store:
        index = IndexReader(store)
        query = Searcher(index, None, None).prepare(question)
        documents = atom_documents(index, np.arange(index.atoms), min_definitions=1)
        scores = document_scores(index, query, documents)
        by_path: dict[str, tuple[set[bool], set[float]]] = {}
        for atom in range(index.atoms):
            for run in store.runs_over(index.chunk_of(atom)):
                is_code, atom_scores = by_path.setdefault(store.source(run.source).path, (set(), set()))
                is_code.add(bool(documents.is_code[atom]))
                atom_scores.add(round(float(scores[atom]), 4))
        return by_path


def expected(path: Path, question: str) -> dict[str, float]:
    """The score of each document, computed from its whole text."""
    with Store.open(path) as store:
        index = IndexReader(store)
        query: PreparedQuery = Searcher(index, None, None).prepare(question)
        total = sum(query.idf.values())
        wanted = {}
        for source in store.sources():
            here = {term for term, _ in terms(index.span_text(source))} | {term for term, _ in terms(source.path)}
            name = {term for term, _ in terms(source.path)}
            by_name = sum(idf for term, idf in query.idf.items() if term in name) / total
            by_text = sum(idf for term, idf in query.idf.items() if term in here) / total
            code = source.kind == "code"
            wanted[source.path] = PATH_CODE * by_name + COVERAGE * by_text if code else PATH_PROSE * by_name
            if code and "test" in name and "test" not in query_terms(question):
                wanted[source.path] -= TEST_PENALTY
        return wanted


@pytest.mark.parametrize("question", [QUESTION, "rope", "tests of the rope", "log of the ferry", "nothing at all"])
def test_a_document_gives_what_its_name_and_its_whole_text_say(path, question):
    scores, wanted = scores_by_path(path, question), expected(path, question)
    assert scores.keys() == wanted.keys()
    for name, (is_code, atom_scores) in scores.items():
        assert is_code == {name.endswith(".py")}
        assert list(atom_scores) == [pytest.approx(wanted[name], abs=1e-3)]


def test_tests_stand_back_unless_they_are_asked_for(path):
    for question, back in (("rope", True), ("tests of the rope", False)):
        scores = scores_by_path(path, question)
        (test,), (plain,) = scores["test_rope.py"][1], scores["rope.py"][1]
        assert (test < plain) == back


def test_how_i_do_something_is_asked_of_manuals(path):
    (looked_for,) = scores_by_path(path, "harbour")["harbour.py"][1]
    (asked,) = scores_by_path(path, "How do I harbour?")["harbour.py"][1]
    assert asked == pytest.approx(PATH_PROSE * (looked_for - COVERAGE) / PATH_CODE, abs=1e-3)  # all words are there


def test_how_i_test_something_is_not_asked_of_tests(path):
    scores = scores_by_path(path, "how do I write tests of the rope?")
    (test,), (plain,) = scores["test_rope.py"][1], scores["rope.py"][1]
    assert test < plain


@pytest.mark.parametrize("name", ["CHANGES.rst", "docs/changelog.md", "docs/releases/v2.0.rst", "HISTORY-4.1.txt"])
def test_lists_of_changes_stand_back_unless_versions_are_asked_for(tmp_path, name):
    for each in (name, "docs/guide.rst", "src/rope.py"):
        (tmp_path / "f" / each).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "f" / each).write_text(
            "The rope holds the anchor. " * 20 if not each.endswith("py") else function(8)
        )
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "f"])
    for question, back in (("what holds the anchor?", LOG_PENALTY), ("since which version does the rope hold?", 0.0)):
        scores = scores_by_path(tmp_path / "m.crystal", question)
        assert scores[name][1] == {round(-back, 4)}
        assert scores["docs/guide.rst"][1] == {0.0}


def test_without_source_code_no_document_is_a_list_of_changes(tmp_path):
    (tmp_path / "f").mkdir()
    (tmp_path / "f/history.md").write_text("The rope holds the anchor. " * 20)
    with Crystal.create(tmp_path / "m.crystal", encoder=None) as crystal:
        crystal.ingest([tmp_path / "f"])
    assert scores_by_path(tmp_path / "m.crystal", "what holds the anchor?")["history.md"][1] == {0.0}


def test_a_file_of_code_is_found_by_words_that_no_function_has_together(tmp_path, encoder_folder):
    folder = tmp_path / "src"
    folder.mkdir()
    body = "def {0}(value):\n    total = value + 1\n    return total\n\n\n"
    spread = "".join(
        body.format(name) for name in ("rotate_keys", "sign_session", "order_fallbacks", "weigh", "count", "store")
    )
    (folder / "a.py").write_text(spread, encoding="utf-8")
    (folder / "b.py").write_text(body.format("rotate_image") * 3, encoding="utf-8")
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder])
        best = crystal.recall("rotate the keys that sign a session, in order", 1)[0]
    assert best.path == "a.py"
    assert best.shares["document"] > 0
    assert sum(share for name, share in best.shares.items() if name != "atom") == pytest.approx(best.score, abs=1e-4)


def test_the_words_of_a_lone_function_give_nothing(tmp_path):
    two = "def rope(a):\n    return a\n\n\ndef mooring(a):\n    return a + 1\n"
    (tmp_path / "two.py").write_text(two, encoding="utf-8")
    (tmp_path / "more.py").write_text(
        two + "\n\nclass Tide:\n    def a(self):\n        pass\n\n    def b(self):\n        pass\n", encoding="utf-8"
    )
    best = {}
    for name in ("two.py", "more.py"):
        with Crystal.create(tmp_path / f"{name}.crystal", encoder=None) as crystal:
            crystal.ingest([tmp_path / name])
            question = Searcher(crystal.shelf, None, None).prepare("rope mooring")
            documents = atom_documents(crystal.shelf, np.arange(crystal.shelf.atoms))
            best[name] = document_scores(crystal.shelf, question, documents).max()
            assert documents.is_code.all() and (documents.is_lone == (name == "two.py")).all()
    assert best == {"two.py": 0.0, "more.py": pytest.approx(COVERAGE)}
