"""Recency: dated messages lose score, over a small chat and a page of a book, without vectors."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crystalcli import Crystal, FilterReading
from crystalcli.answering.request.ask_options import AskOptions
from crystalcli.cli.app import run
from crystalcli.errors import UsageError
from crystalcli.neural_memory import Forgetting
from crystalcli.recall.recency import HALF_LIFE, WEIGHT, parse_message_time, written_at

QUESTION = "Which lantern does the harbour pilot carry?"
WORDS = "rope anchor beacon tide mooring ferry gull net sail mast deck wind rain chart stone".split()  # noqa: SIM905
FIRST = datetime(2023, 1, 10, 9, 30, tzinfo=UTC)
NOW = datetime(2024, 2, 1, tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A chat of twelve long messages, a month apart: the third and the last but one speak of the lantern, the third more."""
    folder = tmp_path_factory.mktemp("fading")
    chance = random.Random(1)
    lantern_texts = {
        2: "The harbour pilot carries the brass lantern. A pilot of the harbour, a lantern.",
        10: "The pilot has a lantern.",
    }
    messages = []
    for month in range(12):
        text = f"{lantern_texts.get(month, '')} {' '.join(chance.choices(WORDS, k=160))}."
        messages.append({"author": "Ann", "time": (FIRST + timedelta(days=30 * month)).isoformat(), "text": text})
    (folder / "chat.json").write_text(json.dumps(messages), encoding="utf-8")
    (folder / "book.txt").write_text(
        f"A pilot took a lantern. {' '.join(chance.choices(WORDS, k=160))}.", encoding="utf-8"
    )
    with Crystal.create(folder / "c.crystal", encoder=None) as crystal:
        crystal.ingest([folder])
    return folder / "c.crystal"


def test_of_two_messages_the_later_comes_first_when_they_fade(path):
    with Crystal.open(path, encoder=None) as crystal:
        plain = [
            passage for passage in crystal.recall(QUESTION, 5, half_life="off", now=NOW) if passage.place.kind == "chat"
        ]
        faded = [
            passage for passage in crystal.recall(QUESTION, 5, half_life=1.0, now=NOW) if passage.place.kind == "chat"
        ]
    assert [passage.place.marks["message"] for passage in plain[:2]] == [
        "Ann, 2023-03-11 09:30 UTC",
        "Ann, 2023-11-06 09:30 UTC",
    ]
    assert {passage.text for passage in plain} == {passage.text for passage in faded}
    for before in plain:
        after = next(passage for passage in faded if passage.text == before.text)
        age = (NOW - parse_message_time(before.place.marks["message"])) / 86_400
        lost = WEIGHT * Forgetting.by_half_life(1.0).log_retained(age, Forgetting.by_half_life(1.0).stability)
        assert after.shares["age"] == pytest.approx(lost)
        assert after.score == pytest.approx(before.score + lost)
    assert faded[0].score - faded[1].score < plain[0].score - plain[1].score


def test_what_is_no_message_keeps_its_score_and_messages_fade_unless_they_are_not_to(path):
    with Crystal.open(path, encoder=None) as crystal:
        usual, off, faded = (
            crystal.recall(QUESTION, 5, **options) for options in ({}, {"half_life": "off"}, {"half_life": 1.0})
        )
        assert all("age" not in passage.shares for passage in off)
        assert all(("age" in passage.shares) == (passage.place.kind == "chat") for passage in (*usual, *faded))
        books = [[passage for passage in passages if passage.path == "book.txt"] for passages in (usual, off, faded)]
        assert len(books[0]) == 1
        assert books[0] == books[1] == books[2]
        atoms = range(crystal.shelf.atoms)
        assert {written_at(crystal.shelf, atom) is None for atom in atoms} == {True, False}


def test_by_default_ages_count_from_the_newest_message_that_could_answer(path):
    with Crystal.open(path, encoder=None) as crystal:
        results = crystal.recall(QUESTION, 12, where=FilterReading())  # the tense of the question is not read
        passages = [passage for passage in results if passage.place.kind == "chat"]
        seen = {passage.place.marks["message"]: passage.shares["age"] for passage in passages}
        dated = crystal.recall(QUESTION, 12, now=NOW)
    curve = Forgetting.by_half_life(HALF_LIFE)
    newest = max(parse_message_time(label) for label in seen)
    assert seen == {
        label: pytest.approx(
            WEIGHT * curve.log_retained((newest - parse_message_time(label)) / 86_400, curve.stability)
        )
        for label in seen
    }
    assert max(seen.values()) == 0.0
    assert all(passage.shares["age"] < 0 for passage in dated if passage.place.kind == "chat")


@pytest.mark.parametrize("half_life", [0.0, -3.0, float("nan"), float("inf"), "soon", None, True])
def test_what_is_no_half_life(path, half_life):
    with Crystal.open(path, encoder=None) as crystal, pytest.raises(UsageError, match="half-life"):
        crystal.recall(QUESTION, half_life=half_life)
    with pytest.raises(UsageError, match="half-life"):
        AskOptions(half_life=half_life)


@given(st.datetimes(datetime(1971, 1, 1), datetime(2200, 1, 1)), st.text(max_size=20), st.booleans())
def test_the_time_of_a_label_is_told(moment, author, utc):
    label = f"{author}, {moment:%Y-%m-%d %H:%M}{' UTC' if utc else ''}"
    assert parse_message_time(label) == moment.replace(second=0, microsecond=0, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    "label", ["", "Ann", "Ann, yesterday", "Ann, 2024-13-01 10:30", "2024-05-01 10:30, Ann", "Ann 2024-05-01"]
)
def test_what_tells_no_time(label):
    assert parse_message_time(label) is None


def test_the_command_takes_a_half_life(path, capsys):
    assert run(["recall", QUESTION, "--half-life", "30", "--explain", "-c", str(path), "-k", "2", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["passages"]
    assert any("age" in row["explanation"]["added"] for row in rows)
    assert run(["recall", QUESTION, "--half-life", "0", "-c", str(path)]) == 2
    assert "days above 0" in capsys.readouterr().err
    assert run(["recall", QUESTION, "--half-life", "soon", "-c", str(path)]) == 2
    assert "a number of days, or off" in capsys.readouterr().err
    assert run(["ask", QUESTION, "--half-life", "0", "-c", str(path)]) == 2
    assert "days above 0" in capsys.readouterr().err
    for options, fades in ([], True), (["--half-life", "off"], False):
        assert run(["recall", QUESTION, "-c", str(path), "-k", "2", "--json", *options]) == 0
        rows = json.loads(capsys.readouterr().out)["passages"]
        assert any("age" in row["shares"] for row in rows) == fades
    questions = path.parent / "questions.jsonl"
    questions.write_text(json.dumps({"qid": "1", "question": QUESTION}), encoding="utf-8")
    assert run(["recall", "--questions", str(questions), "--half-life", "30", "-c", str(path)]) == 0
    assert "age" in json.loads(capsys.readouterr().out)["passages"][0]["shares"]
