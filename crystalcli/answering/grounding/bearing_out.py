"""Bearing out: whether a sentence of a source says what a sentence of an answer says.

Every word of the answer's sentence stands in that one sentence of the source, or in the names of
its place; what the source calls "he" or "it" may stand in the sentences beside it. And the source
has enough of the question to speak about it. So the words of an answer come from one place. A
language model of this size that takes them from several puts them together wrongly every other
time, a verb or a modifier that it puts in is wrong as often (docs/LOG.md, 2026-11-29 and 30), and
no sign of meaning that was tried tells that from the right way. Besides, the two must be worded
alike (`wording`): deny, doubt and limit the same.

Knows: terms and their weights. Does not know: who does what to whom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crystalcli.answering.grounding.wording import (
    counts_alike,
    denies_alike,
    depends_alike,
    gives_cause_alike,
    gives_roles_alike,
    has_no_rival,
    heads_alike,
    is_garbled,
    joins_alike,
    limits_alike,
    modifies_alike,
    names_alike,
    possesses_alike,
    ranks_alike,
    settles_alike,
    supposes_alike,
)
from crystalcli.lexical import terms

# The least share, by idf, of the question in a sentence and those beside it, and the same where the
# answer is a name or two that only completes the question.
_ASKED, _COMPLETED = 0.5, 0.7
_NEAR_ADDED, _NEAR_REPEATED = 0.75, 0.7  # the least of what it adds, and of what it repeats
# An answer that repeats less of the question than this completes it, unless it is a clause.
_REPEATED = 0.3
_CLAUSE = 5  # terms; so many of one sentence say something by themselves
# Words that join what a source says, or say that it does.
_JOINING = frozenset(
    term
    for term, _ in terms(
        "because during such also yes some include contain called known feel felt"
        " says said wrote told states stated mentioned according"
    )
)
# Letters by which two terms are of one word, "weigh" and "weight", and by which they may differ.
_STEM, _ENDING = 5, 2
_CHECKS = (
    denies_alike,
    gives_cause_alike,
    settles_alike,
    gives_roles_alike,
    ranks_alike,
    supposes_alike,
    depends_alike,
    limits_alike,
    counts_alike,
    possesses_alike,
    modifies_alike,
    has_no_rival,
    heads_alike,
    joins_alike,
    names_alike,
)


def bears_out(
    said: Mapping[str, float],
    asked: Mapping[str, float],
    stated: Collection[str],
    around: Collection[str],
    named_before: Collection[str] = (),
) -> bool:
    """Tell whether the words of a source's sentence bear out a sentence of an answer.

    One that adds nothing to the question, such as "No", may deny what the source says.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        stated: The terms of the source's sentence, and of the names of its place.
        around: These terms, and those of the sentences beside it.
        named_before: The terms that the source may have put "he" or "they" for.
    """
    content = said.keys() - _JOINING
    added = {term for term in content if not _is_among(term, asked)}
    repeated = content - added
    if not all(_is_among(term, stated) for term in added) or not all(_is_among(term, around) for term in repeated):
        return False
    if len(content) >= _CLAUSE and all(_is_among(term, stated) for term in repeated):
        return True  # the source's sentence, in its words
    own = repeated - set(named_before)
    if not added or not all(_is_among(term, stated) for term in own):
        return False
    return _share(asked.keys(), asked, around) >= (_COMPLETED if completes(said, asked) else _ASKED)


def says_nearly(
    said: Mapping[str, float], asked: Mapping[str, float], stated: Collection[str], around: Collection[str]
) -> bool:
    """Tell whether a source's sentence has nearly all words of one of an answer.

    Six of ten answers with such a sentence are right, and three of ten without.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        stated: The terms of the source's sentence, and of the names of its place.
        around: These terms, and those of the sentences beside it.
    """
    added = said.keys() - asked.keys()
    return _share(added, said, stated) >= _NEAR_ADDED and share_repeated(said, asked, around) >= _NEAR_REPEATED


def says_by_itself(said: Mapping[str, float], asked: Mapping[str, float], stated: Collection[str]) -> bool:
    """Tell whether a clause of an answer is one of a source, and says no more of the question.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        stated: The terms of the source's sentence, and of the names of its place.
    """
    added = said.keys() - asked.keys()
    is_clause = len(said.keys() - _JOINING) >= _CLAUSE
    repeats = all(_is_among(term, stated) for term in said.keys() & asked.keys())
    return is_clause and repeats and _share(added, said, stated) >= _NEAR_ADDED


def completes(said: Mapping[str, float], asked: Mapping[str, float]) -> bool:
    """Tell whether a sentence only completes the question, and says nothing by itself.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
    """
    return len(said) < _CLAUSE and _share(asked.keys(), asked, said) < _REPEATED


def agrees(sentence: str, source: str) -> bool:
    """Tell whether a sentence of an answer and one of a source are worded alike (`wording`)."""
    return not is_garbled(sentence) and all(check(sentence, source) for check in _CHECKS)


def share_repeated(said: Mapping[str, float], asked: Mapping[str, float], present: Collection[str]) -> float:
    """Compute the share of what an answer repeats of the question that is present, by weight.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        present: The terms that are present; one of another form of the same word counts.
    """
    repeated = (said.keys() & asked.keys()) or asked.keys()  # an answer of one name repeats nothing
    return _share(repeated, asked, present)


def _share(terms: Collection[str], weights: Mapping[str, float], present: Collection[str]) -> float:
    """Compute the share of terms that are present, by weight; 0 for no terms."""
    whole = sum(weights[term] for term in terms)
    return sum(weights[term] for term in terms if _is_among(term, present)) / whole if whole else 0.0


def _is_among(term: str, present: Collection[str]) -> bool:
    if term in present:
        return True
    if len(term) < _STEM or not term.isalpha():
        return False
    return any(
        len(other) >= _STEM
        and abs(len(other) - len(term)) <= _ENDING
        and (other.startswith(term) or term.startswith(other))
        for other in present
    )
