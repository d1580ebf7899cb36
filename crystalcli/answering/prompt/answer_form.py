"""The form that a question asks its answer in, as one more sentence for a language model.

    yes or no      "Does the ferry run on Sundays?"
    all of them    "Which ships does she meet?"
    each of them   "Compare A and B", "A or B"
    code           "How do I …?", where a passage has code
    its language   a question that is not in English

Knows: English question words, languages by their frequent words. Does not know: models, places.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from crystalcli.answering.evidence.question_type import asks_for_all, asks_to_compare
from crystalcli.datatypes import Passage
from crystalcli.lexical import ENGLISH, LANGUAGES, identify_language

_YES_NO = re.compile(
    r"\W*(?:is|are|am|was|were|do|does|did|has|have|had|can|could|will|would|should|must|may|might)(?:n['’]t)?\s"
    r"(?!.*\bor\b).*\?\s*\Z",
    re.IGNORECASE | re.DOTALL,
)
_CHOICE = re.compile(
    r"\b(?:richer|larger|bigger|more|less|fewer|older|newer|better|faster|which|who)\b.*,.*\bor\b", re.IGNORECASE
)
_HOW_TO = re.compile(
    r"\W*how (?:do|can|could|should|would|to)\b|\b(?:example|snippet|code|command)s?\b(?= (?:for|to|of|that)\b)|\bshow me\b",
    re.IGNORECASE,
)
_CODE = re.compile(r"```|::\n|^(?: {4}|\t|\$ |>>> )\S", re.MULTILINE)


def form_request(question: str, passages: Iterable[Passage]) -> str:
    """Write what a language model is told of the form of its answer.

    Args:
        question: The question.
        passages: The passages that it is given.

    Returns:
        One sentence or more, each with a space before it; "" where no form is asked for.
    """
    asked = []
    if _YES_NO.match(question):
        asked.append("Begin with yes or no.")
    if asks_to_compare(question) or _CHOICE.search(question):
        asked.append("Say it of each of them.")
    elif asks_for_all(question):
        asked.append("If there are several, name all.")
    if _HOW_TO.search(question) and any(_has_code(passage) for passage in passages):
        asked.append("Give code or a command from the passages unchanged, in a fence.")
    language = identify_language(question)
    if language in LANGUAGES and language != ENGLISH:
        asked.append(f"Answer in {LANGUAGES[language].name}.")
    return "".join(f" {sentence}" for sentence in asked)


def _has_code(passage: Passage) -> bool:
    return passage.place.kind == "code" or _CODE.search(passage.text) is not None
