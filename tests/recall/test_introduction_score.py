from __future__ import annotations

from pathlib import Path

import pytest

from crystalcli import Crystal

FIRST = "At the gate of the yard they met one who kept the ferry and two goats. That was Ann Marl."
WALK = "Ann Marl walked along quay {0} and counted the boats that lay there, and Ann Marl, Ann Marl spoke of boat {0}."
TIDE = " ".join(f"The tide came in over stone {number}, and lamp {number} was lit." for number in range(9))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, encoder_folder: Path) -> Crystal:
    folder = tmp_path_factory.mktemp("story")
    walks = [f"{WALK.format(number)} {TIDE.replace('stone', f'stone {number}')}" for number in range(40)]
    (folder / "story.txt").write_text("\n\n".join([TIDE, FIRST, *walks]), encoding="utf-8")
    crystal = Crystal(folder / "story.crystal", encoder=encoder_folder)
    crystal.ingest([folder])
    return crystal


def test_who_somebody_is_is_told_at_the_first_mention(story):
    passages = story.recall("Who is Ann Marl?", 60, rerank=False)
    first = next(passage for passage in passages if "kept the ferry" in passage.text)
    assert first.shares["introduction"] == max(passage.shares.get("introduction", 0) for passage in passages)
    assert "introduction" not in passages[-1].shares


def test_other_questions_have_no_introductions(story):
    assert all("introduction" not in each.shares for each in story.recall("Where does Ann Marl walk?", 24))
