"""The likeness of a question's nouns to passages, of which the least speaks against an answer.

    "Which choir does Minna sing in?"   Minna: 0.9   choir: 0.2, though all is about Minna
    "Which tree is at the gate?"        "tree" is like "oak"

A word need not stand in a passage that answers; its meaning does. Verbs are left out: what happens
is told in other words, and often in other clauses.

Knows: which words of a question are nouns, the likeness of its tokens. Does not know: passages.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import TYPE_CHECKING

from crystalcli.answering.question.phrases import noun_phrases
from crystalcli.answering.question.word_classes import split_words
from crystalcli.lexical import query_terms

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray


def least_like_noun(question: str, ends: Sequence[int], likeness: FloatArray, without: Collection[str]) -> float:
    """Give the likeness of that noun of a question which has least of it.

    Args:
        question: The question.
        ends: The character at which each of its tokens ends.
        likeness: The greatest cosine of each token with one of the passages, float32 [tokens].
        without: Terms that do not count, such as those of requests.

    Returns:
        The mean over the tokens of the noun; 1 without nouns.
    """
    least = 1.0
    for start, end in _nouns(question, without):
        inside = [number for number, stop in enumerate(ends) if start < stop <= end]
        if inside:
            least = min(least, float(likeness[inside].mean()))
    return least


def _nouns(question: str, without: Collection[str]) -> list[tuple[int, int]]:
    """Give the spans of the words of noun phrases, but for verbs and what has digits."""
    found = []
    for phrase in noun_phrases(question):
        for word in split_words(phrase.text):
            has_digit = any(letter.isdigit() for letter in word.text)
            terms = set(query_terms(word.text))
            if word.is_content and not word.is_verb and not has_digit and terms and not terms <= set(without):
                found.append((phrase.start + word.start, phrase.start + word.end))
    return found
