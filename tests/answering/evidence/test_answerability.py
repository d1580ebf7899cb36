from __future__ import annotations

import math
from dataclasses import replace

import pytest

from crystalcli.answering.evidence import answerability, sentence_ranking
from crystalcli.answering.request.ask_options import DEFAULT_FLOOR
from crystalcli.datatypes import Passage, Place
from crystalcli.library import Crystal

ELSEWHERE = [
    "What is the boiling point of tungsten?",
    "Which enzyme unwinds the double helix during replication?",
    "Who scored the winning goal in the 1974 World Cup final?",
    "What are the side effects of metformin?",
    "When did the Ming dynasty fall to the Manchus?",
    "How many moons does Neptune have?",
]


def is_answered(crystal: Crystal, question: str, depth: int = 3) -> bool:
    """What `ask` decides before it says anything."""
    results = crystal.recall(question, sentence_ranking.MAX_PASSAGES, depth=depth)
    reading = sentence_ranking.read_passages(crystal.searcher().encoder, results.query, results)
    return answerability.answer_probability(crystal, results, reading) >= DEFAULT_FLOOR


def test_what_the_samples_hold_is_answered_and_what_nobody_wrote_there_is_not(crystal, answerable):
    held = [is_answered(crystal, question["question"]) for question in answerable[::4]]
    assert sum(held) >= 0.8 * len(held)
    for question in ELSEWHERE:
        answer = crystal.ask(question, extractive=True)
        assert not answer.answered
        assert answer.evidence < 0.5
        assert (answer.text, answer.model, answer.extractive, answer.claims) == ("not in this crystal", None, False, ())
        assert answer.citations
        assert all(crystal.verified(citation) for citation in answer.citations)


def test_the_same_without_an_encoder(samples_crystal, answerable):
    with Crystal.open(samples_crystal, encoder=None) as crystal:
        held = [is_answered(crystal, question["question"]) for question in answerable]
        assert sum(held) >= 0.75 * len(held)
        assert sum(is_answered(crystal, question) for question in ELSEWHERE) <= 1


@pytest.mark.parametrize("depth", [1, 2])
def test_the_same_at_every_depth(crystal, answerable, depth):
    held = [is_answered(crystal, question["question"], depth) for question in answerable[::8]]
    assert sum(held) >= 0.7 * len(held)
    assert sum(is_answered(crystal, question, depth) for question in ELSEWHERE) <= 1


def test_a_floor_of_nought_answers_always_and_one_of_one_never(crystal):
    assert crystal.ask(ELSEWHERE[0], extractive=True, floor=0).answered
    refused = crystal.ask("Who keeps the ledgers?", extractive=True, floor=1)
    assert not refused.answered
    assert 0.5 < refused.evidence < 1


def test_how_many_passages_are_asked_for_changes_nothing(crystal):
    for question in ("Who keeps the ledgers?", ELSEWHERE[0]):
        assert len({crystal.ask(question, extractive=True, k=k).evidence for k in (1, 3, 5, 9)}) == 1
    assert len(crystal.ask("Who keeps the ledgers?", extractive=True, k=1).passages) == 1


def test_small_crystals_answer(tmp_path, shelf_folder, encoder_folder):
    with Crystal.create(tmp_path / "m.crystal", encoder=encoder_folder) as crystal:
        crystal.ingest([shelf_folder])
        for question in ("When is high water at Oldhaven?", "How much oil does the lamp burn?", "Who carried the key?"):
            assert crystal.ask(question, extractive=True).answered
        assert not crystal.ask("Which enzyme unwinds the double helix during replication?", extractive=True).answered


def test_the_signs():
    text = "Marta carried the brass key in her coat."
    passage = Passage(Place("tale.txt", 0, len(text), 1, 1), text, 1.5, best=(0, 13))
    idf = {"marta": 4.0, "key": 2.0, "crask": 6.0, "name": 5.0}
    found = answerability.answer_signs("What key did Marta and Crask name?", idf, 99, [passage])
    one = math.log(100 / 0.5)
    assert found.score == 1.5
    assert found.covered == pytest.approx(6 / one)  # `name` is what is asked for
    assert found.share == pytest.approx(6 / 12)
    assert found.sentence == pytest.approx(4 / one)
    assert found.rarity == pytest.approx(12 / 3 / one)
    assert found.length == pytest.approx(math.log1p(3))  # a short question
    assert found.nowhere == pytest.approx(6 / one)
    only = answerability.answer_signs("the name", {"name": 5.0}, 99, [passage])
    assert (only.share, only.covered) == (0, 0)


def test_how_old_an_answer_is_says_nothing_of_whether_it_is_one():
    text = "Marta carried the brass key in her coat."
    new = Passage(Place("tale.txt", 0, len(text), 1, 1), text, 1.5, best=(0, 13), shares={"units": 1.5})
    old = replace(new, score=1.25, recency=-0.25)
    signs = [answerability.answer_signs("Which key?", {"key": 2.0}, 99, [each]) for each in (new, old)]
    assert signs[0] == signs[1]
    assert signs[0].score == 1.5


@pytest.mark.parametrize("model", [*answerability.MODELS.values(), answerability.PAGES])
def test_more_of_what_speaks_for_an_answer_is_never_less_evidence(model):
    signs = answerability.AnswerSigns(1.0, 0.5, 0.5, 0.4, 0.6, 0.5, 0.5, 0.5, 0.0)
    for name, step in (
        ("score", 1),
        ("covered", 1),
        ("share", 1),
        ("sentence", 1),
        ("nowhere", -1),
        ("similar", 1),
        ("voice", 1),
    ):
        more = signs._replace(**{name: getattr(signs, name) + 0.3 * step})
        assert model.evidence(more, 1000) >= model.evidence(signs, 1000)
    assert model.evidence(signs._replace(score=1e9, share=1e9), 1) == pytest.approx(1)
    assert model.evidence(signs._replace(nowhere=1e9), 1) == pytest.approx(0)
