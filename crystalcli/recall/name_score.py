"""Signal of a definition's name, in source code of few definitions.

    score of an atom   QUESTION_WEIGHT · the part of the question that is in the name, enclosing
                       classes included
                       NAME_WEIGHT · the part of the name's own words that is in the question

The first is counted in the terms' idf. The second is not, and asks the other way round: of two
functions that hold the same words the called one is meant, and a long name that the question holds
half of belongs to another function. Files of many definitions are scored by all their words instead
(document_score.py); there names did not help (docs/LOG.md).

Knows: contexts of chunks. Does not know: paths, texts.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.index import CONTEXT_MARK, IndexReader
from crystalcli.lexical import query_terms
from crystalcli.recall.document_score import TEST_TERMS
from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray, Int64Array

QUESTION_WEIGHT, NAME_WEIGHT = 0.1, 0.05


class NameScorer:
    """Scores atoms in source code of few definitions by the names of their definitions.

    Args:
        index: The resident index.
    """

    name = "definition"

    def __init__(self, index: IndexReader) -> None:
        self._index = index

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]; 0 outside of source code of few definitions.

        Raises:
            DamagedCrystalError: The crystal is damaged.
        """
        scores = np.zeros(len(candidates.atoms), np.float32)
        is_lone = candidates.documents.is_lone
        if is_lone.any():
            scores[is_lone] = name_scores(self._index, query, candidates.atoms[is_lone])
        return scores


def name_scores(index: IndexReader, query: PreparedQuery, atoms: Int64Array) -> FloatArray:
    """Score atoms of source code by the names of their definitions.

    Args:
        index: The resident index.
        query: The question.
        atoms: Numbers of atoms, int64 [n].

    Returns:
        Scores, float32 [n].

    Raises:
        DamagedCrystalError: The crystal is damaged.
    """
    chunks, rows = np.unique(index.nesting.chunk_of(atoms), return_inverse=True)
    names = [index.context_of(chunk).partition(CONTEXT_MARK)[2] for chunk in chunks.tolist()]
    return np.array([_name_score(name, query) for name in names], np.float32)[rows]


def _name_score(name: str, query: PreparedQuery) -> float:
    """Score a name, `Class.method`; "" outside of all definitions."""
    all_terms = [term for term in query_terms(name) if term not in TEST_TERMS]
    own_terms = [term for term in query_terms(name.rpartition(".")[2]) if term not in TEST_TERMS]
    in_name = sum(query.idf.get(term, 0.0) for term in all_terms) / query.total_idf
    in_question = sum(term in query.idf for term in own_terms) / max(1, len(own_terms))
    return QUESTION_WEIGHT * in_name + NAME_WEIGHT * in_question
