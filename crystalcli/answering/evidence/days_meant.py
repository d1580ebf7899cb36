"""The days that relative dates in a quotation mean, where a question asks for a time.

    "When was Alma born?"    “Liv had her baby on Thursday!”    on Thursday is 17 September 2026

The quotation stays as it stands in the file; the days are told beside it.

Knows: dated citations, questions for a time. Does not know: how dates are written.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from crystalcli.answering.evidence.question_type import expected_answer_type
from crystalcli.datatypes import Citation
from crystalcli.recall import relative_days

_MOST = 3  # relative dates of one quotation


def with_days(question: str, citations: Iterable[Citation]) -> tuple[Citation, ...]:
    """Tell beside each citation the days that its relative dates mean.

    Args:
        question: The question; where it asks for no time, nothing is told.
        citations: The citations.
    """
    if expected_answer_type(question) != "time":
        return tuple(citations)
    return tuple(replace(citation, when=_days_in(citation)) for citation in citations)


def _days_in(citation: Citation) -> tuple[str, ...]:
    if citation.date is None:
        return ()
    mentions = relative_days(citation.quote, citation.date)[:_MOST]
    return tuple(f"“{citation.quote[start:end]}” is {days}" for start, end, days in mentions)
