"""Definitions that a question names, and the score of their atoms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.index import run_atom_spans
from crystalcli.recall.document_score import atom_documents
from crystalcli.recall.named_definition import (
    NAMED,
    NESTED,
    DefinitionName,
    NamedDefinitionScorer,
    definition_names,
    module_parts,
)
from crystalcli.recall.score_table import CandidateAtoms, LayerSimilarities
from crystalcli.recall.searcher import Searcher

BODY = "        value = self.store.fetch(value)\n        self.log.append(value)\n" * 12
NAMES = {"Gate": ("open", "shut"), "Sluice": ("drain", "shut")}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("harbour") / "harbour"
    (folder / "tests").mkdir(parents=True)
    classes = "".join(
        f"class {name}:\n" + "".join(f"    def {method}(self, value):\n{BODY}" for method in methods)
        for name, methods in NAMES.items()
    )
    (folder / "locks.py").write_text(classes, encoding="utf-8")
    (folder / "tests" / "test_locks.py").write_text(classes, encoding="utf-8")
    (folder / "notes.md").write_text("Gate.open is slow.\n", encoding="utf-8")
    many = "".join(f"class Berth{number}:\n    def moor(self, value):\n{BODY}" for number in range(8))
    (folder / "berths.py").write_text(many, encoding="utf-8")
    with Crystal.create(folder.parent / "m.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
    return folder.parent / "m.crystal"


def named(path: Path, question: str) -> dict[str, float]:
    """The highest score of each definition that has one, by its file and name."""
    with Crystal.open(path, encoder=None) as crystal:
        index = crystal.shelf
        query = Searcher(index, None, None).prepare(question)
        atoms = np.arange(index.atoms)
        nothing = np.zeros(len(atoms), np.float32)
        layers = LayerSimilarities(nothing, nothing, nothing)
        candidates = CandidateAtoms(atoms, atom_documents(index, atoms), layers)
        scores = NamedDefinitionScorer(index).score(query, candidates)
        assert scores.dtype == np.float32 and scores.shape == atoms.shape
        found: dict[str, float] = {}
        for source in index.store.sources():
            for run in index.store.runs_of(source.id):
                for atom, start, end in zip(*run_atom_spans(index, run), strict=True):
                    label = index.store.landmark_before(source.id, "definition", int(start + end) // 2)
                    if scores[atom]:
                        key = f"{source.path}:{label}"
                        found[key] = max(found.get(key, 0.0), float(scores[atom]))
        return found


@pytest.mark.parametrize(
    ("question", "names"),
    [
        ("how does harbour.gather work?", [("gather", ("harbour",), True)]),
        ("What calls fetch_all() and readLine?", [("fetch_all", (), True), ("readLine", (), True)]),
        ("how does a Barrier break", [("Barrier", (), True)]),
        ("how does heap merge work?", [("merge", ("heap",), False)]),
        ("the merge function of heap", [("merge", ("heap",), False)]),
        ("How does it work?", []),
        ("", []),
    ],
)
def test_names_of_definitions_in_a_question(question, names):
    assert {DefinitionName(*name) for name in names} <= set(definition_names(question))
    if not names:
        assert definition_names(question) == []


@pytest.mark.parametrize(
    ("question", "labels"),
    [
        ("How slow is Gate.open?", {"Gate.open": NAMED}),
        ("How slow is gate open?", {"Gate.open": NAMED}),
        ("What does the shut of gate do?", {"Gate.shut": NAMED}),
        # The line of the class is in the first atom of its first method.
        ("Is there something slow in a Sluice?", {"Sluice.drain": NAMED, "Sluice.shut": NAMED * NESTED}),
        ("Is there something slow in Gate.drain?", {}),
        ("How slow is a wet gate?", {}),
        ("What does berths moor do?", {}),  # eight of them
        ("What does locks locks do?", {}),
    ],
)
def test_atoms_of_the_definition_that_is_named(path, question, labels):
    wanted = {f"locks.py:{label}": pytest.approx(score) for label, score in labels.items()}
    assert named(path, question) == wanted


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("harbour/locks.py", ["harbour", "locks"]),
        ("harbour/__init__.py", ["harbour"]),
        ("web/index.ts", ["web"]),
        ("locks.test.py", ["locks"]),
    ],
)
def test_the_parts_of_a_module(path, parts):
    assert module_parts(path) == parts
