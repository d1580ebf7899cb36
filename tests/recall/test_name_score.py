"""The name score of a definition's atoms, and recall by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.index.chunk_context import CONTEXT_MARK
from crystalcli.lexical import query_terms
from crystalcli.recall.name_score import NAME_WEIGHT, QUESTION_WEIGHT, name_scores
from crystalcli.recall.searcher import Searcher

BODY = "    total = value + 1\n    for each in range(total):\n        value += each\n    return value\n\n\n"
NAMES = ("load_config_file", "config", "rotate_keys", "parseGaugeRecord", "test_rotate_keys")


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("named")
    (folder / "src").mkdir()
    for number, name in enumerate(NAMES):  # long ones, so that each is a chunk
        (folder / "src" / f"{number}.py").write_text(f"def {name}(value):\n{BODY}", encoding="utf-8")
    indented = BODY.replace("\n    ", "\n        ").replace("    total", "        total", 1)
    methods = "".join(f"    def {name}(self, value):\n{indented * 12}" for name in ("wait", "open_gate"))
    (folder / "src" / "9.py").write_text(f"class Harbour:\n{methods}", encoding="utf-8")
    (folder / "bare.py").write_text("value = 1\nfor each in range(3):\n    value += each\n", encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder / "src", folder / "bare.py"])
    return folder / "m.crystal"


def scores_by_name(path: Path, question: str) -> dict[str, float]:
    """The score of each definition, by its name."""
    with Crystal.open(path, encoder=None) as crystal:
        index = crystal.shelf
        scores = name_scores(index, Searcher(index, None, None).prepare(question), np.arange(index.atoms))
        chunks = index.nesting.chunk_of(np.arange(index.atoms)).tolist()
        names = [index.context_of(chunk).partition(CONTEXT_MARK)[2] for chunk in chunks]
        assert scores.dtype == np.float32 and scores.shape == (index.atoms,)
        return dict(zip(names, scores.tolist(), strict=True))


@pytest.mark.parametrize(
    "question", ["load the config file", "rotate keys", "the gauge record", "open the harbour", "sea"]
)
def test_a_name_gives_what_question_and_name_say_of_one_another(path, question):
    with Crystal.open(path, encoder=None) as crystal:
        idf = Searcher(crystal.shelf, None, None).prepare(question).idf
    for name, score in scores_by_name(path, question).items():
        terms = [term for term in query_terms(name) if term != "test"]
        own = [term for term in query_terms(name.split(".")[-1]) if term != "test"]
        in_name = sum(weight for term, weight in idf.items() if term in terms) / sum(idf.values())
        in_question = len(set(own) & set(idf)) / max(1, len(own))
        assert score == pytest.approx(QUESTION_WEIGHT * in_name + NAME_WEIGHT * in_question, abs=1e-6)


def test_a_name_said_whole_gives_more_than_one_said_in_part(path):
    scores = scores_by_name(path, "where is the config kept?")
    assert scores["config"] > scores["load_config_file"] > 0 == scores["rotate_keys"]
    assert scores[""] == 0  # outside of all definitions


def test_the_class_counts_as_asked_for_and_not_as_said(path):
    whole, gate = (scores_by_name(path, question)["Harbour.open_gate"] for question in ("harbour gate", "gate"))
    assert whole == pytest.approx(gate, abs=1e-6)  # both are asked for wholly, and say the same of `open_gate`


def test_that_a_test_is_one_says_nothing(path):
    scores = scores_by_name(path, "test the keys")
    assert scores["test_rotate_keys"] <= scores["rotate_keys"]


def test_of_functions_with_one_body_that_is_found_whose_name_is_asked_for(path, encoder_folder):
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        best = crystal.recall("parse a record of a gauge", 1)[0]
    assert best.path == "3.py"
    assert best.shares["definition"] > 0
    assert sum(share for name, share in best.shares.items() if name != "atom") == pytest.approx(best.score, abs=1e-4)
