"""Mentions of a name: the atoms that have it or a part of it, in the books that tell of it most.

Only books and plain text count, and names that one mentions often.

Knows: postings, documents. Does not know: what is asked of the name.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from crystalcli.datatypes import BOOKS
from crystalcli.index import IndexReader
from crystalcli.lexical import query_terms
from crystalcli.recall.document_score import atom_documents
from crystalcli.recall.query import PreparedQuery
from crystalcli.storage import runs_of_all

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

_DOCUMENTS = 8  # documents with most of the name
_ALL = 0.999  # of the terms of the name, against the document that holds most of them
_MENTIONS = 5.0  # of the whole name, in a document that may be its story
_PART = 0.5  # people are called by a part of their name: the power of the part of the idf that it has


class MentionScores(NamedTuple):
    """Scores of the atoms near which a name stands.

    Attributes:
        atoms: Their numbers, int64 [n], rising.
        scores: Above 0, float32 [n].
    """

    atoms: Int64Array
    scores: FloatArray

    @classmethod
    def above_0(cls, scores: FloatArray) -> MentionScores:
        """Take the scores above 0 out of those of all atoms, float32 [atoms]."""
        atoms = np.flatnonzero(scores)
        return cls(atoms, scores[atoms])

    def of(self, atoms: Int64Array) -> FloatArray:
        """Give the scores of atoms, float32 [m]; 0 for others."""
        places = np.searchsorted(self.atoms, atoms).clip(max=max(0, len(self.atoms) - 1))
        if not len(self.atoms):
            return np.zeros(len(atoms), np.float32)
        return np.where(self.atoms[places] == atoms, self.scores[places], 0).astype(np.float32)

    def best(self, count: int) -> list[int]:
        """Give the atoms of the highest scores."""
        best: list[int] = self.atoms[np.argsort(-self.scores, kind="stable")[:count]].tolist()
        return best


class Story(NamedTuple):
    """A book that tells of a name.

    Attributes:
        atoms: All of its atoms, int64 [n], in order of the text.
        shares: The part of the name that each has, float32 [n].
        mentions: The sum of the shares.
    """

    atoms: Int64Array
    shares: FloatArray
    mentions: float


def stories_of(index: IndexReader, query: PreparedQuery, name: str) -> list[Story]:
    """Find the books that tell of a name in a question, the one with most mentions first.

    Args:
        index: The resident index.
        query: The prepared question.
        name: The name, as it stands in the question.

    Returns:
        The books; none where no book mentions the name often.

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    weights = {term: query.idf.get(term, 0.0) for term in query_terms(name)} if name else {}
    total = sum(weights.values())
    if total <= 0:
        return []
    shares = np.zeros(index.atoms, np.float32)
    holders: list[tuple[float, Int64Array]] = []
    for term, weight in weights.items():
        parts = [posting.atoms for packed in query.postings.get(term, ()) for posting in packed.pieces()]
        holders.append((weight, np.concatenate([np.zeros(0, np.int64), *parts])))
        shares[holders[-1][1]] += weight / total
    if index.dead is not None:
        shares[index.dead] = 0
    shares **= _PART
    return [Story(atoms, shares[atoms], mentions) for atoms, mentions in _books(index, shares, holders)]


def _books(
    index: IndexReader, shares: FloatArray, holders: Sequence[tuple[float, Int64Array]]
) -> list[tuple[Int64Array, float]]:
    """Find the books that mention a name most, of those that hold most of its terms.

    Args:
        index: The resident index.
        shares: The part of the name that each atom holds, float32 [atoms].
        holders: The idf of each of its terms, and the atoms that hold it, int64.

    Returns:
        The atoms of each, int64 in order of the text, and its mentions.
    """
    named = np.flatnonzero(shares)
    if not len(named):
        return []
    documents = atom_documents(index, named)
    counts: dict[int, float] = {}
    for source, share in zip(documents.sources.tolist(), shares[named].tolist(), strict=True):
        if documents.kinds.get(source) in BOOKS:
            counts[source] = counts.get(source, 0.0) + share
    held = dict.fromkeys(counts, 0.0)
    for weight, atoms in holders:
        for source in set(documents.sources[np.isin(named, atoms)].tolist()) & held.keys():
            held[source] += weight
    most = max(held.values(), default=0.0)
    best = [source for source in counts if counts[source] >= _MENTIONS and held[source] >= _ALL * most]
    best = sorted(best, key=lambda source: -counts[source])[:_DOCUMENTS]
    runs = runs_of_all(index.store, sorted(best))
    first_atoms = index.nesting.atoms
    stories = []
    for source in best:
        parts = [
            np.arange(first_atoms[first], first_atoms[first + count]) for owner, first, count in runs if owner == source
        ]
        stories.append((np.concatenate(parts), counts[source]))
    return stories
