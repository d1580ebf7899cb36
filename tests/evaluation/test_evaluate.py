"""Recall and answers are measured on questions, with plain BM25 and vectors beside them."""

from __future__ import annotations

import math

import pytest
from support.lexical_crystals import read_into, write

from crystalcli import Crystal
from crystalcli.errors import UsageError
from crystalcli.evaluation import EvaluationQuestion, GoldPlace, evaluate_questions
from crystalcli.evaluation.evaluate import estimate_mean
from crystalcli.evaluation.flat_recall import flat_recalls

QUESTIONS = [
    EvaluationQuestion("How much oil does the lamp burn?", ("14 litres",), places=(GoldPlace("tale.txt"),)),
    EvaluationQuestion("When is high water at Oldhaven?", patterns=(r"04:\d\d",)),
    EvaluationQuestion("How much oil does the lamp burn a night?", ("99 barrels",)),
    EvaluationQuestion("Which opera did Gluck finish in Vienna?"),
]


@pytest.fixture(scope="module")
def lamp(tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("lamp")
    files = {"tale.txt": "The lamp burns 14 litres of oil.\n", "notes.md": "High water at Oldhaven is at 04:10.\n"}
    with Crystal.open(read_into(folder / "m.crystal", write(folder / "docs", files)), encoder=None) as crystal:
        yield crystal


def test_each_question_is_judged(lamp):
    report = lamp.evaluate(QUESTIONS, k=1, extractive=True, floor=0.0)
    assert (report.k, report.answerable, report.unanswerable) == (1, 3, 1)
    assert [(result.first, result.any, result.refused) for result in report.results] == [
        (True, True, False),
        (True, True, False),
        (False, False, False),
        (False, False, True),  # nothing is recalled
    ]
    assert list(report.recall) == ["crystal", "bm25"]  # without vectors there are none to compare with
    for measures in report.recall.values():
        for measure in (measures.first, measures.within_k, measures.coverage, measures.mrr):
            assert measure.value == pytest.approx(2 / 3)
            assert measure.low <= measure.value <= measure.high
    assert report.answers is not None
    assert report.answers.first.value == report.answers.any.value == pytest.approx(2 / 3)
    assert report.answers.right.value == 0.75
    assert (report.answers.refused_rightly, report.answers.refused_wrongly) == (1, 0)
    assert [result.question for result in report.failures] == [QUESTIONS[2]]
    assert report.results[0].ranks == {"crystal": 1, "bm25": 1}
    assert report.results[2].ranks == {"crystal": None, "bm25": None}
    assert report.results[3].ranks == {}


def test_a_refusal_of_what_is_there_is_wrong(lamp):
    report = lamp.evaluate(QUESTIONS[:1], extractive=True, floor=1.0)
    assert report.answers is not None
    assert (report.answers.refused_wrongly, report.answers.first.value) == (1, 0)
    assert report.failures == report.results


def test_recall_alone_asks_nothing(lamp):
    report = evaluate_questions(lamp, QUESTIONS, None, k=2)
    assert report.answers is None
    assert [result.question for result in report.failures] == [QUESTIONS[2]]
    assert all(result.answer is None for result in report.results)


def test_a_limit_takes_the_first_and_progress_is_told(lamp):
    seen = []
    report = lamp.evaluate(QUESTIONS, only_recall=True, limit=2, progress=seen.append)
    assert len(report.results) == 2
    assert [(state.done, state.total, state.unit) for state in seen] == [(1, 2, "questions"), (2, 2, "questions")]


def test_questions_without_answers_alone_have_no_measures_of_recall(lamp):
    report = lamp.evaluate(QUESTIONS[3:], extractive=True)
    assert report.answers is not None
    assert math.isnan(report.answers.first.value)
    assert report.answers.right.value == 1


@pytest.mark.parametrize(("limit", "k", "questions"), [(0, 5, QUESTIONS), (None, 0, QUESTIONS), (None, 5, [])])
def test_what_is_out_of_range_is_refused(lamp, limit, k, questions):
    with pytest.raises(UsageError, match="expected"):
        lamp.evaluate(questions, limit=limit, k=k)


def test_an_interval_holds_its_mean_and_is_the_same_again():
    measure = estimate_mean([1.0] * 30 + [0.0] * 10)
    assert measure.low < measure.value == 0.75 < measure.high
    assert measure == estimate_mean([1.0] * 30 + [0.0] * 10)


def test_flat_vectors_rank_by_the_cosine_alone(crystal):
    recalls = flat_recalls(crystal)
    assert list(recalls) == ["bm25", "vectors"]
    question = "Who keeps the ledgers?"
    passages = recalls["vectors"](question, 10)
    assert len(passages) == 10
    scores = [passage.score for passage in passages]
    assert scores == sorted(scores, reverse=True)
    assert all(-1 <= score <= 1 for score in scores)
    # The best atom of all, decoded and normalised here, is that of the first passage.
    codec, codes = crystal.codec(), crystal.shelf.atom_codes
    query = crystal.searcher().prepare(question).encoded.vector
    best = max(
        float(query @ vector) / float((vector @ vector) ** 0.5)
        for start in range(len(codes))
        for vector in codec.atoms.decode(codes[start][None])
    )
    assert scores[0] == pytest.approx(best, abs=1e-3)


def test_the_samples_are_measured_with_real_weights(crystal, answerable):
    questions = [EvaluationQuestion(row["question"], tuple(row["answers"])) for row in answerable[:3]]
    report = crystal.evaluate(questions, k=5, only_recall=True)
    assert list(report.recall) == ["crystal", "bm25", "vectors"]
    assert all(0 <= measures.mrr.value <= 1 for measures in report.recall.values())
