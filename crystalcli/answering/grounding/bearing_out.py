"""Bearing out: whether a sentence of a source says what a sentence of an answer says.

It has nearly all words that the answer adds to the question, and, with the sentences beside it and
the names of its place, nearly all that the answer repeats of the question. So the words of an
answer come from one place. A language model of this size that takes them from several puts them
together wrongly every other time (docs/LOG.md, 2026-11-29), and no sign of meaning that was tried
tells that from the right way. Or the answer has a whole stretch of the source's words, and besides
it only what the question has. In both cases they must deny alike, a cause must be one in the
source, too, and what the source leaves open stays open (`wording`).

Knows: terms and their weights. Does not know: who does what to whom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from crystalcli.answering.grounding.wording import (
    counts_alike,
    denies_alike,
    gives_cause_alike,
    gives_roles_alike,
    is_garbled,
    limits_alike,
    possesses_alike,
    ranks_alike,
    settles_alike,
    shared_stretch,
    supposes_alike,
    turning_words,
)
from crystalcli.lexical import terms

# The least share, by idf, of the words that the answer adds, and of those that it repeats.
_ADDED, _REPEATED = 0.75, 0.7
# The same where it adds as many words as this: a whole clause of one sentence is about one thing.
_CLAUSE = 5
_ADDED_IN_CLAUSE, _REPEATED_BESIDE_CLAUSE = 0.9, 0.6
_STRETCH, _STRETCH_TERMS = 5, 2  # words, and terms among them, that are in one order by no chance
_SAYING = frozenset(term for term, _ in terms("says said wrote writes told asked states mentioned according"))
# Letters by which two terms are of one word, "weigh" and "weight", and by which they may differ.
_STEM, _ENDING = 5, 2


def bears_out(
    said: Mapping[str, float], asked: Mapping[str, float], stated: Collection[str], around: Collection[str]
) -> bool:
    """Tell whether the words of a source's sentence bear out a sentence of an answer.

    One that adds nothing to the question, such as "No", may deny what the source says.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        stated: The terms of the source's sentence, and of the names of its place.
        around: These terms, and those of the sentences beside it.
    """
    added = said.keys() - asked.keys()
    has_added, has_repeated = _share(added, said, stated), share_repeated(said, asked, around)
    if len(said) >= _CLAUSE and _share(said.keys(), said, stated) >= _ADDED_IN_CLAUSE:
        return True  # the source's sentence, in nearly all of its words
    if len(added) >= _CLAUSE and has_added >= _ADDED_IN_CLAUSE and has_repeated >= _REPEATED_BESIDE_CLAUSE:
        return True
    return has_added >= _ADDED and has_repeated >= _REPEATED


def quotes(sentence: str, source: str, known: Collection[str], has_repeated: float) -> bool:
    """Tell whether a sentence of an answer is a stretch of a source's words, and nothing new.

    Args:
        sentence: The sentence of the answer.
        source: The sentence of the source.
        known: The terms that may stand beside the stretch.
        has_repeated: The share that the source has of what the answer repeats of the question.
    """
    stretch, rest = shared_stretch(sentence, source)
    if len(stretch.split()) < _STRETCH or len(_term_set(stretch)) < _STRETCH_TERMS:
        return False
    if has_repeated < _REPEATED_BESIDE_CLAUSE:
        return False
    return not (_term_set(rest) - _SAYING - set(known)) and turning_words(rest) <= turning_words(source)


def agrees(sentence: str, source: str) -> bool:
    """Tell whether a sentence of an answer and one of a source are worded alike (`wording`)."""
    checks = (
        denies_alike,
        gives_cause_alike,
        settles_alike,
        gives_roles_alike,
        ranks_alike,
        supposes_alike,
        limits_alike,
        counts_alike,
        possesses_alike,
    )
    return not is_garbled(sentence) and all(check(sentence, source) for check in checks)


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


def _term_set(text: str) -> set[str]:
    return {term for term, _ in terms(text)}
