"""The signal of exact strings, and recall by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.recall.exact_score import EXACT, exact_matches, exact_scores
from crystalcli.recall.searcher import Searcher

FILLER = "The ferry came at six and the tide was low in the harbour of the island. " * 12
NOTES = {
    "rope.txt": f"{FILLER}A rope of 40 m is kept. {FILLER}",
    "metres.txt": f"{FILLER}There are 40 ropes, m is a letter. {FILLER}",
    "quote.txt": f"{FILLER}He said: all is well on the quay. {FILLER}",
    "words.txt": f"{FILLER}On the quay all of it is as well as can be. {FILLER}",
    "gauge.txt": f"{FILLER}Then tide_gauge fails. {FILLER}",
    "parts.txt": f"{FILLER}Then the tide and the gauge fail. {FILLER}",
}


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Path:
    folder = tmp_path_factory.mktemp("exact")
    for name, text in NOTES.items():
        (folder / name).write_text(text, encoding="utf-8")
    with Crystal.create(folder / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([folder])
    return folder / "m.crystal"


def matched_texts(path: Path, question: str) -> dict[str, float]:
    """The texts of the atoms that match, with their scores."""
    with Crystal.open(path, encoder=None) as crystal:
        index = crystal.shelf
        matches = exact_matches(index, Searcher(index, None, None).prepare(question))
        places = {atom: index.place(atom) for atom in matches}
        return {place.text[place.start : place.end]: matches[atom] for atom, place in places.items()}


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Which rope has 40 m?", "40 m is"),
        ('Who said "all is well"?', "all is well"),
        ("When does tide_gauge fail?", "tide_gauge"),
    ],
)
def test_the_atoms_in_which_a_string_stands_are_scored_and_no_others(path, question, words):
    found = matched_texts(path, question)
    assert len(found) == 1 and words in next(iter(found))
    assert 0 < next(iter(found.values())) <= EXACT + 1e-6


def test_plain_words_match_nothing_and_leave_the_score_table_as_it_is(path, encoder_folder):
    question = "Which rope is kept on the quay?"
    assert matched_texts(path, question) == {}
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        searcher = crystal.searcher()
        ranked = searcher.rank(searcher.prepare(question), 3, 20)
    assert all("exact" not in scored.signals for scored in ranked)


def test_the_signal_is_in_the_explanation(path, encoder_folder):
    with Crystal.open(path, encoder=encoder_folder) as crystal:
        best = crystal.recall('Who said "all is well"?', 1)[0]
    assert best.path == "quote.txt" and best.shares["exact"] > 0


def test_a_string_that_stands_nowhere_gives_nothing(path):
    assert matched_texts(path, "Which rope has 41 km?") == {}


def test_scores_are_given_in_the_order_of_the_atoms():
    scores = exact_scores({3: 0.5}, np.array([1, 3, 4]))
    assert scores.dtype == np.float32 and scores.tolist() == [0, 0.5, 0]
