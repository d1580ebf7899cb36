"""The comparison of sources with the answers and places that a question expects.

Knows: words, regular expressions, places. Does not know: how sources were found.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence

from crystalcli.datatypes import Citation, Passage, Place
from crystalcli.evaluation.question_file import EvaluationQuestion, GoldPlace, words_of


class AnswerMatcher:
    """Finds the answers to one question.

    Answers are compared by words: case, punctuation and spaces do not count, and all words of an
    answer must stand in a row. Patterns are searched without regard to case, in the text as it is
    and with single spaces.

    Args:
        question: The question.
    """

    def __init__(self, question: EvaluationQuestion) -> None:
        self._places = question.places
        self._answers = [f" {' '.join(words_of(answer))} " for answer in question.answers]
        self._patterns = [re.compile(pattern, re.IGNORECASE) for pattern in question.patterns]

    def in_text(self, text: str) -> bool:
        """Tell whether an answer stands in a text."""
        words = f" {' '.join(words_of(text))} " if self._answers else ""
        single_spaced = " ".join(text.split())
        return any(answer in words for answer in self._answers) or any(
            pattern.search(text) or pattern.search(single_spaced) for pattern in self._patterns
        )

    def in_source(self, source: Citation | Passage) -> bool:
        """Tell whether a source is right: it holds an answer, or stands where one is expected.

        Its place decides only where the question has neither answers nor patterns.
        """
        if not self._answers and not self._patterns:
            return any(is_at(source.place, place) for place in self._places)
        text = source.quote if isinstance(source, Citation) else source.text
        # Of a message its author and date are part of what is quoted.
        return self.in_text(f"{source.place.marks.get('message', '')}\n{text}")

    def in_passage(self, passage: Passage) -> bool:
        """Tell whether a passage is right: at an expected place, or else with an answer."""
        if self._places:
            return any(is_at(passage.place, place) for place in self._places)
        return self.in_source(passage)

    def coverage(self, passages: Sequence[Passage]) -> float:
        """Compute the share of the expected places that passages hold; without places, 1 or 0."""
        if not self._places:
            return float(any(map(self.in_source, passages)))
        held = sum(any(is_at(passage.place, place) for passage in passages) for place in self._places)
        return held / len(self._places)


def is_at(place: Place, gold: GoldPlace) -> bool:
    """Tell whether a span is at an expected place; of characters half must be in it."""
    names = (place.path, place.source) if place.source is not None else (place.path,)
    wanted = os.path.normpath(gold.path)
    if not any(name == wanted or name.endswith(f"/{wanted}") for name in names):
        return False
    if gold.line is not None and not place.line_start <= gold.line <= place.line_end:
        return False
    if gold.page is not None and (
        place.page_start is None or not place.page_start <= gold.page <= (place.page_end or place.page_start)
    ):
        return False
    if gold.start is not None and gold.end is not None:
        shared = min(place.end, gold.end) - max(place.start, gold.start)
        return 2 * shared >= gold.end - gold.start
    return True
