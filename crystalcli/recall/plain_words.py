"""Signal of plain words: what a user asks in words of their own, a manual answers.

    score of an atom   -LEAD in source code, where the question is in plain words

"How do I keep visitors from sending gigantic files?" has the words of the source in no order, and a
hundred functions are near all of them; a page of the manual says it. Whoever looks for a place in
the source names it: by an identifier, or as a class, a function, a file. Without a manual all atoms
have the same score here, and nothing changes.

Knows: the forms of questions, kinds of documents. Does not know: vectors.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from crystalcli.lexical import exact_strings
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray

LEAD = 0.5
_DATA = (".json", ".json5", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".properties", ".xml", ".svg")
# "How do I stream a response?" is answered by a manual; a question about source code says no "I".
_HOW_TO = re.compile(r"\W*how (?:do|does|can|could|should|would|might|must|may) (?:I|we|you|one)\b", re.IGNORECASE)
_FIRST_PERSON = re.compile(r"\b(?:I|[Mm]y|[Mm]e|[Ww]e|[Oo]ur|[Mm]ine|[Mm]yself)\b")
_IS_QUESTION = re.compile(
    r"\?\s*$|^\W*(?:how|why|what|which|when|where|who|can|could|is|are|does|do|may|should|will|would|must|has|have)\b",
    re.IGNORECASE,
)
_OF_SOURCE = re.compile(
    r"\b(?:class(?:es)?|sub-?class\w*|methods?|functions?|modules?|defin(?:ed|ition)|declared|implement\w*|rais(?:e|es|ed)|"
    r"source code|parameters?|arguments?|attributes?|decorators?|instan(?:ces?|tiat\w+)|constructors?|calls?|fixtures?|"
    r"tests? (?:that|which|cases?|cover\w*|check\w*)|architecture|abstraction|mechanism|(?:control|data) flow|"
    r"python|javascript|typescript|java|php|golang|rust|numpy|pandas)\b",
    re.IGNORECASE,
)
# "Which class is used if I choose none?", "How does the reloader notice that I edited a file?"
_OF_PROGRAM = re.compile(
    r"\b(?:which|what) (?:class|function|method|module|file|test)\b|"
    r"\bhow (?:does|do|did|is|are|was|were) (?!(?:I|we|you|one|people|users?)\b)",
    re.IGNORECASE,
)


class PlainWordsScorer:
    """Scores atoms by who asks: a user, or a reader of the source."""

    name = "plain"

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]."""
        documents = candidates.documents
        if not wants_manual(query.text):
            return np.zeros(len(candidates.atoms), np.float32)
        data = [source for source, path in documents.paths.items() if is_data(path)]
        is_program = documents.is_code & ~np.isin(documents.sources, data)
        return np.where(is_program, np.float32(-LEAD), np.float32(0))


def is_data(path: str) -> bool:
    """Tell whether a file in a format of code holds data, and no program."""
    return path.lower().endswith(_DATA)


def asks_how_to(question: str) -> bool:
    """Tell whether a question asks how to do something."""
    return _HOW_TO.match(question) is not None


def asks_in_plain_words(question: str) -> bool:
    """Tell whether a question has neither an exact string nor a word for a part of source code.

    Of a person's own doings the latter may be told: "why is my function called twice?".
    """
    if any(not string.text[0].isdigit() for string in exact_strings(question)):
        return False
    if _FIRST_PERSON.search(question):
        return True
    return _IS_QUESTION.search(question) is not None and _OF_SOURCE.search(question) is None


def wants_manual(question: str) -> bool:
    """Tell whether a question is in plain words, and not about what goes on inside a program."""
    return _OF_PROGRAM.search(question) is None and asks_in_plain_words(question)
