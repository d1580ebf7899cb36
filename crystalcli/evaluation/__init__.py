"""Evaluation: recall and answers measured on a user's own questions.

The question it answers: how often is the right place found, quoted, or rightly said to be absent?

answer_match.py   The comparison of sources with the answers and places that a question expects.
evaluate.py       Evaluation of recall and answers on a user's own questions.
flat_recall.py    Recall by one flat index: BM25 over atoms, or the cosine of their vectors, and no
                  more.
question_file.py  A file of questions with their answers and places, a JSON object a line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from crystalcli.lazy_import import lazy_names

if TYPE_CHECKING:
    from crystalcli.evaluation.evaluate import (
        RANKED,
        TOKEN_BUDGET,
        AnswerMeasures,
        EvaluationReport,
        Measure,
        QuestionResult,
        RecallMeasures,
        evaluate_questions,
    )
    from crystalcli.evaluation.question_file import (
        EvaluationQuestion,
        GoldPlace,
        read_questions,
    )
else:
    __getattr__ = lazy_names(
        __name__,
        {
            "evaluate": (
                "AnswerMeasures",
                "EvaluationReport",
                "Measure",
                "QuestionResult",
                "RANKED",
                "RecallMeasures",
                "TOKEN_BUDGET",
                "evaluate_questions",
            ),
            "question_file": (
                "EvaluationQuestion",
                "GoldPlace",
                "read_questions",
            ),
        },
    )

__all__ = [
    "RANKED",
    "TOKEN_BUDGET",
    "AnswerMeasures",
    "EvaluationQuestion",
    "EvaluationReport",
    "GoldPlace",
    "Measure",
    "QuestionResult",
    "RecallMeasures",
    "evaluate_questions",
    "read_questions",
]
