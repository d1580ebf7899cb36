"""Signal of an atom's own words: BM25 over the sum of the question's idf.

The sum is divided out so that long questions do not drown the vectors. In source code, which is
seldom asked for in its own words, BM25 weighs less.

Knows: BM25 of a prepared question. Does not know: postings, vectors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from crystalcli.recall.query import PreparedQuery
from crystalcli.recall.score_table import CandidateAtoms

if TYPE_CHECKING:
    from crystalcli.datatypes import FloatArray

PROSE_WEIGHT, CODE_WEIGHT = 0.8, 0.3


class LexicalScorer:
    """Scores atoms by BM25."""

    name = "bm25"

    def score(self, query: PreparedQuery, candidates: CandidateAtoms) -> FloatArray:
        """Score candidates, float32 [n]."""
        scores = query.bm25[candidates.atoms] / query.total_idf
        if (lines := query.with_lines) is not None:
            with_lines = lines.bm25[candidates.atoms] / lines.total_idf
            scores = np.where(candidates.documents.is_paged, with_lines, scores)
        return np.where(candidates.documents.is_code, CODE_WEIGHT * scores, PROSE_WEIGHT * scores)
