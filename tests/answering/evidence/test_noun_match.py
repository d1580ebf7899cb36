"""Nouns of a question to which nothing in the passages is like."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal
from crystalcli.answering.evidence.noun_match import least_like_noun

NOTES = {
    "2031-01-10.md": "Minna has a new boat, the Tern. It is green.",
    "2031-02-03.md": "The old oak at the gate lost a branch in the storm.",
    "2031-03-08.md": "Minna sang with Josiah in the hall. Everybody clapped.",
}


def least(question: str, **likeness: float) -> float:
    """The likeness of the noun that has least, of a question of one token a word."""
    words = list(re.finditer(r"[\w']+", question))
    given = np.array([likeness.get(word[0].lower().removesuffix("'s"), 0.9) for word in words], np.float32)
    return least_like_noun(question, [word.end() for word in words], given, {"name"})


@pytest.mark.parametrize(
    ("question", "likeness", "expected"),
    [
        ("Which choir does Minna sing in?", {"choir": 0.2, "minna": 0.9}, 0.2),
        ("What did Bo write about the harbour strike?", {"strike": 0.3, "harbour": 0.5}, 0.3),
        ("What did Bo say about it?", {"say": 0.1, "about": 0.1, "it": 0.1}, 0.9),  # no nouns but Bo
        ("What is the name of the boat?", {"name": 0.1, "boat": 0.6}, 0.6),  # a word of requests
        ("Why did he leave?", {"leave": 0.1}, 1.0),
        ("Was it in 2031?", {"2031": 0.1}, 1.0),
    ],
)
def test_the_noun_that_is_least_like_the_passages_counts(question, likeness, expected):
    assert least(question, **likeness) == pytest.approx(expected)


def test_what_no_passage_speaks_of_is_not_here(tmp_path: Path, encoder_folder: Path, reranker_folder: Path):
    for name, text in NOTES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    with Crystal(tmp_path / "m.crystal", encoder=encoder_folder, reranker=reranker_folder) as crystal:
        crystal.ingest([tmp_path])
        said = {
            question: crystal.ask(question, extractive=True).evidence
            for question in ("What colour is Minna's boat?", "Which tree is at the gate?")
        }
        unsaid = {
            question: crystal.ask(question, extractive=True).evidence
            for question in ("What did Minna say about the earthquake?", "Which guitar has Minna?")
        }
    assert min(said.values()) > 0.5, said
    assert max(unsaid.values()) < 0.2, unsaid
