"""Bearing out: whether a sentence of a source says what a sentence of an answer says.

It has nearly all words that the answer adds to the question, and, with the sentences beside it and
the names of its place, nearly all that the answer repeats of the question. So the words of an
answer come from one place. A language model of this size that takes them from several puts them
together wrongly every other time (docs/LOG.md, 2026-11-29), and no sign of meaning that was tried
tells that from the right way.

Knows: terms and their weights. Does not know: order, negation, who does what to whom.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

# The least share, by idf, of the words that the answer adds, and of those that it repeats.
_ADDED, _REPEATED = 0.75, 0.7
# The same where it adds as many words as this: a whole clause of one sentence is about one thing.
_CLAUSE = 5
_ADDED_IN_CLAUSE, _REPEATED_BESIDE_CLAUSE = 0.9, 0.6


def bears_out(
    said: Mapping[str, float], asked: Mapping[str, float], stated: Collection[str], around: Collection[str]
) -> bool:
    """Tell whether a sentence of a source bears out a sentence of an answer.

    One that adds nothing to the question, such as "No", may deny what the source says.

    Args:
        said: The terms of the answer's sentence, with their idf.
        asked: The terms of the question, with their idf.
        stated: The terms of the source's sentence, and of the names of its place.
        around: These terms, and those of the sentences beside it.
    """
    added = said.keys() - asked.keys()
    repeated = (said.keys() & asked.keys()) or asked.keys()  # an answer of one name repeats nothing
    has_added, has_repeated = _share(added, said, stated), _share(repeated, asked, around)
    if len(said) >= _CLAUSE and _share(said.keys(), said, stated) >= _ADDED_IN_CLAUSE:
        return True  # the source's sentence, in nearly all of its words
    if len(added) >= _CLAUSE and has_added >= _ADDED_IN_CLAUSE and has_repeated >= _REPEATED_BESIDE_CLAUSE:
        return True
    return has_added >= _ADDED and has_repeated >= _REPEATED


def _share(terms: Collection[str], weights: Mapping[str, float], present: Collection[str]) -> float:
    """Give the share of terms that are present, by weight; 0 for no terms."""
    whole = sum(weights[term] for term in terms)
    return sum(weights[term] for term in terms if term in present) / whole if whole else 0.0
