"""Evaluation of recall and answers on a user's own questions.

Intervals are of 95 %, by the bootstrap over questions (Efron, 1979).

Knows: questions, sources, measures. Does not know: how a question is answered.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from crystalcli.datatypes import Answer, Passage
from crystalcli.errors import NotFoundError, UsageError
from crystalcli.evaluation.answer_match import AnswerMatcher
from crystalcli.evaluation.flat_recall import FlatRecall, flat_recalls
from crystalcli.evaluation.question_file import EvaluationQuestion
from crystalcli.recall import CrystalReader

TOKEN_BUDGET = 2000  # tokens of passages that coverage looks at
RANKED = 40  # passages that are ranked for each question, at least
_RESAMPLES = 2000  # of the bootstrap


class Measure(NamedTuple):
    """A mean over questions with its 95 % interval; NaN without questions."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class RecallMeasures:
    """The measures of recall by one system, over the questions with an answer.

    Attributes:
        first: The share of questions whose first passage is right.
        within_k: The share with a right one among the first k.
        coverage: The share of expected places (without places: of questions with an answer) in the
            first TOKEN_BUDGET tokens of passages.
        mrr: The mean of 1 / rank of the first right passage.
        seconds: The median time of a question.
    """

    first: Measure
    within_k: Measure
    coverage: Measure
    mrr: Measure
    seconds: float


@dataclass(frozen=True, slots=True)
class AnswerMeasures:
    """The measures of answers.

    Attributes:
        first: The share of questions with an answer that are right in the first source.
        any: The share that are right in any source.
        right: The share of all questions: right in the first source, or refused where the crystal
            holds no answer.
        refused_rightly: The questions without an answer that were refused.
        refused_wrongly: The questions with an answer that were refused.
        seconds: The median time of a question.
    """

    first: Measure
    any: Measure
    right: Measure
    refused_rightly: int
    refused_wrongly: int
    seconds: float


@dataclass(frozen=True, slots=True)
class QuestionResult:
    """The outcome of one question.

    Attributes:
        question: The question, with its answers and places.
        ranks: The rank of the first right passage by each system, from 1; None: not among those
            that were ranked.
        coverage: The coverage by each system.
        answer: The answer; None where only recall was measured, or nothing was recalled at all.
        refused: Whether the answer was that the crystal does not hold one.
        first: Whether the first source is right.
        any: Whether any source is right.
        seconds: The time of the answer; 0 where only recall was measured.
    """

    question: EvaluationQuestion
    ranks: Mapping[str, int | None]
    coverage: Mapping[str, float]
    answer: Answer | None = None
    refused: bool = False
    first: bool = False
    any: bool = False
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """The evaluation of a crystal on questions.

    Attributes:
        k: The number of passages that `RecallMeasures.within_k` looks at and answers are made from.
        answerable: The number of questions with an answer.
        unanswerable: The number of those without.
        recall: The measures of recall by system: "crystal", "bm25", and "vectors" where there are
            any.
        answers: The measures of answers; None where only recall was measured.
        results: The outcome of each question, in order.
        failures: The results of questions that failed: not right in the first source, refused
            wrongly, or answered where there is no answer; without answers, no right passage among
            the first k.
    """

    k: int
    answerable: int
    unanswerable: int
    recall: Mapping[str, RecallMeasures]
    answers: AnswerMeasures | None
    results: tuple[QuestionResult, ...]
    failures: tuple[QuestionResult, ...]


def evaluate_questions(
    crystal: CrystalReader,
    questions: Sequence[EvaluationQuestion],
    ask: Callable[[str], Answer] | None,
    *,
    k: int = 5,
    progress: Callable[[int, int], None] | None = None,
) -> EvaluationReport:
    """Measure recall and answers.

    Args:
        crystal: The crystal.
        questions: The questions.
        ask: Answers a question; None: only recall is measured.
        k: The number of passages that count for recall, at least 1.
        progress: Called after each question, with the number done and of all.

    Raises:
        UsageError: `k` is less than 1, or there is no question.
    """
    if k < 1:
        raise UsageError(f"k: expected 1 or more, got {k}")
    if not questions:
        raise UsageError("expected at least one question to measure")
    systems: dict[str, FlatRecall] = {"crystal": lambda question, count: list(crystal.recall(question, count))}
    systems |= flat_recalls(crystal)
    times: dict[str, list[float]] = {name: [] for name in systems}
    results = []
    for done, question in enumerate(questions, 1):
        results.append(_measure(crystal, question, systems, ask, max(k, RANKED), times))
        if progress is not None:
            progress(done, len(questions))
    return _report(results, times, k, with_answers=ask is not None)


def _measure(
    crystal: CrystalReader,
    question: EvaluationQuestion,
    systems: Mapping[str, FlatRecall],
    ask: Callable[[str], Answer] | None,
    count: int,
    times: Mapping[str, list[float]],
) -> QuestionResult:
    """Measure one question, and note the seconds that each system takes."""
    matcher = AnswerMatcher(question)
    ranks: dict[str, int | None] = {}
    coverage: dict[str, float] = {}
    for name, recall in systems.items() if not question.refuse else ():
        start = time.perf_counter()
        passages = recall(question.question, count)
        times[name].append(time.perf_counter() - start)
        ranks[name] = next((rank for rank, passage in enumerate(passages, 1) if matcher.in_passage(passage)), None)
        coverage[name] = matcher.coverage(_within_budget(crystal, passages))
    if ask is None:
        return QuestionResult(question, ranks, coverage)
    start = time.perf_counter()
    try:
        answer = ask(question.question)
    except NotFoundError:
        return QuestionResult(question, ranks, coverage, None, True, seconds=time.perf_counter() - start)
    seconds = time.perf_counter() - start
    # Of an extractive answer the text is its quotations, all of them.
    is_worded = not answer.extractive or bool(answer.portions)
    by_text = is_worded and answer.answered and matcher.in_text(answer.text)
    right = [matcher.in_source(citation) for citation in answer.citations] if answer.answered else []
    return QuestionResult(
        question,
        ranks,
        coverage,
        answer,
        not answer.answered,
        by_text or any(right[:1]),
        by_text or any(right),
        seconds,
    )


def _within_budget(crystal: CrystalReader, passages: Sequence[Passage]) -> list[Passage]:
    """Take passages while they fit into TOKEN_BUDGET tokens of the encoder; the first always."""
    kept: list[Passage] = []
    left = TOKEN_BUDGET
    for passage in passages:
        left -= len(crystal.tokenizer.tokenize([passage.text])[0][0])
        if kept and left < 0:
            break
        kept.append(passage)
    return kept


def _report(
    results: Sequence[QuestionResult], times: Mapping[str, Sequence[float]], k: int, *, with_answers: bool
) -> EvaluationReport:
    asked = [result for result in results if not result.question.refuse]
    unanswerable = [result for result in results if result.question.refuse]

    def has_right(result: QuestionResult, name: str, count: int) -> bool:
        rank = result.ranks[name]
        return rank is not None and rank <= count

    recall = {
        name: RecallMeasures(
            estimate_mean([float(has_right(result, name, 1)) for result in asked]),
            estimate_mean([float(has_right(result, name, k)) for result in asked]),
            estimate_mean([result.coverage[name] for result in asked]),
            estimate_mean([1 / (result.ranks[name] or math.inf) for result in asked]),
            statistics.median(seconds) if seconds else math.nan,
        )
        for name, seconds in times.items()
    }
    answers = None
    if with_answers:
        answers = AnswerMeasures(
            estimate_mean([float(result.first) for result in asked]),
            estimate_mean([float(result.any) for result in asked]),
            estimate_mean([float(_is_right(result)) for result in results]),
            sum(result.refused for result in unanswerable),
            sum(result.refused for result in asked),
            statistics.median(result.seconds for result in results),
        )
        failures = [result for result in results if not _is_right(result)]
    else:
        failures = [result for result in asked if not has_right(result, "crystal", k)]
    return EvaluationReport(k, len(asked), len(unanswerable), recall, answers, tuple(results), tuple(failures))


def _is_right(result: QuestionResult) -> bool:
    return result.refused if result.question.refuse else result.first


def estimate_mean(values: Sequence[float]) -> Measure:
    """Estimate a mean with its 95 % bootstrap interval, the same at every run."""
    if not values:
        return Measure(math.nan, math.nan, math.nan)
    numbers = np.array(values)
    chance = np.random.default_rng(0)
    means = [chance.choice(numbers, len(numbers)).mean() for _ in range(_RESAMPLES)]
    low, high = np.quantile(means, (0.025, 0.975)).tolist()
    return Measure(float(numbers.mean()), low, high)
