from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from crystalcli import Crystal, RecallFilter
from crystalcli.recall.fate_score import asked_fate, fate_scores
from crystalcli.recall.name_mentions import MentionScores

WALK = "Ann Marl walked along quay {0} and counted the boats that lay there, and Ann Marl spoke of boat {0}."
TIDE = " ".join(f"The tide came in over stone {number}, and lamp {number} was lit." for number in range(9))
DEATH = "In the winter the ice broke below Ann. When they reached her she was lifeless, and the body was buried here."


@pytest.mark.parametrize(
    ("question", "whom"),
    [
        ("How does Ann Marl die?", "Ann Marl"),
        ("how did ann marl die", "ann marl"),
        ("How was Ann Marl killed on her wedding night?", "Ann Marl"),
        ("Who murdered Mrs Marl?", "Mrs Marl"),
        ("With what did Ben slay the keeper?", "Ben slay the keeper"),
        ("What happens to Ann Marl in the end?", "Ann Marl"),
        ("In the end, what becomes of the ship?", "the ship"),
        ("What happened to Ann after she left the harbour?", ""),
        ("How did Ann manage to kill the bird?", ""),
        ("Why did the young men rather die?", ""),
        ("How do I kill a process that hangs?", ""),
        ("What happens to a request that has neither a session nor a token?", ""),
        ("Who is Ann Marl?", ""),
        ("What happened?", ""),
    ],
)
def test_whose_fate_is_asked_for(question, whom):
    assert asked_fate(question) == whom


def test_a_long_question_takes_no_time():
    began = time.process_time()
    assert asked_fate("how was " + "x killed in " * 20_000) == ""
    assert time.process_time() - began < 0.5


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("story")
    walks = [f"{WALK.format(number)} {TIDE.replace('stone', f'stone {number}')}" for number in range(12)]
    (folder / "story.txt").write_text("\n\n".join([*walks, DEATH, TIDE]), encoding="utf-8")
    others = "\n\n".join(f"Lou Marl was killed, dead and buried at quay {number}. {TIDE}" for number in range(30))
    (folder / "namesake.txt").write_text(others, encoding="utf-8")
    (folder / "notes.md").write_text("\n\n".join([*walks[::-1], f"Here it says: {DEATH}"]), encoding="utf-8")
    crystal = Crystal(folder / "story.crystal", encoder=encoder_folder)
    crystal.ingest([folder])
    return crystal


def test_the_scene_comes_before_the_many_passages_with_the_name(story):
    where = RecallFilter(within=("*.txt",))
    first = story.recall("What happens to Ann Marl in the end?", where=where, rerank=False)[0]
    assert "lifeless" in first.text and first.shares["fate"] > 0
    assert all("fate" not in passage.shares for passage in story.recall("Where does Ann Marl walk?", 10))


def test_only_books_with_all_of_the_name_are_looked_at(story):
    with story.snapshot():
        searcher = story.searcher()
        index = searcher.shelf
        scores = fate_scores(index, searcher.terms, searcher.prepare("How did Ann Marl die?"))
        assert scores is not None
        chunks = index.nesting.chunk_of(scores.atoms).tolist()
        assert {index.store.source(run.source).path for chunk in chunks for run in index.store.runs_over(chunk)} == {
            "story.txt"
        }
        assert fate_scores(index, searcher.terms, searcher.prepare("How did Zeno die?")) is None
        assert fate_scores(index, searcher.terms, searcher.prepare("Where did Ann Marl walk?")) is None


def test_scores_of_other_atoms_are_0():
    scores = MentionScores(np.array([3, 7]), np.array([0.5, 2.0], np.float32))
    assert scores.of(np.array([0, 3, 5, 7, 9])).tolist() == [0, 0.5, 0, 2.0, 0]
    assert scores.best(1) == [7]
    assert MentionScores(np.zeros(0, np.int64), np.zeros(0, np.float32)).of(np.array([1])).tolist() == [0]
