"""A file of questions with their answers and places, a JSON object a line.

Knows: the keys of a line, and what is wrong with one. Does not know: how answers are compared.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crystalcli.errors import SourceError, UsageError

_KEYS = ("answers", "patterns", "places", "refuse")


@dataclass(frozen=True, slots=True)
class GoldPlace:
    """A place where an answer stands.

    Attributes:
        path: The document: its name in the crystal or the end of that, or the path of its file.
        line: A line of the file, from 1; None: any.
        page: A page, from 1; None: any.
        start: The first character, in the document's text; None: any.
        end: The character after the last; None: any.
    """

    path: str
    line: int | None = None
    page: int | None = None
    start: int | None = None
    end: int | None = None

    def __str__(self) -> str:
        if self.line is not None:
            return f"{self.path}:{self.line}"
        if self.page is not None:
            return f"{self.path} p. {self.page}"
        return self.path if self.start is None else f"{self.path} characters {self.start}-{self.end}"


@dataclass(frozen=True, slots=True)
class EvaluationQuestion:
    """A question, and how an answer to it is known.

    Attributes:
        question: The question.
        answers: Answers as text; one of them is enough.
        patterns: Regular expressions of Python for answers; a match of one is enough.
        places: Places where the answer stands; where there are neither answers nor patterns, a
            source there is right.
        line: The number of its line in the file.
    """

    question: str
    answers: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    places: tuple[GoldPlace, ...] = ()
    line: int = 0

    @property
    def refuse(self) -> bool:
        """True if the crystal holds no answer: it is right to say so."""
        return not (self.answers or self.patterns or self.places)


def read_questions(path: Path) -> list[EvaluationQuestion]:
    """Read the questions of a file in JSON Lines.

    Raises:
        SourceError: The file cannot be read, is not text, or holds no question.
        UsageError: A line is not a question with its answers.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None
    questions = []
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            try:
                questions.append(_question(line, number))
            except ValueError as error:
                raise UsageError(f"{path}, line {number}: {error}") from None
    if not questions:
        raise SourceError(f"{path} holds no question: expected a JSON object a line, with question and answers")
    return questions


def _question(line: str, number: int) -> EvaluationQuestion:
    """Read one line. Raises ValueError, with what is expected."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({getattr(error, 'msg', 'nested too deep')})") from None
    if not isinstance(row, dict):
        raise ValueError("expected a JSON object with question and answers")
    question = row.get("question")
    if not isinstance(question, str) or not question.strip():
        raise ValueError("question: expected a text")
    if not any(key in row for key in _KEYS):
        raise ValueError('expected answers, patterns, places, or "refuse": true where the crystal holds no answer')
    answers, patterns = _texts(row, "answers"), _texts(row, "patterns")
    for answer in answers:
        if not words_of(answer):
            raise ValueError(f"answers: expected words, got {answer!r}; patterns can match other signs")
    for pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise ValueError(f"patterns: {pattern!r} is not a regular expression: {error}") from None
    places = row.get("places") or []
    if not isinstance(places, list):
        raise ValueError("places: expected a list of objects with a path")
    gold = tuple(_place(place) for place in places)
    refuse = row.get("refuse", False)
    if not isinstance(refuse, bool):
        raise ValueError("refuse: expected true or false")
    if refuse and (answers or patterns or gold):
        raise ValueError("refuse: true goes with no answers, patterns or places")
    if "refuse" in row and not refuse and not (answers or patterns or gold):
        raise ValueError("refuse: false needs answers, patterns or places")
    return EvaluationQuestion(question, answers, patterns, gold, number)


def _texts(row: Mapping[str, Any], key: str) -> tuple[str, ...]:
    texts = row.get(key) or []
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise ValueError(f"{key}: expected a list of texts")
    return tuple(texts)


def _place(place: Any) -> GoldPlace:
    if isinstance(place, str):
        place = {"path": place}
    if not isinstance(place, dict) or not isinstance(place.get("path"), str) or not place["path"]:
        raise ValueError("places: expected objects with a path, and maybe line, page, or start and end")
    numbers = {key: place.get(key) for key in ("line", "page", "start", "end")}
    for key, number in numbers.items():
        if number is not None and (not isinstance(number, int) or isinstance(number, bool) or number < 0):
            raise ValueError(f"places: {key}: expected a number, got {number!r}")
    start, end = numbers["start"], numbers["end"]
    if (start is None) != (end is None) or (start is not None and end is not None and start >= end):
        raise ValueError("places: expected start and a greater end")
    return GoldPlace(place["path"], **numbers)


def words_of(text: str) -> list[str]:
    """Normalise a text to its words: lower case, no punctuation, no commas inside of numbers."""
    text = re.sub(r"(?<=\d),(?=\d{3}(?!\d))", "", text.casefold().translate(_PLAIN))
    return re.findall(r"[^\W_]+", text)


# Inside a word they are no border: Bilbo's, and words that a PDF has cut softly.
_PLAIN = str.maketrans({"'": None, "\N{RIGHT SINGLE QUOTATION MARK}": None, "\N{SOFT HYPHEN}": None})
